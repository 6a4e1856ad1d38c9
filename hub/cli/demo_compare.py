"""The comparison: the senders' and the warehouses' own books against the hub, labels, ledger and shelves.

No check compares the hub with itself. Each one says its numbers, and names what is wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.canonical.money import format_minor
from hub.cli.demo_evidence import LABELS, LEDGER, Evidence, HubOrder
from hub.cli.demo_labels import find_labels
from hub.cli.demo_ledger import VOID, read_ledger, standing
from hub.cli.demo_shop import Told
from hub.cli.demo_warehouse import HOT, HandedOver

SHOWN_PROBLEMS = 10
CURRENCY = "USD"
WAITING_PHASES = frozenset({"blocked", "short", "partially_handed_over", "partially_in_transit", "partially_delivered"})


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what was compared, the numbers, and every difference."""

    name: str
    detail: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.problems


def compare(evidence: Evidence, data_dir: Path) -> list[Check]:
    """All checks of the day's books."""
    return [
        check_acknowledged(evidence),
        check_orders(evidence),
        check_fate(evidence),
        *check_stock(evidence),
        check_labels(evidence, data_dir / LABELS),
        *check_ledger(evidence, data_dir / LEDGER),
        check_told("the dealer portal", "portal", evidence, evidence.portal_told),
        check_told("the shop", "shop", evidence, evidence.shop_told),
    ]


def check_acknowledged(evidence: Evidence) -> Check:
    """Whatever was acknowledged is kept, byte for byte."""
    problems = [
        f"{entry['connection']} {entry['id']}: answered {entry['status']}, never acknowledged"
        for entry in evidence.acknowledged
        if not entry["message_ids"]
    ]
    problems += [
        f"{entry['connection']} {entry['id']}: acknowledged, but the hub keeps other bytes or none"
        for entry in evidence.acknowledged
        for message_id in entry["message_ids"]
        if evidence.kept.get(message_id) != entry["digest"]
    ]
    repeated = sum(entry["tries"] - 1 for entry in evidence.acknowledged)
    detail = f"{len(evidence.acknowledged)} deliveries, {repeated} sent again after no answer, all kept byte for byte"
    return Check("what was acknowledged is kept", detail, tuple(problems))


def check_orders(evidence: Evidence) -> Check:
    """Each order of the senders is in the hub once, with the total that its sender stated last, and no other."""
    found: dict[str, list[HubOrder]] = defaultdict(list)
    for order in evidence.orders:
        found[order.key].append(order)
    wanted = {order.key: order for order in evidence.sent if not order.faulty}
    problems = [f"{key}: lost" for key in wanted if key not in found]
    problems += [f"{key}: {len(orders)} times" for key, orders in found.items() if len(orders) > 1]
    problems += [f"{key}: no sender knows it" for key in found if key not in wanted]
    for key, mine in wanted.items():
        totals = {each.total_minor for each in found.get(key, ())}
        if totals and totals != {mine.total_minor}:
            problems.append(f"{key}: total {totals}, its sender says {mine.total_minor}")
    sent = sum(order.total_minor for order in wanted.values())
    held = sum(order.total_minor or 0 for order in evidence.orders)
    detail = f"{len(wanted)} sent = {len(evidence.orders)} in the hub, {_money(sent)} = {_money(held)}"
    return Check("each order exactly once, with its total", detail, tuple(problems))


def check_fate(evidence: Evidence) -> Check:
    """What its sender cancelled is cancelled; all else is shipped whole, held for a reason, or waits for stock."""
    shipped = _units_by_order(evidence.handed_over)
    wanted = {order.key: order for order in evidence.sent}
    problems = []
    fates: Counter[str] = Counter()
    for order in evidence.orders:
        sent = wanted.get(order.key)
        if sent is None:
            continue
        units = sum(shipped.get(order.order_id, {}).values())
        whole = units == sum(line.quantity for line in sent.lines)
        cancelled = sent.cancelled or order.key in evidence.desk_cancelled
        if cancelled != (order.lifecycle == "cancelled"):
            problems.append(
                f"{order.key}: {order.lifecycle}, but {'cancelled' if cancelled else 'wanted'} by its sender"
            )
        elif cancelled and units:
            problems.append(f"{order.key}: cancelled, and {units} units were shipped")
        elif not cancelled and not whole and not order.holds and order.phase not in WAITING_PHASES:
            problems.append(f"{order.key}: {order.phase}, neither shipped, held nor waiting")
        fates["cancelled" if cancelled else "shipped" if whole else "held" if order.holds else "waiting for stock"] += 1
    detail = ", ".join(f"{count} {fate}" for fate, count in fates.most_common())
    return Check("every order has its fate", detail, tuple(problems))


