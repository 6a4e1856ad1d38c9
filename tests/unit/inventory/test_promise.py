"""What a channel may promise: never more than is free, never less than nothing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hub.inventory.rules.levels import Level
from hub.inventory.rules.promise import Buffer, nearest, promise

figure = st.decimals(min_value=-50, max_value=50, places=3)
amount = st.decimals(min_value=0, max_value=50, places=3)


def level(location: str, on_hand: int, reserved: int = 0, safety: int = 0) -> Level:
    return Level(location, "A", Decimal(on_hand), Decimal(reserved), Decimal(safety))


def test_the_buffer_nearest_to_the_level_counts() -> None:
    rules = {(b.location, b.sku): b for b in (Buffer("", "", Decimal(1)), Buffer("N", "", Decimal(2)))}
    assert nearest(rules, ("S", "A")).units == 1
    assert nearest(rules, ("N", "A")).units == 2
    rules["", "A"] = Buffer("", "A", Decimal(3))
    assert nearest(rules, ("N", "A")).units == 3
    rules["N", "A"] = Buffer("N", "A", Decimal(4))
    assert nearest(rules, ("N", "A")).units == 4
    assert nearest({}, ("N", "A")) == Buffer("N", "A")


def test_each_location_keeps_its_buffer_back_and_shortage_stays_where_it_is() -> None:
    rules = {("", ""): Buffer("", "", Decimal(1), percent=10)}
    found = promise("A", [level("N", 10, 2, 1), level("S", 0, 5), level("W", 1)], {("W", "A"): Decimal(4)}, rules)
    assert [(part.buffer, part.quantity) for part in found.parts] == [
        (Decimal("1.7"), Decimal("5.3")), (0, 0), (Decimal("1.5"), Decimal("3.5")),
    ]  # fmt: skip
    assert found.quantity == Decimal("8.8")


@given(figure, amount, amount, amount, amount, st.integers(0, 100))
def test_it_is_within_what_is_free(
    on_hand: Decimal, reserved: Decimal, safety: Decimal, coming: Decimal, units: Decimal, percent: int
) -> None:
    place = Level("N", "A", on_hand, reserved, safety)
    rules = {("", ""): Buffer("", "", units, percent)}
    quantity = promise("A", [place], {place.key: coming}, rules).quantity
    assert 0 <= quantity <= max(0, on_hand - reserved - safety + coming)
    assert quantity == 0 or quantity <= on_hand - reserved - safety + coming - units
