"""What came of a schedule's last run, in a word."""

from typing import Literal

RunOutcome = Literal["waiting", "running", "retrying", "failed", "done", "skipped"]


def outcome_of(state: str | None, *, error_class: str | None, busy: bool) -> RunOutcome | None:
    """By the state of the run's first job and whether its lane still has work: a run may be many jobs, page by page.

    None where it never ran, or so long ago that its job is gone. `skipped` had nothing to do.
    """
    if state is None:
        return None
    if state == "parked":
        return "failed"
    if state == "ready":
        return "retrying" if error_class else "waiting"
    if state == "leased" or busy:
        return "running"
    return "skipped" if state == "skipped" else "done"
