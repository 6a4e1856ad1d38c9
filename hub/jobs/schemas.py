"""Jobs on the wire."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from hub.kit.web_types import IdText, In, Out


class JobOut(Out):
    """One piece of work. `due_at` is when it runs next (ready), when its lease ends (leased) or when it stopped
    (parked); `plugin` and `plugin_version` are those with which it failed last.
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
