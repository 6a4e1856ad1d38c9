"""Keeping house: what is old goes, step by step, by the settings of each kind and the policies of the connections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from hub.auth.service.idempotency import count_answers, forget_answers
from hub.cases.service.query import subjects_with_case
from hub.connections import repository as connections
from hub.connections.service.adapters import ConnectionInfo, describe
from hub.flows.census import CENSUS, CENSUS_DUE
from hub.flows.compare_stock import COMPARE_STOCK
from hub.flows.fetch_orders import FETCH
from hub.flows.proof import PROOF_WATCH
from hub.flows.pull_channel import PULL
from hub.flows.push_stock import PUSH_STOCK
from hub.flows.services import Services
from hub.intake.repository import forget_unknown_codes
from hub.intake.rules.census import LAST_DAYS
from hub.intake.service.retention import orders_with_codes, sweep_census, sweep_messages
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.retention import Seen, Swept, begin_at, note_run, sweep_effects, sweep_jobs, walk
from hub.jobs.service.work import Job
from hub.kit.errors import HubError
from hub.orders.service.retention import settled_orders, sweep_events
from hub.routing.service.rehearsals import sweep_differences
from hub.routing.service.shadow import sweep_disagreements
from hub.routing.service.waves import sweep_waves
from hub.sdk.manifest import Manifest

RETENTION = "retention"
RETENTION_CRON = "40 1 * * *"
AT_ONCE = 500
"""Rows that one step drops, where it drops rows."""
HOUSEKEEPING = "housekeeping"
MESSAGES = "messages"
LOOK_ANEW = frozenset(
    {HOUSEKEEPING, RETENTION, PROOF_WATCH, CENSUS_DUE, CENSUS, FETCH, PULL, PUSH_STOCK, COMPARE_STOCK}
)
"""Work that only looks at what is there now: it may be asked for any number of times, and its keys name a moment."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of rows, for messages of one connection (`scope` is its id, `of` its name); what is older may go."""

    kind: str
    days: int
    before: datetime
    scope: str = ""
    of: str = ""
    personal: tuple[str, ...] = ()
    """What is personal in the documents, as their plugin says."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run of a task has come: it goes on after `after`; the next run begins after `mark`."""

    after: str = ""
    mark: str = ""
    stuck: bool = False
    count: int = 0
    more: bool = True

    def then(self, swept: Swept) -> "Progress":
        """After one more step. What was left behind is looked at again by the next run, and so is all above it."""
        mark = self.mark if self.stuck else swept.clear
        stuck = self.stuck or swept.clear != swept.reached
        return Progress(swept.reached, mark, stuck, self.count + swept.count, swept.more)


