"""The hub's own filter and ranker, and what becomes of hooks that fail while orders are planned."""

from typing import Any

import pytest
import structlog

from hub.host.plugins import PluginHost
from hub.kit.rules.compiled import compile_rule_set
from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.kit.rules.validation import KnownReferences, validate_rule_set
from hub.routing.rules.decision import Decision
from hub.routing.rules.own_hooks import OWN_HOOKS, RANKER, KeepSpecialistsFree, VirtualLocations
from hub.routing.rules.planner import plan
from hub.routing.service.hooks import hooks_for
from hub.sdk.hooks import Exclusion, RouteRequest, hookimpl
from tests.unit.routing.builders import decide, facts, location, order, problem, shares, units, verdict

PLACES = (location("ICE", capabilities=frozenset({"cold"}), rank=1), location("ORD", rank=2))
STOCK = units(ICE={"MUG": 5}, ORD={"MUG": 5})


class Wrong:
    """A plugin whose hooks answer with whatever a test wants, or raise it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls = 0

    def _say(self) -> Any:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @hookimpl
    def hub_route_filter(self, request: RouteRequest) -> Any:
        return self._say()

    @hookimpl
    def hub_route_rank(self, request: RouteRequest) -> Any:
        return self._say()


def request(requires: list[str], **locations: list[str]) -> RouteRequest:
    return RouteRequest(
        order_facts=facts(requires=requires),
        locations=tuple(locations),
        location_facts={
            code: {"location.kind": "warehouse", "location.capabilities": names} for code, names in locations.items()
        },
    )


def ranking(*rankers: str) -> dict[str, Any]:
    """A rule set document with that ranking for every order."""
    then = [{"action": "rank", "by": [{"ranker": name} for name in rankers]}]
    return {"sourcing": [{"id": "ranking", "name": "ranking", "when": [], "then": then}]}


def decided(document: dict[str, Any] | None = None, **own: object) -> Decision:
    """One mug for one order; ICE has the better rank, ORD no capability to spare."""
    rules = compile_rule_set(read_rule_set(document) if document else RuleSet())
    filters, ranks = hooks_for(PluginHost.load(own={**OWN_HOOKS, **own}), rules)
    return decide(order(), PLACES, STOCK, rules=rules, filters=filters, ranks=ranks)


def test_a_specialist_is_kept_free_of_what_does_not_need_it() -> None:
    rank = KeepSpecialistsFree().hub_route_rank
    assert rank(request([], ICE=["cold", "hazmat"], BER=["bulk"], PAR=[])) == {"ICE": 2.0, "BER": 1.0, "PAR": 0.0}
    assert rank(request(["cold"], ICE=["cold"], LAB=["cold", "hazmat"])) == {"ICE": 0.0, "LAB": 1.0}


def test_the_ranker_abstains_where_it_cannot_tell_locations_apart() -> None:
    rank = KeepSpecialistsFree().hub_route_rank
    assert rank(request([], BER=[], PAR=[])) is None
    assert rank(request([], BER=["cold"], PAR=["bulk"])) is None
    assert rank(request([])) is None


def test_a_virtual_location_ships_nothing() -> None:
    asked = RouteRequest(
        order_facts=facts(),
        locations=("BER", "TRANSIT"),
        location_facts={"BER": {"location.kind": "warehouse"}, "TRANSIT": {"location.kind": "virtual"}},
    )
    excluded = VirtualLocations().hub_route_filter(asked)
    assert excluded == [Exclusion("TRANSIT", "a virtual location ships nothing", {"kind": "virtual"})]


def test_stock_on_paper_is_not_promised() -> None:
    rules = compile_rule_set(RuleSet())
    filters, _ = hooks_for(PluginHost.load(own=OWN_HOOKS), rules)
    places = [location("TRANSIT", kind="virtual", rank=1), location("ORD", rank=2)]
    found = decide(order(), places, units(TRANSIT={"MUG": 5}, ORD={"MUG": 5}), filters=filters)
    assert shares(found) == {"ORD": {"MUG": 1}}
    assert verdict(found, "TRANSIT").eliminated_by == "plugin:hub.virtual_locations"


def test_rules_that_do_not_name_the_ranker_decide_as_without_it() -> None:
    assert decided().to_dict() == decide(order(), PLACES, STOCK).to_dict()
    assert decided().inputs_hash == decide(order(), PLACES, STOCK).inputs_hash
    assert shares(decided()) == {"ICE": {"MUG": 1}}


def test_rules_may_name_the_ranker_and_then_follow_it() -> None:
    document = ranking(f"plugin:{RANKER}", "rank")
    known = KnownReferences(plugin_rankers=frozenset({f"plugin:{RANKER}"}))
    assert validate_rule_set(document, known) == []
    assert shares(decided(document)) == {"ORD": {"MUG": 1}}
    assert shares(decided(ranking("rank", f"plugin:{RANKER}"))) == {"ICE": {"MUG": 1}}


def test_a_rank_of_a_plugin_breaks_ties_unasked() -> None:
    class Green:
        @hookimpl
        def hub_route_rank(self, request: RouteRequest) -> dict[str, float]:
            return {"ICE": 2.0, "ORD": 1.0}

    assert shares(decided(ranking("proximity"))) == {"ICE": {"MUG": 1}}
    assert shares(decided(ranking("proximity"), green=Green())) == {"ORD": {"MUG": 1}}


@pytest.mark.parametrize("answer", [RuntimeError("buyer mia@example.com"), 7, ["text"], {"ICE": float("nan")}])
def test_a_hook_that_fails_is_left_out_for_the_run_and_logged_once(answer: object) -> None:
    plugin = Wrong(answer)
    rules = compile_rule_set(RuleSet())
    host = PluginHost.load(own={"wrong": plugin})
    with structlog.testing.capture_logs() as lines:
        filters, ranks = hooks_for(host, rules)
        orders = [order(f"order-{number}") for number in range(5)]
        result = plan(problem(orders, PLACES, STOCK, filters=filters, ranks=ranks))
    assert [decision.outcome for decision in result.decisions] == ["planned"] * 5
    assert [(line["event"], line["plugin"], line["hook"]) for line in lines] == [
        ("routing.hook_failed", "wrong", "hub_route_filter"),
        ("routing.hook_failed", "wrong", "hub_route_rank"),
    ]
    assert plugin.calls == 2
    assert "mia@example.com" not in str(lines)


def test_the_others_are_still_asked_after_one_failed() -> None:
    found = decided(None, wrong=Wrong(RuntimeError("down")), green=OnlyOrd())
    assert shares(found) == {"ORD": {"MUG": 1}}


class OnlyOrd:
    @hookimpl
    def hub_route_filter(self, request: RouteRequest) -> list[Exclusion]:
        return [Exclusion(code, "not green") for code in request.locations if code != "ORD"]
