"""Quantities of a line, and what a change does to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.canonical.order import Order, OrderLine

ZERO = Decimal(0)
Deltas = dict[str, Decimal]
"""Counter name -> change."""
WAITING = ("backordered", "unallocated")
"""Counters of what is to be sent yet and nobody works on: what is on backorder is given up first."""
NOT_STOCKED = ("not_stocked",)


def ships(line: OrderLine) -> bool:
    """Whether somebody must send it: unless the channel says not, or it is digital or a service."""
    return line.requires_shipping is not False and line.kind not in ("digital", "service")


def shipped_by_channel(order: Order) -> dict[str, Decimal]:
    """Quantities by line that the channel itself has shipped already."""
    totals: dict[str, Decimal] = {}
    for shipment in order.shipments:
        if shipment.state == "success":
            for part in shipment.lines:
                totals[part.line_external_id] = totals.get(part.line_external_id, ZERO) + part.quantity
    return totals


def opening(order: Order) -> dict[str, Deltas]:
    """The first counters of every line: by the line's external id.

    What was ordered is accounted for as cancelled, shipped by the channel, not stocked or unallocated.
    """
    outside = shipped_by_channel(order)
    counters: dict[str, Deltas] = {}
    for line in order.lines:
        first = max(line.quantity, line.quantity_ordered or line.quantity)
        shipped = min(outside.get(line.external_id, ZERO), line.quantity)
        rest = line.quantity - shipped
        deltas: Deltas = {"ordered": first, "ordered_source": line.quantity, "cancelled": first - line.quantity}
        if shipped:
            deltas["external_shipped"] = shipped
        if order.cancelled:
            deltas["cancelled"] += rest
        else:
            deltas["unallocated" if ships(line) else "not_stocked"] = rest
        counters[line.external_id] = deltas
    return counters


@dataclass(frozen=True, slots=True)
class LineState:
    """The counters of a stored line that a change must look at."""

    order_line_id: str
    external_id: str
    ships: bool
    counters: Mapping[str, Decimal]

    def __getitem__(self, name: str) -> Decimal:
        return self.counters[name]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A line that the source cut below what is already allocated or shipped."""

    order_line_id: str
    wanted: Decimal
    bound: Decimal


def revise_line(line: LineState, wanted: Decimal) -> tuple[Deltas, Reduction | None]:
    """Deltas that bring a line to the quantity that the source wants now.

    More is unallocated (or not stocked); less is taken from what is not allocated. What cannot be taken is a finding,
    never a violated constraint.
    """
    change = wanted - (line["ordered"] - line["cancelled"])
    if change == ZERO:
        return {}, None
    source = {"ordered_source": wanted - line["ordered_source"]} if wanted != line["ordered_source"] else {}
    if change > ZERO:
        return {"ordered": change, "unallocated" if line.ships else "not_stocked": change, **source}, None
    taken = take(line, -change, WAITING if line.ships else NOT_STOCKED)
    cut = -sum(taken.values(), ZERO)
    deltas: Deltas = {"cancelled": cut, **taken, **source} if cut else dict(source)
    if cut == -change:
        return deltas, None
    return deltas, Reduction(line.order_line_id, wanted, line["ordered"] - line["cancelled"] - cut)


def take(line: LineState, quantity: Decimal, counters: Sequence[str]) -> Deltas:
    """Up to this quantity out of these counters, the first first."""
    deltas: Deltas = {}
    for name in counters:
        taken = min(quantity, line[name])
        quantity -= taken
        if taken:
            deltas[name] = -taken
    return deltas


def restate_cancelled(line: LineState, wanted: Decimal) -> Deltas:
    """What a newer state of a cancelled order does to a line: whatever it adds is cancelled with the rest."""
    grown = max(wanted - line["ordered"], ZERO)
    deltas: Deltas = {"ordered": grown, "cancelled": grown} if grown else {}
    source = wanted - line["ordered_source"]
    return {**deltas, "ordered_source": source} if source else deltas


def change_shipping(line: LineState, ships: bool) -> tuple[LineState, Deltas]:
    """A line that is to be sent after all, or needs no sending any more: what is open of it changes its counter."""
    if ships == line.ships:
        return line, {}
    before, after = (WAITING, "not_stocked") if line.ships else (NOT_STOCKED, "unallocated")
    moved = sum((line[name] for name in before), ZERO)
    counters = {**line.counters, **dict.fromkeys(before, ZERO), after: line[after] + moved}
    deltas: Deltas = {**take(line, moved, before), after: moved} if moved else {}
    return LineState(line.order_line_id, line.external_id, ships, counters), deltas


def add_up(*changes: Deltas) -> Deltas:
    """One change that does what these do one after the other."""
    total: Deltas = {}
    for deltas in changes:
        for name, amount in deltas.items():
            total[name] = total.get(name, ZERO) + amount
    return total


def cancel_line(line: LineState) -> Deltas:
    """Cancel what nobody works on: unallocated, backordered and not stocked quantities."""
    deltas: Deltas = {name: -line[name] for name in (*WAITING, *NOT_STOCKED) if line[name]}
    total = -sum(deltas.values(), ZERO)
    return {**deltas, "cancelled": total} if total else {}


def fold(events: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The counters (thousandths) that the deltas of a timeline add up to: must equal the stored lines."""
    totals: dict[str, dict[str, int]] = {}
    for lines in events:
        for line_id, deltas in lines.items():
            counters = totals.setdefault(line_id, {})
            for name, change in deltas.items():
                counters[name] = counters.get(name, 0) + change
    return totals
