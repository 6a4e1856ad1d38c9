"""One round: send orders while things break, lift the faults, wait until the hub is quiet, compare the books."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from hub.cli.demo_client import Api, Refused
from hub.kit.errors import HubError
from tests.chaos.world.deaths import POINTS
from tests.chaos.world.executioner import Executioner, forked
from tests.chaos.world.monkey import Monkey
from tests.chaos.world.orders import PLACED_AT, sales
from tests.chaos.world.people import Progress, Senders, Warehouse, ask_the_shop
from tests.chaos.world.processes import pause
from tests.chaos.world.setups import LOCATIONS, World, world
from tests.chaos.world.verdict import Promise, compare

QUIET = (
    "SELECT count(*) FROM jobs j WHERE state IN ('ready', 'leased') AND NOT EXISTS (SELECT 1 FROM jobs e "
    "WHERE e.lane = j.lane AND e.job_id < j.job_id AND e.state = 'parked')"
)
"""Work that can still be done: what waits behind a parked job of its lane waits for a person."""
PARKED = "SELECT job_id, error_class, error, kind FROM jobs WHERE state = 'parked'"
HELD = "SELECT DISTINCT order_id FROM order_holds WHERE released_at IS NULL AND reason_code <> 'cancel_requested'"
STILL = 3
"""How often in a row nothing may be found to do before the hub is quiet."""
TURNS = 4
SENDERS = 2
ORDERS_A_DEATH = 1.5
FEWEST_ORDERS = 45
MORTALS = 4
"""Workers that die at steps."""


@dataclass(slots=True)
class Round:
    """What happened, and what came of it."""

    setup: str
    seed: int
    orders: int
    deliveries: int = 0
    seconds: float = 0.0
    quiet_after: float = 0.0
    done: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    recoveries: list[float] = field(default_factory=list)
    shipped: int = 0
    by_hand: dict[str, int] = field(default_factory=dict)
    waiting_for_a_person: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Breaker(Protocol):
    """Whoever breaks things while orders flow."""

    done: Counter[str]
    recoveries: list[float]

    @property
    def kills(self) -> int: ...

    def may_follow(self, share: float) -> bool:
        """Whether more than this share of the orders may be sent, so that all kills hit something."""
        ...

    def run(self, *, until: Callable[[], bool], pause_between: tuple[float, float]) -> None: ...

    def attend(self) -> None: ...

    def lift(self) -> None: ...


class Stuck(RuntimeError):
    """The hub did not become quiet."""


Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two breaks (from, to), until the hub must be quiet, and between two pulls from the shop."""

    pause_between: tuple[float, float]
    settle_seconds: float
    pull_every: float


