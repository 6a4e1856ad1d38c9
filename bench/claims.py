"""The figures of the work table: claiming and completing in batches of twenty, with nothing and with much behind it."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import event

from bench.place import Place
from bench.report import Figure
from hub.jobs.events import NewJob
from hub.jobs.service.publish import Publisher, enqueue, install
from hub.jobs.service.run import Runner
from hub.jobs.service.work import Job, LocalWork, WorkTable
from hub.kit import migrations
from hub.kit.clock import SYSTEM
from hub.kit.db import Database
from hub.kit.settings import Settings

BATCH = 20
JOBS = 200
KIND, QUEUE = "bench.nothing", "flow"
RATIO, CHANGE = 0.5, 0.05
WARM = 6
"""Turns before the count begins: caches, prepared statements."""
LEASE = timedelta(seconds=120)
_DONE = """
    INSERT INTO jobs (queue, kind, lane, idem_key, subject_id, args, state, due_at, created_at, attempts, finished_at)
    SELECT 'flow', 'bench.nothing', 'order:' || md5(n::text), 'done:' || n, md5(n::text), '{"order": 1}', 'done',
           now() - interval '1 day', now() - interval '1 day', 1, now() - interval '1 day'
    FROM generate_series(1, %s) AS n"""


def job_claims(place: Place) -> list[Figure]:
    """Jobs a second through the hub's runner beside the same SQL through bare psycopg, turn by turn in one run."""
    turns, done = place.size(200, 12), place.size(1_000_000, 20_000)
    with _table(place) as (empty, _), _table(place) as (full, full_url), _table(place) as (plain, plain_url):
        with psycopg.connect(full_url, autocommit=True) as connection:
            connection.execute(_DONE, (done,))
            connection.execute("VACUUM (ANALYZE) jobs")
        script = _script(plain)
        kinds: dict[str, Callable[[int], float]] = {
            "ours": lambda turn: _rate(empty, turn),
            "bare": lambda turn: _bare_rate(plain, plain_url, turn, script),
            "full": lambda turn: _rate(full, turn),
        }
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(WARM + turns):
            # there and back: none of them is always the one after a checkpoint or a busy neighbour
            for name in kinds if turn % 2 else reversed(kinds):
                rate = kinds[name](turn)
                if turn >= WARM:
                    rates[name].append(rate)
            place.tell(turn * JOBS)
    quick = {name: statistics.quantiles(values, n=4)[2] for name, values in rates.items()}
    ours, bare, kept = quick["ours"], quick["bare"], quick["full"] / quick["ours"]
    note = f"the third quartile of {turns} turns of {JOBS} jobs in batches of {BATCH}, taken in turns"
    spread = f"median {statistics.median(rates['ours']):,.0f}, from {min(rates['ours']):,.0f}"
    return [
        Figure("job_claims", round(ours), "jobs/s", round(bare * RATIO), ours >= bare * RATIO, round(bare),
               f"{note}, {spread}; ceiling: the same SQL by bare psycopg; target: {RATIO} of it"),
        Figure("job_claims_full", round(kept, 3), "x empty", 1 - CHANGE, kept >= 1 - CHANGE,
               note=f"{note}; {quick['full']:,.0f} jobs/s with {done:,} done rows in the table, {ours:,.0f} without"),
    ]  # fmt: skip


@contextmanager
def _table(place: Place) -> Iterator[tuple[Runner, str]]:
    """A runner on a database of its own, with work that does nothing."""
    url = place.database()
    settings = Settings(database_url=url)
    migrations.upgrade(settings.resolved_database_url)
    database = Database(settings.resolved_database_url)
    work = WorkTable(local={KIND: LocalWork(KIND, QUEUE, _nothing)}, outward={})
    install(database, Publisher(subscriptions={}, queues=work.queues, ring=_nobody, clock=SYSTEM))
    try:
        yield Runner(database=database, work=work, clock=SYSTEM, batch=BATCH, lease_seconds=LEASE.total_seconds()), url
    finally:
        database.dispose()


def _nothing(_: object, __: Sequence[Job]) -> None:
    """The work."""


def _nobody(_: str) -> None:
    """The doorbell."""


def _enqueue(runner: Runner, jobs: int, name: str) -> None:
    with runner.database.write() as session:
        new = [
            NewJob(KIND, idem_key=f"{name}:{number}", lane=f"order:{name}:{number}", subject_id=str(number))
            for number in range(jobs)
        ]
        enqueue(session, new)


def _rate(runner: Runner, turn: int) -> float:
    _enqueue(runner, JOBS, f"ours{turn}")
    began = time.perf_counter()
    done = runner.drain(QUEUE)
    seconds = time.perf_counter() - began
    assert done == JOBS, f"{done} of {JOBS} jobs were claimed"
    return JOBS / seconds


def _script(runner: Runner) -> list[tuple[str, Any]]:
    """What the runner says to the database for a batch, statement by statement, as it goes over the wire."""
    said: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    _enqueue(runner, BATCH, "script")
    event.listen(runner.database.engine, "before_cursor_execute", note)
    try:
        runner.run_once(QUEUE)
    finally:
        event.remove(runner.database.engine, "before_cursor_execute", note)
    return said


def _bare_rate(runner: Runner, url: str, turn: int, script: list[tuple[str, Any]]) -> float:
    """The same statements with nothing around them: a claim and a completion, each committed."""
    _enqueue(runner, JOBS, f"bare{turn}")
    claim, complete = script
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'; SET enable_seqscan = off; SET jit = off")
        began = time.perf_counter()
        done = 0
        while True:
            now = SYSTEM.now()
            times = {"now": now, "lease_until": now + LEASE}
            ids = [row[0] for row in connection.execute(claim[0].encode(), {**claim[1], **times})]
            connection.commit()
            if not ids:
                break
            parameters = {name: ids if isinstance(value, list) else value for name, value in complete[1].items()}
            done += len(connection.execute(complete[0].encode(), parameters).fetchall())
            connection.commit()
        seconds = time.perf_counter() - began
    assert done == JOBS, f"{done} of {JOBS} jobs were claimed"
    return JOBS / seconds
