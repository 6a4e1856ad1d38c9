"""Work of routing that follows from decisions and from changed rules."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.jobs.service.work import Job
from hub.kit.clock import Clock
from hub.routing.service.shadow import ask, end_shadow


class AskShadow:
    """Handler of `routing.shadow`: its subject is a shadow, its arguments are the live decisions to ask it about."""

    def __init__(self, *, clock: Clock, adapters: Adapters) -> None:
        self._clock = clock
        self._adapters = adapters

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """One that was ended meanwhile is asked no more."""
        for job in jobs:
            decisions = job.args["decisions"]
            ask(session, job.subject_id or "", decisions, adapters=self._adapters, at=self._clock.now())


class EndShadow:
    """Handler of `routing.shadow_end`: other rules decide; if they were shadowed until now, that is over."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Once for all of them."""
        end_shadow(session, at=self._clock.now())
