"""What a handler of jobs looks like; `flows` has the table of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sqlalchemy.orm import Session

from hub.jobs.service.lease import Lease
from hub.kit.log import bind_correlation
from hub.kit.trace import bind_trace
from hub.sdk.errors import PluginError


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job as its handler sees it; `attempts` counts this one too."""

    job_id: int
    kind: str
    lane: str
    args: Mapping[str, Any]
    subject_id: str | None
    connection_id: str | None
    attempts: int
    crashes: int
    correlation_id: str | None
    traceparent: str | None = None


LocalRun = Callable[[Session, Sequence[Job]], None]
"""Runs in the transaction that completes the jobs; an exception rolls all of it back and the batch is halved."""


@dataclass(frozen=True, slots=True)
class LocalWork:
    """Work that only touches the hub's own database."""

    kind: str
    queue: str
    run: LocalRun


@dataclass(slots=True)
class Call:
    """One job's call to the outside. `effect_key` names its effect, `mode` what the effect's past demands.

    `send`: nobody has sent it yet. `find`: an earlier attempt may have: ask first, then send. `ask`: an earlier attempt
    may still be on its way: ask, and do not send. `adopt`: it is done, `known` is its result.
    """

    job: Job
    connection_id: str
    data: Any
    effect_key: str | None = None
    mode: str = "send"
    known: Mapping[str, Any] | None = None
    draft_id: str | None = None
    """What an earlier attempt drafted at the other side, for nothing: only this may be bought."""
    lease: Lease | None = None
    """The worker's hold on the job; set by whoever runs the batch."""
    apart: bool = False
    """The batch works for several requests; set by whoever runs it."""
    refusal: PluginError | None = None
    """Why it must not be made at all: a person decides."""

    def refuse_late(self) -> None:
        """The guard of every call, asked just before it is sent: `Transient` where somebody else may own the job.

        In a batch for several requests, what is sent from here on carries the correlation id of this job's own.
        """
        if self.apart:
            bind_correlation(self.job.correlation_id)
            bind_trace(self.job.traceparent)
        if self.lease is not None:
            self.lease.begin(self.job.job_id)


@dataclass(slots=True)
class Outcome:
    """What came of a call: a result, or an error that decides what the hub does next."""

    call: Call
    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """The job has nothing to do any more (cancelled meanwhile, observed connection); done without a call."""

    job: Job
    reason: str


@dataclass(slots=True)
class Prepared:
    """What `prepare` gives: calls to make, and jobs with nothing to do."""

    calls: list[Call] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)


class OutwardWork(Protocol):
    """Work that calls another system: two transactions, and no transaction open during the call."""

    @property
    def kind(self) -> str:
        """The kind of its jobs."""
        ...

    @property
    def queue(self) -> str:
        """The queue of its jobs."""
        ...

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """First transaction: read what the calls need and write their effects as intents."""
        ...

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """Make the calls, all of one connection; raises nothing: errors are in the outcomes."""
        ...

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Second transaction: write the results of calls that ended well."""
        ...

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Second transaction: note errors on the subject; `parked` tells that nothing more will be tried."""
        ...


@runtime_checkable
class Compensates(Protocol):
    """Outward work that minds what it did after somebody else had taken its job over."""

    def compensate(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Calls that ended well, too late to be settled: what came of them is not lost sight of."""
        ...


@dataclass(frozen=True, slots=True)
class WorkTable:
    """All handlers by kind."""

    local: Mapping[str, LocalWork]
    outward: Mapping[str, OutwardWork]

    @property
    def queues(self) -> dict[str, str]:
        """Queue of every kind."""
        local = {kind: work.queue for kind, work in self.local.items()}
        return local | {kind: work.queue for kind, work in self.outward.items()}
