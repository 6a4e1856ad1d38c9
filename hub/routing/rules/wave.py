"""Orders planned together: ask a strategy to choose among what the rules allow, and keep what is not worse than greedy.

The strategy only chooses. Its choice becomes an input of each order (`Advice`) and is carried out by the planner under
the same rules, stock and capacity as ever; so a decision of a wave is computed again from its own inputs, like one
that a plugin's rank took part in. Both plans are compared as they came out: the wave's is taken only where it sends no
fewer orders and costs no more.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from hub.kit.rules.actions import Strategy
from hub.routing.rules.decision import Decision, Fulfilment, PlanResult, WaveResult
from hub.routing.rules.planner import Ways, plan, ways
from hub.routing.rules.values import Advice, PlanningProblem
from hub.sdk.hooks import WaveAnswer, WaveOption, WaveRequest

BY_GREEDY = "greedy decided: "

Total = tuple[int, int]
"""(orders that are not sent whole, minor units): the smaller, the better."""


class _NoWave(Exception):
    """Why greedy decides."""


@dataclass(frozen=True, slots=True)
class _Wave:
    """The members of one wave with what greedy decided about each."""

    policy: Strategy
    members: tuple[Ways, ...]
    greedy: tuple[Decision, ...]
    request: WaveRequest
    digest: str


def plan_wave(problem: PlanningProblem) -> PlanResult:
    """`plan`, with the strategies that the rules name; the same as `plan` where they name none but greedy."""
    greedy = plan(problem)
    if not _names_one(problem):
        return greedy
    found = [way for way in ways(problem) if way.strategy.use in problem.strategies and way.options]
    waves = [_wave(problem, policy, found, greedy) for policy in dict.fromkeys(way.strategy for way in found)]
    advice = {key: one for wave in waves for key, one in _advice(problem, wave).items()}
    if not any(one.locations for one in advice.values()):
        return _carried_out(problem, waves, advice) if advice else greedy
    waved = _carried_out(problem, waves, advice)
    policies = {way.order.order_id: way.strategy for way in found}
    if total(waved.decisions, policies) <= total(greedy.decisions, policies):
        told = {
            one.order_id: _as_it_came(one, advice[one.order_id], policies)
            for one in waved.decisions
            if one.order_id in advice
        }
        return waved if told == advice else _carried_out(problem, waves, told)
    reason = f"{BY_GREEDY}carried out, the plan of the wave was not better"
    return _carried_out(problem, waves, {key: _greedy(one, reason) for key, one in advice.items()})


def _carried_out(problem: PlanningProblem, waves: Sequence[_Wave], advice: Mapping[str, Advice]) -> PlanResult:
    """The plan that follows the advice, with what came of each wave."""
    result = plan(replace(problem, advice=advice))
    by_id = {decision.order_id: decision for decision in result.decisions}
    return replace(result, waves=tuple(_result(wave, by_id, advice) for wave in waves))


def _result(wave: _Wave, by_id: Mapping[str, Decision], advice: Mapping[str, Advice]) -> WaveResult:
    ids = [way.order.order_id for way in wave.members]
    decided = [by_id[order_id].fulfilments for order_id in ids]
    before = [decision.fulfilments for decision in wave.greedy]
    quotes = [part.service.quote for parts in (*decided, *before) for part in parts if part.service is not None]
    currencies = {quote.currency for quote in quotes if quote is not None}
    currency = currencies.pop() if len(currencies) == 1 else None
    greedy, mine = (sum(cost(parts, wave.policy) for parts in each) if currency else 0 for each in (before, decided))
    followed = any(advice[order_id].locations for order_id in ids)
    reason = "" if followed else advice[ids[0]].record["reason"].removeprefix(BY_GREEDY)
    sent_more = sum(_is_open(decision) for decision in wave.greedy) - sum(_is_open(by_id[one]) for one in ids)
    return WaveResult(wave.digest, wave.policy.use, len(ids), currency, greedy, mine, sent_more, reason, wave.request)


def total(decisions: Sequence[Decision], policies: Mapping[str, Strategy]) -> Total:
    """What a plan comes to, each order by the policy of its rules (none: freight alone)."""
    costs = [cost(decision.fulfilments, policies.get(decision.order_id)) for decision in decisions]
    return sum(_is_open(decision) for decision in decisions), sum(costs)


def cost(parts: Sequence[Fulfilment], policy: Strategy | None) -> int:
    """Minor units of one order's parcels: freight, and the penalties of its policy."""
    choices = [part.service for part in parts if part.service is not None]
    freight = sum(choice.quote.total_minor for choice in choices if choice.quote is not None)
    if policy is None:
        return freight
    late = policy.late_minor if any(choice.late for choice in choices) else 0
    return freight + policy.split_minor * max(0, len(parts) - 1) + late


