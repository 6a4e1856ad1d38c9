"""Bring what an order needs to one location: kept where it is, on its way, and kept again where it arrives."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.rules.levels import ZERO, Key, plain
from hub.inventory.rules.soft import LONGEST, SoftLine
from hub.inventory.rules.transfers import StockTransfer, TransferLine
from hub.inventory.service.soft import assign_softly, reserve_softly, take_over
from hub.inventory.service.transfers import cancel_transfer, create_transfer, list_for
from hub.inventory.tables import StockTransferRow

OPEN = ("draft", "in_transit")


@dataclass(frozen=True, slots=True)
class Gathering:
    """What is brought to `target` for an order: `moves` by (source, SKU), and what is there already (`keep`, by SKU).

    `key` is the caller's: a gathering of one key is made once.
    """

    order_id: str
    number: str
    key: str
    target: str
    moves: Mapping[Key, Decimal]
    keep: Mapping[str, Decimal]
    expected_at: datetime

    @property
    def needs(self) -> dict[Key, Decimal]:
        """What is taken of each level."""
        return {**self.moves, **{(self.target, sku): quantity for sku, quantity in self.keep.items()}}


def gather(session: Session, *, wanted: Sequence[Gathering], at: datetime, actor: str) -> frozenset[str]:
    """Make the transfers and keep what is at the targets, in the caller's transaction; the orders are locked by it.

    Returns the orders whose stock was given to others meanwhile: of them nothing is stored, they are planned again. All
    levels are locked first, in the one order.
    """
    if not wanted:
        return frozenset()
    keys = {key for one in wanted for key in one.needs}
    take_over(session, order_ids={one.order_id for one in wanted}, keys=keys, at=at, actor=actor)
    free = {key: level.available for key, level in repository.lock_levels(session, keys=keys).items()}
    refused = set()
    for one in wanted:
        if any(free.get(key, ZERO) < quantity for key, quantity in one.needs.items()):
            refused.add(one.order_id)
            continue
        for key, quantity in one.needs.items():
            free[key] -= quantity
        _make(session, one, at=at, actor=actor)
    return frozenset(refused)


def waiting_for_transfers(session: Session, order_ids: Collection[str]) -> set[str]:
    """Those of these orders for which stock is to be moved yet, or is on its way."""
    statement = select(StockTransferRow.for_order).where(
        StockTransferRow.for_order.in_(order_ids), StockTransferRow.state.in_(OPEN)
    )
    return {str(order_id) for order_id in session.scalars(statement)}


def let_go(session: Session, *, order_id: str, at: datetime, actor: str, reason: str) -> None:
    """A locked order waits for no transfer any more: drafts are cancelled, what is on its way arrives for everybody."""
    statement = select(StockTransferRow).where(StockTransferRow.for_order == order_id, StockTransferRow.state.in_(OPEN))
    for row in session.scalars(statement.order_by(StockTransferRow.transfer_id).with_for_update()).all():
        row.for_order = None
        session.flush()
        if row.state == "draft":
            cancel_transfer(session, transfer_id=row.transfer_id, at=at, actor=actor, reason=reason)


def told_transfers(session: Session, order_id: str) -> list[str]:
    """In words, what is or was moved for an order, the first first."""
    return [_told(transfer) for transfer in list_for(session, order_id=order_id)]


def _make(session: Session, one: Gathering, *, at: datetime, actor: str) -> None:
    if one.keep:
        kept = reserve_softly(
            session, reference=one.number, at=at, actor=actor, expires_at=at + LONGEST,
            lines=[SoftLine(sku, quantity, one.target) for sku, quantity in sorted(one.keep.items())],
        )  # fmt: skip
        assign_softly(session, soft_id=kept.soft_reservation_id, order_id=one.order_id, at=at, actor=actor)
    for source in sorted({source for source, _ in one.moves}):
        lines = [TransferLine(sku, quantity) for (place, sku), quantity in sorted(one.moves.items()) if place == source]
        create_transfer(
            session, source=source, target=one.target, lines=lines, reason=f"for order {one.number}", actor=actor,
            at=at, key=f"{one.key}:{source}", expected_at=one.expected_at, for_order=one.order_id,
        )  # fmt: skip


def _told(transfer: StockTransfer) -> str:
    goods = ", ".join(f"{plain(line.quantity)} x {line.sku}" for line in transfer.lines)
    return f"transfer of {goods} from {transfer.source} to {transfer.target}: {transfer.state}"
