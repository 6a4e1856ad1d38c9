"""Claim work, run it in batches, and finish each batch in one transaction with its consequences."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from traceback import format_exception
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.events import Event
from hub.jobs.rules.retry import MAX_CRASHES, Failure, backoff_ceiling, judge
from hub.jobs.service.causes import caused_by, is_mixed, note_causes
from hub.jobs.service.connection_health import afford_retry, note_outcomes, was_well
from hub.jobs.service.effects import in_doubt
from hub.jobs.service.lease import NOT_SENT, Heartbeat, Lease, Pause
from hub.jobs.service.probes import end_probes, take_probes
from hub.jobs.service.publish import publish
from hub.jobs.service.renewal import Renew, begin_renewal, cannot_renew, end_renewal
from hub.jobs.service.slots import Bulkhead, Limits, take_slots, unlimited
from hub.jobs.service.work import Call, Compensates, Job, LocalWork, Outcome, OutwardWork, Prepared, WorkTable
from hub.kit.clock import Clock, monotonic
from hub.kit.db import Database
from hub.kit.db_errors import met_another, will_pass
from hub.kit.ids import jitter, new_token
from hub.kit.trace import span
from hub.sdk.errors import AuthFailed, Transient, Uncertain

log = structlog.get_logger()


Result = TypeVar("Result")
PluginOf = Callable[[Session, str], tuple[str, str] | None]
"""Id and version of the plugin behind a connection; None where it is gone."""


def unknown_plugin(session: Session, connection_id: str) -> tuple[str, str] | None:
    """Nothing is known of plugins."""
    return None


CALLS_CLAIMED = 100
"""Calls to others that one worker takes at a time: they may be slow, and what it holds no other worker can make."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs the jobs of a queue until none is due. One runner serves any number of threads."""

    database: Database
    work: WorkTable
    clock: Clock
    batch: int
    lease_seconds: float
    observe: Callable[[str, int, float], None] | None = None
    limits: Limits = unlimited
    renew: Renew = cannot_renew
    plugin_of: PluginOf = unknown_plugin
    pause: Pause = threading.Event.wait
    bulkhead: Bulkhead = field(default_factory=lambda: Bulkhead(threads=1_000))

    def drain(self, queue: str, *, stop: Callable[[], bool] = lambda: False) -> int:
        """Run everything that is due in the queue; returns the number of jobs run."""
        total = 0
        while not stop():
            count = self.run_once(queue)
            total += count
            if count == 0:
                break
        return total

    def run_once(self, queue: str) -> int:
        """Claim one batch and run it; 0 when nothing was due."""
        token, taken_at = new_token(), monotonic()
        now = self.clock.now()
        until = now + timedelta(seconds=self.lease_seconds)
        rows, probed = self._claim(queue, token, now, until)
        lease = Lease(token, self.lease_seconds, frozenset(row.job_id for row in rows), taken_at, now)
        with self.bulkhead.working({row.connection_id for row in rows if row.connection_id is not None}):
            self._run_claimed([Job(*row) for row in rows], lease)
        if probed:
            with self.database.write() as session:
                end_probes(session, probed, token=token, at=self.clock.now())
        if any(row.connection_id is not None for row in rows):
            with self.database.at_once() as session:
                repository.free_slots(session, token=token)
        return len(rows)

    def _claim(self, queue: str, token: str, now: datetime, until: datetime) -> tuple[list[Any], set[str]]:
        """The claimed jobs that may run, and the connections that they probe."""
        calls = self._calls_others(queue)
        claim = partial(
            repository.claim, queue=queue, limit=min(self.batch, CALLS_CLAIMED) if calls else self.batch, token=token,
            now=now, lease_until=until, one_connection=calls, left_out=self.bulkhead.full() if calls else (),
        )  # fmt: skip
        if not calls:
            with self.database.at_once() as session:
                rows = claim(session)
            if all(row.connection_id is None for row in rows):
                return rows, set()
        with self.database.write() as session:
            if calls:
                rows = claim(session)
            rows, probed = take_probes(session, rows, token=token, now=now, until=until)
            return take_slots(session, rows, limits=self.limits, token=token, now=now, until=until), probed

    def _run_claimed(self, claimed: Sequence[Job], lease: Lease) -> None:
        by_kind: dict[str, list[Job]] = defaultdict(list)
        for job in claimed:
            by_kind[job.kind].append(job)
        self._set_aside([job for job in claimed if job.crashes], lease.token)
        for kind, jobs in by_kind.items():
            started = monotonic()
            self._run_kind(kind, jobs, lease)
            if self.observe is not None:
                self.observe(kind, len(jobs), monotonic() - started)

    def _calls_others(self, queue: str) -> bool:
        return any(work.queue == queue for work in self.work.outward.values())

    def _run_kind(self, kind: str, jobs: list[Job], lease: Lease) -> None:
        crashed = [job for job in jobs if job.crashes > 0]
        steady = [job for job in jobs if job.crashes == 0]
        if steady:
            self._run_batch(kind, steady, lease)
        for job in crashed:
            if self._take_up(job, lease.token):
                self._run_batch(kind, [job], lease)

    def _set_aside(self, crashed: Sequence[Job], token: str) -> None:
        """Jobs of a batch that died with its worker are run one by one, and only the one that runs is at risk: the
        innocents beside a poison are not counted with it.
        """
        if crashed:
            with self.database.write() as session:
                repository.set_aside(session, job_ids=[job.job_id for job in crashed], token=token)

    def _take_up(self, job: Job, token: str) -> bool:
        with self.database.write() as session:
            return repository.take_up(session, job_id=job.job_id, token=token)

    def _run_batch(self, kind: str, batch: Sequence[Job], lease: Lease) -> None:
        token = lease.token
        links = [job.traceparent for job in batch if job.traceparent is not None] if is_mixed(batch) else ()
        facts: dict[str, str | int] = {"orderhub.job.kind": kind, "orderhub.job.count": len(batch)}
        with caused_by(batch), span(f"job {kind}", kind="consumer", attributes=facts, links=sorted(set(links))):
            if batch[0].crashes >= MAX_CRASHES:
                self._fail(batch[0], RuntimeError("its worker died three times while it ran"), token)
            elif kind in self.work.local:
                self._run_local(self.work.local[kind], batch, token)
            elif kind in self.work.outward:
                self._run_outward(self.work.outward[kind], batch, lease)
            else:
                for job in batch:
                    self._fail(job, RuntimeError(f"nothing here runs jobs of kind {kind!r}"), token)

    def _run_local(self, work: LocalWork, jobs: Sequence[Job], token: str) -> None:
        def run() -> None:
            with self._writing(jobs) as session:
                ours = repository.complete(
                    session, job_ids=[job.job_id for job in jobs], token=token, at=self.clock.now()
                )
                mine = [job for job in jobs if job.job_id in ours]
                if mine:
                    work.run(session, mine)

        try:
            _again_where_met(run)
        except Exception as error:  # noqa: BLE001  one bad job must not stop its batch, whatever it raised
            if len(jobs) == 1:
                self._fail(jobs[0], error, token)
                return
            middle = len(jobs) // 2
            self._run_local(work, jobs[:middle], token)
            self._run_local(work, jobs[middle:], token)

    def _run_outward(self, work: OutwardWork, jobs: Sequence[Job], lease: Lease) -> None:
        token = lease.token

        def prepare() -> Prepared:
            with self._writing(jobs) as session:
                ours = repository.still_ours(session, job_ids=[job.job_id for job in jobs], token=token)
                prepared = work.prepare(session, [job for job in jobs if job.job_id in ours])
                if prepared.skips:
                    skipped = [skip.job.job_id for skip in prepared.skips]
                    repository.complete(session, job_ids=skipped, token=token, at=self.clock.now(), state="skipped")
            return prepared

        try:
            prepared = _again_where_met(prepare)
        except Exception as error:  # noqa: BLE001  as above
            if len(jobs) == 1:
                self._fail(jobs[0], error, token)
                return
            middle = len(jobs) // 2
            self._run_outward(work, jobs[:middle], lease)
            self._run_outward(work, jobs[middle:], lease)
            return
        for call in prepared.calls:
            if call.refusal is not None:
                self._fail(call.job, call.refusal, token, work=work, outcome=Outcome(call, error=call.refusal))
        wanted = [call for call in prepared.calls if call.refusal is None]
        apart = is_mixed(jobs)
        keys = [call.effect_key for call in wanted if call.effect_key is not None]
        for connection_id, calls in _by_connection(wanted).items():
            for call in calls:
                call.lease, call.apart = lease, apart
            with Heartbeat(self.database, self.clock, lease, effect_keys=keys, pause=self.pause):
                outcomes = _perform(work, calls)
            self._settle(work, connection_id, outcomes, lease)

    def _settle(self, work: OutwardWork, connection_id: str, outcomes: list[Outcome], lease: Lease) -> None:
        token = lease.token
        good = [outcome for outcome in outcomes if outcome.error is None]
        bad = [outcome for outcome in outcomes if outcome.error is not None]
        if good:
            self._settle_good(work, good, token)
        told = [outcome for outcome in outcomes if getattr(outcome.error, "code", None) != NOT_SENT]
        if connection_id and told:  # before the jobs are free: nobody may claim them for a dead connection
            self._note_health(connection_id, [outcome.error for outcome in told], lease)
        for outcome in bad:
            self._fail(outcome.call.job, outcome.error or RuntimeError(), token, work=work, outcome=outcome)

    def _settle_good(self, work: OutwardWork, good: Sequence[Outcome], token: str) -> None:
        def settle() -> None:
            with self._writing([outcome.call.job for outcome in good]) as session:
                ours = repository.complete(
                    session, job_ids=[outcome.call.job.job_id for outcome in good], token=token, at=self.clock.now()
                )
                work.settle(session, [outcome for outcome in good if outcome.call.job.job_id in ours])
                late = [outcome for outcome in good if outcome.call.job.job_id not in ours]
                if late and isinstance(work, Compensates):
                    work.compensate(session, late)

        try:
            _again_where_met(settle)
        except Exception as error:  # noqa: BLE001  as above
            if len(good) == 1:
                self._fail(good[0].call.job, error, token)
                return
            for outcome in good:
                self._settle_good(work, [outcome], token)

    def _note_health(self, connection_id: str, errors: Sequence[Exception | None], lease: Lease) -> None:
        if any(isinstance(error, AuthFailed) for error in errors) and self._renewed(connection_id, lease):
            errors = [error for error in errors if not isinstance(error, AuthFailed)]
        with self.database.at_once() as session:
            if all(error is None for error in errors) and was_well(session, connection_id=connection_id):
                return
        with self.database.write() as session:
            note_outcomes(session, connection_id=connection_id, errors=errors, token=lease.token, at=self.clock.now())

    def _renewed(self, connection_id: str, lease: Lease) -> bool:
        """Whether the connection has other credentials by now than those that were refused."""
        at = self.clock.now()
        with self.database.write() as session:
            step = begin_renewal(
                session, connection_id=connection_id, claimed_at=lease.claimed_at, at=at,
                until=at + timedelta(seconds=self.lease_seconds),
            )  # fmt: skip
        if step != "renew":
            return step == "again"
        renewed = self.renew(connection_id)
        with self.database.write() as session:
            end_renewal(session, connection_id=connection_id, at=self.clock.now())
        return renewed

    def _fail(
        self, job: Job, error: Exception, token: str, *, work: OutwardWork | None = None, outcome: Outcome | None = None
    ) -> None:
        if isinstance(error, AuthFailed) and job.connection_id is None:
            # no connection to pause, so nothing would keep the job from being claimed again at once
            error = Transient(error.message, code=error.code)
        now = self.clock.now()
        with caused_by([job]), self.database.write() as session:
            if not repository.still_ours(session, job_ids=[job.job_id], token=token):
                return
            ceiling = backoff_ceiling(job.attempts + self._owed(session, job, outcome))
            failure = judge(_named(error), attempts=job.attempts, now=now, jittered=jitter(ceiling / 2, ceiling))
            if failure.error_class == "Bug":
                log.error("job.bug", job_id=job.job_id, kind=job.kind, trace="".join(format_exception(error))[-4000:])
            plugin = self.plugin_of(session, job.connection_id) if job.connection_id else None
            values = _failure_values(job, failure, plugin, now)
            repository.write_failure(session, job_id=job.job_id, token=token, values=values)
            if work is not None and outcome is not None:
                work.fail(session, [outcome], parked=failure.due_at is None)
            if failure.due_at is None:
                effect = outcome.call.effect_key if outcome is not None else None
                _tell_parked(session, job, failure, token, in_doubt(session, effect))

    @contextmanager
    def _writing(self, jobs: Sequence[Job]) -> Iterator[Session]:
        """A transaction of these jobs: what it enqueues is told by which of them it was caused."""
        with self.database.write() as session:
            note_causes(session, jobs)
            yield session

    def _owed(self, session: Session, job: Job, outcome: Outcome | None) -> int:
        """1 where the connection's successes have not earned this retry: it waits as if it were the next one."""
        if job.connection_id is None or outcome is None or not isinstance(outcome.error, Transient | Uncertain):
            return 0
        called = outcome.error.code != NOT_SENT
        return int(called and not afford_retry(session, connection_id=job.connection_id))


