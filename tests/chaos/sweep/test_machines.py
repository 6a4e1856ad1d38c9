"""Stock and jobs as anybody may move them, in any sequence: what must hold, holds after every step."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from hub.inventory.rules.levels import StockLimits
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import set_limits
from hub.inventory.service.locations import create_location
from hub.inventory.service.query import verify_projection
from hub.inventory.service.release import release
from hub.inventory.service.reserve import reserve
from hub.jobs import repository
from hub.jobs.rules.retry import MAX_CRASHES
from hub.jobs.service.retry import try_again
from hub.jobs.tables import JobRow
from hub.kit.db import Database
from hub.kit.ids import new_id
from hub.sdk.testing.kit import FakeClock
from tests.builders import World
from tests.chaos.sweep.conftest import LONG
from tests.integration.inventory.building import AT, level, need, stock
from tests.integration.jobs.conftest import LEASE, Engine
from tests.unit.orders.test_counters import OneLine

STEPS = 50
PROFILE = settings(
    max_examples=100_000 // STEPS if LONG else 4, stateful_step_count=STEPS, deadline=None, derandomize=not LONG,
    suppress_health_check=list(HealthCheck), database=None, phases=(Phase.generate, *((Phase.shrink,) if LONG else ())),
)  # fmt: skip
FEW = st.integers(1, 5)


class Stock(RuleBasedStateMachine):
    """One level: received, promised, given back, limited."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.place = f"N{new_id().replace('-', '')}"
        with self.database.write() as session:
            create_location(session, location=Location(code=self.place, name="W"), at=AT, actor="test")
        self.key = f"{self.place}_A"
        self.held: dict[str, int] = {}
        self.on_hand = self.safety = self.allowance = 0

    @rule(quantity=FEW)
    def received(self, quantity: int) -> None:
        stock(self.database, **{self.key: quantity})
        self.on_hand += quantity

    @rule(quantity=FEW)
    def promised(self, quantity: int) -> None:
        demand = need(self.key, quantity)
        with self.database.write() as session:
            granted = reserve(session, demands=[demand], at=AT, actor="test").granted
        free = self.on_hand - self.safety + self.allowance - sum(self.held.values())
        assert bool(granted) == (quantity <= free)
        self.held |= dict.fromkeys(granted, quantity)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def given_back(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(sorted(self.held)))
        for _ in range(2):  # twice is once
            with self.database.write() as session:
                release(session, fulfilment_order_line_ids=[line], at=AT, actor="test", reason="cancelled")
        del self.held[line]

    @rule(safety=st.integers(0, 3), allowance=st.integers(0, 3))
    def limited(self, safety: int, allowance: int) -> None:
        if not self.on_hand:
            return
        limits = StockLimits(self.place, "A", safety=Decimal(safety), oversell_allowance=Decimal(allowance))
        with self.database.write() as session:
            set_limits(session, entries=[limits], at=AT, actor="test")
        self.safety, self.allowance = safety, allowance

    @invariant()
    def the_books_agree(self) -> None:
        if self.on_hand:
            now = level(self.database, self.key)
            assert (now.on_hand, now.reserved) == (self.on_hand, sum(self.held.values()))

    def teardown(self) -> None:
        with self.database.read() as session:
            assert [drift for drift in verify_projection(session) if drift.location == self.place] == []


class Jobs(RuleBasedStateMachine):
    """One queue and several workers, any of whom may die, or finish what is not theirs any more."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        with self.engine.database.write() as session:
            session.execute(delete(JobRow))
        self.lane_of: dict[str, str] = {}
        self.done: list[str] = []
        self.held: list[tuple[str, list[Any], Any]] = []
        """(token, jobs, end of the lease) of each claim that nobody has finished."""

    @rule(lane=st.sampled_from("xyz"))
    def added(self, lane: str) -> None:
        name = f"{len(self.lane_of):04}"
        self.lane_of[name] = lane
        for _ in range(2):
            self.engine.add(name, lane=lane)

    @rule(limit=st.integers(1, 3))
    def claimed(self, limit: int) -> None:
        token, now = new_id(), self.engine.clock.now()
        until = now + timedelta(seconds=LEASE)
        with self.engine.database.write() as session:
            rows = repository.claim(session, queue="q", limit=limit, token=token, now=now, lease_until=until)
        names = [row.subject_id for row in rows]
        alive = {row.subject_id for _, held, end in self.held if end > now for row in held}
        assert not alive & set(names), "nobody gets what another holds"
        busy = [self.lane_of[name] for name in (*names, *alive)]
        assert len(busy) == len(set(busy)), "one at a time in a lane"
        if rows:
            self.held.append((token, rows, until))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def finished(self, data: st.DataObject) -> None:
        """Also by whoever stood still and has lost them to another since."""
        token, rows, _ = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        with self.engine.database.write() as session:
            ids = [row.job_id for row in rows]
            ours = repository.complete(session, job_ids=ids, token=token, at=self.engine.clock.now())
        self.done += [row.subject_id for row in rows if row.job_id in ours]

    @rule(seconds=st.sampled_from([1, LEASE / 2, LEASE + 1]))
    def time_goes_by(self, seconds: float) -> None:
        self.engine.clock.advance(seconds)

    @invariant()
    def each_is_done_once_and_in_its_turn(self) -> None:
        assert len(self.done) == len(set(self.done))
        for lane in "xyz":
            mine = [name for name in self.done if self.lane_of[name] == lane]
            assert mine == sorted(mine)

    def teardown(self) -> None:
        """What workers died over three times waits for a person, who lets it run again."""
        for _ in range(2 * len(self.lane_of) + 1):
            self.engine.clock.advance(LEASE + 1)
            self.done += self.engine.drain()
            self._let_run_again()
        assert sorted(self.done) == sorted(self.lane_of), "nothing is lost"
        self.each_is_done_once_and_in_its_turn()

    def _let_run_again(self) -> None:
        with self.engine.database.write() as session:
            parked = session.scalars(select(JobRow).where(JobRow.state == "parked")).all()
            assert all(row.crashes >= MAX_CRASHES for row in parked), "nothing else is parked"
            try_again(session, parked, actor="ada", at=self.engine.clock.now())


def test_one_line_of_an_order() -> None:
    run_state_machine_as_test(OneLine, settings=PROFILE)


def test_stock(small_world: World) -> None:
    run_state_machine_as_test(type("Stock", (Stock,), {"database": small_world.database}), settings=PROFILE)


def test_jobs(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    run_state_machine_as_test(type("Jobs", (Jobs,), {"engine": Engine(database, FakeClock())}), settings=PROFILE)
    database.dispose()
