"""Compare what a channel shows with what it was told, for channels that can say it; a difference heals itself.

Somebody types a number into the shop, an app sets one, a push is lost there: the hub would never tell again what it
told before. A sale that the hub has not heard of yet is a difference too, so the first look counts for nothing. What
differs at the second is taken for what the channel knows, and the push tells the right number. What differs after
that is told to a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.resolve import resolve_by_key
from hub.connections.service.adapters import ConnectionInfo
from hub.flows.ask_channels import ask_each, askable
from hub.flows.push_stock import push_stock_job
from hub.flows.services import Services
from hub.inventory.service.told import Told, count_differing, keep_shown, list_told, told_of
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip

COMPARE_STOCK = "stock.compare"
AGAIN_AFTER = timedelta(minutes=10)
"""By then a sale on the channel is an order here, and what was told is shown there."""
FIRST, SECOND, AFTER_PUSH = 1, 2, 3


@dataclass(frozen=True, slots=True)
class _Look:
    connection: ConnectionInfo
    skus: tuple[str, ...]
    asked_at: datetime
    more: bool


class CompareStock:
    """Handler of `stock.compare`; each job is one page of what the channel was told."""

    kind = COMPARE_STOCK
    queue = "bulk"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Which SKUs to ask for."""
        prepared = Prepared()
        for job, connection, channel in askable(
            session, self._services, jobs, prepared, capability="list_stock", refusal="does not say what it shows"
        ):
            look = _look(session, job, connection, channel.manifest.batch_max, self._services.clock.now())
            if connection.live and look.skus:
                prepared.calls.append(Call(job, connection.connection_id, look))
            else:
                prepared.skips.append(Skip(job, "was told of no stock"))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One page each."""
        return ask_each(self._services, calls, lambda channel, call: channel.list_stock(call.data.skus))

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """What differs for the first time is looked at again; for the second, told anew; for the third, a case."""
        at = self._services.clock.now()
        for outcome in outcomes:
            look: _Look = outcome.call.data
            identity, job = look.connection.connection_id, outcome.call.job
            turn = int(job.args.get("turn", FIRST))
            shown = {one.sku: one.available for one in outcome.result}
            differing = _seen(session, look, shown, at=at, confirmed=turn > FIRST)
            if differing and turn < AFTER_PUSH:
                again = {"turn": turn + 1, "skus": differing}
                enqueue(session, [compare_stock_job(identity, f"again:{job.job_id}", again, at + AGAIN_AFTER)])
            if differing and turn == SECOND:
                enqueue(session, [push_stock_job(identity, f"differs:{job.job_id}", skus=differing)])
            if look.more:
                enqueue(session, [compare_stock_job(identity, f"after:{job.job_id}", {"after": look.skus[-1]})])
            _tell(session, look.connection, at=at, last=turn == AFTER_PUSH)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Nothing is lost: the next schedule compares all."""


def _look(session: Session, job: Job, connection: ConnectionInfo, limit: int, at: datetime) -> _Look:
    if "skus" in job.args:
        return _Look(connection, tuple(job.args["skus"]), at, more=False)
    found = list_told(
        session, connection_id=connection.connection_id, after=job.args.get("after"), limit=limit + 1
    )  # fmt: skip
    return _Look(connection, tuple(told.sku for told in found[:limit]), at, more=len(found) > limit)


def _seen(
    session: Session, look: _Look, shown: Mapping[str, int | None], *, at: datetime, confirmed: bool
) -> list[str]:
    """Keep what was seen; the SKUs that differ. What was told while the channel was asked is left for the next time."""
    known = told_of(session, connection_id=look.connection.connection_id, skus=look.skus)
    seen: dict[Told, int | None] = {
        told: shown.get(sku) for sku, told in known.items() if told.told_at < look.asked_at
    }  # fmt: skip
    differing = [told.sku for told, number in seen.items() if number != told.available]
    kept = {told: number for told, number in seen.items() if confirmed or number == told.available}
    keep_shown(session, connection_id=look.connection.connection_id, seen=kept, at=at)
    return differing


def _tell(session: Session, connection: ConnectionInfo, *, at: datetime, last: bool) -> None:
    count = count_differing(session, connection_id=connection.connection_id)
    if not count:
        words = "The channel shows what it was told."
        resolve_by_key(session, dedupe_keys=[_key(connection)], actor="hub", resolution=words, at=at)
    elif last:
        open_cases(session, cases=[_case(connection, count)], at=at)


def compare_stock_job(
    connection_id: str, cause: str, args: Mapping[str, Any], due_at: datetime | None = None
) -> NewJob:  # fmt: skip
    """The work of one look, in a lane of its own: it may wait, and what waits there would hold up pushes."""
    return NewJob(
        kind=COMPARE_STOCK, idem_key=f"{COMPARE_STOCK}:{cause}", lane=f"{COMPARE_STOCK}:{cause}", args=args,
        connection_id=connection_id, due_at=due_at,
    )  # fmt: skip


def _case(connection: ConnectionInfo, count: int) -> NewCase:
    return NewCase(
        kind="stock_differs", dedupe_key=_key(connection), subject_kind="connection",
        subject_id=connection.connection_id,
        title=f"{connection.name} shows another stock of {count} SKU(s) than it was told, twice",
        what_to_do=f"See which (hub stock told {connection.name} --differing). Look whether the SKU is listed and its "
        "stock tracked there, and whether another app or a person sets it. The case closes itself when it agrees.",
        detail={"connection": connection.name, "count": count},
    )  # fmt: skip


def _key(connection: ConnectionInfo) -> str:
    return f"stock_differs:{connection.connection_id}"
