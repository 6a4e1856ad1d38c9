from datetime import timedelta

from hub.jobs.service.schedules import enqueue_due, ensure_schedule
from tests.integration.jobs.conftest import Engine


def beat(engine: Engine) -> int:
    with engine.database.write() as session:
        return enqueue_due(session, at=engine.clock.now())


def test_work_that_comes_again_is_done_once_however_many_beat(engine: Engine) -> None:
    with engine.database.write() as session:
        ensure_schedule(session, schedule_id="s", kind="note", cron="*/5 * * * *", at=engine.clock.now())
    assert beat(engine) == 0
    engine.clock.advance(300)
    assert [beat(engine), beat(engine), len(engine.drain())] == [1, 0, 1]
    engine.clock.advance(300)
    assert [beat(engine), len(engine.drain())] == [1, 1]


def test_missed_times_are_made_up_by_one_run(engine: Engine) -> None:
    with engine.database.write() as session:
        ensure_schedule(session, schedule_id="s", kind="note", cron="*/5 * * * *", at=engine.clock.now())
    engine.clock.advance(3600)
    assert [beat(engine), beat(engine), len(engine.drain())] == [1, 0, 1]
    engine.clock.advance(299)
    assert beat(engine) == 0


def test_a_schedule_that_fits_keeps_its_next_time(engine: Engine) -> None:
    start = engine.clock.now()
    for seconds in (0, 250):
        engine.clock.set(start + timedelta(seconds=seconds))
        with engine.database.write() as session:
            ensure_schedule(session, schedule_id="s", kind="note", cron="*/5 * * * *", at=engine.clock.now())
    engine.clock.set(start + timedelta(seconds=300))
    assert beat(engine) == 1
