import inspect

import pytest

from hub.jobs.rules.advice import ADVICE, OTHER, advice_on
from hub.jobs.rules.outcomes import outcome_of
from hub.jobs.rules.retry import VERDICTS
from hub.sdk import adapters, errors
from hub.sdk.errors import PluginError


def declared() -> set[str]:
    """Every class of error that the SDK gives to plugins."""
    found = [kind for module in (errors, adapters) for kind in vars(module).values() if inspect.isclass(kind)]
    return {kind.__name__ for kind in found if issubclass(kind, PluginError) and kind is not PluginError}


def test_every_class_of_error_has_advice_and_no_other_has() -> None:
    assert set(ADVICE) == declared() | {"Bug"}
    assert {kind.__name__ for kind, _ in VERDICTS} <= declared() | {"PluginError"}


def test_advice_is_there_exactly_where_something_failed() -> None:
    assert (advice_on(None), advice_on("PlugInsOwn")) == (None, OTHER)
    assert all(len(text) > 60 and text.endswith(".") for text in (*ADVICE.values(), OTHER))


@pytest.mark.parametrize(
    ("state", "error_class", "busy", "expected"),
    [
        (None, None, False, None),
        ("ready", None, True, "waiting"),
        ("ready", "Transient", True, "retrying"),
        ("leased", None, True, "running"),
        ("done", None, True, "running"),
        ("done", None, False, "done"),
        ("skipped", None, False, "skipped"),
        ("parked", "Rejected", True, "failed"),
    ],
)
def test_outcome_of_a_run(state: str | None, error_class: str | None, busy: bool, expected: str | None) -> None:
    assert outcome_of(state, error_class=error_class, busy=busy) == expected
