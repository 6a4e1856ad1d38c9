from datetime import timedelta

import pytest

from hub.kit.rules.facts import FactValue
from hub.routing.rules.courier import choose_service, courier_policy
from hub.routing.rules.values import Quote
from tests.unit.routing.builders import NOW, facts, rules


def quote(reference: str, total: int, days: int | None, currency: str = "EUR") -> Quote:
    connection, _, service = reference.partition("/")
    return Quote(connection, service, total, currency, None if days is None else NOW + timedelta(days=days))


POST, STANDARD, EXPRESS = quote("eco/post", 300, 6), quote("swift/standard", 450, 2), quote("swift/express", 1200, 1)
ALL = [EXPRESS, POST, STANDARD]


def chosen(*actions, quotes=ALL, promise: int | None = None, when=()):
    compiled = rules(courier=[{"id": "c", "when": list(when), "then": list(actions)}] if actions else [])
    values: dict[str, FactValue] = {**facts(), "parcel.grams": 900}
    policy = courier_policy(compiled.courier, values, NOW)
    return choose_service(quotes, policy, None if promise is None else NOW + timedelta(days=promise))


def why_not(choice, reference: str):
    return next((lost.reason, lost.by) for lost in choice.lost if lost.quote.reference == reference)


def test_the_cheapest_within_the_promise():
    choice = chosen(promise=3)
    assert choice.quote == STANDARD
    assert why_not(choice, "eco/post") == ("it arrives after the promise", None)
    assert why_not(choice, "swift/express") == ("it costs 750 more than 450", None)
    assert chosen().quote == POST, "nothing is promised"


def test_the_fastest():
    choice = chosen({"action": "choose", "by": "fastest"})
    assert choice.quote == EXPRESS
    assert why_not(choice, "swift/standard") == ("it is slower", None)


def test_none_in_time_takes_the_fastest_or_refuses():
    late = chosen(promise=0)
    assert (late.quote, late.late) == (EXPRESS, True)
    refused = chosen({"action": "choose", "late": "refuse"}, promise=0)
    assert (refused.quote, refused.reason) == (None, "no service arrives within the promise")
    assert why_not(refused, "swift/express") == ("it arrives after the promise", "rule:c")


@pytest.mark.parametrize(
    ("action", "winner", "loser"),
    [
        ({"action": "allow_services", "services": ["swift/*"]}, STANDARD, "eco/post"),
        ({"action": "exclude_services", "services": ["eco/post"]}, STANDARD, "eco/post"),
        ({"action": "prefer_services", "services": ["none/here", "swift/express"]}, EXPRESS, "eco/post"),
        ({"action": "choose", "max_total_minor": 299}, None, "eco/post"),
    ],
)
def test_rules_name_themselves_where_they_decide(action, winner, loser):
    choice = chosen(action)
    assert choice.quote == winner
    assert why_not(choice, loser)[1] == "rule:c"


def test_a_preferred_service_that_is_late_is_not_taken():
    choice = chosen({"action": "prefer_services", "services": ["eco/post"]}, promise=3)
    assert choice.quote == STANDARD


def test_prices_of_other_currencies_are_not_compared():
    choice = chosen(quotes=[POST, quote("zeta/cheap", 1, 1, "USD")])
    assert choice.quote == POST
    assert why_not(choice, "zeta/cheap")[0] == "its price is in USD, the others are in EUR"


def test_without_quotes_there_is_no_service():
    assert chosen(quotes=[]).reason == "no service is offered"


def test_ties_go_by_speed_then_by_name():
    slow, fast = quote("a/slow", 300, 5), quote("b/fast", 300, 2)
    assert chosen(quotes=[slow, fast]).quote == fast
    assert chosen(quotes=[quote("b/x", 300, 2), quote("a/x", 300, 2)]).quote == quote("a/x", 300, 2)
