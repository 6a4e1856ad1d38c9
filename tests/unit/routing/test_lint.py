"""The linter of rule sets against the faults that were written down before it, and against rules that have none."""

from sys import stdout
from time import perf_counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.lint import KNOWN, NOW, ROOT, WORLD
from bench.lint import SEEDED as SEEDED_FAULTS
from hub.kit.rules.compiled import compile_rule_set
from hub.kit.rules.lint import lint
from hub.kit.rules.rule_set import SECTIONS, read_rule_set
from tests.unit.routing.builders import facts

FAULTS = yaml.safe_load(SEEDED_FAULTS.read_text("utf-8"))
SEEDED = [pytest.param(kind, fault, id=f"{kind}: {fault['name']}") for kind in FAULTS for fault in FAULTS[kind]]


def written(**sections):
    """A rule set; rules without a name are named by their id."""
    document = {
        section: [{"name": rule["id"], **rule} for rule in rules]
        for section, rules in sections.items()
        if section in SECTIONS
    }
    return read_rule_set(document)


def found(rules, **changes):
    return lint(rules, now=NOW, world=WORLD, references=KNOWN, **changes)


@pytest.mark.parametrize(("kind", "fault"), SEEDED)
def test_a_seeded_fault_is_found_and_nothing_else_is_said_of_its_rules(kind, fault):
    report = found(written(**fault))
    assert [(finding.kind, finding.rule) for finding in report.findings] == [(kind, fault["rule"])]
    assert report.findings[0].other == fault.get("with")


def test_the_rules_of_the_examples_have_no_fault():
    files = sorted((ROOT / "examples").rglob("rules*.yaml"))
    assert files
    for path in files:
        report = lint(read_rule_set(yaml.safe_load(path.read_text("utf-8"))), now=NOW)
        assert report.findings == []
        assert report.not_analysed == []


@pytest.mark.parametrize(
    ("section", "clauses", "others"),
    [
        ("sourcing", ["order.units > 6"], ["order.units > 5"]),
        ("sourcing", ["order.ship_to.country == 'DE'"], ["order.ship_to.country in ['DE', 'AT']"]),
        ("courier", ["order.ship_to.postal_code.startsWith('101')"], ["order.ship_to.postal_code.startsWith('1')"]),
        ("courier", ["'a' in order.tags", "'b' in order.tags"], ["'a' in order.tags"]),
        ("sourcing", ["order.number.matches('^A')"], ["order.number.matches('^B')"]),
        ("sourcing", ["order.units % 2 == 0"], ["order.units > 3"]),
        ("sourcing", ["order.test ? order.units > 3 : order.units > 9"], ["order.units > 3"]),
    ],
)
def test_a_narrower_rule_before_a_wider_one_shadows_nothing(section, clauses, others):
    action = {"action": "split"} if section == "sourcing" else {"action": "choose"}
    rules = written(**{section: [{"id": "a", "when": clauses, "then": [action]},
                                 {"id": "b", "when": others, "then": [action]}]})  # fmt: skip
    assert found(rules).findings == []


def test_a_rule_with_an_end_shadows_only_what_ends_with_it():
    def rules(**times):
        return written(sourcing=[{"id": "a", "valid_to": "2026-05-01T00:00:00Z", "then": [{"action": "split"}]},
                                 {"id": "b", "then": [{"action": "split"}], **times}])  # fmt: skip

    assert found(rules()).findings == []
    assert [finding.rule for finding in found(rules(valid_to="2026-04-01T00:00:00Z")).findings] == ["b"]


def test_rules_that_exclude_each_other_contradict_nothing():
    rules = written(
        sourcing=[
            {"id": "a", "when": ["order.total_minor > 100"], "then": [{"action": "only", "locations": ["BER"]}]},
            {"id": "b", "when": ["order.total_minor <= 100"], "then": [{"action": "exclude", "locations": ["BER"]}]},
        ]
    )
    assert found(rules).findings == []


def test_a_contradiction_is_shown_by_facts_and_by_an_order_that_both_rules_matched():
    fault = next(fault for fault in FAULTS["contradictory"] if fault["rule"] == "closed")
    orders = [
        ("1001", facts(units=9, ship_to__country="AT")),
        ("1002", facts(units=6, ship_to__country="DE")),
    ]
    report = found(written(**fault), orders=orders)
    assert report.findings[0].witness == {"order.ship_to.country": "DE", "order.units": 6}
    assert report.findings[0].order == "1002"


