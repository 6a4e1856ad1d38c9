"""Real Dramatiq over each broker: the row is the truth, the message only a doorbell."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session

from hub.jobs.service.run import Runner
from hub.jobs.service.work import Job, LocalWork, WorkTable
from hub.kit.clock import monotonic
from hub.kit.errors import InvalidInput
from hub.kit.http import HttpPool, shared_pool
from hub.worker import turns
from hub.worker.broker import make_broker
from hub.worker.run import Beat, Doorbell, WorkerProcess, connect
from tests.builders import World, furnished, order_document

PATIENCE = 20.0


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.broker),
        pytest.param("rabbitmq", marks=pytest.mark.broker),
    ]
)
def broker_url(request: pytest.FixtureRequest) -> str:
    """The URL of each kind of broker."""
    return "memory://" if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_url"))


@contextmanager
def working(world: World, url: str) -> Iterator[WorkerProcess]:
    """A worker process in this one, stopped in the end."""
    process = WorkerProcess(world.runtime, connect(world.runtime, url))
    process.start()
    try:
        yield process
    finally:
        process.stop()


def until(done: Callable[[], bool]) -> bool:
    """Whether it comes about within our patience."""
    pause, deadline = threading.Event(), monotonic() + PATIENCE
    while not (there := done()) and monotonic() < deadline:
        pause.wait(0.02)
    return there


@pytest.fixture
def quiet(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A hub whose sweep does not come by while the test runs: only the doorbell gets anything done."""
    built = furnished(sqlite_url, tmp_path, sweep_seconds=3600, worker_threads=1)
    yield built
    built.runtime.close()


def one_by_one(world: World, *works: LocalWork) -> None:
    """Claim one job at a time, and run these kinds in another way."""
    local = {**world.runtime.work.local, **{work.kind: work for work in works}}
    table = WorkTable(local, world.runtime.work.outward)
    world.runtime.runner = Runner(world.database, table, world.clock, batch=1, lease_seconds=60)


def test_work_runs_when_the_doorbell_rings(quiet: World, broker_url: str) -> None:
    quiet.stock(W1_A=3)
    quiet.drain()
    with working(quiet, broker_url):
        quiet.store(order_document("1"))
        assert until(lambda: quiet.count("orders") == 1 and bool(quiet.open_work("1")))


def test_work_whose_doorbell_was_lost_is_found_by_the_sweep(sqlite_url: str, tmp_path: Path, broker_url: str) -> None:
    world = furnished(sqlite_url, tmp_path, sweep_seconds=0.2, worker_threads=2)
    with working(world, broker_url):
        ring, world.runtime.ring = world.runtime.ring, None
        world.store(order_document("1"))
        world.runtime.ring = ring
        assert until(lambda: world.count("orders") == 1)
    world.runtime.close()


def test_a_worker_that_stops_finishes_what_it_has_and_takes_no_more(quiet: World, broker_url: str) -> None:
    begun, go_on = threading.Event(), threading.Event()
    first = quiet.runtime.work.local["intake.process"]

    def slowly(session: object, jobs: object) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)
        first.run(session, jobs)  # type: ignore[arg-type]

    one_by_one(quiet, LocalWork("intake.process", "intake", slowly))
    with working(quiet, broker_url) as process:
        quiet.store(order_document("1"), order_document("2"))
        assert begun.wait(PATIENCE)
        opener = threading.Thread(target=lambda: (until(quiet.runtime.stopping.is_set), go_on.set()))
        opener.start()
        process.stop()
        opener.join()
    assert quiet.count("orders") == 1
    assert [job.state for job in quiet.jobs(kind="intake.process")] == ["done", "ready"]


