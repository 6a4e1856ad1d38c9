"""Changes of known orders: a newer state from the source, a cancellation, an address, by anyone."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import Order, OrderLine
from hub.catalog.rules.products import MatchedProduct
from hub.catalog.service.match import match_skus
from hub.kit.bulk import update_rows
from hub.orders import repository
from hub.orders.rules import identity
from hub.orders.rules.counters import (
    WAITING,
    ZERO,
    Deltas,
    Reduction,
    add_up,
    cancel_line,
    change_shipping,
    opening,
    restate_cancelled,
    revise_line,
    ships,
    take,
)
from hub.orders.service.accept import document_digest, line_row, order_document
from hub.orders.service.changes import OrderChanges, line_state, lines_of

RESTATED = ("sku", "product_sku", "name", "kind", "ships", "grams", "unit_price", "total_minor", "tax_minor")
"""Columns of a line that say what it is about; its counters are moved by deltas alone."""


@dataclass(frozen=True, slots=True)
class Revised:
    """What could not be taken back because work on it has begun, and whether there is more to send than before."""

    reductions: tuple[Reduction, ...]
    grown: bool


def revise_order(
    session: Session, changes: OrderChanges, *, stored: Row[Any], order: Order, cancelled: bool, actor: str, cause: str
) -> Revised:
    """Bring a locked order to the state that its source states now.

    Quantities are moved as far as nobody works on them; what is bound already comes back as reductions for a person.
    What rules have given is left alone: their source knows nothing of it. Of a `cancelled` order, what its source adds
    is cancelled too.
    """
    document = order_document(order)
    deltas, reductions = _revise_lines(session, stored, order, cancelled=cancelled)
    grand = order.totals.grand
    changes.set(
        stored.order_id,
        {
            "document": document,
            "document_digest": document_digest(document),
            "revision": order.revision,
            "number": (order.number or order.external_id)[:120],
            "currency": order.currency,
            "grand_minor": None if grand is None else grand.minor,
            "email": identity.email_key(order),
            "phone": identity.phone_key(order),
            "lookalike_key": identity.lookalike_key(order),
            "ship_by": order.delivery.ship_by,
            "deliver_by": order.delivery.deliver_by,
        },
    )
    changes.record(
        stored.order_id, "order.changed", actor=actor, cause=cause,
        data={"fields": changed_fields(stored.document, document)}, lines=deltas,
    )  # fmt: skip
    grown = any(change.get("unallocated", 0) > 0 for change in deltas.values())
    return Revised(tuple(reductions), grown)


def cancel_order(
    session: Session, changes: OrderChanges, *, stored: Row[Any], actor: str, cause: str, reason: str | None
) -> bool:
    """Cancel everything that nobody works on; True when nothing is left and the order is cancelled whole."""
    deltas: dict[str, Deltas] = {}
    left = False
    for row in lines_of(session, [stored.order_id])[stored.order_id]:
        line = line_state(row)
        deltas[line.order_line_id] = cancel_line(line)
        left = left or line["allocated"] > 0
    changes.record(
        stored.order_id, "order.cancelled" if not left else "order.partly_cancelled", actor=actor, cause=cause,
        data={"reason": reason}, lines=deltas,
    )  # fmt: skip
    if not left:
        changes.set(stored.order_id, {"lifecycle": "cancelled"})
    return not left


def cancel_waiting(
    session: Session, changes: OrderChanges, *, stored: Row[Any], wanted: Mapping[str, Decimal], actor: str, cause: str,
    reason: str,
) -> bool:  # fmt: skip
    """Cancel up to so much of lines (by id) that nobody works on; whether there was any. The order goes on."""
    deltas: dict[str, Deltas] = {}
    for row in lines_of(session, [stored.order_id])[stored.order_id]:
        taken = take(line_state(row), wanted.get(row.order_line_id, ZERO), WAITING)
        if taken:
            deltas[row.order_line_id] = {**taken, "cancelled": -sum(taken.values(), ZERO)}
    if deltas:
        changes.record(
            stored.order_id, "order.partly_cancelled", actor=actor, cause=cause, data={"reason": reason}, lines=deltas
        )
    return bool(deltas)


def cancel_surplus(session: Session, changes: OrderChanges, *, stored: Row[Any], actor: str, cause: str) -> None:
    """Cancel what the source stopped wanting while it was bound to work that has ended since."""
    deltas: dict[str, Deltas] = {}
    for row in lines_of(session, [stored.order_id])[stored.order_id]:
        line = line_state(row)
        if row.gift_rule is None and line["ordered_source"] < line["ordered"] - line["cancelled"]:
            change, _ = revise_line(line, line["ordered_source"])
            deltas.update({line.order_line_id: change} if change else {})
    if deltas:
        changes.record(
            stored.order_id, "order.partly_cancelled", actor=actor, cause=cause,
            data={"reason": "changed by its channel"}, lines=deltas,
        )  # fmt: skip


def rematch_lines(session: Session, *, stored: Row[Any]) -> None:
    """Products that were added after the order came are written on its lines: their weight is what is shipped."""
    rows = [row for row in lines_of(session, [stored.order_id])[stored.order_id] if row.product_sku is None]
    products = match_skus(session, account=stored.account, skus={row.sku for row in rows if row.sku})
    found = [(row, products[row.sku]) for row in rows if row.sku in products]
    values = [
        {"order_line_id": row.order_line_id, "product_sku": product.sku, "grams": product.grams or row.grams}
        for row, product in found
    ]
    update_rows(session, repository.LINES, values, key=("order_line_id",))


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of the document's fields that differ: the timeline tells what changed, not whose address."""
    return sorted(name for name in {*before, *after} - {"raw"} if before.get(name) != after.get(name))


