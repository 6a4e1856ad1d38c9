"""Orders planned together: never dearer than greedy, exact on small waves, greedy wherever there is no answer."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.routing.rules import optimize
from hub.routing.rules.explain import explain
from hub.routing.rules.inputs import as_stored, hash_of, problem_again
from hub.routing.rules.optimize import solve
from hub.routing.rules.planner import plan, ways
from hub.routing.rules.values import PlanningProblem, Quote, RateQuery
from hub.routing.rules.wave import cost, plan_wave, total
from hub.sdk.hooks import WaveAnswer, WaveOption, WaveRequest
from tests.unit.routing.builders import BERLIN, NOW, PARIS, line, location, order, problem, rules, units

WAVE = {"action": "strategy", "use": "wave", "split_minor": 300, "late_minor": 500}
RULES = rules(sourcing=[{"id": "together", "then": [WAVE]}])
NEAR = {("W1", "o1"): 100, ("W2", "o1"): 120, ("W1", "o2"): 100, ("W2", "o2"): 900}
"""One unit at W1: greedy gives it to o1, which could have gone from W2 for 20 more; o2 then costs 800 more."""


def priced(query: RateQuery) -> list[Quote]:
    minor = NEAR[query.location.code, query.order.order_id]
    return [Quote("card", "std", minor, "EUR", query.ship_at + timedelta(days=2))]


def contest(**changes: Any) -> PlanningProblem:
    orders = [order("o1", line("A")), order("o2", line("A"))]
    places = [location("W1", at=BERLIN), location("W2", at=PARIS)]
    known = {"rules": RULES, "rates": priced, "rates_version": "1", "strategies": {"wave": solve}}
    return problem(orders, places, units(W1={"A": 1}, W2={"A": 5}), **(known | changes))


def places(found: Any) -> dict[str, list[str]]:
    return {one.order_id: [part.location for part in one.fulfilments] for one in found.decisions}


def policies(wanted: PlanningProblem) -> dict[str, Any]:
    return {way.order.order_id: way.strategy for way in ways(wanted)}


def test_who_loses_least_gives_way_and_the_record_says_for_whom() -> None:
    wanted = contest()
    assert places(plan(wanted)) == {"o1": ["W1"], "o2": ["W2"]}
    found = plan_wave(wanted)
    assert places(found) == {"o1": ["W2"], "o2": ["W1"]}
    first, second = (decision.strategy for decision in found.decisions)
    assert (first["cost_minor"], first["greedy_minor"], second["cost_minor"], second["greedy_minor"]) == (
        120, 100, 100, 900,
    )  # fmt: skip
    assert first["reason"] == "not from W1, as greedy would: it costs 20 more from here, and leaves W1 to #o2"
    assert second["reason"] == "not from W2, as greedy would: 800 cheaper"
    assert first["wave"] == second["wave"]
    told = explain(found.decisions[0])
    assert any(text.startswith(f"strategy wave, wave {first['wave'][:12]} of 2 orders: not from W1") for text in told)
    assert [candidate.reason for candidate in found.decisions[0].candidates] == [
        "behind W2 by strategy: 1 against 0", "before W1 by strategy: 0 against 1",
    ]  # fmt: skip


def test_rules_that_name_no_strategy_plan_as_ever() -> None:
    wanted = contest(rules=rules())
    assert plan_wave(wanted) == plan(wanted)


def test_other_rules_do_not_follow_the_advice_of_a_wave() -> None:
    stored = as_stored(plan_wave(contest()).decisions[0].inputs)
    wanted = contest()
    again = problem_again(stored, wanted.locations, rules(), priced)
    assert places(plan(again)) == {"o1": ["W1"]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rates": None}, "there are no prices"),
        ({"strategies": {"wave": lambda _: WaveAnswer(None, "too late")}}, "too late"),
        ({"strategies": {"wave": lambda _: WaveAnswer((0,))}}, "does not fit the orders"),
        ({"strategies": {"wave": lambda _: WaveAnswer((0, 9))}}, "does not fit the orders"),
        ({"strategies": {"wave": lambda _: WaveAnswer((1, 1))}}, "more stock than there is"),
        (
            {"rates": lambda query: [replace(priced(query)[0], currency="EUR" if query.location.code == "W1" else "USD")]},
            "EUR and USD",
        ),
    ],
)  # fmt: skip
def test_greedy_decides_where_there_is_no_answer_and_the_record_says_why(changes: Any, reason: str) -> None:
    wanted = contest(**changes)
    found = plan_wave(wanted)
    assert places(found) == places(plan(wanted))
    for decision in found.decisions:
        assert decision.strategy["reason"].startswith("greedy decided: ")
        assert reason in decision.strategy["reason"]


def test_without_the_extra_greedy_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimize, "_solver", lambda: None)
    found = plan_wave(contest())
    assert places(found) == {"o1": ["W1"], "o2": ["W2"]}
    assert "orderhub[optimize]" in found.decisions[0].strategy["reason"]


def test_a_day_that_is_full_counts() -> None:
    """W1 has stock for both and room for one: the one for whom it matters gets it."""
    wanted = replace(
        contest(), locations=[location("W1", at=BERLIN, capacity=1), location("W2", at=PARIS)],
        stock=units(W1={"A": 5}, W2={"A": 5}),
        rules=rules(sourcing=[{"id": "t", "then": [WAVE, {"action": "capacity", "when_full": "exclude"}]}]),
    )  # fmt: skip
    assert places(plan_wave(wanted)) == {"o1": ["W2"], "o2": ["W1"]}


def test_time_that_is_up_gives_greedy_or_the_best_so_far() -> None:
    options = [
        tuple(_option(f"W{place}", (number * 7 + place * 13) % 50 + 1) for place in (0, *range(6)))
        for number in range(60)
    ]
    request = WaveRequest(tuple(options), {(f"W{place}", "A"): 60_000 for place in range(6)}, {}, 0.0)
    answer = solve(request)
    chosen = answer.chosen or (0,) * 60
    costs = [choices[number].cost_minor for choices, number in zip(options, chosen, strict=True)]
    assert sum(costs) <= sum(choices[0].cost_minor for choices in options)
    assert "0 s" in answer.note or answer.note == "the least cost"


def _option(code: str, minor: int) -> WaveOption:
    return WaveOption((code,), minor, {(code, "A"): 1000}, ((code, "2026-11-18"),))


@st.composite
def requests(draw: st.DrawFn) -> WaveRequest:
    """Small waves whose first options keep to the limits."""
    codes = ("W1", "W2", "W3")
    options = tuple(
        tuple(
            _option(code, draw(st.integers(1, 999))) for code in draw(st.lists(st.sampled_from(codes), min_size=1))[:4]
        )
        for _ in range(draw(st.integers(1, 5)))
    )
    first = [choices[0].locations[0] for choices in options]
    stock = {(code, "A"): 1000 * (first.count(code) + draw(st.integers(0, 2))) for code in codes}
    room = {(code, "2026-11-18"): first.count(code) + draw(st.integers(0, 1)) for code in codes[:2]}
    return WaveRequest(options, stock, room, 5.0)


def _fits(request: WaveRequest, chosen: tuple[int, ...]) -> bool:
    codes = [choices[number].locations[0] for choices, number in zip(request.options, chosen, strict=True)]
    return all(
        codes.count(code) * 1000 <= quantity for (code, _), quantity in request.stock.items()
    ) and all(codes.count(code) <= count for (code, _), count in request.room.items())  # fmt: skip


def _minor(request: WaveRequest, chosen: tuple[int, ...]) -> int:
    return sum(choices[number].cost_minor for choices, number in zip(request.options, chosen, strict=True))


@settings(max_examples=60, deadline=None)
@given(requests())
def test_small_waves_are_solved_exactly(request: WaveRequest) -> None:
    every = product(*(range(len(choices)) for choices in request.options))
    best = min(_minor(request, chosen) for chosen in every if _fits(request, chosen))
    found = solve(request)
    assert found.chosen is not None
    assert _fits(request, found.chosen)
    assert _minor(request, found.chosen) == best
    assert solve(request) == found, "the same wave gives the same plan"


@st.composite
def batches(draw: st.DrawFn) -> PlanningProblem:
    sites = [
        location(f"W{n}", at=(48.0 + 4 * n, 9.0), capacity=draw(st.sampled_from([None, None, 1, 2]))) for n in range(3)
    ]
    stock = {(site.code, sku): draw(st.integers(0, 3)) * 1000 for site in sites for sku in "AB"}
    orders = [
        order(
            f"o{n}", *(line(sku) for sku in draw(st.sampled_from(["A", "B", "AB"]))),
            deliver_by=draw(st.sampled_from([None, NOW + timedelta(days=3)])),
        )
        for n in range(draw(st.integers(1, 6)))
    ]  # fmt: skip
    salt = draw(st.integers(0, 99))

    def rates(query: RateQuery) -> list[Quote]:
        minor = 100 + hash((salt, int(query.location.code[1:]), int(query.order.order_id[1:]))) % 400
        return [Quote("card", "std", minor, "EUR", query.ship_at + timedelta(days=2))]

    return problem(
        orders, sites, stock, rules=RULES, rates=rates, rates_version="1", strategies={"wave": solve}
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(batches())
def test_a_wave_is_never_worse_than_greedy_keeps_to_the_stock_and_is_computed_again(wanted: PlanningProblem) -> None:
    known = policies(wanted)
    greedy, found = plan(wanted), plan_wave(wanted)
    assert total(found.decisions, known) <= total(greedy.decisions, known)
    assert all(found.allocated[key] <= wanted.stock[key] for key in found.allocated)
    for wave in found.waves:
        mine = [one for one in found.decisions if one.strategy.get("wave") == wave.digest]
        assert len(mine) == wave.orders
        if wave.currency:
            assert wave.cost_minor == sum(cost(one.fulfilments, known[one.order_id]) for one in mine)
    for decision in found.decisions:
        stored = as_stored(decision.inputs)
        assert hash_of(stored) == decision.inputs_hash
        again = plan(problem_again(stored, wanted.locations, wanted.rules, wanted.rates)).decisions[0]
        assert orjson.dumps(again.to_dict()) == orjson.dumps(decision.to_dict())