def run_round(
    setup: str, folder: Path, *, seed: int, orders: int, kills: int, pace: Pace, tell: Tell, own_disk: bool = False
) -> Round:  # fmt: skip
    """Things break at random instants. Everything on private servers that are gone afterwards."""
    began = time.monotonic()
    result = Round(setup, seed, orders)
    with world(setup, folder, seed=seed, hot_units=max(3, orders // 20), own_disk=own_disk) as here:
        tell(f"{setup}: up after {time.monotonic() - began:.1f} s")
        _run(here, result, Monkey(here, seed=seed, kills=kills), pace=pace, tell=tell)
    result.seconds = time.monotonic() - began
    return result


def run_deaths(setup: str, folder: Path, *, seed: int, each: int, pace: Pace, tell: Tell) -> Round:
    """The hub's processes die `each` times at every boundary between two steps; the network is honest."""
    began, deaths = time.monotonic(), each * len(POINTS)
    result = Round(setup, seed, max(FEWEST_ORDERS, round(deaths * ORDERS_A_DEATH)))
    with world(setup, folder, seed=seed, hot_units=result.orders, start=forked, workers=MORTALS) as here:
        here.network(0.0)
        tell(f"{setup}: up after {time.monotonic() - began:.1f} s")
        _run(here, result, Executioner(here, seed=seed, each=each), pace=pace, tell=tell, lies=False)
    result.seconds = time.monotonic() - began
    return result


def _run(here: World, result: Round, monkey: Breaker, *, pace: Pace, tell: Tell, lies: bool = True) -> None:
    sold = sales(result.seed, result.orders, PLACED_AT.format(datetime.now(UTC)))
    progress = Progress(len(sold))
    progress.allowed = lambda sent: monkey.may_follow(sent / len(sold))
    settle_seconds = pace.settle_seconds
    senders = Senders(here, sold, progress, result.seed)
    warehouses = [Warehouse(here, code, progress) for code, *_ in LOCATIONS]
    with closing(Api(here.url, here.token)) as api:
        api.get("/v1/orders", {"limit": 1})  # patiently: the first start is no fault
    sending = [_thread(progress, partial(senders.run, turn)) for turn in range(SENDERS)]
    working = [_thread(progress, warehouse.run) for warehouse in warehouses]
    working.append(_thread(progress, partial(ask_the_shop, here, progress, pace.pull_every)))
    try:
        monkey.run(until=lambda: not any(thread.is_alive() for thread in sending), pause_between=pace.pause_between)
        tell(f"{result.setup}: {progress.sent} orders sent, {dict(monkey.done)}")
        result.faults = here.faults() if lies else {}
        here.network(0.0)
        monkey.lift()
        lifted = time.monotonic()
        _settle(here, monkey, warehouses, result, deadline=lifted + settle_seconds, tell=tell)
        result.quiet_after = time.monotonic() - lifted
        progress.over.set()
        for thread in working:
            thread.join(timeout=90)
        _wait_until_quiet(here, monkey, time.monotonic() + settle_seconds)  # what the warehouses did at the last moment
    finally:
        progress.over.set()
        for thread in [*sending, *working]:
            thread.join(timeout=90)
        for somebody in (senders, *warehouses):
            somebody.close()
    handed_over = {key: units for warehouse in warehouses for key, units in warehouse.handed_over.items()}
    result.deliveries, result.errors = progress.deliveries, progress.errors[:50]
    result.done, result.kills, result.recoveries = dict(monkey.done), monkey.kills, monkey.recoveries
    result.shipped = len(handed_over)
    result.waiting_for_a_person = [f"{kind}: {name}: {error}"[:300] for _, name, error, kind in here.ask(PARKED)][:50]
    result.promises = compare(here, sold, handed_over)


def _thread(progress: Progress, work: Callable[[], None]) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except Exception as error:  # a thread that ends early must be seen
            progress.errors.append(f"{type(error).__name__}: {error}"[:300])

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    return thread


def _settle(
    here: World, monkey: Breaker, warehouses: list[Warehouse], result: Round, *, deadline: float, tell: Tell
) -> None:
    """Until nothing is left to do; between two quiet times a person does what the how-to says: retries and releases."""
    for turn in range(TURNS):
        _wait_until_quiet(here, monkey, deadline)
        with closing(Api(here.url, here.token)) as api:
            retried = _retry_parked(here, api, turn)
            released = _release_held(here, api, turn)
        tell(f"{here.setup}: quiet, turn {turn + 1}: {retried} parked jobs retried, {released} orders released")
        result.by_hand["jobs_retried"] = result.by_hand.get("jobs_retried", 0) + retried
        result.by_hand["orders_released"] = result.by_hand.get("orders_released", 0) + released
        for warehouse in warehouses:
            warehouse.forgive()
        if turn and not retried and not released:
            return
    _wait_until_quiet(here, monkey, deadline)


def _wait_until_quiet(here: World, monkey: Breaker, deadline: float) -> None:
    still = 0
    while still < STILL:
        if time.monotonic() > deadline:
            rows = here.ask("SELECT kind, state, error FROM jobs WHERE state IN ('ready', 'leased') LIMIT 10")
            raise Stuck(f"{here.setup}: not quiet: {rows}")
        monkey.attend()
        pause(1.0)
        still = still + 1 if here.ask(QUIET)[0][0] == 0 else 0


def _retry_parked(here: World, api: Api, turn: int) -> int:
    retried = 0
    for job, name, _, _ in here.ask(PARKED):
        if name == "NeedsAck":
            continue
        try:
            api.post(f"/v1/jobs/{job}/retry", key=f"retry:{job}:{turn}")
            retried += 1
        except Refused:
            continue
    return retried


def _release_held(here: World, api: Api, turn: int) -> int:
    held = [str(order) for (order,) in here.ask(HELD)]
    for start in range(0, len(held), 200):
        try:
            body = {"order_ids": held[start : start + 200], "reason_codes": None, "note": "looked at"}
            api.post("/v1/orders/release", body, key=f"release:{turn}:{start}")
        except HubError as error:
            raise Stuck(f"cannot release: {error.detail}") from error
    return len(held)
