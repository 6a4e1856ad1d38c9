from datetime import UTC, datetime

from hub.connections.rules.policy import ReviewPolicy
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.order_facts import order_facts
from hub.kit.rules.rule_set import read_rule_set
from hub.review.rules.outcome import review
from hub.sdk.hooks import Finding
from tests.unit.review.builders import NOW, order

FACTS = order_facts(order(), connection="shop", channel="webhook", payment_state="paid", weight_grams=600)
HOLD = Finding("sku_unknown", "hold", "there is no product", "line", "7", {"sku": "X"}, "create it")
WARN = Finding("phone_invalid", "warn", "the phone is not valid")


def rules(*found, section="review") -> CompiledRuleSet:
    return compile_rule_set(read_rule_set({section: [{"name": rule["id"], **rule} for rule in found]}))


def outcome(*findings, policy=None, by=(), facts=FACTS):
    return review(findings, ReviewPolicy.model_validate(policy or {}), rules(*by), facts, NOW)


def test_nothing_found_is_approved():
    assert outcome().state == "auto_approved"
    assert outcome(WARN).state == "auto_approved"
    assert outcome(WARN).remarks == (WARN,)


def test_a_hold_is_queued_with_its_line_and_evidence():
    found = outcome(HOLD)
    assert (found.state, found.reason) == ("queued", "sku_unknown")
    hold = found.holds[0]
    assert (hold.reason_code, hold.scope, hold.line, hold.release, hold.placed_by) == (
        "sku_unknown",
        "line",
        "7",
        "manual",
        "check",
    )
    assert hold.evidence == {"sku": "X", "suggestion": "create it"}


def test_reject_beats_hold():
    assert outcome(HOLD, Finding("fraud", "reject", "blocked buyer")).state == "rejected"


def test_a_payment_that_is_awaited_needs_nobody():
    found = outcome(Finding("payment_not_settled", "hold", "the payment is unpaid"))
    assert found.state == "auto_approved"
    assert [(hold.reason_code, hold.release) for hold in found.holds] == [("payment_not_settled", "event")]


def test_a_hold_may_lift_itself():
    found = outcome(HOLD, policy={"release_after_minutes": {"sku_unknown": 30}})
    assert (found.state, found.holds[0].release, found.holds[0].release_after_minutes) == ("auto_approved", "timer", 30)


def test_the_policy_counts_for_findings_of_plugins_too():
    plugin = Finding("acme_risk", "hold", "risky")
    assert outcome(plugin).state == "queued"
    assert outcome(plugin, policy={"levels": {"acme_risk": "info"}}).state == "auto_approved"
    assert outcome(plugin, policy={"levels": {"acme_risk": "ignore"}}).remarks == ()
    assert outcome(plugin, policy={"levels": {"acme_risk": "reject"}}).state == "rejected"


def test_what_the_policy_leaves_to_people_or_rules():
    approve = {"id": "small", "when": ["order.total_minor < 5000"], "then": [{"action": "auto_approve"}]}
    assert outcome(policy={"auto_approve": "never"}, by=[approve]).state == "queued"
    assert outcome(policy={"auto_approve": "rules"}).state == "queued"
    assert outcome(policy={"auto_approve": "rules"}, by=[approve]).state == "auto_approved"
    assert outcome(HOLD, policy={"auto_approve": "rules"}, by=[approve]).state == "queued", "it lifts no hold"


def test_rules_hold_tag_and_release():
    found = outcome(
        HOLD,
        by=[
            {
                "id": "look",
                "when": ["'sku_unknown' in review.findings"],
                "then": [
                    {"action": "hold", "reason_code": "look", "message": "look"},
                    {"action": "tag", "tags": ["odd", "odd"]},
                ],
            },
            {
                "id": "let",
                "when": ["order.currency == 'EUR'"],
                "then": [{"action": "release", "reason_codes": ["sku_unknown"]}],
            },
            {"id": "no", "when": ["order.currency == 'USD'"], "then": [{"action": "tag", "tags": ["dollar"]}]},
        ],
    )
    assert [(hold.reason_code, hold.placed_by) for hold in found.holds] == [("look", "rule:look")]
    assert found.tags == ("odd",)
    assert [entry.code for entry in found.remarks] == ["sku_unknown"], "what was let pass is still told"
    assert {verdict.rule_id: verdict.matched for verdict in found.rules} == {"look": True, "let": True, "no": False}


def test_a_rule_in_error_holds_for_a_person_and_the_others_still_run():
    values = {name: value for name, value in FACTS.items() if name != "order.total_minor"}
    found = outcome(
        by=[
            {"id": "big", "when": ["order.total_minor > 100"], "then": [{"action": "tag", "tags": ["big"]}]},
            {"id": "eur", "when": ["order.currency == 'EUR'"], "then": [{"action": "tag", "tags": ["eur"]}]},
        ],
        facts=values,
    )
    assert (found.state, found.tags) == ("queued", ("eur",))
    assert (found.holds[0].reason_code, found.holds[0].placed_by) == ("rule_error", "rule:big")
    assert "clause 1: order.total_minor is not known" in found.holds[0].message


def test_one_hold_for_each_reason_and_line():
    assert len(outcome(HOLD, HOLD, Finding("sku_unknown", "hold", "x", "line", "8")).holds) == 2


def test_the_outcome_travels_as_json():
    body = outcome(HOLD, WARN).to_dict()
    assert body["state"] == "queued"
    assert body["holds"][0]["line"] == "7"
    assert body["remarks"][0]["code"] == "phone_invalid"


def test_every_gift_rule_says_that_it_gives_or_that_it_does_not():
    mug = [{"action": "add_gift", "sku": "MUG"}]
    past = {"valid_from": "2026-11-01T00:00:00Z", "valid_to": "2026-11-02T00:00:00Z"}
    given = rules(
        {"id": "a", "then": mug, "valid_from": "2026-11-01T00:00:00Z"}, {"id": "b", "then": mug},
        {"id": "not", "when": ["order.lines > 1"], "then": mug}, {"id": "over", "then": mug, **past},
        {"id": "error", "when": ["order.tax_minor > 0"], "then": mug}, section="gift",
    )  # fmt: skip
    found = review([], ReviewPolicy(), given, FACTS, NOW)
    assert [(offer.key, offer.since) for offer in found.gifts] == [
        (("a", "MUG"), datetime(2026, 11, 1, tzinfo=UTC)), (("b", "MUG"), None),
    ]  # fmt: skip
    assert found.without_gifts == {"not"}
    assert [hold.reason_code for hold in found.holds] == ["rule_error"]
