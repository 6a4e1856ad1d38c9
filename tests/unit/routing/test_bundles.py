from decimal import Decimal

import pytest

from hub.routing.rules.bundles import grams_of_parts


@pytest.mark.parametrize(
    ("grams", "parts", "expected"),
    [
        (900, {"A": 1, "B": 1}, {"A": 450, "B": 450}),
        (900, {"A": 2, "B": 1}, {"A": 300, "B": 300}),
        (1000, {"A": 2, "B": 1}, {"A": 333, "B": 334}),
        (1000, {"A": 4}, {"A": 250}),
        (1000, {"A": 3}, {"A": 334}),
        (500, {"A": "0.5"}, {"A": 1000}),
        (0, {"A": 3}, {"A": 0}),
    ],
)
def test_components_weigh_together_what_their_bundle_weighs(
    grams: int, parts: dict[str, str], expected: dict[str, int]
) -> None:
    assert grams_of_parts(grams, [(sku, Decimal(each)) for sku, each in parts.items()]) == expected