def check_stock(evidence: Evidence) -> Iterator[Check]:
    """What was there and came in, less what left, is what the hub says is there; nothing is promised twice."""
    expected: Counter[tuple[str, str]] = Counter()
    for location, sku, units in (*evidence.stock_before, *evidence.received):
        expected[location, sku] += units
    first = expected.total()
    hot = sum(units for (_, sku), units in expected.items() if sku == HOT)
    for shipment in evidence.handed_over:
        for sku, units in shipment.units.items():
            expected[shipment.location, sku] -= units
    found = {(level.location, level.sku): level.on_hand for level in evidence.levels}
    problems = [
        f"{location} {sku}: {found.get((location, sku))} on hand, {units} expected"
        for (location, sku), units in expected.items()
        if found.get((location, sku)) != units
    ]
    left = sum(found.values())
    yield Check(
        "stock is what came in less what left", f"{first} - {first - expected.total()} = {left}", tuple(problems)
    )
    gone = sum(shipment.units.get(HOT, 0) for shipment in evidence.handed_over)
    oversold = [
        f"{level.location} {level.sku}: {level.reserved} promised of {level.on_hand}"
        for level in evidence.levels
        if level.reserved > level.on_hand or level.on_hand < 0
    ]
    if gone > hot:
        oversold.append(f"{HOT}: {gone} shipped of {hot}")
    detail = f"{HOT}: {hot} there, {gone} shipped, {_wanted(evidence, HOT)} ordered; no level promised beyond its stock"
    yield Check("nothing is oversold", detail, tuple(oversold))


def check_labels(evidence: Evidence, folder: Path) -> Check:
    """One PDF label for each parcel that left, with its tracking number on it; none that nobody asked for."""
    labels = find_labels(folder)
    by_shipment = {shipment.shipment_id: shipment for shipment in evidence.handed_over}
    known = {key[-12:]: key for key in (*by_shipment, *evidence.voided)}
    problems = [f"{label.name}: {label.fault}" for label in labels if label.fault]
    found: Counter[str] = Counter()
    for label in labels:
        identity = known.get(label.shipment_end)
        if identity is None:
            problems.append(f"{label.name}: no parcel of this label left")
            continue
        found[identity] += 1
        shipment = by_shipment.get(identity)
        if shipment is not None and not any(number in label.text for number in shipment.tracking_numbers):
            problems.append(f"{label.name}: none of {', '.join(shipment.tracking_numbers)} is printed on it")
    for identity, shipment in by_shipment.items():
        if found[identity] != len(shipment.tracking_numbers):
            problems.append(f"{shipment.number}: {found[identity]} labels, {len(shipment.tracking_numbers)} parcels")
    numbers = Counter(number for shipment in evidence.handed_over for number in shipment.tracking_numbers)
    problems += [f"{number}: on {count} parcels" for number, count in numbers.items() if count > 1]
    detail = (
        f"{numbers.total()} parcels + {len(evidence.voided)} given back = {len(labels)} PDF files, each with its number"
    )
    return Check("one label a parcel", detail, tuple(problems))


