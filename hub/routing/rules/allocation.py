"""Which locations send what: one location if any can, else the fewest, within the split policy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

from hub.kit.rules.actions import Split
from hub.routing.rules.candidates import Candidacy, Need
from hub.routing.rules.decision import Shortage
from hub.routing.rules.values import UNIT, LineShare, PlanLine, PlanOrder

MAX_COMBINATIONS = 1000
"""Up to here all sets of locations are tried, beyond it the one that covers most is taken next."""


@dataclass(slots=True)
class Allocation:
    """Shares by candidate in ranking order; `shortages` are what stays behind."""

    shares: list[tuple[Candidacy, list[LineShare]]]
    shortages: list[Shortage]


@dataclass(slots=True)
class Unfillable:
    """Why no allocation fits. `reason` is a stable code."""

    reason: str
    message: str
    shortages: list[Shortage]


def allocate(order: PlanOrder, need: Need, ranked: Sequence[Candidacy], split: Split) -> Allocation | Unfillable:
    """The allocation for candidates that are ranked best first."""
    units = _units(order, split)
    for candidate in ranked:
        if not candidate.missing:
            return Allocation([(candidate, [share for unit in units for share in _whole(unit)])], [])
    most = _most_locations(order, split)
    if most > 1:
        found = _fewest(units, need, ranked, most)
        if found is not None:
            return found
    if not split.ship_complete and ranked:
        partial = _assign(units, _covering(ranked, need, most), partial=True)
        if partial is not None and partial.shares:
            return partial
    return _explain(order, need, ranked, split, most)


def nowhere(order: PlanOrder, sources: Iterable[Candidacy], given: Iterable[LineShare], split: Split) -> list[Shortage]:
    """What of an order none of these sources has, nor all of them together, beside what is `given` already.

    Lines that go together are missing together.
    """
    there: dict[str, int] = {}
    for source in sources:
        for sku, amount in source.available.items():
            there[sku] = there.get(sku, 0) + amount
    sent: dict[tuple[str, str], int] = {}
    for line_id, sku, quantity in given:
        sent[(line_id, sku)] = sent.get((line_id, sku), 0) + quantity
        there[sku] = there.get(sku, 0) - quantity
    rest = [replace(line, quantity=line.quantity - sent.get((line.line_id, line.sku), 0)) for line in order.lines]
    left, shares = [{line.sku: max(0, there.get(line.sku, 0)) for line in rest}], [list[LineShare]()]
    return _divide(_units(replace(order, lines=tuple(rest)), split), left, shares)


def _units(order: PlanOrder, split: Split) -> list[list[PlanLine]]:
    """Lines that go together as one list each; the lists that cannot be divided come first."""
    together = {sku: f"\x00{index}" for index, group in enumerate(split.keep_together) for sku in group}
    groups: dict[str, list[PlanLine]] = {}
    single: list[list[PlanLine]] = []
    for line in order.lines:
        if not line.ships or line.quantity <= 0:
            continue
        group = together.get(line.sku, line.group)
        if group is None:
            single.append([line])
        else:
            groups.setdefault(group, []).append(line)
    return [*groups.values(), *single]


def _most_locations(order: PlanOrder, split: Split) -> int:
    least = split.minimum_total_minor
    if least is not None and (order.total_minor is None or order.total_minor < least):
        return 1
    return split.max_splits


def _fewest(units: list[list[PlanLine]], need: Need, ranked: Sequence[Candidacy], most: int) -> Allocation | None:
    tried = 0
    for size in range(2, min(most, len(ranked)) + 1):
        tried += comb(len(ranked), size)
        if tried > MAX_COMBINATIONS:
            return _assign(units, _covering(ranked, need, most), partial=False)
        for chosen in combinations(ranked, size):
            if _covers(chosen, need.quantities):
                found = _assign(units, chosen, partial=False)
                if found is not None:
                    return found
    return None


def _covers(chosen: Iterable[Candidacy], quantities: Mapping[str, int]) -> bool:
    return all(sum(c.available[sku] for c in chosen) >= wanted for sku, wanted in quantities.items())


def _covering(ranked: Sequence[Candidacy], need: Need, most: int) -> list[Candidacy]:
    """Greedy set cover: next the location that completes most SKUs, then gives most units, then ranks best."""
    left = dict(need.quantities)
    rest = list(ranked)
    chosen: list[Candidacy] = []
    while rest and len(chosen) < most and any(left.values()):
        best = min(rest, key=lambda c: (-_completes(c, left), -_gives(c, left)))
        if _gives(best, left) == 0:
            break
        rest.remove(best)
        chosen.append(best)
        left = {sku: max(0, wanted - best.available[sku]) for sku, wanted in left.items()}
    return sorted(chosen, key=lambda c: (c.key, c.code))


def _completes(candidate: Candidacy, left: Mapping[str, int]) -> int:
    return sum(1 for sku, wanted in left.items() if 0 < wanted <= candidate.available[sku])


def _gives(candidate: Candidacy, left: Mapping[str, int]) -> int:
    return sum(min(wanted, candidate.available[sku]) for sku, wanted in left.items())


def _assign(units: list[list[PlanLine]], chosen: Sequence[Candidacy], *, partial: bool) -> Allocation | None:
    """Give each unit to the first location that has all of it, else spread a single line; None if it does not fit."""
    left = [dict(candidate.available) for candidate in chosen]
    shares: list[list[LineShare]] = [[] for _ in chosen]
    shortages = _divide(units, left, shares, partial=partial)
    if shortages and not partial:
        return None
    given = [(candidate, share) for candidate, share in zip(chosen, shares, strict=True) if share]
    return Allocation(given, shortages)


def _divide(
    units: list[list[PlanLine]], left: list[dict[str, int]], shares: list[list[LineShare]], *, partial: bool = True
) -> list[Shortage]:
    """Take units out of what is left and write them to the shares; what is missing, the first of it if not partial."""
    shortages: list[Shortage] = []
    for unit in units:
        if _place_whole(unit, left, shares):
            continue
        if len(unit) == 1:
            missing = _spread(unit[0], left, shares)
            if missing:
                shortages.append(Shortage(unit[0].line_id, unit[0].sku, missing))
        else:
            shortages.extend(Shortage(line.line_id, line.sku, line.quantity) for line in unit)
        if shortages and not partial:
            break
    return shortages


def _whole(unit: list[PlanLine]) -> list[LineShare]:
    return [(line.line_id, line.sku, line.quantity) for line in unit]


def _place_whole(unit: list[PlanLine], left: list[dict[str, int]], shares: list[list[LineShare]]) -> bool:
    wanted: dict[str, int] = {}
    for line in unit:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    for there, share in zip(left, shares, strict=True):
        if all(there[sku] >= quantity for sku, quantity in wanted.items()):
            for sku, quantity in wanted.items():
                there[sku] -= quantity
            share.extend(_whole(unit))
            return True
    return False


def _spread(line: PlanLine, left: list[dict[str, int]], shares: list[list[LineShare]]) -> int:
    """Fill a line from several locations, in whole units where whole units were ordered; returns what is missing."""
    open_quantity = line.quantity
    if line.group is not None:
        return open_quantity
    step = UNIT if line.quantity % UNIT == 0 else 1
    for there, share in zip(left, shares, strict=True):
        taken = min(open_quantity, there[line.sku]) // step * step
        if taken > 0:
            there[line.sku] -= taken
            share.append((line.line_id, line.sku, taken))
            open_quantity -= taken
    return open_quantity


def _explain(order: PlanOrder, need: Need, ranked: Sequence[Candidacy], split: Split, most: int) -> Unfillable:
    short = {
        sku: wanted - there
        for sku, wanted in need.quantities.items()
        if (there := sum(candidate.available[sku] for candidate in ranked)) < wanted
    }
    if short:
        listed = ", ".join(f"{sku} (short of {format_units(missing)})" for sku, missing in sorted(short.items()))
        shortages = _shortages(order, short)
        return Unfillable("no_stock", f"not enough stock of {listed}", shortages)
    if most < split.max_splits:
        why = f"orders below {split.minimum_total_minor} minor units are not split"
    else:
        why = f"at most {most} location{'s' if most > 1 else ''} may send it"
    return Unfillable("split_needed", f"there is stock, but no allowed set of locations has it all: {why}", [])


def _shortages(order: PlanOrder, short: Mapping[str, int]) -> list[Shortage]:
    left = dict(short)
    found = []
    for line in reversed(order.lines):
        missing = min(left.get(line.sku, 0), line.quantity) if line.ships else 0
        if missing > 0:
            left[line.sku] -= missing
            found.append(Shortage(line.line_id, line.sku, missing))
    return found[::-1]


def format_units(thousandths: int) -> str:
    """Thousandths as units for people: 1500 -> `1.5`, 2000 -> `2`."""
    whole, part = divmod(thousandths, UNIT)
    return f"{whole}.{part:03d}".rstrip("0") if part else str(whole)
