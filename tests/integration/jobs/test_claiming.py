"""Which job runs next, and whose it is."""

import itertools
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.events import Event
from hub.jobs.rules.retry import MAX_CRASHES
from hub.jobs.service.connection_health import pause, resume
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.ids import new_id
from hub.kit.log import correlated, correlation_id
from hub.sdk.errors import Rejected, Transient
from tests.integration.jobs.conftest import LEASE, Engine


class Killed(BaseException):
    """The process is gone: nobody catches this."""


def test_a_lane_runs_in_the_order_in_which_it_was_filled(engine: Engine) -> None:
    engine.runner = type(engine.runner)(engine.database, engine.runner.work, engine.clock, batch=2, lease_seconds=LEASE)
    engine.add("1", "2", "3", lane="same")
    engine.add("x")
    assert engine.runner.run_once("q") == 2
    assert engine.done == ["1", "x"]
    assert engine.drain() == ["1", "x", "2", "3"]


def test_what_is_urgent_goes_first(engine: Engine) -> None:
    engine.add("slow", priority=5)
    engine.add("normal")
    engine.add("urgent", priority=-1)
    engine.runner = type(engine.runner)(engine.database, engine.runner.work, engine.clock, batch=1, lease_seconds=LEASE)
    assert engine.drain() == ["urgent", "normal", "slow"]


def test_the_order_holds_over_all_connections(engine: Engine) -> None:
    ones, others = {"connection_id": new_id()}, {"connection_id": new_id()}
    for name, values in (("1", ones), ("2", {}), ("3", others), ("4", ones), ("5", others), ("6", {})):
        engine.add(name, **values)
    engine.add("urgent", priority=-1, **others)
    engine.runner = type(engine.runner)(engine.database, engine.runner.work, engine.clock, batch=1, lease_seconds=LEASE)
    assert engine.drain() == ["urgent", "1", "2", "3", "4", "5", "6"]


def test_a_parked_job_blocks_its_lane_for_all_but_what_is_urgent(engine: Engine) -> None:
    def refuse(session: Session, jobs: Sequence[Job]) -> None:
        if any(job.subject_id == "bad" for job in jobs):
            raise Rejected("no")

    engine.behave = refuse
    engine.add("bad", "later", lane="same")
    engine.add("cancel", lane="same", priority=-1)
    assert engine.drain() == ["cancel"]
    assert (engine.row("bad").state, engine.row("later").state) == ("parked", "ready")


def test_nothing_runs_before_its_time(engine: Engine) -> None:
    engine.add("tomorrow", due_at=engine.clock.now() + timedelta(days=1))
    assert engine.drain() == []
    engine.clock.advance(86400)
    assert engine.drain() == ["tomorrow"]


def test_a_blocked_or_paused_connection_costs_no_worker(engine: Engine) -> None:
    blocked, paused = new_id(), new_id()
    engine.add("blocked", connection_id=blocked)
    engine.add("paused", connection_id=paused)
    with engine.database.write() as session:
        until = engine.clock.now() + timedelta(seconds=30)
        session.add(ConnectionHealthRow(connection_id=blocked, blocked_until=until))
        pause(session, connection_id=paused, reason="a person said so")
    assert engine.drain() == []
    assert engine.row("blocked").attempts == 0
    engine.clock.advance(31)
    assert engine.drain() == ["blocked"]
    with engine.database.write() as session:
        resume(session, connection_id=paused)
    assert engine.drain() == ["paused"]


def test_any_number_of_jobs_of_a_paused_connection_cost_the_claim_nothing(engine: Engine) -> None:
    paused = new_id()
    with engine.database.write() as session:
        pause(session, connection_id=paused, reason="a person said so")
    engine.add("before", connection_id=paused)
    engine.add("due")
    few = effort(engine)
    engine.add(*(f"paused-{number}" for number in range(3000)), connection_id=paused)
    engine.add(*(f"due-{number}" for number in range(3)), connection_id=new_id())
    assert effort(engine) < 5 * few
    assert sorted(engine.drain()) == ["due", "due-0", "due-1", "due-2"]