class KeepHouse:
    """Handler of `retention`, every night: the first job asks for one run of each task, the others do a step each."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """A step looks at few rows and locks fewer, and the next one is another job."""
        at = self._services.clock.now()
        tasks = {(task.kind, task.scope): task for task in tasks_of(session, self._services, at=at)}
        for job in jobs:
            if "kind" not in job.args:
                wanted = [_job(job, task, begin(session, task)) for task in tasks.values()]
                enqueue(session, wanted)
                continue
            task = tasks.get((job.args["kind"], job.args["scope"]))
            if task is not None:
                self._step(session, job, task, at)

    def _step(self, session: Session, job: Job, task: Task, at: datetime) -> None:
        args = job.args
        come = Progress(args["after"], args["mark"], args["stuck"], args["count"])
        come = step(session, self._services, task, come, at=at)
        if come.more:
            enqueue(session, [_job(job, task, come)])
        else:
            log.info("retention.swept", kind=task.kind, connection=task.of or None, rows=come.count)


def tasks_of(session: Session, services: Services, *, at: datetime) -> list[Task]:
    """What there is to do, by the settings and by the policies of the connections; 0 days mean for ever."""
    tasks = [Task(kind, days, at - timedelta(days=days)) for kind, days in services.keep_days.items() if days]
    for row in connections.listed(session, kind=None, after=None, limit=1000):
        info = describe(row)
        try:
            plugin = services.adapters.adapter_class(info.kind, info.plugin)
        except HubError:  # nobody knows how long its documents may be kept, so they wait until it is back
            continue
        tasks.append(_of_connection(info, plugin.manifest, at))
    return tasks


def _of_connection(info: ConnectionInfo, manifest: Manifest, at: datetime) -> Task:
    days = info.decided.retention_days or manifest.retention_days
    return Task(MESSAGES, days, at - timedelta(days=days), info.connection_id, info.name, manifest.personal_data_fields)


def begin(session: Session, task: Task) -> Progress:
    """Where a run of a task begins."""
    mark = begin_at(session, kind=task.kind, scope=task.scope)
    return Progress(mark, mark)


def step(
    session: Session, services: Services, task: Task, come: Progress, *, at: datetime, dry: bool = False
) -> Progress:
    """One step of a task in the transaction of the session; dry, it only counts."""
    swept = _SWEEPS[task.kind](session, task, come.after, at, dry)
    then = come.then(swept)
    if not dry:
        note_run(session, kind=task.kind, scope=task.scope, reached=then.mark, count=swept.count, at=at)
    return then


def _job(cause: Job, task: Task, come: Progress) -> NewJob:
    key = f"{RETENTION}:{task.kind}:{task.scope}:{cause.job_id}"
    args = {
        "kind": task.kind, "scope": task.scope, "after": come.after, "mark": come.mark, "stuck": come.stuck,
        "count": come.count,
    }  # fmt: skip
    return NewJob(kind=RETENTION, idem_key=key, lane=key, args=args)


def _messages(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    needed = partial(subjects_with_case, subject_kind="message")
    return sweep_messages(
        session, connection_id=task.scope, after=after, before=task.before, still_needed=needed, at=at, dry=dry
    )


def _jobs(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    return sweep_jobs(session, after=after, before=task.before, anew=LOOK_ANEW, dry=dry)


def _effects(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    return sweep_effects(session, before=task.before, limit=AT_ONCE, dry=dry)


def _events(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    return sweep_events(session, after=after, before=task.before, dry=dry)


def _census(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    """The days that the census still asks for are never touched, however short the setting is."""
    before = min(task.before, at - timedelta(days=LAST_DAYS + 2))
    return sweep_census(session, before=before, limit=AT_ONCE, dry=dry)


def _answers(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    if dry:
        return Swept(count_answers(session, before=task.before), "", "", more=False)
    count = forget_answers(session, before=task.before, limit=AT_ONCE)
    return Swept(count, "", "", more=count == AT_ONCE)


def _codes(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    """Codes of settled orders: nobody has to say any more what they mean."""
    order_ids = orders_with_codes(session, after=after, before=task.before, limit=AT_ONCE)
    settled = settled_orders(session, order_ids)

    def forget(keys: Sequence[str]) -> int:
        if keys and not dry:
            forget_unknown_codes(session, message_ids=(), order_ids=keys)
        return len(keys)

    return walk([Seen(key, False, key in settled) for key in order_ids], after=after, limit=AT_ONCE, empty=forget)


def _backtests(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    return sweep_differences(session, before=task.before, limit=AT_ONCE, dry=dry)


def _shadows(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    return sweep_disagreements(session, before=task.before, limit=AT_ONCE, dry=dry)


def _waves(session: Session, task: Task, after: str, at: datetime, dry: bool) -> Swept:
    return sweep_waves(session, before=task.before, limit=AT_ONCE, dry=dry)


_SWEEPS: dict[str, Callable[[Session, Task, str, datetime, bool], Swept]] = {
    MESSAGES: _messages, "jobs": _jobs, "effects": _effects, "events": _events, "census": _census,
    "answers": _answers, "codes": _codes, "backtests": _backtests, "shadows": _shadows, "waves": _waves,
}  # fmt: skip
KINDS = tuple(_SWEEPS)
