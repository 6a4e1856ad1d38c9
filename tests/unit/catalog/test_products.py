from decimal import Decimal

from hub.catalog.rules.products import NewProduct, Product, batch_faults, bundle_faults, same_content

ONE = Decimal(1)


def bundle(sku: str, *components: str) -> NewProduct:
    return NewProduct(sku=sku, name=sku, components=dict.fromkeys(components, ONE))


def plain(sku: str) -> Product:
    return Product(sku=sku, name=sku)


def indexes(products: list[NewProduct], known: list[Product], used: set[str] | None = None) -> list[int]:
    found = bundle_faults(products, {product.sku: product for product in known}, used or set())
    return [fault.index for fault in found]


def test_components_come_from_the_batch_or_the_store() -> None:
    assert indexes([bundle("SET", "A", "B"), bundle("A")], [plain("B")]) == []
    assert indexes([bundle("SET", "A", "B")], [plain("B")]) == [0]


def test_a_bundle_holds_no_bundle() -> None:
    assert indexes([bundle("SET", "INNER"), bundle("INNER", "A"), bundle("A")], []) == [1]
    assert indexes([bundle("SET", "INNER")], [Product("INNER", "x", components={"A": ONE})]) == [0]
    assert indexes([bundle("SET", "SET")], []) == [0]
    assert indexes([bundle("A", "B"), bundle("B")], [], {"A"}) == [0]


def test_a_stored_bundle_may_become_a_component_in_the_same_batch() -> None:
    stored = Product("INNER", "x", components={"A": ONE})
    assert indexes([bundle("SET", "INNER"), bundle("INNER")], [stored]) == []


def test_bounds() -> None:
    faults = batch_faults(
        [
            NewProduct(sku="", name=""),
            NewProduct(sku="x" * 101, name="n", length_mm=0),
            NewProduct(sku="S", name="n", components={"A": Decimal(0)}),
            NewProduct(sku="S", name="n"),
        ]
    )
    assert {(fault.index, fault.field) for fault in faults} == {
        (0, "sku"), (0, "name"), (1, "sku"), (1, "length_mm"), (2, "components"), (3, "sku"),
    }  # fmt: skip


def test_same_content_looks_at_every_field_but_the_version() -> None:
    stored = Product(sku="A", name="Cup", grams=5, version=7)
    assert same_content(NewProduct(sku="A", name="Cup", grams=5), stored)
    assert not same_content(NewProduct(sku="A", name="Cup", grams=5, height_mm=1), stored)
    assert not same_content(NewProduct(sku="A", name="Cup", grams=5, active=False), stored)
