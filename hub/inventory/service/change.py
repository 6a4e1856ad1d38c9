"""Change what is there: corrections, receipts, counts, transfers, limits. All entries are stored or none."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.rules.changes import (
    LEAST_ADJUSTMENT,
    SMALLEST,
    Plan,
    entry_faults,
    limit_faults,
    plan_adjustments,
    plan_counts,
    plan_limits,
    plan_receipts,
    plan_transfers,
    transfer_faults,
)
from hub.inventory.rules.levels import (
    MAX_REFERENCE,
    ZERO,
    EntryFault,
    Key,
    Level,
    Movement,
    StockEntry,
    StockLimits,
    Transfer,
)
from hub.inventory.service.announce import announce
from hub.kit.errors import InvalidInput
from hub.kit.ids import new_id


def adjust(session: Session, *, entries: Sequence[StockEntry], at: datetime, actor: str) -> list[Level]:
    """Add signed differences to `on_hand` (found, broken, lost); see `apply` for what all changes have in common."""
    faults = entry_faults(entries, least=LEAST_ADJUSTMENT)
    return _apply_entries(session, entries, faults, plan_adjustments, at=at, actor=actor)


def receive(session: Session, *, entries: Sequence[StockEntry], at: datetime, actor: str) -> list[Level]:
    """Add what came in to `on_hand`; `inbound` falls by it. See `apply`."""
    return _apply_entries(session, entries, entry_faults(entries, least=SMALLEST), plan_receipts, at=at, actor=actor)


def stocktake(session: Session, *, entries: Sequence[StockEntry], at: datetime, actor: str) -> list[Level]:
    """Set `on_hand` to what was counted, each level once; a count below what is reserved is stored all the same and
    publishes `inventory.stock_short`. See `apply`.
    """
    return _apply_entries(session, entries, entry_faults(entries, least=ZERO), plan_counts, at=at, actor=actor)


def set_limits(session: Session, *, entries: Sequence[StockLimits], at: datetime, actor: str) -> list[Level]:
    """Set safety stock, oversell allowance and announced stock where stated, each level once. See `apply`."""
    return apply(
        session,
        keys=[(index, "location", entry.key) for index, entry in enumerate(entries)],
        faults=limit_faults(entries),
        plan=lambda levels: plan_limits(levels, entries),
        at=at,
        actor=actor,
    )


def transfer(session: Session, *, transfers: Sequence[Transfer], at: datetime, actor: str) -> list[Level]:
    """Move stock between locations at once; what is reserved cannot be taken. See `apply`.

    Both ledger lines of a transfer have one reference, the given or a new one.
    """
    transfers = [item if item.reference else replace(item, reference=new_id()) for item in transfers]
    return apply(
        session,
        keys=[
            place
            for index, item in enumerate(transfers)
            for place in (
                (index, "from_location", (item.from_location, item.sku)),
                (index, "to_location", (item.to_location, item.sku)),
            )
        ],
        faults=transfer_faults(transfers),
        plan=lambda levels: plan_transfers(levels, transfers),
        at=at,
        actor=actor,
        batch="transfers",
    )


def apply(
    session: Session, *, keys: Sequence[tuple[int, str, Key]], faults: Iterable[EntryFault],
    plan: Callable[[dict[Key, Level]], Plan], at: datetime, actor: str, batch: str = "entries",
) -> list[Level]:  # fmt: skip
    """Write a planned change of levels and return these as they are now, in the order of (location, SKU).

    Each changed level has its ledger line. Publishes `inventory.stock_increased` for each SKU of which more may be
    granted, `inventory.stock_short` for each level where less is there than was promised. A constant number of
    statements. Raises `InvalidInput` (`stock_faults`) with all faults at once (`errors`: index, field, detail): an
    unknown location or SKU, a quantity that cannot be; the transaction must then be rolled back.
    """
    if not keys:
        return []
    _refuse([*faults, *unknown_places(session, keys)], batch)
    places = {key for _, _, key in keys}
    repository.add_missing_levels(session, keys=places, at=at)
    before = repository.lock_levels(session, keys=places)
    planned = plan(before)
    _refuse(planned.faults, batch)
    repository.save_levels(session, levels=planned.levels.values(), at=at)
    repository.add_movements(
        session,
        movements=[
            Movement(
                location=delta.key[0], sku=delta.key[1], kind=delta.kind, on_hand_delta=delta.on_hand,
                reserved_delta=ZERO, reference=(delta.reference or "")[:MAX_REFERENCE] or None, actor=actor, at=at,
            )
            for delta in planned.deltas
        ],
    )  # fmt: skip
    announce(session, before=before, after=planned.levels)
    return [replace(level, updated_at=at) for _, level in sorted(planned.levels.items())]


def unknown_places(session: Session, keys: Iterable[tuple[int, str, Key]]) -> list[EntryFault]:
    """A fault for each location and each SKU that there is not."""
    keys = list(keys)
    codes = repository.locations(session, codes={key[0] for _, _, key in keys})
    skus = repository.known_skus(session, skus={key[1] for _, _, key in keys})
    faults = {}
    for index, field, (location, sku) in keys:
        if location not in codes:
            faults[index, field] = EntryFault(index, field, f"There is no location {location!r}: add it first.")
        if sku not in skus:
            faults[index, "sku"] = EntryFault(index, "sku", f"There is no product {sku!r}: add it first.")
    return list(faults.values())


def _apply_entries(
    session: Session, entries: Sequence[StockEntry], faults: list[EntryFault],
    plan: Callable[[dict[Key, Level], Sequence[StockEntry]], Plan], *, at: datetime, actor: str,
) -> list[Level]:  # fmt: skip
    return apply(
        session,
        keys=[(index, "location", entry.key) for index, entry in enumerate(entries)],
        faults=faults,
        plan=lambda levels: plan(levels, entries),
        at=at,
        actor=actor,
    )


def _refuse(faults: Sequence[EntryFault], batch: str) -> None:
    if faults:
        raise InvalidInput(
            "stock_faults",
            f"{len(faults)} faults, nothing was stored: correct the entries and send all of them again.",
            extra={"errors": [fault.as_problem(batch) for fault in faults]},
        )
