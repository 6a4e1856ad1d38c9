"""Turn canonical orders into rows: each `(account, external id)` once, however often and however concurrently it
comes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import orjson
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import Order, OrderLine
from hub.catalog.rules.products import MatchedProduct
from hub.catalog.service.match import match_skus
from hub.connections.service.adapters import ConnectionInfo
from hub.kit.db import lock_names
from hub.kit.ids import digest, new_id
from hub.orders import repository
from hub.orders.rules import identity
from hub.orders.rules.counters import opening, ships
from hub.orders.rules.lifecycle import ORDINARY
from hub.orders.rules.payment import opening as opening_payment
from hub.orders.service.changes import OrderChanges
from hub.orders.tables import COUNTERS, OrderRow

LOOKALIKE_DAYS = 3
Verdict = Literal["new", "duplicate", "superseded", "changed"]
_COLUMNS = tuple(
    name
    for name in COUNTERS
    if name in ("ordered", "ordered_source", "cancelled", "external_shipped", "not_stocked", "unallocated")
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An order as a message brought it. `message_id` is the cause of whatever follows."""

    order: Order
    connection: ConnectionInfo
    message_id: str


@dataclass(slots=True)
class Accepted:
    """What became of an arrival. `stored` is the row as it was before, for orders that were known."""

    arrival: Arrival
    verdict: Verdict
    order_id: str
    stored: Row[Any] | None = None
    side_effects: bool = False
    unknown_skus: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    payment: str = "unknown"
    line_ids: Mapping[str, str] = field(default_factory=dict)


def accept_orders(
    session: Session, changes: OrderChanges, *, arrivals: Sequence[Arrival], at: datetime
) -> list[Accepted]:
    """Open the new ones with their lines and first events; say of the known ones what they are. `changes` inserts.

    Arrivals of one batch must be about different orders (the job lane sees to that for one object; `flows` for the
    rest).
    """
    keys = [_key(arrival) for arrival in arrivals]
    lock_names(session, [creation_name(account, external_id) for account, external_id in keys])
    known = repository.lock_by_external_id(session, keys)
    fresh = [arrival for arrival in arrivals if _key(arrival) not in known]
    accepted = {_key(entry.arrival): entry for entry in _open_all(session, changes, fresh, at)}
    for arrival in arrivals:
        if _key(arrival) not in accepted:
            row = known[_key(arrival)]
            changes.add_locked(row.order_id, event_count=row.event_count, version=row.version)
            accepted[_key(arrival)] = Accepted(
                arrival, compare(arrival.order, row), row.order_id, stored=row, side_effects=row.side_effects
            )
    return [accepted[_key(arrival)] for arrival in arrivals]


def note_revision(changes: OrderChanges, entry: Accepted) -> None:
    """The same content under a newer revision: an older one that comes later is old news all the same."""
    stored, revision = entry.stored, entry.arrival.order.revision
    if stored is None or revision in (None, stored.revision) or not identity.newer(revision, stored.revision):
        return
    changes.set(stored.order_id, {"revision": revision})


def order_document(order: Order) -> dict[str, Any]:
    """The JSON form in which an order is stored: what its channel did not say is left out."""
    return order.model_dump(mode="json", exclude_defaults=True)


def stored_order(row: Row[Any] | OrderRow) -> Order:
    """The canonical order of a stored row."""
    return Order.model_validate_json(orjson.dumps(row.document))


