"""Somebody said what a code means: the messages that wait for it are read again, page by page."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from hub.flows.replay import replay
from hub.flows.services import Services
from hub.intake import repository
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Job

READ_AGAIN = "intake.read_again"
AT_ONCE = 200
"""Messages that one transaction queues to be read again."""


class ReadAgain:
    """Handler of `intake.read_again`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Each message is read by work of its own; what of it is applied already changes nothing."""
        for job in jobs:
            key = {name: str(job.args[name]) for name in ("connection_id", "field", "value")}
            page = repository.waiting_for_code(session, **key, after=job.args.get("after"), limit=AT_ONCE)
            replay(session, self._services, page, "mapping")
            if len(page) == AT_ONCE:
                lane = f"{READ_AGAIN}:{job.job_id}"
                enqueue(session, [NewJob(READ_AGAIN, idem_key=lane, lane=lane, args={**key, "after": page[-1]})])