def _again_where_met(transaction: Callable[[], Result]) -> Result:
    """Run it once more where another stored a row with the same key at the same moment: now it finds that row."""
    try:
        return transaction()
    except IntegrityError as error:
        if not met_another(error):
            raise
        return transaction()


def _named(error: Exception) -> Exception:
    """The error as the retry rules know it: a database that was away, or two transactions that met, is no bug."""
    if will_pass(error):
        return Transient(f"the database did not let it through: {type(error).__name__}", code="database")
    return error


def _perform(work: OutwardWork, calls: Sequence[Call]) -> list[Outcome]:
    try:
        return work.perform(calls)
    except Exception as error:  # noqa: BLE001  a handler that breaks its promise harms only its own calls
        return [Outcome(call, error=error) for call in calls]


def _by_connection(calls: Sequence[Call]) -> dict[str, list[Call]]:
    grouped: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        grouped[call.connection_id].append(call)
    return grouped


def _failure_values(job: Job, failure: Failure, plugin: tuple[str, str] | None, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {
        "state": "parked" if failure.due_at is None else "ready",
        "error_class": failure.error_class,
        "error": failure.error[:4000],
        "attempts": job.attempts if failure.counts else job.attempts - 1,
        "due_at": failure.due_at or now,
    }
    if plugin is not None:
        values["plugin"], values["plugin_version"] = plugin
    return values


def _tell_parked(session: Session, job: Job, failure: Failure, token: str, doubt: str | None) -> None:
    publish(
        session,
        [
            Event(
                kind="job.parked", subject_id=str(job.job_id), cause=token, lane=f"job:{job.job_id}",
                data={
                    "job_kind": job.kind, "subject_id": job.subject_id, "error_class": failure.error_class,
                    "error": failure.error[:1000], "connection_id": job.connection_id,
                    **({"effect": doubt} if doubt else {}),
                },
            )
        ],
    )  # fmt: skip
