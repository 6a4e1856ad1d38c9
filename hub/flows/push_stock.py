"""Tell channels what is available, for connections whose policy says so: what changed since the last push."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo, load
from hub.connections.tables import ConnectionRow
from hub.flows.services import Services
from hub.inventory.tables import StockLevelRow
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.kit.ids import stable_reference
from hub.sdk.errors import PluginError
from hub.sdk.values import StockPush

PUSH_STOCK = "stock.push"
AT_MOST = 500
LAG = timedelta(seconds=2)
"""What is moving just now is told next time: a transaction may commit a little after the time it notes."""


@dataclass(frozen=True, slots=True)
class _Push:
    connection: ConnectionInfo
    items: tuple[StockPush, ...]
    seen_until: tuple[datetime, str] | None


class PushStock:
    """Handler of `stock.push`."""

    kind = PUSH_STOCK
    queue = "bulk"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Levels that moved since the connection's last push, summed over locations."""
        prepared = Prepared()
        connections = load(session, {job.connection_id or "" for job in jobs})
        for job in jobs:
            connection = connections.get(job.connection_id or "")
            if connection is None or not connection.live or not self._can(connection):
                prepared.skips.append(Skip(job, "does not take stock"))
                continue
            push = _changed(session, connection, self._services.clock.now())
            if not push.items:
                prepared.skips.append(Skip(job, "nothing moved"))
                continue
            prepared.calls.append(Call(job, connection.connection_id, push))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One batch a connection; a SKU that the channel refuses does not hold up the others."""
        outcomes = []
        for call in calls:
            channel = self._services.adapters.channel(call.data.connection)
            try:
                call.refuse_late()
                results = channel.push_stock(call.data.items)
            except PluginError as error:
                outcomes.append(Outcome(call, error=error))
                continue
            errors = [result.error for result in results if result.error is not None]
            broken = [error for error in errors if not isinstance(error, PluginError) or error.retryable]
            outcomes.append(Outcome(call, error=broken[0]) if broken else Outcome(call, result=results))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Move the mark up to which the channel knows."""
        for outcome in outcomes:
            push: _Push = outcome.call.data
            row = session.get_one(ConnectionRow, push.connection.connection_id, with_for_update=True)
            if push.seen_until is None:
                continue
            moved_at, sku = push.seen_until
            row.cursor = {**row.cursor, "stock_pushed": moved_at.isoformat(), "stock_pushed_sku": sku}
            if len(push.items) == AT_MOST:
                enqueue(session, [push_stock_job(push.connection.connection_id, f"{moved_at.isoformat()}:{sku}"[:150])])

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The mark stays: the next push tells the newest figures anyway."""

    def _can(self, connection: ConnectionInfo) -> bool:
        return self._services.adapters.channel(connection).offers("push_stock")


def push_stock_job(connection_id: str, cause: str) -> NewJob:
    """The work of one push."""
    return NewJob(
        kind=PUSH_STOCK, idem_key=f"{PUSH_STOCK}:{connection_id}:{cause}", lane=f"stock:{connection_id}",
        connection_id=connection_id,
    )  # fmt: skip


def _changed(session: Session, connection: ConnectionInfo, at: datetime) -> _Push:
    cursor: dict[str, Any] = session.get_one(ConnectionRow, connection.connection_id).cursor
    newest = func.max(StockLevelRow.updated_at)
    moved = (
        select(StockLevelRow.sku, newest.label("moved_at"))
        .group_by(StockLevelRow.sku)
        .having(newest <= at - LAG)
        .order_by(newest, StockLevelRow.sku)
        .limit(AT_MOST)
    )
    if cursor.get("stock_pushed"):
        since, last = datetime.fromisoformat(cursor["stock_pushed"]), cursor.get("stock_pushed_sku", "")
        moved = moved.having(or_(newest > since, and_(newest == since, StockLevelRow.sku > last)))
    skus = list(session.execute(moved))
    totals: dict[str, int] = {}
    levels = session.scalars(select(StockLevelRow).where(StockLevelRow.sku.in_([sku for sku, _ in skus])))
    for level in levels:
        totals[level.sku] = totals.get(level.sku, 0) + max(int(level.on_hand - level.reserved - level.safety), 0)
    items = tuple(
        StockPush(
            reference=stable_reference(connection.connection_id, "stock", sku, moved_at.isoformat()), sku=sku,
            available=totals.get(sku, 0), observed_at=at,
        )
        for sku, moved_at in skus
    )  # fmt: skip
    return _Push(connection, items, (skus[-1][1], skus[-1][0]) if skus else None)