def test_a_contradiction_that_no_case_shows_is_not_claimed():
    rules = written(
        sourcing=[
            {
                "id": "a",
                "when": ["order.number.matches('^Q[0-9]$')"],
                "then": [{"action": "only", "locations": ["BER"]}],
            },
            {"id": "b", "then": [{"action": "exclude", "locations": ["BER"]}]},
        ]
    )
    report = found(rules)
    assert report.findings == []
    assert [(note.rule, note.path) for note in report.not_analysed] == [
        ("a", "/sourcing/0/when/0"),
        ("b", "/sourcing/1/then"),
    ]
    seen = found(rules, orders=[("77", facts(number="Q7"))])
    assert (seen.findings[0].order, seen.findings[0].witness) == ("77", {"order.number": "Q7"})


def test_a_fault_in_a_clause_is_told_with_line_and_column():
    rules = written(review=[{"id": "a", "when": ["order.test ||\n  order.lines > 3 && order.kind == 'wholesale'"],
                             "then": [{"action": "tag", "tags": ["x"]}]},
                            {"id": "b", "when": ["order.lines > 3\n  && order.kind == 'wholesale'"],
                             "then": [{"action": "tag", "tags": ["x"]}]}])  # fmt: skip
    (finding,) = found(rules).findings
    assert (finding.rule, finding.path, finding.line, finding.column) == ("b", "/review/1/when/0", 2, 17)
    assert "'standard'" in finding.suggestion


def test_rules_that_matched_no_order_are_a_hint_and_no_fault():
    rules = written(review=[{"id": "a", "when": ["order.lines > 90"], "then": [{"action": "tag", "tags": ["x"]}]}])
    report = found(rules, orders=[("1", facts()), ("2", facts())])
    assert (report.findings, [note.reason for note in report.hints]) == ([], ["matched none of the last 2 orders"])


CLAUSES = st.sampled_from([
    "order.units > 3", "order.units <= 3", "order.units == 4", "order.test", "!order.test", "'vip' in order.tags",
    "order.ship_to.country == 'DE'", "order.ship_to.country in ['DE', 'FR']", "order.ship_to.country != 'FR'",
    "order.tags.exists(t, t == 'vip')", "size(order.tags) == 0", "order.number.startsWith('A')", "order.units % 2 == 1",
    "order.number.contains('1')", "order.test ? order.units > 5 : order.units < 5", "order.number.matches('A.*1')",
    "!(order.units > 3 && order.test) || order.ship_to.country == 'DE'", "order.number == 'A1'", "-1 < order.units",
])  # fmt: skip
ORDERS = st.fixed_dictionaries({
    "order.units": st.integers(0, 8), "order.test": st.booleans(), "order.tags": st.sampled_from([[], ["vip"], ["x"]]),
    "order.ship_to.country": st.sampled_from(["DE", "FR", "US", ""]), "order.number": st.sampled_from(["A1", "A", "1B"]),
})  # fmt: skip


@given(conditions=st.lists(st.lists(CLAUSES, max_size=3), min_size=1, max_size=4), order=ORDERS)
def test_no_order_shows_a_finding_to_be_wrong(conditions, order):
    """What is said never to match does not match, and what is said to be shadowed never decides first."""
    rules = written(
        sourcing=[{"id": f"r{i}", "when": when, "then": [{"action": "split"}]} for i, when in enumerate(conditions)]
    )
    compiled = compile_rule_set(rules)
    matching = [rule.id for rule in compiled.sourcing if rule.judge(order, NOW).matched]
    for finding in found(rules).findings:
        if finding.kind == "never_matching":
            assert finding.rule not in matching
        else:
            assert matching[:1] != [finding.rule]


def test_five_hundred_rules_take_seconds():
    sourcing = []
    for index in range(500):
        clause = f"order.ship_to.postal_code == '{index % 97}' && order.units > {index}"
        only = {"action": "only", "locations": [("BER", "HAM", "MUC")[index % 3]]}
        sourcing.append({"id": f"r{index}", "when": [clause], "then": [only, {"action": "split"}]})
    rules = written(sourcing=sourcing)
    started = perf_counter()
    report = found(rules)
    seconds = perf_counter() - started
    stdout.write(f"\n500 rules: {seconds:.2f} s, {len(report.findings)} findings\n")
    assert seconds < 15


def test_the_score_is_printed():
    """`pytest -s -k score tests/unit/routing/test_lint.py` says how many of the seeded faults are found."""
    for kind, faults in FAULTS.items():
        hits = sum(
            any((f.kind, f.rule) == (kind, fault["rule"]) for f in found(written(**fault)).findings) for fault in faults
        )
        stdout.write(f"\n{kind}: {hits} of {len(faults)}")
        assert hits == len(faults)
