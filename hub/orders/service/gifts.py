"""Lines that rules give: added at each review within their caps, taken back when their rule does not hold any more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.canonical.order import Order, OrderLine
from hub.catalog.rules.products import MatchedProduct
from hub.catalog.service.match import own_products
from hub.kit.db import lock_names
from hub.kit.ids import new_id
from hub.orders import repository_gifts as repository
from hub.orders.rules.counters import Deltas, cancel_line
from hub.orders.rules.gifts import Customer, GiftKey, Given, Offer, line_name
from hub.orders.service.changes import OrderChanges, line_state, lines_of

RULES = "rules"


@dataclass(frozen=True, slots=True)
class Entitled:
    """What rules say about gifts for a locked (or new) order: `offers` of rules that hold, `lost` are rules that do
    not; of others nothing is known, and what they gave stays.
    """

    order_id: str
    customer: Customer | None
    offers: tuple[Offer, ...]
    lost: Collection[str]


@dataclass(frozen=True, slots=True)
class _Claim:
    """An offer that an order has not got; `line` is where it had it before."""

    entitled: Entitled
    offer: Offer
    line: Row[Any] | None


def settle_gifts(session: Session, changes: OrderChanges, *, entitled: Sequence[Entitled], at: datetime) -> None:
    """Take back what rules do not give any more, as far as nobody works on it, and add what they give.

    Nothing is added to an order of which nothing is left to be sent. What is not in the catalogue is not given.
    """
    concerned = [item for item in entitled if item.offers or item.lost]
    if not concerned:
        return
    lines = lines_of(session, [item.order_id for item in concerned])
    claims: list[_Claim] = []
    for item in concerned:
        rows = lines[item.order_id]
        lost = [row for row in rows if row.gift_rule in item.lost and row.gift_at is not None]
        _take_back(changes, item.order_id, lost, kind="order.gift_taken_back", actor=RULES)
        if any(_waits(row) and row.gift_rule is None for row in rows):
            claims.extend(_claims(item, rows))
    if claims:
        _give(session, changes, claims, lines, at)
    changes.flush(session, at=at)


def let_go(
    session: Session, changes: OrderChanges, *, line_ids: Mapping[str, Collection[str]], reason: str
) -> None:  # fmt: skip
    """Give up gift lines of locked orders for good (ids by order): what nobody works on is not given again."""
    for order_id, rows in repository.gift_lines(session, list(line_ids)).items():
        gone = [row for row in rows if row.order_line_id in line_ids[order_id]]
        _take_back(changes, order_id, gone, kind="order.gift_let_go", actor="routing", reason=reason)
    repository.note_given(session, [line_id for ids in line_ids.values() for line_id in ids], at=None)


def with_gifts(order: Order, rows: Sequence[Row[Any]]) -> Order:
    """The order with its gift lines at the price of nothing: what ledgers are told."""
    free = Money(minor=0, currency=order.currency) if order.currency else None
    given = [
        OrderLine(
            external_id=row.external_id, sku=row.sku, name=row.name, quantity=row.ordered - row.cancelled,
            unit_price=Decimal(0), total=free,
        )
        for row in rows
        if row.ordered > row.cancelled
    ]  # fmt: skip
    return order.model_copy(update={"lines": (*order.lines, *given)}) if given else order


def _take_back(
    changes: OrderChanges, order_id: str, rows: Sequence[Row[Any]], *, kind: str, actor: str, reason: str = ""
) -> None:
    """Cancel what nobody works on of gift lines of a locked order."""
    deltas = {row.order_line_id: cancel_line(line_state(row)) for row in rows}
    back = {row.order_line_id: row for row in rows if deltas[row.order_line_id]}
    if back:
        data = {"gifts": [_told(row, deltas[key]["cancelled"]) for key, row in back.items()]}
        told = {**data, "reason": reason} if reason else data
        changes.record(order_id, kind, actor=actor, data=told, lines=deltas)


def _waits(row: Row[Any]) -> bool:
    return bool(row.ships and row.unallocated + row.backordered)


def _claims(item: Entitled, rows: Sequence[Row[Any]]) -> Iterator[_Claim]:
    """Offers whose line is not there, or was taken back and not let go for good."""
    known = {row.external_id: row for row in rows}
    for offer in item.offers:
        row = known.get(line_name(offer.key))
        if row is None or (row.gift_at is not None and row.ordered == row.cancelled):
            yield _Claim(item, offer, row)


def _give(
    session: Session, changes: OrderChanges, claims: Sequence[_Claim], lines: Mapping[str, Sequence[Row[Any]]],
    at: datetime,
) -> None:  # fmt: skip
    products = own_products(session, skus={claim.offer.gift.sku for claim in claims})
    known = [claim for claim in claims if claim.offer.gift.sku in products]
    given = _given(session, known)
    in_order = {order_id: _had(rows) for order_id, rows in lines.items()}
    again: list[str] = []
    rows: list[dict[str, Any]] = []
    for claim in known:
        order_id, gift = claim.entitled.order_id, claim.offer.gift
        had = in_order[order_id]
        units = given.give(claim.offer, claim.entitled.customer, in_order=had.get(gift.sku, 0))
        if not units:
            continue
        had[gift.sku] = had.get(gift.sku, 0) + units
        if claim.line is None:
            position = len(lines[order_id]) + claim.entitled.offers.index(claim.offer)
            rows.append(_row(claim, products[gift.sku], position, at))
        else:
            again.append(claim.line.order_line_id)
        line_id = claim.line.order_line_id if claim.line else rows[-1]["order_line_id"]
        deltas: Deltas = {"ordered": Decimal(units), "unallocated": Decimal(units)}
        data = {"gifts": [{"rule": claim.offer.rule, "sku": gift.sku, "quantity": units}]}
        changes.record(order_id, "order.gift_added", actor=RULES, data=data, lines={line_id: deltas})
    repository.insert_gifts(session, rows)
    repository.note_given(session, again, at=at)


def _given(session: Session, claims: Sequence[_Claim]) -> Given:
    """What was given until now, which nobody else changes until this transaction ends."""
    counted = {claim.offer.key: claim.offer for claim in claims if claim.offer.counts_others}
    lock_names(session, [line_name(key) for key in counted])
    total = {key: offer.since for key, offer in counted.items() if offer.gift.max_total is not None}
    each = {key: offer.since for key, offer in counted.items() if offer.gift.max_per_customer is not None}
    customers = {claim.entitled.customer for claim in claims if claim.offer.key in each} - {None}
    return Given(
        repository.units_given(session, total),
        repository.units_given_to(session, each, [customer for customer in customers if customer is not None]),
    )


def _had(rows: Sequence[Row[Any]]) -> dict[str, int]:
    """Units of each product that an order was given."""
    had: dict[str, int] = {}
    for row in rows:
        if row.gift_rule is not None:
            had[row.product_sku] = had.get(row.product_sku, 0) + int(row.ordered - row.cancelled)
    return had


def _row(claim: _Claim, product: MatchedProduct, position: int, at: datetime) -> dict[str, Any]:
    key: GiftKey = claim.offer.key
    return {
        "order_line_id": new_id(), "order_id": claim.entitled.order_id, "position": position,
        "external_id": line_name(key), "sku": product.sku, "product_sku": product.sku, "name": product.name,
        "kind": "standard", "ships": True, "grams": product.grams, "unit_price": Decimal(0), "total_minor": 0,
        "tax_minor": None, "gift_rule": key.rule, "gift_at": at, "ordered": Decimal(0), "ordered_source": Decimal(0),
    }  # fmt: skip


def _told(row: Row[Any], units: Decimal) -> dict[str, Any]:
    return {"rule": row.gift_rule, "sku": row.product_sku, "quantity": int(units)}
