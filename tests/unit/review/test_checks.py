from decimal import Decimal

import pluggy
import pytest

from hub.canonical.order import StatedTotals, Transaction
from hub.canonical.party import MaskedToken, Party
from hub.connections.rules.policy import DEFAULT_LEVELS, ReviewPolicy
from hub.review.rules.checks import HubChecks
from hub.sdk.hooks import PROJECT, HubSpecs
from tests.unit.review.builders import address, codes, eur, findings, line, order, request


def test_a_good_order_has_no_findings():
    assert findings() == []


def test_the_checks_answer_the_hook():
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HubSpecs)
    manager.register(HubChecks())
    manager.check_pending()
    found = manager.hook.hub_review_checks(request=request(order(lines=())))
    assert [finding.code for answer in found for finding in answer] == ["lines_missing"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ship_to": None}, "ship_to_missing"),
        ({"lines": ()}, "lines_missing"),
        ({"lines": (line(""),)}, "line_id_missing"),
        ({"currency": None}, "currency_missing"),
        ({"currency": "XQQ"}, "currency_unknown"),
        ({"lines": (line(sku=None),)}, "sku_missing"),
        ({"lines": (line(quantity=Decimal(-1)),)}, "quantity_invalid"),
        ({"lines": (line(quantity=Decimal(1001)),)}, "quantity_out_of_bounds"),
        ({"totals": StatedTotals()}, "amount_missing"),
        ({"test": True}, "test_order"),
        (
            {"transactions": (Transaction(external_id="1", kind="sale", state="success", amount=eur(1), test=True),)},
            "test_order",
        ),
    ],
)
def test_what_is_wrong_with_an_order(changes, code):
    assert codes(order(**changes)) == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": None}, "ship_to_incomplete"),
        ({"lines": (" ",)}, "ship_to_incomplete"),
        ({"city": None}, "ship_to_incomplete"),
        ({"country": None}, "country_missing"),
        ({"country": None, "country_raw": "Atlantis"}, "country_unknown"),
        ({"country": "QQ"}, "country_unknown"),
        ({"postal_code": None}, "postal_code_missing"),
        ({"postal_code": "1011"}, "postal_code_invalid"),
        ({"lines": ("P.O. Box 7",)}, "po_box"),
        ({"lines": ("Postfach 12 34",)}, "po_box"),
        ({"phone": "12"}, "phone_invalid"),
        ({"phone": None}, "phone_missing"),
        ({"masked": MaskedToken(token="t", platform="taobao"), "lines": ()}, "receiver_masked"),
    ],
)
def test_what_is_wrong_with_an_address(changes, code):
    assert code in codes(order(ship_to=address(**changes)))


def test_everything_that_is_missing_is_in_one_finding():
    found = findings(order(ship_to=address(name=None, city="", lines=())))[0]
    assert found.evidence == {"missing": ["name", "address line", "city"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None, "company": "Analytical Engines"},
        {"country": "HK", "city": None, "postal_code": None, "phone": "+852 2123 4567"},
        {"phone": "030 901820"},
        {"phone": "not a number at all", "phone_e164": "+4930901820"},
        {"country": "US", "postal_code": "10001-1234", "region_code": "NY", "phone": "+1 212 736 3100"},
        {"lines": ("Boxhagener Str. 9",)},
    ],
)
def test_what_is_right_with_an_address(changes):
    assert codes(order(ship_to=address(**changes))) == []


def test_a_zip_code_of_another_state_is_a_remark():
    where = address(country="US", postal_code="90210", region_code="NY", phone="+1 212 736 3100")
    assert [(found.code, found.severity) for found in findings(order(ship_to=where))] == [
        ("postal_code_region_mismatch", "warn")
    ]


def test_no_address_is_needed_where_nothing_is_shipped():
    digital = line(sku=None, kind="digital", requires_shipping=None)
    assert codes(order(ship_to=None, lines=(digital,))) == []
    assert codes(order(ship_to=None, pickup_location="store-1")) == []
    assert codes(order(ship_to=None, lines=(line(kind="digital", requires_shipping=True),))) == ["ship_to_missing"]


def test_a_buyers_phone_will_do():
    assert codes(order(ship_to=address(phone=None), buyer=Party(phones=("+4930901820",)))) == []


def test_unknown_skus_are_findings_of_their_line():
    found = findings(order(lines=(line("1"), line("2")), totals=StatedTotals(grand=eur(4490))), unknown_skus=("SKU-2",))
    assert [(entry.code, entry.scope, entry.line_external_id) for entry in found] == [("sku_unknown", "line", "2")]


def test_lookalikes_are_named():
    found = findings(lookalikes=("#990", "#991"))[0]
    assert (found.code, found.evidence) == ("duplicate_looking", {"orders": ["#990", "#991"]})
    tagged = order(tags=("subscription",))
    assert codes(tagged, lookalikes=("#990",), policy=ReviewPolicy(ignore_tags=frozenset({"subscription"}))) == []


@pytest.mark.parametrize(
    ("state", "passes"),
    [
        ("paid", True),
        ("authorized", True),
        ("cod_due", True),
        ("unpaid", False),
        ("voided", False),
        ("unknown", False),
        ("refunded", False),
    ],
)
def test_the_payment_state_is_held_against_the_policy(state, passes):
    assert codes(payment_state=state) == ([] if passes else ["payment_not_settled"])
    assert codes(payment_state=state, policy=ReviewPolicy(payment_states=frozenset({"unpaid"}))) == (
        [] if state == "unpaid" else ["payment_not_settled"]
    )


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"blocked_countries": {"DE"}}, "country_not_served"),
        ({"allowed_countries": {"FR"}}, "country_not_served"),
        ({"currencies": {"USD"}}, "currency_unknown"),
        ({"max_quantity": 1}, "quantity_out_of_bounds"),
        ({"min_total_minor": 2491}, "amount_out_of_bounds"),
        ({"max_total_minor": {"EUR": 2489}}, "amount_out_of_bounds"),
    ],
)
def test_the_policy_sets_bounds(policy, code):
    assert codes(policy=ReviewPolicy.model_validate(policy)) == [code]


def test_bounds_are_inclusive():
    policy = ReviewPolicy(max_quantity=2, min_total_minor=2490, max_total_minor={"EUR": 2490, "USD": 1})
    assert codes(policy=policy) == []


def test_the_policy_says_how_severe_a_finding_is():
    where = order(ship_to=address(lines=("PO Box 3",), phone=None))
    policy = ReviewPolicy(po_boxes=False, phone_required=True)
    assert {found.code: found.severity for found in findings(where)} == {"po_box": "info", "phone_missing": "info"}
    assert {found.code: found.severity for found in findings(where, policy=policy)} == {
        "po_box": "hold",
        "phone_missing": "hold",
    }
    assert codes(where, policy=ReviewPolicy(levels={"po_box": "ignore", "phone_missing": "ignore"})) == []


def test_findings_hold_no_personal_data():
    bad = order(ship_to=address(name="Ada", city=None, lines=("Secret Lane 1",), postal_code="BAD-123", phone="999000"))
    text = repr(findings(bad))
    assert "ship_to_incomplete" in text
    assert not any(secret in text for secret in ("Ada", "Secret", "BAD-123", "999000"))


def test_every_finding_has_a_default_level():
    assert {"totals_mismatch", "sku_unknown", "payment_not_settled"} <= set(DEFAULT_LEVELS)
    assert ReviewPolicy().level("a_plugins_own") == "hold"
