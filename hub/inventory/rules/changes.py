"""What receipts, counts, corrections, transfers and limits make of levels: plans that the use cases then write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from hub.inventory.rules.levels import (
    MAX_QUANTITY,
    ZERO,
    EntryFault,
    Key,
    Level,
    StockEntry,
    StockLimits,
    Transfer,
    plain,
    quantity_fault,
    repeated,
)

SMALLEST = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Delta:
    """One line of the ledger to be: what kind of change, by how much `on_hand` moves, and what it refers to."""

    key: Key
    kind: str
    on_hand: Decimal
    reference: str | None


@dataclass(slots=True)
class Plan:
    """Levels after the change, the ledger lines that lead there, and why it cannot be."""

    levels: dict[Key, Level]
    deltas: list[Delta] = field(default_factory=list)
    faults: list[EntryFault] = field(default_factory=list)

    def move(self, key: Key, kind: str, quantity: Decimal, reference: str | None) -> None:
        """Change `on_hand` of one level and note the ledger line."""
        level = self.levels[key]
        self.levels[key] = replace(level, on_hand=level.on_hand + quantity)
        self.deltas.append(Delta(key, kind, quantity, reference))

    def fault(self, index: int, name: str, message: str) -> None:
        """Note why an entry cannot be."""
        self.faults.append(EntryFault(index, name, message))


def entry_faults(entries: Sequence[StockEntry], *, least: Decimal) -> list[EntryFault]:
    """Quantities that cannot be stored."""
    found = ((index, quantity_fault(entry.quantity, least=least)) for index, entry in enumerate(entries))
    return [EntryFault(index, "quantity", message) for index, message in found if message]


def plan_adjustments(levels: Mapping[Key, Level], entries: Sequence[StockEntry]) -> Plan:
    """Add signed differences; taking away more than is on hand is a fault, except where a level below zero rises."""
    plan = Plan(dict(levels))
    for index, entry in enumerate(entries):
        level = plan.levels[entry.key]
        if entry.quantity < 0 and level.on_hand + entry.quantity < 0:
            message = (
                f"{plain(-entry.quantity)} cannot be taken away: {plain(level.on_hand)} of {entry.sku!r} are there."
            )
            plan.fault(index, "quantity", message)
            continue
        plan.move(entry.key, "adjusted", entry.quantity, entry.reference)
    return plan


def plan_receipts(levels: Mapping[Key, Level], entries: Sequence[StockEntry]) -> Plan:
    """Add what came in; announced stock falls by it, not below zero."""
    plan = Plan(dict(levels))
    for entry in entries:
        level = plan.levels[entry.key]
        plan.levels[entry.key] = replace(level, inbound=max(ZERO, level.inbound - entry.quantity))
        plan.move(entry.key, "received", entry.quantity, entry.reference)
    return plan


def plan_counts(levels: Mapping[Key, Level], entries: Sequence[StockEntry]) -> Plan:
    """Take a count as the truth, also where it is below what is reserved; a count that fits is noted as well."""
    plan = Plan(dict(levels), faults=repeated(entry.key for entry in entries))
    for entry in entries:
        plan.move(entry.key, "counted", entry.quantity - plan.levels[entry.key].on_hand, entry.reference)
    return plan


def plan_limits(levels: Mapping[Key, Level], entries: Sequence[StockLimits]) -> Plan:
    """Set safety stock, oversell allowance and announced stock where stated; noted without a movement of stock."""
    plan = Plan(dict(levels), faults=repeated(entry.key for entry in entries))
    for entry in entries:
        level = plan.levels[entry.key]
        plan.levels[entry.key] = replace(
            level,
            safety=level.safety if entry.safety is None else entry.safety,
            oversell_allowance=(
                level.oversell_allowance if entry.oversell_allowance is None else entry.oversell_allowance
            ),
            inbound=level.inbound if entry.inbound is None else entry.inbound,
        )
        stated = ", ".join(f"{name} {plain(value)}" for name, value in limits_of(entry))
        plan.deltas.append(Delta(entry.key, "limits", ZERO, stated))
    return plan


def limits_of(entry: StockLimits) -> Iterable[tuple[str, Decimal]]:
    """The stated limits by name."""
    for name in ("safety", "oversell_allowance", "inbound"):
        value = getattr(entry, name)
        if value is not None:
            yield name, value


def limit_faults(entries: Sequence[StockLimits]) -> list[EntryFault]:
    """Limits that cannot be stored."""
    faults = []
    for index, entry in enumerate(entries):
        for name, value in limits_of(entry):
            message = quantity_fault(value, least=ZERO)
            if message:
                faults.append(EntryFault(index, name, message))
    return faults


def plan_transfers(levels: Mapping[Key, Level], transfers: Sequence[Transfer]) -> Plan:
    """Move stock between locations; what is reserved stays where it is, and taking it is a fault."""
    plan = Plan(dict(levels))
    for index, transfer in enumerate(transfers):
        source, target = (transfer.from_location, transfer.sku), (transfer.to_location, transfer.sku)
        free = plan.levels[source].on_hand - plan.levels[source].reserved
        if transfer.quantity > free:
            plan.fault(
                index, "quantity",
                f"{plain(max(ZERO, free))} of {transfer.sku!r} at {transfer.from_location!r} are not reserved, "
                f"{plain(transfer.quantity)} shall go.",
            )  # fmt: skip
            continue
        plan.move(source, "transferred_out", -transfer.quantity, transfer.reference)
        plan.move(target, "transferred_in", transfer.quantity, transfer.reference)
    return plan


def transfer_faults(transfers: Sequence[Transfer]) -> list[EntryFault]:
    """Quantities that cannot be moved, and transfers that go nowhere."""
    faults = []
    for index, transfer in enumerate(transfers):
        message = quantity_fault(transfer.quantity, least=SMALLEST)
        if message:
            faults.append(EntryFault(index, "quantity", message))
        if transfer.from_location == transfer.to_location:
            faults.append(EntryFault(index, "to_location", "Must be another location than the one it comes from."))
    return faults


LEAST_ADJUSTMENT = -MAX_QUANTITY
