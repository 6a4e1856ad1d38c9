"""Golden orders: what people write is checked, and run by the planner that decides."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from hub.canonical.order import Order
from hub.kit.rules.validation import KnownReferences
from hub.routing.rules.differences import changes
from hub.routing.rules.golden import golden_faults, read_golden
from hub.routing.rules.golden_made import Source, as_golden, made_document
from hub.routing.rules.golden_run import Broken, broken_golden, decide_golden
from hub.routing.rules.golden_world import Asked, golden_facts
from hub.routing.rules.inputs import as_stored
from hub.routing.rules.planner import plan
from hub.routing.rules.values import PlanningProblem
from tests.unit.routing.builders import quotes, rules
from tests.unit.routing.strategies import problems

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
KNOWN = KnownReferences(
    locations=frozenset({"BER", "HAM"}), services=frozenset({"dhl/parcel", "dhl/express"}), capabilities=frozenset()
)
ONLY = {"id": "harbour", "when": ["'MUG' in order.skus"], "then": [{"action": "only", "locations": ["HAM"]}]}
VIP = {"id": "vip", "when": ["order.total_minor > 5000"], "then": [
    {"action": "tag", "tags": ["vip"]}, {"action": "hold", "reason_code": "look", "message": "Look at it"},
]}  # fmt: skip


def document(**changes: Any) -> dict[str, Any]:
    """A mug from Berlin or Hamburg to Berlin."""
    return {
        "name": "mug",
        "order": {"lines": [{"sku": "MUG", "grams": 350}], "facts": {"order.total_minor": 9000},
                  "ship_to": {"country": "DE", "postal_code": "10115", "latitude": 52.5, "longitude": 13.4}},
        "world": {"now": "2026-11-20T09:00:00Z", "stock": {"BER": {"MUG": 2}, "HAM": {"MUG": "1.5"}},
                  "locations": [{"code": "BER", "country": "DE", "latitude": 52.5, "longitude": 13.4},
                                {"code": "HAM", "country": "DE", "latitude": 53.6, "longitude": 10}],
                  "rates": [{"service": "dhl/parcel", "total_minor": 490, "currency": "EUR", "days": 2},
                            {"service": "dhl/express", "total_minor": 990, "currency": "EUR", "days": 1}]},
        "expect": {"outcome": "planned", "reason": "single", "locations": ["BER"], "services": {"BER": "dhl/parcel"},
                   "ship_days": {"BER": "2026-11-20"}, "review": "auto_approved", "holds": [], "tags": []},
        **changes,
    }  # fmt: skip


def broken(given: Mapping[str, Any], **sections: Any) -> list[Broken]:
    """What rules break of a golden order."""
    assert golden_faults(given, KNOWN) == []
    golden, compiled = read_golden(given), rules(**sections)
    return list(broken_golden(golden, decide_golden(golden, compiled, Asked(), now=NOW), compiled))


def test_rules_that_do_as_expected_break_nothing() -> None:
    assert broken(document()) == []
    assert broken(document(expect={"outcome": "planned"}), sourcing=[ONLY], review=[VIP]) == []


def test_everything_that_is_otherwise_is_told_with_the_rule_that_decided() -> None:
    found = {fault.path.rpartition("expect/")[2]: fault for fault in broken(document(), sourcing=[ONLY], review=[VIP])}
    assert set(found) == {"review", "holds", "tags", "locations", "services/BER", "ship_days/BER"}
    assert {name: fault.rules for name, fault in found.items()} == {
        "review": ("vip",), "holds": ("vip",), "tags": ("vip",), "locations": ("harbour",),
        "services/BER": ("harbour",), "ship_days/BER": ("harbour",),
    }  # fmt: skip
    place = found["locations"]
    assert (place.golden, place.path) == ("mug", "/golden_orders/mug/expect/locations")
    assert (place.expected, place.got) == (["BER"], ["HAM"])
    assert "expected locations BER, got HAM" in place.reason
    assert place.suggestion is not None
    assert place.suggestion.startswith("correct harbour; or")
    assert found["services/BER"].got is None


def test_gifts_are_what_rules_give_the_first_order() -> None:
    gift = [{"action": "add_gift", "sku": "PEN", "quantity": 3, "max_per_order": 2, "max_total": 1000}]
    pens = {"id": "pens", "when": ["'vip' in order.tags"], "then": gift}
    expecting = document(expect={"gifts": {"PEN": 2}})
    assert broken(expecting, review=[VIP], gift=[pens]) == []
    (missed,) = broken(expecting, gift=[pens])
    assert (missed.expected, missed.got, missed.rules) == ({"PEN": 2}, {}, ())
    assert "expected gifts 2 of PEN, got none: no rule says it" in missed.reason
    (unwanted,) = broken(document(expect={"gifts": {}}), review=[VIP], gift=[pens])
    assert unwanted.rules == ("pens",)


def test_a_service_that_a_rule_takes_out_names_that_rule() -> None:
    fast = {"id": "fast", "then": [{"action": "exclude_services", "services": ["dhl/parcel"]}]}
    (fault,) = broken(document(), courier=[fast])
    assert (fault.expected, fault.got, fault.rules) == ("dhl/parcel", "dhl/express", ("fast",))


def test_a_hold_that_is_released_names_the_rule_that_releases_it() -> None:
    held = document(review={"findings": [{"code": "po_box"}]}, expect={"holds": ["po_box"], "review": "queued"})
    assert broken(held) == []
    release = {"id": "boxes", "then": [{"action": "release", "reason_codes": ["po_box"]}]}
    assert {fault.rules for fault in broken(held, review=[release]) if fault.path.endswith("holds")} == {("boxes",)}


def test_sourcing_reads_the_tags_that_review_puts() -> None:
    tagged = {"id": "tagged", "when": ["'vip' in order.tags"], "then": [{"action": "only", "locations": ["HAM"]}]}
    expect = {"locations": ["HAM"], "tags": ["vip"]}
    assert broken(document(expect=expect), review=[VIP], sourcing=[tagged]) == []


def test_a_rule_in_error_needs_a_person() -> None:
    wrong = {"id": "tax", "when": ["order.tax_minor > 1"], "then": [{"action": "only", "locations": ["HAM"]}]}
    (fault,) = broken(document(expect={"outcome": "planned"}), sourcing=[wrong])
    assert (fault.got, fault.rules) == ("needs_person", ("tax",))


def test_facts_follow_from_lines_and_address_and_are_stated_beside() -> None:
    facts = golden_facts(read_golden(document()))
    assert (facts["order.skus"], facts["order.weight_grams"], facts["order.total_minor"]) == (["MUG"], 350, 9000)
    assert (facts["order.ship_to.country"], facts["order.placed_hour"]) == ("DE", 9)
    assert facts["order.missing"] == [
        "order.shipping_minor",
        "order.discount_minor",
        "order.tax_minor",
        "order.promised_days",
    ]


def test_what_is_stored_is_read_to_the_same() -> None:
    golden = read_golden(document())
    assert read_golden(golden.document()) == golden
    assert golden.document()["world"]["stock"] == {"BER": {"MUG": 2}, "HAM": {"MUG": "1.5"}}


@pytest.mark.parametrize(
    ("change", "path", "told"),
    [
        ({"expects": {}}, "/expects", "did you mean 'expect'?"),
        ({"expect": {}}, "/expect", "nothing is expected"),
        ({"expect": {"location": ["BER"]}}, "/expect/location", "did you mean 'locations'?"),
        ({"expect": {"locations": ["BRE"]}}, "/expect/locations/0", "did you mean 'BER'?"),
        ({"expect": {"services": {"BER": "dhl/parcels"}}}, "/expect/services/BER", "did you mean 'dhl/parcel'"),
        ({"order": {"lines": [{"sku": "A", "quantity": "1.0001"}]}}, "/order/lines/0/quantity", "3 decimal places"),
        ({"order": {"lines": [{"sku": "A"}], "ship_to": {"name": "Mia"}}}, "/order/ship_to/name", "no member 'name'"),
        ({"order": {"lines": [{"sku": "A"}], "facts": {"order.totals": 1}}}, "/order/facts/order.totals", "no fact"),
        ({"order": {"lines": [{"sku": "A"}], "facts": {"order.total_minor": "9"}}}, "/order/facts/order.total_minor",
         "a whole number"),
        ({"about": "ask mia@example.com"}, "/about", "e-mail address"),
        ({"world": {"rates": [], "rate_cards": {"dhl": 1}}}, "/world/rates", "leave one of them out"),
        ({"world": {"rate_cards": {"ups": 1}}}, "/world/rate_cards/ups", "no carrier 'ups' is connected"),
        ({"world": {"locations": [{"code": "BER", "calendar": {"timezone": "Mars"}}]}}, "/world/locations/0/calendar",
         "calendar cannot be read"),
    ],
)  # fmt: skip
def test_faults_are_told_with_their_place(change: dict[str, Any], path: str, told: str) -> None:
    faults = {fault.path: f"{fault.reason}; {fault.suggestion}" for fault in golden_faults(document(**change), KNOWN)}
    assert told in faults[path]


def test_what_is_gone_is_told() -> None:
    closed = KnownReferences(locations=frozenset({"HAM"}), services=frozenset(), capabilities=frozenset())
    told = {fault.path: fault.reason for fault in golden_faults(document(), closed)}
    assert told["/expect/locations/0"] == "there is no location 'BER' in the hub (any more)"
    assert "/world/rates/0/service" in told


def test_what_is_no_object_is_told() -> None:
    assert golden_faults([], KNOWN)[0].reason.startswith("a golden order is an object")


@settings(max_examples=40, deadline=None)
@given(problems())
def test_one_made_of_a_decision_is_decided_as_the_order_was(wanted: PlanningProblem) -> None:
    known = KnownReferences(locations=frozenset(place.code for place in wanted.locations))
    for decision in plan(replace(wanted, rates_version="card:1")).decisions:
        inputs = as_stored(decision.inputs)
        places = [(place, "") for place in wanted.locations if place.code in inputs["locations"]]
        source = Source(Order(external_id="1"), inputs, places, None)
        document = made_document("made", "", source) | {"expect": {"outcome": decision.outcome}}
        assert golden_faults(document, known) == []
        came = decide_golden(read_golden(document), wanted.rules, Asked(rates=quotes), now=NOW)
        assert changes(as_golden(as_stored(decision.to_dict()), inputs["order"]), came.decision) == ()
