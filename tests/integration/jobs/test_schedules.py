"""Schedules: once for each time over any number of processes, never beside their own last run, and never adrift."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from hub.jobs.service import schedules
from hub.jobs.service.schedules import (
    Schedule,
    ScheduleView,
    disable,
    enable,
    enqueue_due,
    get_schedule,
    keep_schedules,
    list_schedules,
    next_time,
    run_now,
)
from hub.kit.db import Database
from hub.kit.errors import NotFound, StateConflict
from hub.sdk.errors import Rejected, Transient
from hub.sdk.testing.kit import FakeClock
from tests.integration.jobs.conftest import Engine

EVERY_FIVE = Schedule("s", "note", "*/5 * * * *")


def keep(engine: Engine, *wanted: Schedule, unwanted: tuple[str, ...] = ()) -> None:
    with engine.database.write() as session:
        keep_schedules(session, wanted or (EVERY_FIVE,), at=engine.clock.now(), unwanted=unwanted)


def beat(engine: Engine) -> int:
    with engine.database.write() as session:
        return enqueue_due(session, at=engine.clock.now())


def now(engine: Engine, schedule_id: str = "s") -> ScheduleView:
    with engine.database.read() as session:
        return get_schedule(session, schedule_id)


def change(engine: Engine, step: object) -> ScheduleView:
    with engine.database.write() as session:
        return step(session, schedule_id="s", actor="ops", at=engine.clock.now())  # type: ignore[operator,no-any-return]


def claimed(engine: Engine) -> None:
    """A worker has the run and does not come back."""

    def die(session: object, jobs: object) -> None:
        raise KeyboardInterrupt

    engine.behave = die
    with pytest.raises(KeyboardInterrupt):
        engine.runner.run_once("q")
    engine.behave = lambda session, jobs: None


def test_work_that_comes_again_is_done_once_however_many_beat(engine: Engine) -> None:
    keep(engine)
    assert beat(engine) == 0
    engine.clock.advance(300)
    together, started = threading.Barrier(4), []

    def one_process() -> None:
        together.wait(10)
        started.append(beat(engine))

    beats = [threading.Thread(target=one_process) for _ in range(4)]
    for thread in beats:
        thread.start()
    for thread in beats:
        thread.join(30)
    assert (sorted(started), len(engine.drain())) == ([0, 0, 0, 1], 1)
    engine.clock.advance(300)
    assert [beat(engine), len(engine.drain())] == [1, 1]


@pytest.mark.postgres
def test_a_beat_that_was_late_to_move_the_time_starts_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(Database(postgres_url), FakeClock())
    keep(engine)
    engine.clock.advance(300)
    others: list[int] = []

    def another_is_faster(cron: str, at: datetime) -> datetime:
        if not others:
            others.append(0)
            others[:] = [beat(engine), len(engine.drain())]
        return next_time(cron, at)

    monkeypatch.setattr(schedules, "next_time", another_is_faster)
    assert (beat(engine), others, len(engine.drain())) == (0, [1, 1], 0)
    engine.database.dispose()


def test_missed_times_are_made_up_by_one_run(engine: Engine) -> None:
    keep(engine)
    engine.clock.advance(3600)
    assert [beat(engine), beat(engine), len(engine.drain())] == [1, 0, 1]
    engine.clock.advance(299)
    assert beat(engine) == 0


def test_a_run_that_outlasts_its_period_gets_no_second_one_beside_it(engine: Engine) -> None:
    keep(engine)
    engine.clock.advance(300)
    beat(engine)
    claimed(engine)
    for _ in range(3):
        engine.clock.advance(300)
        assert beat(engine) == 0
    assert (now(engine).outcome, now(engine).runs) == ("running", 1)
    engine.drain()
    engine.clock.advance(300)
    assert (beat(engine), now(engine).runs) == (1, 2)


def test_times_are_those_of_the_expression_however_late_each_beat_and_over_restarts(engine: Engine) -> None:
    engine.clock.set(datetime(2026, 3, 1, 8, 0, 30, tzinfo=UTC))
    keep(engine)
    for late in (7, 133, 299, 2):
        engine.clock.set(now(engine).next_run_at + timedelta(seconds=late))  # type: ignore[operator]
        keep(engine)  # as every start does
        beat(engine)
        engine.drain()
    assert now(engine).next_run_at == datetime(2026, 3, 1, 8, 25, tzinfo=UTC)


def test_a_clock_that_was_wrong_for_a_while_stops_nothing(engine: Engine) -> None:
    start = engine.clock.now()
    keep(engine)
    engine.clock.set(start + timedelta(days=400))
    assert beat(engine) == 1
    engine.drain()
    engine.clock.set(start)
    keep(engine)
    due = now(engine).next_run_at
    assert due is not None
    assert due - start <= timedelta(minutes=5)
    for _ in range(3):
        engine.clock.advance(300)
        assert [beat(engine), len(engine.drain())] == [1, 1]


def test_another_expression_is_taken_over_and_what_a_person_disabled_stays_so(engine: Engine) -> None:
    keep(engine, EVERY_FIVE, Schedule("t", "note", "0 * * * *"))
    change(engine, disable)
    keep(engine, Schedule("s", "note", "*/10 * * * *"), unwanted=("t", "never there"))
    with engine.database.read() as session:
        (only,) = list_schedules(session, after=None, limit=10)
    assert (only.schedule_id, only.cron, only.enabled, only.next_run_at) == ("s", "*/10 * * * *", False, None)
    engine.clock.advance(3600)
    assert beat(engine) == 0
    enabled = change(engine, enable)
    assert enabled.next_run_at == next_time("*/10 * * * *", engine.clock.now())
    assert beat(engine) == 0


def test_run_now_is_refused_beside_a_run_and_moves_no_time(engine: Engine) -> None:
    keep(engine)
    due = now(engine).next_run_at
    change(engine, disable)
    assert change(engine, run_now).outcome == "waiting"
    with pytest.raises(StateConflict, match="under way"):
        change(engine, run_now)
    assert len(engine.drain()) == 1
    change(engine, enable)
    assert (now(engine).outcome, now(engine).next_run_at) == ("done", due)
    with engine.database.write() as session, pytest.raises(NotFound):
        run_now(session, schedule_id="nobody", actor="ops", at=engine.clock.now())


def test_the_last_run_says_what_came_of_it_and_a_failed_one_stops_no_other(engine: Engine) -> None:
    keep(engine)
    assert (now(engine).outcome, now(engine).last_run_at) == (None, None)

    def fail(error: Exception) -> None:
        def behave(session: object, jobs: object) -> None:
            raise error

        engine.behave = behave
        engine.clock.advance(300)
        beat(engine)
        engine.drain()

    fail(Transient("away"))
    assert (now(engine).outcome, now(engine).error) == ("retrying", "away")
    fail(Rejected("no"))
    failed = now(engine)
    assert (failed.outcome, failed.error_class, failed.error, failed.last_run_at) == (
        "failed", "Rejected", "no", engine.clock.now() - timedelta(minutes=5),
    )  # fmt: skip
    engine.behave = lambda session, jobs: None
    engine.clock.advance(300)
    beat(engine)
    engine.drain()
    done = now(engine)
    assert (done.outcome, done.error, done.last_run_at, done.finished_at) == (
        "done", None, engine.clock.now(), engine.clock.now(),
    )  # fmt: skip
