from decimal import Decimal
from typing import Any

import pytest

from hub.catalog.rules.products import NewProduct
from hub.catalog.rules.rows import read_product
from hub.sdk.readers.stated import CellFault, StatedRow


def read(**cells: Any) -> tuple[NewProduct, list[str | None]]:
    faults: list[CellFault] = []
    product = read_product(StatedRow(2, {"sku": "A", "name": "Cup", **cells}, faults))
    return product, [fault.column for fault in faults]


def test_only_sku_and_name_are_required() -> None:
    assert read() == (NewProduct(sku="A", name="Cup"), [])
    assert read(sku="", name=None)[1] == ["sku", "name"]


@pytest.mark.parametrize("stated", ["CUP:2;TEA:0.5", {"CUP": 2, "TEA": "0.5"}, " CUP : 2 ; TEA : 0.5 "])
def test_components_as_text_or_object(stated: object) -> None:
    product, faults = read(components=stated)
    assert faults == []
    assert dict(product.components) == {"CUP": Decimal(2), "TEA": Decimal("0.5")}


def test_a_component_sku_may_hold_a_colon() -> None:
    assert dict(read(components="EU:CUP:2")[0].components) == {"EU:CUP": Decimal(2)}


@pytest.mark.parametrize("stated", ["CUP", "CUP:0", "CUP:-1", "CUP:two", ":2", "CUP:1;CUP:1", ["CUP"], "CUP:0.0001"])
def test_components_that_cannot_be(stated: object) -> None:
    assert read(components=stated)[1] == ["components"]


@pytest.mark.parametrize("stated", ["cold_chain; hazmat", ["cold_chain", "hazmat"], "cold_chain;;hazmat;"])
def test_requires_as_text_or_list(stated: object) -> None:
    product, faults = read(requires=stated)
    assert (product.requires, faults) == (("cold_chain", "hazmat"), [])
    assert read(requires=5)[1] == ["requires"]


def test_sides_must_be_whole_millimetres() -> None:
    assert read(length_mm="0", width_mm="1.5", height_mm="12")[1] == ["length_mm", "width_mm"]
