"""The figure of an outage: everything that came while no worker ran, drained as fast as what comes while one does."""

from contextlib import ExitStack

from bench.end_to_end import OPEN_JOBS, Ask, Incomplete, Processes, asker, start, wait
from bench.orders import bulk_bodies
from bench.place import Place
from bench.report import Figure
from bench.world import SHOP, World, runtime_of
from hub.api.bulk import read_bulk
from hub.connections.service.adapters import load_by_name
from hub.intake.service.store import Delivery, store_messages
from hub.kit.clock import SYSTEM

WORKER: Processes = {"worker": ("worker", "--json")}
RATIO = 0.8
DOOR_BATCH = 500
SHORT, TURNS = 2_000, 3
"""The steady rate is that of so many orders at a time, the median of so many turns."""
_FINISHED = """
    SELECT extract(epoch FROM finished_at)::float8 FROM jobs
    WHERE kind IN ('intake.process', 'routing.plan', 'erp.post') AND state = 'done' AND job_id > {after}
    ORDER BY finished_at"""


def backlog(place: Place) -> list[Figure]:
    """Jobs a second with 100,000 waiting jobs, each with what follows from it, beside the rate with a short queue."""
    waiting, short = place.size(place.jobs, 3_000), place.size(SHORT, 500)
    world = place.world(database_url=place.database(), broker=True)
    ask = asker(str(world.settings.database_url))
    _drained(place, world, ask, 0, 500)
    turns = sorted(_rate(_drained(place, world, ask, 1_000 + turn * short, short)) for turn in range(TURNS))
    steady = turns[len(turns) // 2]
    moments = _drained(place, world, ask, 1_000_000, waiting)
    value = _rate(moments)
    tenth = len(moments) // 10
    note = (
        f"{waiting:,} orders came while no worker ran: as many waiting jobs, {len(moments):,} with those that follow; "
        f"the first tenth at {_rate(moments[:tenth]):,.0f} jobs/s, the last at {_rate(moments[-tenth:]):,.0f}; "
        f"ceiling: the rate with {short:,} waiting ({turns[0]:,.0f} to {turns[-1]:,.0f}), target: {RATIO} of it"
    )
    reached = value >= RATIO * steady
    return [Figure("backlog", round(value), "jobs/s", round(RATIO * steady), reached, round(steady), note)]


def _drained(place: Place, world: World, ask: Ask, first: int, orders: int) -> list[float]:
    """Store orders, then start a worker and wait for the end; when each of their jobs was done."""
    after = ask("SELECT coalesce(max(job_id), 0) FROM jobs")[0][0]
    _store(world, first, orders)
    with ExitStack() as stack:
        start(stack, world, WORKER)
        wait(lambda: _done(ask, after), orders, place.tell)
        wait(lambda: -ask(OPEN_JOBS)[0][0], 0, place.tell)
    moments = [moment for (moment,) in ask(_FINISHED.format(after=after))]
    if len(moments) != orders * 3:
        raise Incomplete(f"{len(moments)} jobs were done, {orders * 3} were to be")
    return moments


def _done(ask: Ask, after: int) -> int:
    """How many documents are posted: the last step. Asked often, so it must cost little."""
    return int(ask(f"SELECT count(*) FROM jobs WHERE kind = 'erp.post' AND state = 'done' AND job_id > {after}")[0][0])


def _rate(moments: list[float]) -> float:
    """Jobs a second between the first and the last."""
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _store(world: World, first: int, orders: int) -> None:
    with runtime_of(world) as runtime:
        for body in bulk_bodies(SHOP, orders, DOOR_BATCH, first):
            with runtime.database.write() as session:
                info = load_by_name(session, SHOP)
                deliveries = [Delivery(info, raw) for _, raw in read_bulk(body).documents]
                store_messages(session, deliveries=deliveries, at=SYSTEM.now())
