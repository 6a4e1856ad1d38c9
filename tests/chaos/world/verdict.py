"""Compare the books: what the other sides wrote down, against each other and against what the hub shows."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.world.orders import HOT, PORTAL, SHOP, Sale, sku, total
from tests.chaos.world.setups import LEASE_SECONDS, LOCATIONS, World

STANDING = "SELECT ledger, order_number, total FROM documents WHERE kind = 'sales_order' AND cancelled = 0"
MANY = 20


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise and how often it was broken; `examples` say where."""

    name: str
    broken: int
    of: int
    examples: tuple[str, ...] = ()


def compare(world: World, sales: Sequence[Sale], handed_over: Mapping[str, Mapping[str, int]]) -> list[Promise]:
    """Every promise of a finished run."""
    return [
        _lost(world, sales),
        _doubled(world, sales),
        _stale(world, sales),
        _labels_twice(world),
        _orphans(world),
        _cancelled_shipped(world),
        _documents_twice(world),
        _totals(world, sales),
        _refunds(world, sales),
        _oversold(world, handed_over),
        _drift(world),
        _notices(world, handed_over),
    ]


def _promise(name: str, broken: Sequence[Any], of: int) -> Promise:
    return Promise(name, len(broken), of, tuple(str(item) for item in broken[:MANY]))


def _accepted(world: World, sales: Sequence[Sale]) -> set[tuple[str, str]]:
    """What the hub owes: all that the shop shows, and what the portal was told is accepted."""
    told = {(account, name) for account, name, _ in world.read_books("SELECT * FROM acknowledged")}
    return told | {(sale.account, sale.id) for sale in sales if sale.account == SHOP}


def _orders(world: World) -> list[tuple[str, str]]:
    return [(str(account), str(name)) for account, name in world.ask("SELECT account, external_id FROM orders")]


def _lost(world: World, sales: Sequence[Sale]) -> Promise:
    owed = _accepted(world, sales)
    return _promise("accepted_orders_lost", sorted(owed - set(_orders(world))), len(owed))


def _doubled(world: World, sales: Sequence[Sale]) -> Promise:
    held = Counter(_orders(world))
    sent = {(sale.account, sale.id) for sale in sales}
    wrong = [key for key, count in held.items() if count > 1 or key not in sent]
    return _promise("orders_doubled_or_invented", sorted(wrong), len(held))


def _stale(world: World, sales: Sequence[Sale]) -> Promise:
    """The hub shows the newest state that it acknowledged (the portal) or that the other side shows (the shop)."""
    told: dict[tuple[str, str], int] = {}
    for account, name, revision in world.read_books("SELECT * FROM acknowledged"):
        told[account, name] = max(told.get((account, name), 0), revision)
    told |= {(sale.account, sale.id): sale.states[-1]["revision"] for sale in sales if sale.account == SHOP}
    rows = world.ask("SELECT account, external_id, revision FROM orders")
    shown = {(account, name): int(revision or 0) for account, name, revision in rows}
    old = [f"{key}: {shown[key]} < {newest}" for key, newest in told.items() if key in shown and shown[key] < newest]
    return _promise("orders_in_an_old_state", old, len(shown))


def _labels_twice(world: World) -> Promise:
    sql = "SELECT reference, count(*) FROM labels WHERE voided = 0 GROUP BY reference"
    rows = world.read_books(sql)
    return _promise("labels_paid_twice", [row for row in rows if row[1] > 1], len(rows))


def _orphans(world: World) -> Promise:
    """Paid and not given back, while no shipment of the hub has it and none says that it may have been bought."""
    paid = world.read_books("SELECT carrier_ref, reference FROM labels WHERE voided = 0")
    known = {ref for (ref,) in world.ask("SELECT carrier_ref FROM shipments WHERE state <> 'voided'")}
    doubt = {
        ref for (ref,) in world.ask("SELECT reference FROM shipments WHERE state IN ('in_doubt', 'label_requested')")
    }
    return _promise("labels_orphaned", [row for row in paid if row[0] not in known and row[1] not in doubt], len(paid))


def _cancelled_shipped(world: World) -> Promise:
    rows = world.ask(
        "SELECT s.number FROM shipments s JOIN orders o ON o.order_id = s.order_id "
        "WHERE o.lifecycle = 'cancelled' AND s.handed_over_at IS NOT NULL"
    )
    count = world.ask("SELECT count(*) FROM orders WHERE lifecycle = 'cancelled'")[0][0]
    return _promise("cancelled_orders_shipped", rows, count)


def _documents_twice(world: World) -> Promise:
    rows = world.read_books("SELECT ledger, key, count(*) FROM documents GROUP BY ledger, key")
    by_order = Counter((ledger, number) for ledger, number, _ in world.read_books(STANDING))
    twice = [row for row in rows if row[2] > 1] + [row for row in by_order.items() if row[1] > 1]
    return _promise("documents_posted_twice", twice, len(rows))


