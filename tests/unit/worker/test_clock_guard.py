"""A clock that is set forward makes no worker take what another is still at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.testing.kit import FakeClock
from hub.worker.clock_guard import ClockGuard

LEASE = 60.0


class Machine:
    """The clock that can be set, the one that cannot, and a worker that looks at both."""

    def __init__(self) -> None:
        self.clock, self.moment = FakeClock(), 1000.0
        self.guard = ClockGuard(self.clock, lease_seconds=LEASE, moment=lambda: self.moment)
        self.claimed: list[str] = []

    def passes(self, seconds: float) -> None:
        """Time, as it does."""
        self.clock.advance(seconds)
        self.moment += seconds

    def claims(self) -> bool:
        """Whether the worker claims now."""
        run = self.guard.guarded(lambda queue: self.claimed.append(queue) or 1)
        return run("flow") == 1


@pytest.fixture
def machine() -> Machine:
    return Machine()


@given(pauses=st.lists(st.floats(0, 100_000), max_size=20))
def test_time_that_passes_is_no_jump(pauses: list[float]) -> None:
    machine = Machine()
    for seconds in pauses:
        machine.passes(seconds)
        assert machine.claims()


def test_nothing_is_claimed_for_a_lease_after_the_clock_was_set_forward(machine: Machine) -> None:
    machine.clock.advance(3600)
    assert not machine.claims()
    machine.passes(LEASE - 1)
    assert not machine.claims()
    machine.passes(1)
    assert machine.claims()
    assert machine.claimed == ["flow"]


@pytest.mark.parametrize("seconds", [LEASE / 3, -3600.0])
def test_a_small_jump_and_one_back_end_no_lease(machine: Machine, seconds: float) -> None:
    machine.clock.advance(seconds)
    assert machine.claims()
