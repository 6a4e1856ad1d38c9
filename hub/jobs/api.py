"""`/v1/jobs`: the work that is waiting, running or stopped."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.jobs.schemas import JobOut, RetryIn, RetryOut, SkipIn
from hub.jobs.service.bulk_retry import Chosen, Retried, count_parked, retry_parked
from hub.jobs.service.listing import Wanted, list_jobs
from hub.jobs.service.retry import get_job, retry_job, skip_job
from hub.kit.web import Cursor, Limit, Page, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, number_after
from hub.kit.web_types import IdText

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=IdempotentRoute)
Reader = Depends(require("jobs:read"))
Writer = Annotated[Principal, Depends(require("jobs:write"))]
JobId = Annotated[int, Path(ge=1, lt=2**63)]
JobState = Literal["ready", "leased", "parked", "done", "skipped"]
LISTING = "jobs"
RETRYING = "jobs:retry"


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_all(
    session: ReadSession,
    state: Annotated[list[JobState] | None, Query(description="Any of these; without it the open ones.")] = None,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    queue: Annotated[str | None, Query(max_length=20)] = None,
    connection_id: IdText | None = None,
    error_class: Annotated[str | None, Query(max_length=40, description="E.g. `Rejected`, or `Bug`.")] = None,
    plugin: Annotated[str | None, Query(max_length=60, description="The plugin with which it failed last.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Stopped (parked) or due (others) then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Stopped (parked) or due (others) before.")] = None,
    subject: Annotated[str | None, Query(max_length=80, description="Id of the order, message or shipment.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JobOut]:
    """Jobs, the newest first. Finished ones are found by `subject`; everything else narrows open ones."""
    after = number_after(LISTING, cursor)
    wanted = Wanted(
        kind=kind, queue=queue, connection_id=connection_id, error_class=error_class, plugin=plugin, since=since,
        until=until,
    )  # fmt: skip
    rows = list_jobs(session, states=state, subject_id=subject, wanted=wanted, after=after, limit=limit + 1)
    return page_of(rows, limit=limit, item=JobOut.model_validate, cursor=lambda row: encode_cursor(LISTING, row.job_id))


@router.get("/{job_id}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_one(job_id: JobId, session: ReadSession) -> JobOut:
    """One with its error."""
    return JobOut.model_validate(get_job(session, job_id))


@router.post("/retry", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422))
def retry_many(body: RetryIn, session: WriteSession, principal: Writer, now: Now) -> RetryOut:
    """Count the parked jobs that fit, or run up to 200 of them again: repeat with `next_cursor` until it is null."""
    chosen = Chosen(**body.model_dump(exclude={"dry_run", "cursor"}))
    after = number_after(RETRYING, body.cursor) or 0
    matched = count_parked(session, chosen, after=after)
    step = (
        Retried(0, None) if body.dry_run
        else retry_parked(session, chosen, after=after, actor=principal.actor, at=now)
    )  # fmt: skip
    return RetryOut(
        dry_run=body.dry_run, matched=sum(matched.values()), by_error_class=dict(matched), retried=step.count,
        next_cursor=None if step.last is None else encode_cursor(RETRYING, step.last),
    )  # fmt: skip


@router.post("/{job_id}/retry", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def retry(job_id: JobId, session: WriteSession, principal: Writer, now: Now) -> JobOut:
    """Run a parked job again, after its cause is gone."""
    return JobOut.model_validate(retry_job(session, job_id=job_id, actor=principal.actor, at=now))


@router.post("/{job_id}/skip", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def skip(job_id: JobId, body: SkipIn, session: WriteSession, principal: Writer, now: Now) -> JobOut:
    """Leave a parked job, because the matter was settled by hand."""
    row = skip_job(session, job_id=job_id, actor=principal.actor, reason=body.reason, at=now)
    return JobOut.model_validate(row)