def _names_one(problem: PlanningProblem) -> bool:
    actions = (action for rule in problem.rules.sourcing for action in rule.actions)
    return any(isinstance(action, Strategy) and action.use in problem.strategies for action in actions)


def _is_open(decision: Decision) -> bool:
    return decision.outcome != "planned" or bool(decision.shortages)


def _wave(problem: PlanningProblem, policy: Strategy, found: Sequence[Ways], greedy: PlanResult) -> _Wave:
    members = tuple(way for way in found if way.strategy == policy)
    by_id = {decision.order_id: decision for decision in greedy.decisions}
    decided = tuple(by_id[way.order.order_id] for way in members)
    priced = [
        [cost(parts, policy) for parts in (decision.fulfilments, *way.options)]
        for way, decision in zip(members, decided, strict=True)
    ]
    left_behind = 1 + sum(max(costs) for costs in priced)  # one order more sent outweighs any saving
    options = tuple(
        (
            _option(decision.fulfilments, costs[0] + (left_behind if _is_open(decision) else 0)),
            *(_option(parts, each) for parts, each in zip(way.options, costs[1:], strict=True)),
        )
        for way, decision, costs in zip(members, decided, priced, strict=True)
    )
    request = _within(problem, policy, options, greedy)
    return _Wave(policy, members, decided, request, _digest(request, members))


def _option(parts: Sequence[Fulfilment], minor: int) -> WaveOption:
    takes: dict[tuple[str, str], int] = {}
    for part in parts:
        for _, sku, quantity in part.lines:
            takes[part.location, sku] = takes.get((part.location, sku), 0) + quantity
    days = tuple((part.location, part.ship_day.isoformat()) for part in parts)
    return WaveOption(tuple(part.location for part in parts), minor, takes, days)


def _within(
    problem: PlanningProblem, policy: Strategy, options: tuple[tuple[WaveOption, ...], ...], greedy: PlanResult
) -> WaveRequest:
    """What the wave may take: all there is, less what greedy gives to the orders that are not in it."""
    mine: dict[tuple[str, str], int] = {}
    load: dict[tuple[str, str], int] = {}
    for first, *_ in options:
        for key, quantity in first.takes.items():
            mine[key] = mine.get(key, 0) + quantity
        for key in first.days:
            load[key] = load.get(key, 0) + 1
    wanted = sorted({key for choices in options for option in choices for key in option.takes})
    stock = {key: problem.stock.get(key, 0) - greedy.allocated.get(key, 0) + mine.get(key, 0) for key in wanted}
    places = {place.code: place for place in problem.locations}
    given = {(code, day.isoformat()): count for (code, day), count in greedy.loads.items()}
    used = {(place.code, day.isoformat()): count for place in problem.locations for day, count in place.used.items()}
    room: dict[tuple[str, str], int] = {}
    for key in sorted({key for choices in options for option in choices for key in option.days}):
        capacity = places[key[0]].capacity
        if capacity is not None:
            own = load.get(key, 0)
            room[key] = max(capacity - used.get(key, 0) - given.get(key, 0) + own, own)
    return WaveRequest(options, stock, room, float(policy.seconds))


def _digest(request: WaveRequest, members: Sequence[Ways]) -> str:
    """SHA-256 of everything that the strategy is asked with: names the wave."""
    content = [
        [way.order.order_id for way in members],
        [[[o.locations, o.cost_minor, sorted(o.takes.items()), o.days] for o in found] for found in request.options],
        sorted(request.stock.items()), sorted(request.room.items()), request.seconds,
    ]  # fmt: skip
    return hashlib.sha256(orjson.dumps(content)).hexdigest()


def _advice(problem: PlanningProblem, wave: _Wave) -> dict[str, Advice]:
    try:
        _check_prices(wave)
        answer = problem.strategies[wave.policy.use](wave.request)
        chosen = _checked(wave.request, answer)
    except _NoWave as refusal:
        empty = Advice(wave.policy.use, (), {"wave": wave.digest, "orders": len(wave.members)})
        return {way.order.order_id: _greedy(empty, f"{BY_GREEDY}{refusal}") for way in wave.members}
    options = [choices[number] for choices, number in zip(wave.request.options, chosen, strict=True)]
    return {
        way.order.order_id: _one(wave, index, options, answer.note) for index, way in enumerate(wave.members)
    }  # fmt: skip


