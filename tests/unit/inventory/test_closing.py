from decimal import Decimal

from hub.inventory.rules.closing import LineQuantity, Unclear, by_line_and_sku

HELD = {"one": ["A"], "bundle": ["A", "B"]}


def test_a_line_of_one_sku_needs_none_named() -> None:
    asked = [LineQuantity("one", Decimal(1)), LineQuantity("one", Decimal(2), sku="A")]
    assert by_line_and_sku(asked, HELD) == ({("one", "A"): Decimal(3)}, [], set())


def test_a_bundle_must_be_told_apart() -> None:
    asked = [LineQuantity("bundle", Decimal(1)), LineQuantity("bundle", Decimal(2), sku="B")]
    sums, unclear, unknown = by_line_and_sku(asked, HELD)
    assert sums == {("bundle", "B"): Decimal(2)}
    assert unclear == [Unclear("bundle", ("A", "B"))]
    assert unknown == set()


def test_what_holds_nothing_is_said() -> None:
    asked = [LineQuantity("none", Decimal(1)), LineQuantity("one", Decimal(1), sku="B")]
    assert by_line_and_sku(asked, HELD) == ({}, [], {"none", "one"})
