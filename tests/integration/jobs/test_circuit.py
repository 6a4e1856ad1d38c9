"""A connection in trouble: its circuit, its probe, the retries that it may have, and its credentials."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hub.jobs.rules.retry import backoff_ceiling
from hub.jobs.service import run
from hub.jobs.service.probes import take_probes
from hub.jobs.service.publish import Publisher, install
from hub.jobs.service.run import Runner
from hub.jobs.service.work import Call, Job, Outcome, Prepared, WorkTable
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.db import Database
from hub.kit.ids import new_id
from hub.sdk.errors import AuthFailed, RateLimited, Rejected, Transient
from hub.sdk.testing.kit import FakeClock
from tests.integration.jobs.conftest import LEASE, Engine

SHOP = new_id()
BLOCK = 30
DAY = 86_400


class Calling:
    """Work of kind `note` that calls out; `answer` gives the error of a call, or None."""

    kind = "note"
    queue = "q"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answer: Callable[[str], Exception | None] = lambda name: None

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        return Prepared([Call(job, job.connection_id or "", None) for job in jobs])

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        return [self._call(call) for call in calls]

    def _call(self, call: Call) -> Outcome:
        name = str(call.job.subject_id)
        self.sent.append(name)
        error = self.answer(name)
        return Outcome(call, result=error is None, error=error)

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        pass

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        pass


@pytest.fixture
def work() -> Calling:
    """What is called."""
    return Calling()


@pytest.fixture
def outward(database_url: str, work: Calling) -> Iterator[Engine]:
    """An engine whose jobs are calls."""
    database, clock = Database(database_url), FakeClock()
    engine = Engine(database, clock)
    engine.runner = runner_of(engine, work)
    install(database, Publisher(subscriptions={}, queues={"note": "q"}, ring=engine.rung.append, clock=clock))
    yield engine
    database.dispose()


def runner_of(engine: Engine, work: Calling, renew: Callable[[str], bool] = lambda connection_id: False) -> Runner:
    table = WorkTable(local={}, outward={"note": work})
    return Runner(engine.database, table, engine.clock, batch=100, lease_seconds=LEASE, renew=renew)


def health(engine: Engine) -> ConnectionHealthRow:
    with engine.database.read() as session:
        row = session.get_one(ConnectionHealthRow, SHOP)
        session.expunge(row)
        return row


def opened(engine: Engine, work: Calling, *, waiting: int = 3) -> None:
    """Five calls fail, the circuit opens, more work arrives, and the block is over."""
    work.answer = lambda name: Transient("away")
    engine.add(*(f"first-{number}" for number in range(5)), connection_id=SHOP)
    engine.drain()
    assert (health(engine).opened, len(work.sent)) == (1, 5)
    engine.add(*(f"next-{number}" for number in range(waiting)), connection_id=SHOP)
    engine.drain()
    assert len(work.sent) == 5, "it is left alone"
    engine.clock.advance(BLOCK)
    work.sent.clear()


def test_one_probe_goes_out_over_all_workers_and_its_success_lets_the_rest_through(
    outward: Engine, work: Calling
) -> None:
    opened(outward, work)
    others: list[int] = []

    def meanwhile(name: str) -> None:
        if not others:
            thread = threading.Thread(target=lambda: others.append(outward.runner.run_once("q")))
            thread.start()
            thread.join(timeout=30)

    work.answer = meanwhile
    assert outward.runner.run_once("q") == 1
    assert (others, len(work.sent)) == ([0], 1)
    assert (health(outward).opened, health(outward).blocked_until) == (0, None)
    outward.clock.advance(DAY)
    outward.drain()
    assert len(work.sent) == 8
    assert {outward.row(f"next-{number}").attempts for number in range(3)} == {1}, "given back, not tried"


def test_when_two_claim_at_once_one_of_them_probes(
    outward: Engine, work: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other had claimed is due as if it had not been claimed."""
    opened(outward, work)

    def taken_meanwhile(session: Session, rows: Sequence[Any], **claim: Any) -> tuple[list[Any], set[str]]:
        take_probes(session, rows[:1], **{**claim, "token": "theirs"})
        return take_probes(session, rows, **claim)

    monkeypatch.setattr(run, "take_probes", taken_meanwhile)
    assert outward.runner.run_once("q") == 0
    assert (work.sent, health(outward).probe_token) == ([], "theirs")
    assert {(outward.row(f"next-{number}").state, outward.row(f"next-{number}").attempts) for number in range(3)} == {
        ("ready", 0)
    }


def test_a_failed_probe_blocks_for_longer(outward: Engine, work: Calling) -> None:
    opened(outward, work)
    outward.drain()
    assert (len(work.sent), health(outward).opened) == (1, 2)
    assert health(outward).blocked_until == outward.clock.now() + timedelta(seconds=2 * BLOCK)


