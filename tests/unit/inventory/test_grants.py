from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hub.inventory.rules.grants import Demand, decide
from hub.inventory.rules.levels import Key

KEYS: list[Key] = [("N", "A"), ("N", "B"), ("S", "A"), ("S", "B")]
quantities = st.decimals(min_value="0.001", max_value="9", places=3)
free_stock = st.dictionaries(st.sampled_from(KEYS), st.decimals(min_value=-3, max_value=15, places=3))


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    found = draw(st.lists(st.tuples(st.sampled_from("123456"), st.sampled_from(KEYS), quantities), max_size=14))
    return [Demand(order, f"line-{number}", *key, quantity) for number, (order, key, quantity) in enumerate(found)]


def demand(order: str, line: str, key: Key, quantity: int) -> Demand:
    return Demand(order, line, *key, Decimal(quantity))


@given(demands(), free_stock)
def test_never_more_than_is_free(asked: list[Demand], free: dict[Key, Decimal]) -> None:
    taken: dict[Key, Decimal] = defaultdict(Decimal)
    for item in decide(asked, free).granted:
        taken[item.key] += item.quantity
    assert all(quantity <= free.get(key, Decimal(0)) for key, quantity in taken.items())


@given(demands(), free_stock)
def test_every_fulfilment_order_whole_or_not_at_all(asked: list[Demand], free: dict[Key, Decimal]) -> None:
    grants = decide(asked, free)
    granted = {item.fulfilment_order_line_id for item in grants.granted}
    assert granted | grants.refused.keys() == {item.fulfilment_order_line_id for item in asked}
    assert not granted & grants.refused.keys()
    for group in {(item.order_id, item.location) for item in asked}:
        members = {item.fulfilment_order_line_id for item in asked if (item.order_id, item.location) == group}
        assert members <= granted or not members & granted


@given(demands(), free_stock)
def test_a_refusal_names_what_was_missing(asked: list[Demand], free: dict[Key, Decimal]) -> None:
    grants = decide(asked, free)
    short = {line for line, missing in grants.refused.items() if missing > 0}
    assert all(missing >= 0 for missing in grants.refused.values())
    for group in {(item.order_id, item.location) for item in asked if item.fulfilment_order_line_id in grants.refused}:
        members = {item.fulfilment_order_line_id for item in asked if (item.order_id, item.location) == group}
        assert members & short, "a group is refused only because something of it is short"


@given(demands(), free_stock)
def test_the_first_fulfilment_order_gets_what_it_could_get_alone(asked: list[Demand], free: dict[Key, Decimal]) -> None:
    if asked:
        first = [item for item in asked if (item.order_id, item.location) == (asked[0].order_id, asked[0].location)]
        alone = {item.fulfilment_order_line_id for item in decide(first, free).granted}
        together = {item.fulfilment_order_line_id for item in decide(asked, free).granted}
        assert alone == together & {item.fulfilment_order_line_id for item in first}


def test_a_later_one_that_fits_is_granted() -> None:
    asked = [demand("1", "a", KEYS[0], 4), demand("2", "b", KEYS[0], 2), demand("3", "c", KEYS[0], 1)]
    grants = decide(asked, {KEYS[0]: Decimal(5)})
    assert [item.fulfilment_order_line_id for item in grants.granted] == ["a", "c"]
    assert grants.refused == {"b": Decimal(1)}


def test_parts_of_one_fulfilment_order_are_summed() -> None:
    asked = [demand("1", "a", KEYS[0], 3), demand("2", "x", KEYS[0], 1), demand("1", "b", KEYS[0], 3)]
    grants = decide(asked, {KEYS[0]: Decimal(5)})
    assert [item.fulfilment_order_line_id for item in grants.granted] == ["x"]
    assert grants.refused == {"a": Decimal(1), "b": Decimal(1)}
