"""Long batches of calls, and how many workers call one connection: with real threads, and without waiting."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.service import lease as leases
from hub.jobs.service.connection_health import note_outcomes
from hub.jobs.service.publish import Publisher, install
from hub.jobs.service.run import Runner
from hub.jobs.service.slots import Bulkhead
from hub.jobs.service.work import Call, Job, Outcome, Prepared, WorkTable
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.db import Database
from hub.kit.ids import new_id
from hub.sdk.errors import PluginError
from hub.sdk.testing.kit import FakeClock
from tests.builders import World
from tests.integration.jobs.conftest import LEASE, Engine

TIMEOUT = 30
ONE = new_id()
OTHER = new_id()


class Calling:
    """Work of kind `note` that calls out; `during` is run in the middle of every call."""

    kind = "note"
    queue = "q"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.refused: list[str] = []
        self.during: Any = lambda name: None

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        return Prepared([Call(job, job.connection_id or "", None) for job in jobs])

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        return [self._call(call) for call in calls]

    def _call(self, call: Call) -> Outcome:
        name = str(call.job.subject_id)
        try:
            call.refuse_late()
        except PluginError as error:
            self.refused.append(name)
            return Outcome(call, error=error)
        self.sent.append(name)
        self.during(name)
        return Outcome(call, result=True)

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        pass

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        pass


class Pulse:
    """The pause between two beats of a heart, which ends when the test says so."""

    def __init__(self) -> None:
        self._turn = threading.Semaphore(0)
        self._ended = threading.Semaphore(0)
        self.beaten = 0

    def __call__(self, over: threading.Event, seconds: float) -> bool:
        self._ended.release()  # the beat before this pause is over
        while not self._turn.acquire(timeout=0.001):
            if over.is_set():
                return True
        return False

    def beat(self) -> None:
        """Let one beat happen, and wait until it has."""
        assert self._ended.acquire(timeout=TIMEOUT)
        self._turn.release()
        assert self._ended.acquire(timeout=TIMEOUT)
        self._ended.release()
        self.beaten += 1


@pytest.fixture
def work() -> Calling:
    """What is called."""
    return Calling()


@pytest.fixture
def pulse() -> Pulse:
    """When the heart beats."""
    return Pulse()


@pytest.fixture
def outward(database_url: str, work: Calling, pulse: Pulse) -> Iterator[Engine]:
    """An engine whose jobs are calls of two connections; one worker at a time may call the first."""
    database, clock = Database(database_url), FakeClock()
    engine = Engine(database, clock)
    table = WorkTable(local={}, outward={"note": work})
    engine.runner = Runner(
        database, table, clock, batch=100, lease_seconds=LEASE, limits=lambda session, ids: {ONE: 1}, pause=pulse
    )
    install(database, Publisher(subscriptions={}, queues={"note": "q"}, ring=engine.rung.append, clock=clock))
    yield engine
    database.dispose()


def second_worker(engine: Engine) -> int:
    """Another worker looks for work, in a thread of its own; how much it found."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(engine.runner.run_once("q")))
    thread.start()
    thread.join(timeout=TIMEOUT)
    return found[0]


def names(count: int) -> list[str]:
    return [f"{number:03d}" for number in range(count)]


def test_a_batch_of_slow_calls_never_outlasts_its_lease(outward: Engine, work: Calling, pulse: Pulse) -> None:
    """A hundred calls take fifty leases, and whoever looks for work in between finds none."""
    stolen: list[int] = []

    def slowly(name: str) -> None:
        outward.clock.advance(LEASE / 2)
        if len(stolen) == 0 or name.endswith("9"):
            pulse.beat()
            stolen.append(second_worker(outward))
        else:
            pulse.beat()

    work.during = slowly
    outward.add(*names(100))
    assert outward.runner.run_once("q") == 100
    assert (set(stolen), Counter(Counter(work.sent).values())) == ({0}, {1: 100})
    assert {outward.row(name).state for name in ("000", "099")} == {"done"}
    assert pulse.beaten == 100


