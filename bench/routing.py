"""Figures of routing: planning, backtest, waves on the Olist orders, and a SKU that everybody wants.

The machine may be busy with other things: seconds are of the processor, those of the wall are told beside them.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

from bench.olist import read_past
from bench.orders import sku
from bench.past import Past, day_waves
from bench.past_hub import past_hub
from bench.place import Place
from bench.problems import CHEAPEST, NEAREST, RULES, WAVE, compiled, fifty_rules, problem_of, rates_of, three_lines
from bench.report import Figure
from bench.superstore import read_superstore
from bench.world import WAREHOUSES, runtime_of
from hub.inventory import repository as inventory
from hub.inventory.rules.grants import Demand
from hub.inventory.rules.levels import StockEntry
from hub.inventory.service.change import stocktake
from hub.inventory.service.reserve import reserve
from hub.kit.clock import SYSTEM
from hub.kit.db import Database
from hub.kit.ids import new_id
from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing import repository
from hub.routing.rules.optimize import solve
from hub.routing.rules.planner import plan, ways
from hub.routing.rules.values import Rates
from hub.routing.rules.wave import plan_wave, total
from hub.routing.service.backtest import backtest
from hub.routing.service.rule_sets import active_rules

BATCH = 100
P95_MS, RATE, BACKTEST_SECONDS, REPRODUCED, RECORDS = 5, 1_000, 20, 99.9, 100
BUSY = {"olist": 20, "superstore": 10}
"""Waves of fewer orders have next to nothing to share."""
SLACK = 1.3
ASKERS, UNITS = 64, 40


def planning(place: Place) -> list[Figure]:
    """Fifty rules, ten warehouses, three lines: an order by itself, and a batch of a hundred."""
    past = read_past()
    orders = three_lines(past.orders[: place.size(2_000, 200)])
    rates, fifty = rates_of(past), fifty_rules(*NEAREST)
    each = _each(past, orders, fifty, rates)
    ours, wall = _rate(past, orders, fifty, rates)
    bare, _ = _rate(past, orders, compiled([]), rates)
    costly, _ = _rate(past, orders, fifty_rules(*CHEAPEST), rates)
    p95 = statistics.quantiles(each, n=20)[-1]
    told = (
        f"{RULES} rules, {len(past.warehouses)} warehouses, 3 lines; {past.located} of {len(past.orders)} cities known"
    )
    note = f"{told}; batches of {BATCH}, {wall:,.0f}/s by the wall, {costly:,.0f}/s where places are ranked by freight"
    return [
        Figure("routing_plan_p95", round(p95, 2), "ms", P95_MS, p95 <= P95_MS, note=f"{told}; an order a batch"),
        Figure(
            "routing_plan_rate", round(ours), "orders/s", RATE, ours >= RATE, round(bare), f"{note}; ceiling: no rules"
        ),
    ]


def history(place: Place) -> list[Figure]:
    """The Olist orders planned by a hub on PostgreSQL, then its rules over its decisions."""
    return _history(place, read_past(), "routing")


def superstore_history(place: Place) -> list[Figure]:
    """The same with the orders of Superstore."""
    return _history(place, read_superstore(), "superstore")


def _history(place: Place, past: Past, prefix: str) -> list[Figure]:
    orders = past.orders[: place.size(6_000, 200)]
    folder, sourcing = place.folder / past.name, [{"then": [{"action": "rank", "by": [{"ranker": "cost"}]}, WAVE]}]
    past_days = past_hub(folder, place.database(), past, orders, sourcing, place.tell)
    with past_days as runtime, runtime.database.read_only() as session:
        planned, stored = repository.decided_orders(session)
        _, rules = active_rules(session)
        began, wall = time.process_time(), time.perf_counter()
        found = backtest(session, rules=rules, adapters=runtime.adapters, last=len(orders), tell=place.tell)
        seconds, wall = time.process_time() - began, time.perf_counter() - wall
    compared = found.before.orders + sum(found.skipped.values())
    same = 100 * found.reproduced / max(1, compared)
    records = 100 * stored / max(1, planned)
    told = f"{compared:,} orders, each decided twice; {wall:.1f} s by the wall"
    figures = found.before.to_dict()
    kept = f"{found.reproduced:,} of {compared:,}; {figures['planned']:,} planned, {figures['split_orders']:,} split"
    real = sum(order.freight_minor for order in orders) / 100
    freight = f"freight {past.currency} {figures['freight_minor'].get(past.currency, 0) / 100:,.0f} by the model"
    freight += f", {real:,.0f} was paid" if real else ""
    return [
        Figure(f"{prefix}_backtest", round(seconds, 1), "s", BACKTEST_SECONDS, seconds <= BACKTEST_SECONDS, note=told),
        Figure(
            f"{prefix}_reproduced", round(same, 2), "%", REPRODUCED, same >= REPRODUCED,
            note=f"{kept}; {freight}",
        ),
        Figure(
            f"{prefix}_records", round(records, 2), "%", RECORDS, stored == planned > 0,
            note=f"{stored:,} of {planned:,} orders that were planned, or could not be, have their decision",
        ),
    ]  # fmt: skip


def waves(place: Place) -> list[Figure]:
    """Each busy day of the Olist orders planned as one wave, beside greedy, under the same stock and capacity."""
    return _waves(place, read_past(), "routing_waves")


def superstore_waves(place: Place) -> list[Figure]:
    """The same with the orders of Superstore."""
    return _waves(place, read_superstore(), "superstore_waves")


def _waves(place: Place, past: Past, name: str) -> list[Figure]:
    rates, busy = rates_of(past), BUSY[past.name]
    full = {"action": "capacity", "when_full": "exclude"}
    rules = compiled([{"then": [{"action": "rank", "by": [{"ranker": "cost"}]}, full, WAVE]}])
    days = [wave for wave in day_waves(past.orders) if len(wave[1]) >= busy][: place.size(1_000, 5)]
    savings, seconds, worse, asked = [], [], 0, 0
    more, costlier = [], 0
    for _, orders in days:
        capacity = max(1, round(len(orders) / len(past.warehouses) * SLACK))
        now = orders[-1].placed_at + timedelta(minutes=1)
        problem = problem_of(past, orders, rules=rules, rates=rates, now=now, capacity=capacity)
        taken: list[float] = []

        def timed(request: Any, taken: list[float] = taken) -> Any:
            began = time.perf_counter()
            try:
                return solve(request)
            finally:
                taken.append(time.perf_counter() - began)

        problem = replace(problem, strategies={"wave": timed})
        policies = {way.order.order_id: way.strategy for way in ways(problem)}
        greedy, waved = (total(run(problem).decisions, policies) for run in (plan, plan_wave))
        worse += waved > greedy
        if waved[0] == greedy[0]:
            savings.append(100 * (greedy[1] - waved[1]) / greedy[1])
        else:  # what it costs to send more orders is no saving, and no loss either
            more.append(greedy[0] - waved[0])
            costlier += waved[1] > greedy[1]
        seconds.extend(taken)
        asked += len(orders)
        place.tell(asked)
    limit = WAVE["seconds"]
    mean = statistics.mean(savings) if savings else 0.0
    note = (
        f"{len(days)} days of {busy} orders or more, {asked:,} orders; mean saving of freight and penalties over the "
        f"{len(savings)} days on which both send as many orders, {min(savings, default=0):.1f} to "
        f"{max(savings, default=0):.1f} %; on the other {len(more)} the waves send {sum(more)} orders more, on "
        f"{costlier} of them for more than greedy's total; {worse} worse than greedy; the slowest took "
        f"{max(seconds):.2f} s"
    )
    reached = not worse and bool(seconds) and max(seconds) <= limit + 0.2
    return [Figure(name, round(mean, 2), "% saved", 0, reached, note=note)]


def hot_reservations(place: Place) -> list[Figure]:
    """Sixty-four ask for a unit of one SKU at the same moment, and there are forty."""
    world = place.world(database_url=place.database(), broker=False)
    location, article = WAREHOUSES[0][0], sku(0)
    database = Database(str(world.settings.database_url), pool_size=ASKERS)
    with runtime_of(world) as runtime, runtime.database.write() as session:
        entries = [StockEntry(location, article, Decimal(UNITS))]
        stocktake(session, entries=entries, at=SYSTEM.now(), actor="bench")
    together = Barrier(ASKERS)

    def ask(_: int) -> int:
        together.wait(timeout=60)
        with database.write() as session:
            demand = Demand(new_id(), new_id(), location, article, Decimal(1))
            return len(reserve(session, demands=[demand], at=SYSTEM.now(), actor="bench").granted)

    began = time.perf_counter()
    with ThreadPoolExecutor(ASKERS) as pool:
        granted = sum(pool.map(ask, range(ASKERS)))
    seconds = time.perf_counter() - began
    with database.read() as session:
        level = inventory.list_levels(session, location=location, sku=article, after=None, limit=1)[0]
        drifted = inventory.drift(session)
    database.engine.dispose()
    oversold = max(granted, int(level.reserved)) - UNITS
    note = f"{ASKERS} connections, {UNITS} units, {granted} granted in {seconds:.2f} s; {len(drifted)} levels wrong"
    reached = oversold == 0 and not drifted
    return [Figure("routing_oversold", max(0, oversold), "units", 0, reached, note=note)]


def _each(past: Past, orders: list[Any], rules: CompiledRuleSet, rates: Rates) -> list[float]:
    """Milliseconds of each order, in a batch of its own."""
    found = []
    for order in orders:
        problem = problem_of(past, [order], rules=rules, rates=rates, now=order.placed_at)
        began = time.process_time()
        plan(problem)
        found.append((time.process_time() - began) * 1_000)
    return found


def _rate(past: Past, orders: list[Any], rules: CompiledRuleSet, rates: Rates) -> tuple[float, float]:
    """Orders a second of the processor, and by the wall."""
    problems = [
        problem_of(past, orders[at : at + BATCH], rules=rules, rates=rates, now=orders[at].placed_at)
        for at in range(0, len(orders), BATCH)
    ]
    plan(problems[0])
    began, wall = time.process_time(), time.perf_counter()
    for problem in problems:
        plan(problem)
    return len(orders) / (time.process_time() - began), len(orders) / (time.perf_counter() - wall)