def effort(engine: Engine) -> int:
    """What a claim costs: rows looked at on PostgreSQL, hundreds of machine steps on SQLite; nothing is kept of it."""
    now = engine.clock.now()
    claim: dict[str, Any] = {"queue": "q", "token": "t", "now": now, "lease_until": now}
    steps = itertools.count()
    with engine.database.read() as session:
        connection = session.connection()
        statement = repository.claim_statement(connection.dialect.name, 100)
        claim["left_out"] = [] if connection.dialect.name == "postgresql" else "[]"
        if connection.dialect.name == "postgresql":
            session.execute(text("ANALYZE jobs"))
            (found,) = session.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"), claim).scalar_one()
            return rows_of(found["Plan"])
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: next(steps) * 0, 100)
        session.execute(statement, claim).all()
        driver.set_progress_handler(None, 0)
    return next(steps)


def rows_of(node: dict[str, Any]) -> int:
    own = sum(
        int(node.get(name, 0)) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    )
    return own * int(node["Actual Loops"]) + sum(rows_of(child) for child in node.get("Plans", ()))


def test_the_same_cause_makes_one_job_for_ever(engine: Engine) -> None:
    happened = Event(kind="thing.happened", subject_id="s", cause="message-1", lane="l")
    for _ in range(2):
        with engine.database.write() as session:
            publish(session, [happened, happened, Event("nobody.cares", "s", "1", "l")])
        engine.runner.drain("q")
    assert engine.done == ["s"]
    assert engine.rung == ["q", "q"], "one ring a transaction, after its commit"


def test_a_change_that_is_rolled_back_leaves_no_job_and_rings_nobody(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), engine.database.write() as session:
        publish(session, [Event("thing.happened", "s", "1", "l")])
        raise ZeroDivisionError
    assert (engine.rung, engine.drain()) == ([], [])


def test_work_carries_the_correlation_of_its_cause_and_leaves_none_behind(engine: Engine) -> None:
    seen: list[str | None] = []
    engine.behave = lambda session, jobs: seen.append(correlation_id())
    engine.add("a", correlation_id="cause-1")
    with correlated("outside"):
        engine.drain()
        assert correlation_id() == "outside"
    assert seen == ["cause-1"]


def test_one_poison_of_five_hundred_is_found_and_the_others_are_done(engine: Engine) -> None:
    def choke(session: Session, jobs: Sequence[Job]) -> None:
        if any(job.subject_id == "237" for job in jobs):
            raise KeyError("poison")

    engine.behave = choke
    names = [str(number) for number in range(500)]
    engine.add(*names)
    assert sorted(engine.drain()) == sorted(set(names) - {"237"})
    row = engine.row("237")
    assert (row.state, row.error_class, row.error) == ("parked", "Bug", "KeyError: 'poison'")


def test_work_that_fails_for_a_while_comes_again_by_itself(engine: Engine) -> None:
    failures = [Transient("away")] * 2

    def stumble(session: Session, jobs: Sequence[Job]) -> None:
        if failures:
            raise failures.pop()

    engine.behave = stumble
    engine.add("a")
    assert engine.drain() == []
    assert (engine.row("a").state, engine.row("a").attempts) == ("ready", 1)
    assert timedelta(seconds=15) <= engine.row("a").due_at - engine.clock.now() <= timedelta(seconds=30)
    engine.clock.advance(30)
    assert engine.drain() == []
    engine.clock.advance(60)
    assert engine.drain() == ["a"]


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("select 1", {}, Exception("deadlock detected")),
        DBAPIError("select 1", {}, Exception("idle-in-transaction timeout"), connection_invalidated=True),
        sqlite3.OperationalError("database is locked"),
    ],
)
def test_a_database_that_was_away_is_no_bug(engine: Engine, error: Exception) -> None:
    failures = [error]

    def stumble(session: Session, jobs: Sequence[Job]) -> None:
        if failures:
            raise failures.pop()

    engine.behave = stumble
    engine.add("a")
    engine.drain()
    assert (engine.row("a").state, engine.row("a").error_class) == ("ready", "Transient")
    engine.clock.advance(30)
    assert engine.drain() == ["a"]


@pytest.mark.parametrize(("meetings", "state"), [(1, "done"), (9, "parked")])
def test_who_meets_another_goes_again_at_once_and_who_always_does_has_a_bug(
    engine: Engine, meetings: int, state: str
) -> None:
    met: list[int] = []

    def store(session: Session, jobs: Sequence[Job]) -> None:
        met.append(len(jobs))
        if len(met) <= meetings:
            session.execute(text("UPDATE jobs SET idem_key = 'taken' WHERE subject_id = 'a'"))

    engine.add("taken", kind="alien")
    engine.add("a")
    engine.behave = store
    engine.drain()
    assert (engine.row("a").state, engine.row("a").error_class) == (state, None if state == "done" else "Bug")
    assert met == [1, 1]