def _check_prices(wave: _Wave) -> None:
    parts = [part for way in wave.members for option in way.options for part in option]
    quotes = [part.service.quote if part.service is not None else None for part in parts]
    currencies = {quote.currency for quote in quotes if quote is not None}
    if len(currencies) > 1:
        raise _NoWave(f"prices are in {' and '.join(sorted(currencies))}, which cannot be added up")
    if None in quotes:
        raise _NoWave("there are no prices to save on: connect a carrier that can price without a call")


def _checked(request: WaveRequest, answer: WaveAnswer) -> tuple[int, ...]:
    """The answer, if it keeps to what it was asked; else `_NoWave`."""
    if answer.chosen is None:
        raise _NoWave(answer.note or "the strategy abstained")
    if len(answer.chosen) != len(request.options) or not all(
        0 <= number < len(choices) for number, choices in zip(answer.chosen, request.options, strict=True)
    ):
        raise _NoWave("the answer of the strategy does not fit the orders")
    takes: dict[tuple[str, str], int] = {}
    load: dict[tuple[str, str], int] = {}
    for number, choices in zip(answer.chosen, request.options, strict=True):
        for key, quantity in choices[number].takes.items():
            takes[key] = takes.get(key, 0) + quantity
        for key in choices[number].days:
            load[key] = load.get(key, 0) + 1
    if any(quantity > request.stock[key] for key, quantity in takes.items()):
        raise _NoWave("the answer of the strategy takes more stock than there is")
    if any(count > request.room.get(key, count) for key, count in load.items()):
        raise _NoWave("the answer of the strategy fills a day with more than it has room for")
    return answer.chosen


def _one(wave: _Wave, index: int, options: Sequence[WaveOption], note: str) -> Advice:
    """What is kept of the choice for one order, with the reason where it is another one than greedy's."""
    greedy, mine = wave.request.options[index][0], options[index]
    record = {
        "wave": wave.digest, "orders": len(options), "note": note, "greedy": list(greedy.locations),
        "cost_minor": cost_of(wave, index, options), "greedy_minor": cost(wave.greedy[index].fulfilments, wave.policy),
        "reason": _why(wave, index, options),
    }  # fmt: skip
    return Advice(wave.policy.use, mine.locations, record)


def cost_of(wave: _Wave, index: int, options: Sequence[WaveOption]) -> int:
    """Minor units of the option chosen for one order, without what an order left behind is counted with."""
    if options[index] is wave.request.options[index][0]:
        return cost(wave.greedy[index].fulfilments, wave.policy)
    return options[index].cost_minor


def _as_it_came(decision: Decision, one: Advice, policies: Mapping[str, Strategy]) -> Advice:
    """The advice with what following it cost: an order before it may have filled the day that the wave counted on."""
    minor = cost(decision.fulfilments, policies[decision.order_id])
    if decision.outcome != "planned" or one.record.get("cost_minor", minor) == minor:
        return one
    reason = f"{one.record['reason']}; carried out, it comes to {minor}"
    return Advice(one.use, one.locations, {**one.record, "cost_minor": minor, "reason": reason})


def _why(wave: _Wave, index: int, options: Sequence[WaveOption]) -> str:
    greedy, mine = wave.request.options[index][0], options[index]
    if mine.locations == greedy.locations:
        return "as greedy"
    there = " + ".join(greedy.locations)
    if not greedy.locations:
        return f"greedy found nothing for it: others leave it their stock at {' + '.join(mine.locations)}"
    more = mine.cost_minor - greedy.cost_minor
    if more <= 0:
        return f"not from {there}, as greedy would: {-more} cheaper" if more else f"not from {there}: it costs the same"
    gone = {*greedy.takes, *greedy.days}
    takers = [
        way.order.number
        for other, way in enumerate(wave.members)
        if other != index and gone & ({*options[other].takes, *options[other].days} - _had(wave, other))
    ]
    text = f"not from {there}, as greedy would: it costs {more} more from here"
    return text + (f", and leaves {there} to {', '.join(takers[:5])}" if takers else ", and the wave costs less")


def _had(wave: _Wave, index: int) -> set[tuple[str, str]]:
    greedy = wave.request.options[index][0]
    return {*greedy.takes, *greedy.days}


def _greedy(one: Advice, reason: str) -> Advice:
    kept = {name: one.record[name] for name in ("wave", "orders")}
    return Advice(one.use, (), {**kept, "reason": reason})
