"""Jobs on the wire."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field, computed_field

from hub.jobs.rules.advice import advice_on
from hub.jobs.rules.outcomes import RunOutcome
from hub.kit.web_types import IdText, In, Out


class JobOut(Out):
    """One piece of work. `due_at` is when it runs next (ready), when its lease ends (leased) or when it stopped
    (parked); `plugin` and `plugin_version` are those with which it failed last, `advice` is what to do about it.
    """

    job_id: int
    queue: str
    kind: str
    lane: str
    connection_id: str | None
    subject_id: str | None
    state: str
    priority: int
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    attempts: int
    crashes: int
    error_class: str | None
    error: str | None
    plugin: str | None
    plugin_version: str | None
    correlation_id: str | None
    args: dict[str, Any]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def advice(self) -> str | None:
        """By the error class; null where nothing failed."""
        return advice_on(self.error_class)


class SkipIn(In):
    """Why the work is not needed any more."""

    reason: str = Field(min_length=1, max_length=500)


class RetryIn(In):
    """Which parked jobs to run again; what is left out is any. First only count them: `dry_run` is true if left out."""

    error_class: str | None = Field(None, max_length=40, description="E.g. `Rejected`, or `Bug`.")
    connection_id: IdText | None = None
    kind: str | None = Field(None, max_length=60, description="E.g. `shipment.label`.")
    plugin: str | None = Field(None, max_length=60, description="The plugin with which they failed.")
    plugin_version: str | None = Field(None, max_length=30, description="The version with which they failed.")
    since: AwareDatetime | None = Field(None, description="Those that stopped then or later.")
    until: AwareDatetime | None = Field(None, description="Those that stopped before.")
    dry_run: bool = True
    cursor: str | None = Field(None, max_length=600, description="`next_cursor` of the answer before; absent first.")


class RetryOut(Out):
    """One step. `matched` are those that fitted before it, `retried` those that run again; go on with `next_cursor`."""

    dry_run: bool
    matched: int
    by_error_class: dict[str, int]
    retried: int
    next_cursor: str | None


class ScheduleOut(Out):
    """Work that comes again. `cron` is in UTC. `next_run_at` is null while it is disabled; `outcome` is of the last
    run, whose job is `job_id`: null where it never ran, or so long ago that the job is gone.
    """

    schedule_id: str
    kind: str
    cron: str
    connection_id: str | None
    enabled: bool
    next_run_at: datetime | None
    runs: int
    last_run_at: datetime | None
    finished_at: datetime | None
    outcome: RunOutcome | None
    job_id: int | None
    error_class: str | None
    error: str | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def advice(self) -> str | None:
        """What to do about the error of the last run; null where it did not fail."""
        return advice_on(self.error_class)
