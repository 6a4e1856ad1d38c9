import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.rules.facts import CATALOGUE, Fact
from hub.kit.rules.language import MAX_LENGTH, ClauseInvalid, RuleError, compile_clause
from tests.unit.routing.builders import facts


def fault(text: str, section: str = "review"):
    with pytest.raises(ClauseInvalid) as refused:
        compile_clause(text, section)  # type: ignore[arg-type]
    return refused.value.faults[0]


@pytest.mark.parametrize(
    ("text", "line", "column", "reason", "suggestion"),
    [
        ("order.totl_minor > 3", 1, 1, "no fact 'order.totl_minor'", "'order.total_minor'"),
        (
            "order.lines > 1 &&\n  order.ship_to.contry == 'x'",
            2,
            3,
            "no fact 'order.ship_to.contry'",
            "order.ship_to.country",
        ),
        ("order.country == 'DE'", 1, 1, "no fact 'order.country'", "order.ship_to.country"),
        ("order == 1", 1, 1, "no fact 'order'", "order.number"),
        ("order.total_minor > '3'", 1, 19, "> does not take number and text", "leave out the quotes"),
        ("order.currency == 3", 1, 16, "text and number", "in quotes"),
        ("order.total_minor > 1.50", 1, 19, "number and double", "whole numbers"),
        ("order.tags == 'vip'", 1, 12, "list(string) and text", "'vip' in order.tags"),
        ("order.total_minor", 1, 1, "gives a number", "order.total_minor > 0"),
        ("order.lines > 1 and order.test", 1, 17, "cannot be read", "'&&'"),
        ("not order.test", 1, 5, "cannot be read", "'!'"),
        ("order.test == True", 1, 15, "no fact 'True'", "'true'"),
        ("order.lines = 3", 1, 13, "cannot be read", "=="),
        ("order.currency.startWith('E')", 1, 25, "no function 'startWith'", "startsWith"),
        ("order.currency == “EUR”", 1, 19, "cannot be read", "straight quotes"),
        ("order.currency.matches('[')", 1, 1, "regular expression", "RE2"),
        ("location.code == 'BER'", 1, 1, "no fact 'location.code'", "order, review"),
        ("(" * 60 + "true" + ")" * 60, 1, 1, "nested too deep", "simpler"),
        ("order.tags.all(a, order.tags.all(b, order.skus.all(c, a + b != c)))", 1, 1, "3 loops", "simpler"),
        ("order.lines in [" + ",".join(["1"] * 400) + "]", 1, 1, "parts", "simpler"),
        ("order.test || " * 200 + "true", 1, 1, f"at most {MAX_LENGTH}", "several clauses"),
    ],
)
def test_wrong_clauses_are_refused_with_place_and_suggestion(text, line, column, reason, suggestion):
    found = fault(text)
    assert (found.line, found.column) == (line, column)
    assert reason in found.reason
    assert suggestion in (found.suggestion or "")


def test_all_faults_of_one_clause_are_told():
    with pytest.raises(ClauseInvalid) as refused:
        compile_clause("order.foo == 1 || order.currency == 2", "review")
    assert len(refused.value.faults) == 2


@pytest.mark.parametrize("fact", CATALOGUE.courier, ids=lambda fact: fact.name)
def test_a_swapped_letter_in_any_fact_suggests_it(fact: Fact):
    name = fact.name[:-2] + fact.name[-1] + fact.name[-2]
    if name == fact.name:
        name = fact.name + "x"
    assert f"'{fact.name}'" in (fault(f"{name} == {name}", "courier").suggestion or "")


def test_a_clause_knows_what_it_reads():
    clause = compile_clause("order.tags.exists(t, t == 'vip') && location.distance_km < 500", "sourcing")
    assert clause.facts == ("location.distance_km", "order.tags")
    assert clause.reads("location")
    assert not clause.reads("parcel")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("order.lines / (order.units - order.units) > 1", "divide by zero"),
        ("order.tags[5] == 'x'", "Index error"),
        ("order.weight_grams > 5", "order.weight_grams is not known"),
        ("int(order.ship_to.postal_code) > 5", "cannot be evaluated"),
        ("order.skus.all(a, order.skus.all(b, a + b != ''))", "Iteration budget exceeded"),
    ],
)
def test_a_clause_that_fails_is_an_error_never_false(text, reason):
    values = facts(ship_to__postal_code="SW1A 1AA", skus=[str(number) for number in range(300)])
    del values["order.weight_grams"]
    with pytest.raises(RuleError, match=reason) as failed:
        compile_clause(text, "review").holds(values)
    assert "SW1A" not in str(failed.value), "values of an order do not belong into messages"
    with pytest.raises(RuleError):
        compile_clause(f"!({text})", "review").holds(values)


def test_a_clause_may_guard_itself_against_what_is_missing():
    clause = compile_clause("'order.weight_grams' in order.missing || order.weight_grams > 5", "review")
    values = facts(missing=["order.weight_grams"])
    del values["order.weight_grams"]
    assert clause.holds(values)
    assert not clause.holds(facts(weight_grams=5))


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.sampled_from("ab"), max_size=2)), max_size=30))
def test_remembered_results_are_those_of_the_engine(seen):
    clause = compile_clause("order.lines > 1 && 'a' in order.tags", "review")
    for lines, tags in seen:
        assert clause.holds(facts(lines=lines, tags=tags)) == (lines > 1 and "a" in tags)


@given(
    sign=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), limit=st.integers(-3, 3) | st.just(2**63 - 1),
    value=st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1]),
)  # fmt: skip
def test_a_comparison_with_a_number_comes_out_as_the_engine_says(sign, limit, value):
    short, asked = (compile_clause(text, "review") for text in (f"order.units {sign} {limit}",
                                                               f"(order.units {sign} {limit}) && true"))  # fmt: skip
    assert short.holds({"order.units": value}) is asked.holds({"order.units": value})


def test_a_number_beyond_64_bits_is_an_error_in_a_comparison_too():
    with pytest.raises(RuleError):
        compile_clause("order.units > 3", "review").holds({"order.units": 2**63})


def test_plugins_may_declare_facts_but_not_take_names():
    wider = CATALOGUE.extended([Fact("acme.score", "int", "a score", 7)])
    assert compile_clause("acme.score > 5", "sourcing", wider).holds({"acme.score": 6})
    with pytest.raises(ValueError, match=r"order\.lines"):
        CATALOGUE.extended([Fact("order.lines", "int", "taken", 1)])