def test_work_of_a_kind_that_nothing_runs_is_parked_beside_the_others(engine: Engine) -> None:
    engine.add("odd", kind="alien")
    engine.add("a")
    assert engine.drain() == ["a"]
    assert engine.row("odd").state == "parked"


def test_a_stale_lease_completes_nothing(engine: Engine) -> None:
    """Whoever comes back late finds that somebody else owns the job: what it did is not counted twice."""
    engine.add("a")
    claim = {"queue": "q", "limit": 1, "lease_until": engine.clock.now() + timedelta(seconds=LEASE)}
    with engine.database.write() as session:
        (job,) = repository.claim(session, token="frozen", now=engine.clock.now(), **claim)
    engine.clock.advance(LEASE + 1)
    assert engine.drain() == ["a"]
    with engine.database.write() as session:
        assert repository.complete(session, job_ids=[job.job_id], token="frozen", at=engine.clock.now()) == set()
        assert not repository.write_failure(session, job_id=job.job_id, token="frozen", values={"state": "ready"})
    assert (engine.row("a").state, engine.row("a").crashes) == ("done", 1)


def test_a_worker_that_loses_its_lease_while_it_works_has_done_nothing(engine: Engine) -> None:
    """The completion is the first statement of the transaction: without the lease the work is not even begun."""

    def steal(session: Session, jobs: Sequence[Job]) -> None:
        raise AssertionError("it ran without its lease")

    engine.add("a")
    engine.behave = steal
    with engine.database.write() as session:
        (row,) = repository.claim(
            session, queue="q", limit=1, token="theirs", now=engine.clock.now(),
            lease_until=engine.clock.now() + timedelta(seconds=LEASE),
        )  # fmt: skip
    engine.runner._run_local(engine.runner.work.local["note"], [Job(*row)], "ours")
    assert engine.row("a").state == "leased"


def test_three_deaths_park_the_poison_and_count_no_innocent(engine: Engine) -> None:
    def die(session: Session, jobs: Sequence[Job]) -> None:
        if any(job.subject_id == "poison" for job in jobs):
            raise Killed

    engine.behave = die
    engine.add("before", "poison", *(f"after-{number}" for number in range(5)))
    for _ in range(MAX_CRASHES):
        with pytest.raises(Killed):
            engine.drain()
        engine.clock.advance(LEASE + 1)
    engine.drain()
    engine.done.sort()
    poison = engine.row("poison")
    assert (poison.state, poison.crashes, poison.error_class) == ("parked", MAX_CRASHES, "Bug")
    assert {engine.row(f"after-{number}").state for number in range(5)} == {"done"}
    assert {engine.row(f"after-{number}").crashes for number in range(5)} == {1}


def test_an_embedded_hub_that_starts_again_takes_up_its_own_work_at_once(engine: Engine) -> None:
    def die(session: Session, jobs: Sequence[Job]) -> None:
        raise Killed

    engine.behave = die
    engine.add("a", "b")
    for _ in range(2):
        with pytest.raises(Killed):
            engine.drain()
        with engine.database.write() as session:
            assert repository.end_leases(session, at=engine.clock.now()) == 2
    engine.behave = lambda session, jobs: None
    assert engine.drain() == ["a", "b"]


def test_many_threads_at_once_never_get_the_same_job(engine: Engine) -> None:
    names = [str(number) for number in range(400)]
    engine.add(*names)
    begun = threading.Barrier(8)
    seen: list[list[int]] = [[] for _ in range(8)]

    def work(mine: list[int]) -> None:
        begun.wait()
        while True:
            with engine.database.write() as session:
                rows = repository.claim(
                    session, queue="q", limit=7, token=new_id(), now=engine.clock.now(),
                    lease_until=engine.clock.now() + timedelta(seconds=LEASE),
                )  # fmt: skip
            if not rows:
                return
            mine.extend(row.job_id for row in rows)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    claimed = Counter(job for mine in seen for job in mine)
    assert set(claimed.values()) == {1}
    assert len(claimed) == len(names)