def test_a_worker_that_stops_waits_for_hung_work_for_so_long_only(quiet: World) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang(session: object, jobs: object) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    one_by_one(quiet, LocalWork("intake.process", "intake", hang))
    quiet.runtime.settings = quiet.runtime.settings.model_copy(update={"drain_seconds": 0.1})
    process = WorkerProcess(quiet.runtime, connect(quiet.runtime, "memory://"))
    process.start()
    quiet.store(order_document("1"))
    assert begun.wait(PATIENCE)
    asked = monotonic()
    process.stop()
    assert monotonic() - asked < PATIENCE / 4
    assert [job.state for job in quiet.jobs(kind="intake.process")] == ["leased"]
    go_on.set()


def test_a_doorbell_that_rings_too_often_or_for_nothing_does_no_harm(quiet: World, broker_url: str) -> None:
    quiet.drain()
    with working(quiet, broker_url):
        for _ in range(3):
            quiet.runtime.ring_queue("intake")
        quiet.store(order_document("1"))
        for _ in range(3):
            quiet.runtime.ring_queue("intake")
        assert until(lambda: quiet.count("orders") == 1)
    assert [(job.state, job.attempts) for job in quiet.jobs(kind="intake.process")] == [("done", 1)]


def test_arriving_orders_do_not_starve_what_follows_them(
    quiet: World, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    ran: list[str] = []

    def noted(kind: str) -> LocalWork:
        work = quiet.runtime.work.local[kind]

        def note(session: Session, jobs: Sequence[Job]) -> None:
            ran.append(kind)
            work.run(session, jobs)

        return LocalWork(kind, work.queue, note)

    quiet.stock(W1_A=20)
    quiet.drain()
    one_by_one(quiet, noted("intake.process"), noted("routing.plan"))
    quiet.store(*(order_document(str(number)) for number in range(60)))
    with working(quiet, broker_url):
        quiet.runtime.ring_queue("intake")
        assert until(lambda: len(ran) == 120)
    assert ran.index("routing.plan") < 40  # a queue that was empty is looked at ten times a second


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1/"])
def test_a_broker_that_is_away_refuses_no_order(quiet: World, url: str) -> None:
    connect(quiet.runtime, url)
    quiet.store(order_document("1"))
    assert quiet.count("inbound_messages") == 1
    quiet.drain()
    assert quiet.count("orders") == 1


def test_a_doorbell_that_is_broken_is_left_alone_for_a_while() -> None:
    rung: list[str] = []

    def broken(queue: str) -> None:
        rung.append(queue)
        raise ConnectionError

    patient, hasty = Doorbell(broken, pause_seconds=60), Doorbell(broken, pause_seconds=0)
    for _ in range(3):
        patient("a")
        hasty("b")
    assert rung == ["a", "b", "b", "b"]


def test_a_beat_outlives_a_database_that_is_away(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[bool] = []

    def away(self: object, ring: object) -> None:
        beats.append(True)
        if len(beats) < 3:
            raise ConnectionError("away")

    monkeypatch.setattr(type(quiet.runtime), "tick", away)
    quiet.runtime.settings = quiet.runtime.settings.model_copy(update={"sweep_seconds": 0.01})
    beat = Beat(quiet.runtime, ring=lambda queue: None)
    beat.start()
    assert until(lambda: len(beats) > 3)
    beat.stop()


def test_a_worker_beats_unless_another_process_does(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Event()
    monkeypatch.setattr(type(quiet.runtime), "tick", lambda runtime, ring: ticked.set())
    for beat in (False, True):
        process = WorkerProcess(quiet.runtime, connect(quiet.runtime, "memory://"), beat=beat)
        process.start()
        assert (process.beats(), ticked.wait(PATIENCE if beat else 0)) == (beat, beat)
        process.stop()
        assert not process.beats()


def test_a_process_that_ends_closes_its_sockets_to_others(quiet: World) -> None:
    closed = threading.Event()

    class Peer(httpx.MockTransport):
        def close(self) -> None:
            closed.set()

    assert quiet.runtime.pool is shared_pool()
    quiet.runtime.pool = HttpPool(transport=Peer(lambda request: httpx.Response(200)))
    quiet.runtime.close()
    assert closed.is_set()


def test_a_broker_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="redis://host"):
        make_broker("kafka://host")