@pytest.mark.parametrize("error", [Rejected("no"), KeyError("x")])
def test_a_probe_that_tells_nothing_of_the_connection_leaves_its_place_to_the_next(
    outward: Engine, work: Calling, error: Exception
) -> None:
    opened(outward, work)
    work.answer = lambda name: error if len(work.sent) == 1 else None
    outward.drain()
    assert health(outward).opened == 0
    assert len(work.sent) > 2


def test_a_probe_whose_worker_died_is_followed_by_another_when_its_lease_ends(outward: Engine, work: Calling) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def die(name: str) -> None:
        raise Killed

    opened(outward, work)
    work.answer = die
    with pytest.raises(Killed):
        outward.runner.run_once("q")
    work.answer = lambda name: None
    assert outward.drain() == []
    assert len(work.sent) == 1
    outward.clock.advance(LEASE)
    outward.drain()
    assert len(work.sent) > 2


def test_a_limit_met_by_the_probe_is_waited_for(outward: Engine, work: Calling) -> None:
    opened(outward, work)
    work.answer = lambda name: RateLimited("slow down", after=7)
    outward.drain()
    assert (len(work.sent), health(outward).blocked_until) == (1, outward.clock.now() + timedelta(seconds=7))


def test_retries_that_no_success_has_earned_wait_longer(outward: Engine, work: Calling) -> None:
    """Ten retries are saved up; eleven successes earn one more."""

    def owed(names: Sequence[str]) -> int:
        waits = [(outward.row(name).due_at - outward.clock.now()).total_seconds() for name in names]
        assert max(waits) <= backoff_ceiling(2)
        return sum(wait > backoff_ceiling(1) for wait in waits)

    work.answer = lambda name: None if name.startswith("good") else Transient("away")
    first, second = ([f"bad-{number}" for number in numbers] for numbers in (range(12), range(20, 23)))
    for name in first:
        outward.add(name, f"good-{name}", f"good-too-{name}", connection_id=SHOP)
    outward.drain()
    assert owed(first) == 2
    outward.add(*(f"good-{number}" for number in range(11)), connection_id=SHOP)
    outward.drain()
    outward.add(*second, connection_id=SHOP)
    outward.drain()
    assert owed(second) == 2


def test_refused_credentials_are_renewed_once_and_the_work_goes_on(outward: Engine, work: Calling) -> None:
    tokens, renewed = ["old"], []

    def renew(connection_id: str) -> bool:
        renewed.append(connection_id)
        assert outward.runner.run_once("q") == 0, "nobody calls meanwhile"
        tokens.append("new")
        return True

    outward.runner = runner_of(outward, work, renew)
    work.answer = lambda name: AuthFailed("expired") if tokens[-1] == "old" else None
    outward.add("a", "b", connection_id=SHOP)
    outward.drain()
    assert (renewed, sorted(work.sent)) == ([SHOP], ["a", "a", "b", "b"])
    assert {outward.row(name).attempts for name in "ab"} == {1}
    assert (health(outward).paused_reason, health(outward).renewed_at) == (None, None), "next time it may again"


def test_credentials_that_are_refused_although_they_are_new_pause_the_connection(
    outward: Engine, work: Calling
) -> None:
    renewed: list[str] = []

    def renew(connection_id: str) -> bool:
        renewed.append(connection_id)
        return True

    outward.runner = runner_of(outward, work, renew)
    work.answer = lambda name: AuthFailed("who are you")
    outward.add("a", connection_id=SHOP)
    outward.drain()
    assert (len(renewed), len(work.sent)) == (1, 2)
    assert health(outward).paused_reason is not None


def test_a_call_made_before_the_renewal_does_not_pause_the_connection(outward: Engine, work: Calling) -> None:
    """Two workers hold the old credentials; the slower one is refused after the other has renewed them."""
    renewed: list[str] = []

    def renew(connection_id: str) -> bool:
        renewed.append(connection_id)
        return True

    def slow(name: str) -> Exception | None:
        if name == "slow" and work.sent.count("slow") == 1:
            outward.clock.advance(1)
            outward.add("quick", connection_id=SHOP)
            assert outward.runner.run_once("q") == 1
            return AuthFailed("expired")
        return AuthFailed("expired") if work.sent.count(name) == 1 else None

    outward.runner = runner_of(outward, work, renew)
    work.answer = slow
    outward.add("slow", connection_id=SHOP)
    outward.drain()
    assert (len(renewed), health(outward).paused_reason) == (1, None)
    assert {outward.row(name).state for name in ("slow", "quick")} == {"done"}