def test_without_the_heartbeat_the_batch_is_called_twice(
    outward: Engine, work: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ablation: with its heart stopped, the test above has to fail."""
    monkeypatch.setattr(leases.Heartbeat, "_beat", lambda heart: None)
    first = threading.Event()

    def slowly(name: str) -> None:
        if not first.is_set():
            first.set()
            outward.clock.advance(LEASE + 1)
            assert second_worker(outward) == 3

    work.during = slowly
    outward.add(*names(3))
    outward.runner.run_once("q")
    assert max(Counter(work.sent).values()) == 2


def test_a_worker_that_lost_its_lease_begins_no_further_call(outward: Engine, work: Calling, pulse: Pulse) -> None:
    """Frozen in its first call; when it wakes, its heart finds that the rest is somebody else's."""
    others = Calling()
    thief = Runner(
        outward.database, WorkTable(local={}, outward={"note": others}), outward.clock, batch=100,
        lease_seconds=LEASE, pause=threading.Event.wait,
    )  # fmt: skip

    def freeze(name: str) -> None:
        outward.clock.advance(LEASE + 1)
        assert thief.run_once("q") == 3
        pulse.beat()

    work.during = freeze
    outward.add(*names(3))
    outward.runner.run_once("q")
    assert (work.sent, work.refused) == (["000"], ["001", "002"])
    assert Counter(others.sent) == {"000": 1, "001": 1, "002": 1}
    assert {outward.row(name).state for name in names(3)} == {"done"}


def test_a_call_is_not_begun_in_the_second_half_of_a_lease(
    outward: Engine, work: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away, so nothing extends the lease: what is left comes again, and is no failure of the other."""
    real = leases.monotonic

    def late(name: str) -> None:
        monkeypatch.setattr(leases, "monotonic", lambda: real() + LEASE / 2 + 1)

    work.during = late
    outward.add(*names(2), connection_id=OTHER)
    with outward.database.write() as session:
        note_outcomes(session, connection_id=OTHER, errors=[None], token="t", at=outward.clock.now())
    outward.runner.run_once("q")
    assert (work.sent, work.refused) == (["000"], ["001"])
    assert (outward.row("001").state, outward.row("001").error_class) == ("ready", "Transient")
    with outward.database.read() as session:
        assert session.get_one(ConnectionHealthRow, OTHER).failures_in_row == 0


def test_a_call_that_hangs_is_not_held_for_ever(
    outward: Engine, work: Calling, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = leases.monotonic
    ended: list[Any] = []

    def hang(name: str) -> None:
        monkeypatch.setattr(leases, "monotonic", lambda: real() + LEASE + 1)
        assert pulse._ended.acquire(timeout=TIMEOUT)
        pulse._turn.release()
        (heart,) = (thread for thread in threading.enumerate() if thread.name == "heartbeat")
        heart.join(timeout=TIMEOUT)
        ended.append(heart.is_alive())

    work.during = hang
    outward.add("a")
    before = outward.row("a").due_at
    outward.runner.run_once("q")
    assert ended == [False]
    assert outward.row("a").due_at == before + timedelta(seconds=LEASE)


def test_a_connection_is_called_by_as_many_workers_as_it_bears(outward: Engine, work: Calling) -> None:
    """While one worker calls it, a second gets the other connection's work, then what has none; then its turn comes."""
    outward.runner = Runner(
        outward.database, outward.runner.work, outward.clock, batch=2, lease_seconds=LEASE, limits=outward.runner.limits
    )
    outward.add(*names(4), connection_id=ONE)
    outward.add("other", connection_id=OTHER)
    outward.add("free")
    meanwhile: list[int] = []

    def call(name: str) -> None:
        if name == "000":
            meanwhile.extend(second_worker(outward) for _ in range(3))

    work.during = call
    outward.runner.run_once("q")
    assert (meanwhile, work.sent) == ([1, 1, 0], ["000", "other", "free", "001"])
    assert outward.drain() == []
    assert work.sent[4:] == ["002", "003"]
    assert {outward.row(name).attempts for name in names(4)} == {1}


def test_one_claim_calls_one_connection(outward: Engine, work: Calling) -> None:
    """Who waits for a slow platform must not hold what another one is to get meanwhile."""
    outward.add("a", connection_id=ONE)
    outward.add("b", connection_id=OTHER)
    outward.add("c", connection_id=ONE)
    assert outward.runner.run_once("q") == 2
    assert work.sent == ["a", "c"]
    assert outward.drain() == []
    assert work.sent == ["a", "c", "b"]


def test_a_slow_connection_leaves_threads_of_the_process_to_the_others(outward: Engine, work: Calling) -> None:
    outward.runner = Runner(
        outward.database, outward.runner.work, outward.clock, batch=1, lease_seconds=LEASE, bulkhead=Bulkhead(1)
    )
    outward.add("a", "b", connection_id=ONE)
    outward.add("c", connection_id=OTHER)
    meanwhile: list[list[str]] = []

    def call(name: str) -> None:
        if name == "a":  # another thread of this process, while the first one waits for its answer
            outward.drain()
            meanwhile.append([name for name in work.sent if name != "a"])

    work.during = call
    outward.drain()
    assert meanwhile == [["c"]]
    assert work.sent[-1] == "b"


def test_the_limit_is_that_of_the_connection_else_of_its_plugin(small_world: World) -> None:
    small_world.carrier("strict", policy={"max_concurrency": 1})
    small_world.carrier("usual")
    ids = {name: small_world.connections[name].connection_id for name in ("strict", "usual")}
    with small_world.read() as session:
        found = small_world.runtime.runner.limits(session, ids.values())
    assert found == {ids["strict"]: 1, ids["usual"]: 4}


def test_the_place_of_a_dead_worker_is_free_when_its_lease_ends(outward: Engine, work: Calling) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def die(name: str) -> None:
        raise Killed

    outward.add("a", "b", connection_id=ONE)
    work.during = die
    with pytest.raises(Killed):
        outward.runner.run_once("q")
    work.during = lambda name: None
    outward.add("c", connection_id=ONE)
    assert outward.runner.run_once("q") == 0
    outward.clock.advance(LEASE + 1)
    outward.drain()
    assert {outward.row(name).state for name in "abc"} == {"done"}


def test_when_two_claim_at_once_the_last_place_goes_to_one(outward: Engine, work: Calling) -> None:
    """What the other had claimed is due as if it had not been claimed."""
    outward.add("a", connection_id=ONE)
    now, until = outward.clock.now(), outward.clock.now() + timedelta(seconds=LEASE)
    claim = outward.runner.limits

    def taken_meanwhile(session: Session, ids: Any) -> Any:
        repository.take_slot(session, connection_id=ONE, slots=1, token="theirs", now=now, until=until)
        return claim(session, ids)

    racing = Runner(
        outward.database, outward.runner.work, outward.clock, batch=9, lease_seconds=LEASE, limits=taken_meanwhile
    )
    assert racing.run_once("q") == 0
    row = outward.row("a")
    assert (row.state, row.attempts, row.due_at, row.lease_token) == ("ready", 0, now, None)
    with outward.database.write() as session:
        repository.free_slots(session, token="theirs")
    outward.drain()
    assert work.sent == ["a"]
