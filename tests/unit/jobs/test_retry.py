from datetime import UTC, datetime, timedelta

import pytest

from hub.jobs.rules.retry import CAP_SECONDS, MAX_ATTEMPTS, VERDICTS, backoff_ceiling, judge
from hub.sdk import errors
from hub.sdk.errors import PluginError, RateLimited, Transient

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def made(kind: type[Exception]) -> Exception:
    if kind is RateLimited:
        return RateLimited("slow down", after=90)
    return kind("because")


@pytest.mark.parametrize(
    ("error", "verdict", "due", "counts"),
    [
        ("RateLimited", "wait_connection", 90, False),
        ("AuthFailed", "pause_connection", 0, False),
        ("Transient", "retry", 20, True),
        ("Uncertain", "retry", 20, True),
        ("Conflict", "retry", 20, True),
        ("Duplicate", "retry", 20, True),
        ("Rejected", "park", None, True),
        ("Malformed", "park", None, True),
        ("NeedsAck", "park", None, True),
        ("SignatureInvalid", "park", None, True),
        ("PluginError", "park", None, True),
    ],
)
def test_the_class_of_an_error_decides_alone(error: str, verdict: str, due: int | None, counts: bool) -> None:
    failure = judge(made(getattr(errors, error)), attempts=1, now=NOW, jittered=20)
    expected = None if due is None else NOW + timedelta(seconds=due)
    assert (failure.error_class, failure.verdict, failure.due_at, failure.counts) == (error, verdict, expected, counts)


def test_every_error_of_the_sdk_has_a_verdict_of_its_own() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PluginError)}
    assert {kind for kind, _ in VERDICTS} == kinds


def test_anything_else_is_a_bug_and_parked_at_once() -> None:
    failure = judge(KeyError("x"), attempts=1, now=NOW, jittered=20)
    assert (failure.error_class, failure.error, failure.due_at) == ("Bug", "KeyError: 'x'", None)


def test_the_last_attempt_parks() -> None:
    assert judge(Transient("x"), attempts=MAX_ATTEMPTS - 1, now=NOW, jittered=20).due_at is not None
    assert judge(Transient("x"), attempts=MAX_ATTEMPTS, now=NOW, jittered=20).due_at is None


def test_attempts_are_spread_over_days_not_over_minutes() -> None:
    ceilings = [backoff_ceiling(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert ceilings[:3] == [30, 60, 120]
    assert ceilings == sorted(ceilings)
    assert max(ceilings) == CAP_SECONDS
    assert sum(ceilings) * 0.75 > 36 * 3600
