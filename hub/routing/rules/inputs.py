"""Everything that was looked at for one order: its hash, what is stored, and a problem made of it again.

Equal inputs and an equal rule set give an equal decision, so a stored decision can be recomputed: hook answers are in
the inputs, calendars and capacities are found by the version of their location, rates by their version.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import orjson

from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing.rules.candidates import Candidacy, Need
from hub.routing.rules.values import Advice, PlanLine, PlanLocation, PlanningProblem, PlanOrder, Rates
from hub.sdk.hooks import Exclusion, RouteRequest

HookAnswers = tuple[list[list[Any]], dict[str, dict[str, float]]]
"""Exclusions as [plugin, location, reason, facts], ranks by plugin and location."""


def inputs_of(
    order: PlanOrder, need: Need, candidates: Sequence[Candidacy], problem: PlanningProblem, answers: HookAnswers
) -> dict[str, Any]:
    """The inputs of one order, before anything is taken for it."""
    locations: dict[str, dict[str, Any]] = {}
    stock, ages = problem.stock_age, bool(problem.stock_age)
    for candidate in candidates:
        site = candidate.site
        known: dict[str, Any] = {"content": site.digest, "stock": candidate.available}
        if candidate.owes:  # how much it owes decides nothing
            known["stock"] = {**candidate.available, **dict.fromkeys(candidate.owes, -1)}
        if site.location.version:
            known["version"] = site.location.version
        used = site.used_ahead()
        if used:
            known["used"] = used
        if ages:
            known["age"] = {sku: stock[(site.code, sku)] for sku in need.quantities if (site.code, sku) in stock}
        locations[site.code] = known
    inputs: dict[str, Any] = {"now": problem.now, "order": order_document(order), "locations": locations}
    if problem.rates is not None:
        inputs["rates"] = problem.rates_version
    if problem.may_transfer:
        inputs["may_transfer"] = True
    if answers[0] or answers[1]:
        inputs["exclusions"], inputs["ranks"] = answers
    if order.order_id in problem.advice:
        inputs["strategy"] = problem.advice[order.order_id].to_dict()
    return inputs


def hash_of(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of inputs, hexadecimal."""
    return hashlib.sha256(orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS)).hexdigest()


def order_document(order: PlanOrder) -> dict[str, Any]:
    """An order as JSON would have it; members with their default value are left out."""
    document: dict[str, Any] = {
        "order_id": order.order_id,
        "number": order.number,
        "placed_at": order.placed_at,
        "facts": order.facts,
        "lines": [
            [line.line_id, line.sku, line.quantity, line.grams, line.ships, line.requires, line.group]
            for line in order.lines
        ],
        "to": [order.country, order.region, order.postal_code, order.latitude, order.longitude],
    }
    if order.pinned_location is not None:
        document["pinned_location"] = order.pinned_location
    if order.excluded_locations:
        document["excluded_locations"] = order.excluded_locations
    if order.deliver_by is not None:
        document["deliver_by"] = order.deliver_by
    if order.total_minor is not None:
        document["total_minor"] = order.total_minor
    due = {line.line_id: line.due_at for line in order.lines if line.due_at is not None}
    if due:
        document["due"] = due
    if order.located_by:
        document["located_by"] = order.located_by
    return document


def as_stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs, or a decision, as plain JSON values: as they are stored."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(document))
    return plain


def problem_again(
    stored: Mapping[str, Any],
    locations: Iterable[PlanLocation],
    rules: CompiledRuleSet,
    rates: Rates | None = None,
) -> PlanningProblem:
    """The problem of one order as it was; `locations` and `rates` must be of the stored versions."""
    seen: Mapping[str, Any] = stored["locations"]
    stock = {(code, sku): amount for code, known in seen.items() for sku, amount in known["stock"].items()}
    ages = {(code, sku): days for code, known in seen.items() for sku, days in known.get("age", {}).items()}
    return PlanningProblem(
        orders=(order_again(stored["order"]),),
        locations=tuple(
            _loaded(location, _used(seen[location.code])) for location in locations if location.code in seen
        ),
        stock=stock,
        rules=rules,
        now=datetime.fromisoformat(stored["now"]),
        rates=rates,
        rates_version=stored.get("rates", ""),
        filters=_filters(stored.get("exclusions", [])),
        ranks=tuple((name, _Replayed(values).rank) for name, values in stored.get("ranks", {}).items()),
        stock_age=ages,
        may_transfer=stored.get("may_transfer", False),
        advice=_advice(stored),
    )


def order_again(document: Mapping[str, Any]) -> PlanOrder:
    """An order from what `order_document` stored."""
    country, region, postal_code, latitude, longitude = document["to"]
    promised = document.get("deliver_by")
    due = {line_id: datetime.fromisoformat(day) for line_id, day in document.get("due", {}).items()}
    return PlanOrder(
        order_id=document["order_id"],
        number=document["number"],
        placed_at=datetime.fromisoformat(document["placed_at"]),
        lines=tuple(
            PlanLine(line_id, sku, quantity, grams, ships, tuple(requires), group, due.get(line_id))
            for line_id, sku, quantity, grams, ships, requires, group in document["lines"]
        ),
        facts=document["facts"],
        country=country,
        region=region,
        postal_code=postal_code,
        latitude=latitude,
        longitude=longitude,
        pinned_location=document.get("pinned_location"),
        excluded_locations=document.get("excluded_locations", {}),
        deliver_by=datetime.fromisoformat(promised) if promised else None,
        total_minor=document.get("total_minor"),
        located_by=document.get("located_by", ""),
    )


def _advice(stored: Mapping[str, Any]) -> dict[str, Advice]:
    if "strategy" not in stored:
        return {}
    record = dict(stored["strategy"])
    return {stored["order"]["order_id"]: Advice(record.pop("use"), tuple(record.pop("locations")), record)}


def _used(known: Mapping[str, Any]) -> dict[date, int]:
    return {date.fromisoformat(day): used for day, used in known.get("used", {}).items()}


def _loaded(location: PlanLocation, used: Mapping[date, int]) -> PlanLocation:
    """The location with that load; most have none, and a copy of each for each order would be half of this work."""
    return location if location.used == used else replace(location, used=used)


class _Replayed:
    """Answers of a hook as they were stored."""

    def __init__(self, ranks: Mapping[str, float], exclusions: Sequence[Sequence[Any]] = ()) -> None:
        self._ranks = ranks
        self._exclusions = exclusions

    def rank(self, _: RouteRequest) -> Mapping[str, float]:
        return self._ranks

    def exclude(self, _: RouteRequest) -> list[Exclusion]:
        return [Exclusion(location, reason, facts) for _, location, reason, facts in self._exclusions]


def _filters(exclusions: Sequence[Sequence[Any]]) -> tuple[tuple[str, Any], ...]:
    plugins = dict.fromkeys(entry[0] for entry in exclusions)
    return tuple((name, _Replayed({}, [e for e in exclusions if e[0] == name]).exclude) for name in plugins)