def _revise_lines(
    session: Session, stored: Row[Any], order: Order, *, cancelled: bool
) -> tuple[dict[str, Deltas], list[Reduction]]:
    known = lines_of(session, [stored.order_id])[stored.order_id]
    rows = {row.external_id: row for row in known if row.gift_rule is None}
    wanted = {line.external_id: line for line in order.lines}
    products = match_skus(session, account=stored.account, skus={line.sku for line in order.lines if line.sku})
    deltas: dict[str, Deltas] = {}
    reductions: list[Reduction] = []
    for external_id, row in rows.items():
        line = wanted.get(external_id)
        quantity = line.quantity if line else row.ordered * 0
        state, shifted = change_shipping(line_state(row), ships(line) if line else row.ships)
        change, reduction = (restate_cancelled(state, quantity), None) if cancelled else revise_line(state, quantity)
        deltas[row.order_line_id] = add_up(shifted, change)
        reductions.extend([reduction] if reduction else [])
        if line is not None and line.sku != row.sku and row.allocated > row.shipped:
            reductions.append(Reduction(row.order_line_id, quantity, row.allocated))  # other goods are being worked on
    _restate_lines(session, stored, rows, wanted, products)
    added = [line for line in order.lines if line.external_id not in rows]
    if added:
        now = {"lines": tuple(added), "cancelled": cancelled or order.cancelled}
        # what the channel has shipped of an open order is counted where all its shipments are, once
        counters = opening(order.model_copy(update=now if now["cancelled"] else {**now, "shipments": ()}))
        new_rows = [
            line_row(stored.order_id, len(known) + index, line, products.get(line.sku or ""), {})
            for index, line in enumerate(added)
        ]
        repository.insert_lines(session, new_rows)
        deltas.update({row["order_line_id"]: counters[row["external_id"]] for row in new_rows})
    return deltas, reductions


def _restate_lines(
    session: Session, stored: Row[Any], rows: Mapping[str, Row[Any]], wanted: Mapping[str, OrderLine],
    products: Mapping[str, MatchedProduct],
) -> None:  # fmt: skip
    """Write what known lines are about now: another SKU, price or weight."""
    changed = []
    for external_id, row in rows.items():
        line = wanted.get(external_id)
        if line is None:
            continue
        fresh = line_row(stored.order_id, row.position, line, products.get(line.sku or ""), {})
        if any(fresh[name] != getattr(row, name) for name in RESTATED):
            changed.append({"order_line_id": row.order_line_id, **{name: fresh[name] for name in RESTATED}})
    update_rows(session, repository.LINES, changed, key=("order_line_id",))
