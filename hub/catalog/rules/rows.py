"""Products from the rows of a table, as people hand them in."""

from collections.abc import Iterable
from decimal import Decimal

from hub.catalog.rules.products import MAX_GRAMS, MAX_MILLIMETRES, MAX_NAME, MAX_SKU, NewProduct
from hub.sdk.readers.stated import StatedRow, decimal_places, parse_decimal

COLUMNS = (
    "sku", "name", "grams", "length_mm", "width_mm", "height_mm", "stocked", "requires", "components", "active",
)  # fmt: skip
"""Columns that a table of products may have; `sku` and `name` are required."""


def read_product(cells: StatedRow) -> NewProduct:
    """One row; faults are noted in the cells' list.

    `requires` is text such as `cold_chain;hazmat` or a JSON list; `components` is text such as `CUP:2;SAUCER:2` or a
    JSON object of SKU to quantity.
    """
    cells.refuse_unknown(COLUMNS)
    sides = {
        name: cells.integer(name, least=1, most=MAX_MILLIMETRES) for name in ("length_mm", "width_mm", "height_mm")
    }
    return NewProduct(
        sku=cells.text("sku", most=MAX_SKU),
        name=cells.text("name", most=MAX_NAME),
        grams=cells.integer("grams", least=0, most=MAX_GRAMS) or 0,
        stocked=cells.flag("stocked", default=True),
        active=cells.flag("active", default=True),
        requires=_requires(cells),
        components=_components(cells),
        **sides,
    )


def _requires(cells: StatedRow) -> tuple[str, ...]:
    value = cells.raw("requires")
    if value is None:
        return ()
    words = value.split(";") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        cells.fault("requires", "Must be a list of capabilities, e.g. cold_chain;hazmat.")
        return ()
    return tuple(word.strip() for word in words if word.strip())


def _components(cells: StatedRow) -> dict[str, Decimal]:
    value = cells.raw("components")
    if value is None:
        return {}
    pairs: Iterable[tuple[object, object]]
    if isinstance(value, str):
        pairs = [(sku, quantity) for sku, _, quantity in (part.rpartition(":") for part in value.split(";"))]
    elif isinstance(value, dict):
        pairs = value.items()
    else:
        cells.fault("components", "Must be SKU:quantity pairs, e.g. CUP:2;SAUCER:2.")
        return {}
    return _component_quantities(cells, pairs)


def _component_quantities(cells: StatedRow, pairs: Iterable[tuple[object, object]]) -> dict[str, Decimal]:
    components: dict[str, Decimal] = {}
    for sku, stated in pairs:
        quantity = parse_decimal(stated)
        name = str(sku).strip()
        if not name or quantity is None or quantity <= 0 or decimal_places(quantity) > 3:
            cells.fault("components", "Must be SKU:quantity pairs, e.g. CUP:2;SAUCER:2, quantities more than 0.")
        elif name in components:
            cells.fault("components", f"Names {name!r} twice.")
        else:
            components[name] = quantity
    return components