def check_ledger(evidence: Evidence, folder: Path) -> Iterator[Check]:
    """The books hold each document once, balanced, and order by order what the senders' prices make it."""
    entries = read_ledger(folder)
    links = Counter(entry.link for entry in entries)
    problems = [f"{link}: {count} times in the books" for link, count in links.items() if count > 1]
    problems += [f"{entry.link}: unbalanced by {entry.balance_minor}" for entry in entries if entry.balance_minor]
    effective = standing(entries)
    back = sum(entry.link.startswith(VOID) for entry in entries)
    detail = f"{len(entries)} entries: {len(effective)} documents stand, {back} were taken back"
    if len(entries) != len(effective) + 2 * back:
        problems.append("something was taken back that is not in the books")
    yield Check("each document once, and balanced", detail, tuple(problems))
    booked: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for entry in effective:
        booked[entry.kind][entry.order_number].append(entry.value_minor)
    approved = _approved(evidence)
    totals = {order.number: order.total_minor for order in evidence.sent if order.key in approved}
    paid = {order.number: order.total_minor for order in evidence.sent if order.key in approved and order.paid}
    twice = [
        f"{number}: {len(each)} sales orders stand" for number, each in booked["sales_order"].items() if len(each) > 1
    ]
    yield _against_sums("sales orders are the accepted orders", booked["sales_order"], totals, twice)
    yield _against_sums("payments are what buyers paid", booked["payment"], paid)
    goods, invoices = _worth(evidence)
    yield _against_sums("deliveries are the goods that left", booked["delivery"], goods)
    yield _against_sums("invoices are goods that left, and charges", booked["invoice"], invoices)


def check_told(whom: str, connection: str, evidence: Evidence, told: Iterable[Told]) -> Check:
    """Whoever sold it was told of each parcel once, with the number that is on the label and the right units."""
    sold = {order.order_id: order for order in evidence.orders if order.connection == connection}
    left = {
        number: (sold[shipment.order_id].external_id, sum(shipment.units.values()))
        for shipment in evidence.handed_over
        if shipment.order_id in sold
        for number in shipment.tracking_numbers
    }
    heard = Counter(number for entry in told for number in entry.tracking_numbers)
    problems = [f"{number}: never told" for number in left if not heard[number]]
    problems += [f"{number}: told {count} times" for number, count in heard.items() if count > 1]
    for entry in told:
        for number in entry.tracking_numbers:
            if left.get(number) != (entry.order, sum(entry.units.values())):
                problems.append(f"{number}: told for order {entry.order}, {left.get(number)} left")
    detail = f"{len(left)} parcels left, {heard.total()} told, each once with its own number"
    return Check(f"{whom} was told", detail, tuple(problems))


def _approved(evidence: Evidence) -> set[str]:
    """Orders that somebody let go on: neither held in review nor cancelled."""
    return {
        order.key for order in evidence.orders
        if order.lifecycle != "cancelled" and order.review in ("approved", "auto_approved")
    }  # fmt: skip


def _against_sums(
    name: str, booked: Mapping[str, list[int]], wanted: Mapping[str, int], further: Iterable[str] = ()
) -> Check:
    """Order by order, and in all: what is booked is what it should be."""
    problems = [
        f"{number}: {_money(sum(booked.get(number, ())))} booked, {_money(wanted.get(number, 0))} expected"
        for number in sorted({*booked, *wanted})
        if sum(booked.get(number, ())) != wanted.get(number, 0)
    ]
    theirs = sum(sum(values) for values in booked.values())
    count = sum(len(values) for values in booked.values())
    detail = f"{count} documents: {_money(sum(wanted.values()))} = {_money(theirs)}"
    return Check(name, detail, (*problems, *further))


def _worth(evidence: Evidence) -> tuple[dict[str, int], dict[str, int]]:
    """What left by order number, at the sender's own prices: goods alone, and with the order's charges."""
    keys = {order.order_id: order.key for order in evidence.orders}
    sent = {order.key: order for order in evidence.sent}
    goods: dict[str, int] = {}
    invoices: dict[str, int] = {}
    for order_id, units in _units_by_order(evidence.handed_over).items():
        order = sent.get(keys.get(order_id, ""))
        if order is None:
            continue
        prices = {line.sku: line.unit_minor for line in order.lines}
        goods[order.number] = sum(count * prices.get(sku, 0) for sku, count in units.items())
        invoices[order.number] = goods[order.number] + order.shipping_minor
    return goods, invoices


def _units_by_order(handed_over: Iterable[HandedOver]) -> dict[str, Counter[str]]:
    units: dict[str, Counter[str]] = defaultdict(Counter)
    for shipment in handed_over:
        units[shipment.order_id].update(shipment.units)
    return units


def _wanted(evidence: Evidence, sku: str) -> int:
    return sum(line.quantity for order in evidence.sent if not order.faulty for line in order.lines if line.sku == sku)


def _money(minor: int) -> str:
    return f"{format_minor(minor, CURRENCY)} {CURRENCY}"