def document_digest(document: Mapping[str, Any]) -> str:
    """Same content, same digest; the source's clock alone does not make an order different."""
    content = {name: value for name, value in document.items() if name not in ("revision", "updated_at", "raw")}
    return digest(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


def _key(arrival: Arrival) -> tuple[str, str]:
    return arrival.connection.account, arrival.order.external_id


def compare(order: Order, row: Row[Any]) -> Verdict:
    """What a state of a known order is to the stored one."""
    if document_digest(order_document(order)) == row.document_digest:
        return "duplicate"
    return "changed" if identity.newer(order.revision, row.revision) else "superseded"


def creation_name(account: str, external_id: str) -> str:
    """The name that whoever makes an order, or lets a fact wait for one, locks first."""
    return f"order:{account}:{external_id}"


def _open_all(session: Session, changes: OrderChanges, arrivals: Sequence[Arrival], at: datetime) -> list[Accepted]:
    if not arrivals:
        return []
    products = _match(session, arrivals)
    heads = [_head(arrival, at) for arrival in arrivals]
    entries = [_open(changes, arrival, head, products) for arrival, head in zip(arrivals, heads, strict=True)]
    _find_lookalikes(session, entries, heads, at)
    return entries


def _match(session: Session, arrivals: Sequence[Arrival]) -> dict[str, dict[str, MatchedProduct]]:
    wanted: dict[str, set[str]] = {}
    for arrival in arrivals:
        skus = wanted.setdefault(arrival.connection.account, set())
        skus.update(line.sku for line in arrival.order.lines if line.sku)
    return {account: match_skus(session, account=account, skus=skus) for account, skus in wanted.items()}


def _head(arrival: Arrival, at: datetime) -> dict[str, Any]:
    order, connection = arrival.order, arrival.connection
    document = order_document(order)
    placed_at = order.placed_at or at
    grand = order.totals.grand
    return {
        "order_id": new_id(), "connection_id": connection.connection_id, "account": connection.account,
        "external_id": order.external_id, "number": (order.number or order.external_id)[:120], "kind": order.kind,
        "lifecycle": "cancelled" if order.cancelled else "open", "review": "pending",
        "priority": ORDINARY, "assignee": None,
        "payment": opening_payment(order), "side_effects": connection.causes_side_effects(placed_at) and not order.test,
        "test": bool(order.test), "currency": order.currency, "grand_minor": None if grand is None else grand.minor,
        "revision": order.revision, "document_digest": document_digest(document), "document": document,
        "tags": list(order.tags), "email": identity.email_key(order), "phone": identity.phone_key(order),
        "lookalike_key": identity.lookalike_key(order), "ship_by": order.delivery.ship_by,
        "deliver_by": order.delivery.deliver_by, "placed_at": placed_at, "accepted_at": at, "updated_at": at,
    }  # fmt: skip


def _open(
    changes: OrderChanges, arrival: Arrival, head: Mapping[str, Any], products: Mapping[str, dict[str, MatchedProduct]]
) -> Accepted:
    order, order_id = arrival.order, head["order_id"]
    matched = products.get(arrival.connection.account, {})
    counters = opening(order)
    rows = [
        line_row(order_id, position, line, matched.get(line.sku or ""), counters[line.external_id])
        for position, line in enumerate(order.lines)
    ]
    changes.add_new(head, rows)
    changes.record(
        order_id, "order.accepted", actor=f"connection:{arrival.connection.name}", cause=arrival.message_id,
        data={"number": head["number"], "lines": len(rows), "side_effects": head["side_effects"], **_shipments(order)},
        lines={row["order_line_id"]: counters[row["external_id"]] for row in rows}, stored=True,
    )  # fmt: skip
    unknown = {
        line.sku or line.name or line.external_id
        for line in order.lines
        if ships(line) and (line.sku or "") not in matched
    }
    return Accepted(
        arrival, "new", order_id, side_effects=head["side_effects"], unknown_skus=tuple(sorted(unknown)),
        payment=head["payment"], line_ids={row["external_id"]: row["order_line_id"] for row in rows},
    )  # fmt: skip


def _shipments(order: Order) -> dict[str, list[str]]:
    """Shipments of the channel that the first counters know of already."""
    known = [shipment.external_id for shipment in order.shipments if shipment.state == "success"]
    return {"shipments": known} if known else {}


def line_row(
    order_id: str, position: int, line: OrderLine, product: MatchedProduct | None, counters: Mapping[str, Decimal]
) -> dict[str, Any]:
    """The row of a new line with its first counters."""
    taxes = [tax.amount.minor for tax in line.taxes if tax.amount is not None]
    return {
        "order_line_id": new_id(), "order_id": order_id, "position": position, "external_id": line.external_id,
        "sku": line.sku, "product_sku": None if product is None else product.sku, "name": line.name,
        "kind": line.kind, "ships": ships(line), "grams": _grams(line, product), "unit_price": line.unit_price,
        "total_minor": None if line.total is None else line.total.minor,
        "tax_minor": sum(taxes) if taxes else None,
        **{name: counters.get(name, Decimal(0)) for name in _COLUMNS},
    }  # fmt: skip


def _grams(line: OrderLine, product: MatchedProduct | None) -> int:
    if product is not None and product.grams:
        return product.grams
    return line.grams or 0


def earlier_lookalikes(session: Session, row: Row[Any]) -> tuple[str, ...]:
    """Numbers of open orders that look like this one and came before it."""
    if row.lookalike_key is None:
        return ()
    since = row.accepted_at - timedelta(days=LOOKALIKE_DAYS)
    found = repository.lookalikes(session, [row.lookalike_key], since=since)
    return tuple(number for _, order_id, number in found if order_id < row.order_id)


def _find_lookalikes(
    session: Session, entries: Sequence[Accepted], heads: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    """Those stored and those before it in the batch: of two that look alike the later one is told."""
    since = at - timedelta(days=LOOKALIKE_DAYS)
    found: dict[str, list[str]] = {}
    wanted = {head["lookalike_key"] for head in heads if head["lookalike_key"]}
    for key, _, number in repository.lookalikes(session, wanted, since=since) if wanted else ():
        found.setdefault(key, []).append(number)
    for entry, head in zip(entries, heads, strict=True):
        others = found.setdefault(head["lookalike_key"] or "", [])
        entry.lookalikes = tuple(others) if head["lookalike_key"] else ()
        if head["lifecycle"] == "open" and head["placed_at"] >= since:
            others.append(head["number"])