def _totals(world: World, sales: Sequence[Sale]) -> Promise:
    """Each ledger holds one sales order of each order that stands, over what its sender sold it for."""
    owed = _accepted(world, sales)
    newest = _newest_told(world, sales)
    held = {number for (number,) in world.ask(
        "SELECT o.number FROM orders o JOIN order_holds h ON h.order_id = o.order_id WHERE h.released_at IS NULL"
    )}  # fmt: skip
    shipped = {number for (number,) in world.ask(
        "SELECT o.number FROM orders o JOIN shipments s ON s.order_id = o.order_id WHERE s.handed_over_at IS NOT NULL"
    )}  # fmt: skip
    posted = {(ledger, number): amount for ledger, number, amount in world.read_books(STANDING)}
    wrong, compared = [], 0
    for sale in sales:
        state = newest[sale.id]
        number = state["number"]
        if (sale.account, sale.id) not in owed or number in held or (state["cancelled"] and number in shipped):
            continue
        expected = None if state["cancelled"] else total(state)
        for ledger in ("unique", "find"):
            compared += 1
            if posted.get((ledger, number)) != expected:
                found = posted.get((ledger, number))
                wrong.append(f"{ledger} {number}: {found} instead of {expected}; {_papers(world, number)}")
    return _promise("ledger_totals_that_differ", wrong, compared)


def _papers(world: World, number: str) -> str:
    """What the hub thinks of an order's documents, and what it still has to do about them."""
    rows = world.ask(
        "SELECT d.kind, d.number, d.state, e.state, j.kind, j.state, j.attempts, j.error FROM orders o "
        "JOIN erp_documents d ON d.order_id = o.order_id LEFT JOIN effects e ON e.idem_key = d.key "
        f"LEFT JOIN jobs j ON j.subject_id = CAST(d.document_id AS VARCHAR(36)) WHERE o.number = '{number}' ORDER BY j.job_id"
    )
    revision = world.ask(f"SELECT lifecycle, revision FROM orders WHERE number = '{number}'")
    return f"{revision} {rows}"


def _newest_told(world: World, sales: Sequence[Sale]) -> dict[str, dict[str, Any]]:
    """What each order should be worth: as the shop shows it, or as the portal told it last. A state that was told and not
    acknowledged counts where the hub has it: the answer was lost, not the order.
    """
    told: dict[str, int] = {}
    shown = [(name, int(revision or 0)) for name, revision in world.ask("SELECT external_id, revision FROM orders")]
    acknowledged = world.read_books("SELECT id, revision FROM acknowledged WHERE account = 'portal'")
    for name, revision in [*acknowledged, *shown]:
        told[name] = max(told.get(name, 0), revision)
    return {
        sale.id: sale.states[-1] if sale.account == SHOP else sale.states[max(told.get(sale.id, 1), 1) - 1]
        for sale in sales
    }


def _refunds(world: World, sales: Sequence[Sale]) -> Promise:
    """One credit note a refund and ledger, over its amount."""
    wanted = {sale.states[-1]["number"] for sale in sales if sale.states[-1]["refund"]}
    sql = (
        "SELECT ledger, order_number, count(*) FROM documents WHERE kind = 'credit_note' GROUP BY ledger, order_number"
    )
    notes = {(ledger, number): count for ledger, number, count in world.read_books(sql)}
    wrong = [f"{key}: {count}" for key, count in notes.items() if count > 1 or key[1] not in wanted]
    wrong += [
        f"{ledger} {number}: none"
        for ledger in ("unique", "find")
        for number in wanted
        if (ledger, number) not in notes
    ]
    return _promise("refunds_wrong_or_twice", wrong, 2 * len(wanted))


def _oversold(world: World, handed_over: Mapping[str, Mapping[str, int]]) -> Promise:
    """Units that left by the warehouses' notes, and units promised, against those that were ever there."""
    left: Counter[str] = Counter()
    for units in handed_over.values():
        left.update(units)
    there = world.hot_units * len(LOCATIONS)
    wrong = [
        f"{sku(number)}: {left[sku(number)]} left of {there}" for number in range(HOT) if left[sku(number)] > there
    ]
    rows = world.ask(
        "SELECT location, sku, on_hand, reserved FROM stock_levels WHERE reserved > on_hand OR on_hand < 0"
    )
    return _promise("stock_oversold", [*wrong, *rows], sum(left.values()))


def _drift(world: World) -> Promise:
    """Levels are what the movements and the held reservations add up to."""
    rows = world.ask(
        "SELECT l.location, l.sku FROM stock_levels l WHERE l.on_hand <> (SELECT coalesce(sum(m.on_hand_delta), 0) FROM "
        "stock_movements m WHERE m.location = l.location AND m.sku = l.sku) OR l.reserved <> (SELECT "
        "coalesce(sum(r.quantity), 0) FROM reservations r WHERE r.location = l.location AND r.sku = l.sku AND "
        "r.state = 'held')"
    )
    return _promise("stock_drift", rows, world.ask("SELECT count(*) FROM stock_levels")[0][0])


def _notices(world: World, handed_over: Mapping[str, Mapping[str, int]]) -> Promise:
    """The shop heard of every shipment that left, and of none twice: by units in its own books."""
    told: Counter[str] = Counter()
    for order, lines in world.read_books("SELECT order_id, lines FROM notices"):
        told[order] += sum(int(float(quantity)) for quantity in json.loads(lines).values())
    rows = world.ask(
        "SELECT o.external_id, s.shipment_id FROM shipments s JOIN orders o ON o.order_id = s.order_id "
        f"WHERE o.account = '{SHOP}'"
    )
    left: Counter[str] = Counter()
    for name, shipment in rows:
        left[name] += sum(handed_over.get(str(shipment), {}).values())
    wrong = [
        f"{name}: told {told[name]}, left {left[name]}"
        for name in told.keys() | left.keys()
        if told[name] != left[name]
    ]
    return _promise("shipments_told_wrongly", wrong, len(told))


def recovery_limit() -> float:
    """Seconds after which a dead worker's work must be taken up, in 95 of 100 cases."""
    return LEASE_SECONDS + 2.0


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


__all__ = ["PORTAL", "Promise", "compare", "percentile", "recovery_limit"]
