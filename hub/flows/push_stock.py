"""Tell channels what they may promise, for connections whose policy says so: the numbers that are others by now.

Levels that moved since the last push are looked at, and all of them where buffers, locations or the policy changed; a
channel is told a number again only where it is not the one that it was told last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo
from hub.connections.tables import ConnectionRow
from hub.flows.ask_channels import ask_each, askable
from hub.flows.services import Services
from hub.inventory.service.promise import available_to_promise, expected_between, terms_of
from hub.inventory.service.told import forget_all_told, keep_told, told_of
from hub.inventory.tables import StockLevelRow
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.kit.ids import stable_reference
from hub.sdk.errors import PluginError
from hub.sdk.values import ItemResult, StockPush

PUSH_STOCK = "stock.push"
AT_MOST = 500
"""SKUs that are looked at, and told, at a time."""
PAGES = 10
"""So many of them are looked at in one transaction; where no number changed, the next job goes on."""
LAG = timedelta(seconds=2)
"""What is moving just now is told next time: a transaction may commit a little after the time it notes."""
_MARK = ("stock_pushed", "stock_pushed_sku")


@dataclass(frozen=True, slots=True)
class _Push:
    connection: ConnectionInfo
    items: tuple[StockPush, ...]
    seen: Mapping[str, str] = field(default_factory=dict)
    """The cursor's members when the channel knows all items."""
    more: bool = False


class PushStock:
    """Handler of `stock.push`."""

    kind = PUSH_STOCK
    queue = "bulk"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """What the channel may promise by now, of what may have changed."""
        prepared = Prepared()
        at = self._services.clock.now()
        for job, connection, _ in askable(
            session, self._services, jobs, prepared, capability="push_stock", refusal="does not take stock"
        ):
            if not connection.live:
                prepared.skips.append(Skip(job, "does not take stock"))
                continue
            push = _changed(session, job, connection, at)
            if push.items:
                prepared.calls.append(Call(job, connection.connection_id, push))
                continue
            _move_mark(session, job, push)
            prepared.skips.append(Skip(job, "nothing changed"))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One batch a connection; a SKU that the channel refuses does not hold up the others."""
        outcomes = ask_each(self._services, calls, lambda channel, call: channel.push_stock(call.data.items))
        return [_broken(outcome) or outcome for outcome in outcomes]

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Keep what the channel was told, and move the mark up to which it knows."""
        at = self._services.clock.now()
        for outcome in outcomes:
            push: _Push = outcome.call.data
            _keep_told(session, push, outcome.result, at)
            _move_mark(session, outcome.call.job, push)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The mark stays: the next push tells the newest figures anyway."""


def push_stock_job(connection_id: str, cause: str, skus: Sequence[str] = ()) -> NewJob:
    """The work of one push; it looks at `skus` beside what moved."""
    return NewJob(
        kind=PUSH_STOCK, idem_key=f"{PUSH_STOCK}:{connection_id}:{cause}", lane=f"stock:{connection_id}",
        args={"skus": list(skus)} if skus else {}, connection_id=connection_id,
    )  # fmt: skip


def _broken(outcome: Outcome) -> Outcome | None:
    """The batch failed where an item did for a passing reason, or by a bug; what was refused for good is no failure."""
    if outcome.error is not None:
        return None
    errors = [result.error for result in outcome.result if result.error is not None]
    broken = [error for error in errors if not isinstance(error, PluginError) or error.retryable]
    return Outcome(outcome.call, error=broken[0]) if broken else None


def _changed(session: Session, job: Job, connection: ConnectionInfo, at: datetime) -> _Push:
    """Pages of SKUs that moved are looked at until one has a number that the channel does not know."""
    cursor: dict[str, Any] = session.get_one(ConnectionRow, connection.connection_id).cursor
    terms = terms_of(session, connection=connection)
    seen = {name: cursor[name] for name in _MARK if name in cursor} if cursor.get("stock_terms") == terms else {}
    seen |= {"stock_terms": terms, "stock_expected": at.isoformat()}
    others = [*_newly_expected(session, connection, cursor, at), *job.args.get("skus", ())]
    items: tuple[StockPush, ...] = ()
    more = True
    for _ in range(PAGES):
        moved = _moved(session, seen, at)
        if moved:
            seen |= dict(zip(_MARK, (moved[-1][1].isoformat(), moved[-1][0]), strict=True))
        items = _news(session, job, connection, list(dict.fromkeys([*(sku for sku, _ in moved), *others])), at)
        more = len(moved) == AT_MOST
        if items or not more:
            break
    return _Push(connection, items, seen, more)


def _moved(session: Session, seen: Mapping[str, str], at: datetime) -> list[tuple[str, datetime]]:
    """SKUs whose levels moved after the mark, with the time of it, in its order."""
    newest = func.max(StockLevelRow.updated_at)
    statement = (
        select(StockLevelRow.sku, newest.label("moved_at"))
        .group_by(StockLevelRow.sku)
        .having(newest <= at - LAG)
        .order_by(newest, StockLevelRow.sku)
        .limit(AT_MOST)
    )
    if _MARK[0] in seen:
        since, last = datetime.fromisoformat(seen[_MARK[0]]), seen.get(_MARK[1], "")
        statement = statement.having(or_(newest > since, and_(newest == since, StockLevelRow.sku > last)))
    return [(sku, moved_at) for sku, moved_at in session.execute(statement)]


def forget_told(session: Session) -> None:
    """The database was put back: channels may have been told other numbers since, so all are told again."""
    forget_all_told(session)
    for row in session.scalars(select(ConnectionRow).where(ConnectionRow.kind == "channel")):
        row.cursor = {name: value for name, value in row.cursor.items() if not name.startswith("stock_")}


def _newly_expected(session: Session, connection: ConnectionInfo, cursor: Mapping[str, Any], at: datetime) -> list[str]:
    """What came so near since the last push that it counts, without any level moving."""
    days = connection.decided.incoming_days
    if days is None or "stock_expected" not in cursor:
        return []
    window, since = timedelta(days=days), datetime.fromisoformat(cursor["stock_expected"])
    return expected_between(session, since=since + window, until=at + window, limit=AT_MOST)


def _news(
    session: Session, job: Job, connection: ConnectionInfo, skus: Sequence[str], at: datetime
) -> tuple[StockPush, ...]:
    promises = available_to_promise(session, connection=connection, skus=skus, at=at)
    known = told_of(session, connection_id=connection.connection_id, skus=skus)
    told = {sku: one.shown if one.differs else one.available for sku, one in known.items()}
    numbers = {sku: int(promise.quantity) for sku, promise in promises.items()}
    return tuple(
        StockPush(
            reference=stable_reference(connection.connection_id, "stock", sku, str(job.job_id), str(number)), sku=sku,
            available=number, observed_at=at,
        )
        for sku, number in numbers.items()
        if told.get(sku) != number
    )  # fmt: skip


def _keep_told(session: Session, push: _Push, results: Sequence[ItemResult], at: datetime) -> None:
    known = {result.ref for result in results if result.ok}
    numbers = {item.sku: item.available for item in push.items if item.reference in known}
    keep_told(session, connection_id=push.connection.connection_id, numbers=numbers, at=at)


def _move_mark(session: Session, job: Job, push: _Push) -> None:
    row = session.get_one(ConnectionRow, push.connection.connection_id, with_for_update=True)
    kept = {name: value for name, value in row.cursor.items() if name not in _MARK}
    row.cursor = {**kept, **push.seen}
    if push.more:
        enqueue(session, [push_stock_job(push.connection.connection_id, f"after:{job.job_id}")])
