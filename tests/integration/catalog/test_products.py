from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event

from hub.catalog.rules.products import NewProduct
from hub.catalog.service.aliases import add_alias, add_aliases, list_aliases, remove_alias
from hub.catalog.service.importing import import_products
from hub.catalog.service.match import match_skus
from hub.catalog.service.query import get, list_products
from hub.catalog.service.upsert import UpsertResult, VersionMismatch, put_product, upsert_products
from hub.kit.db import Database
from hub.kit.errors import InvalidInput, NotFound

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
Published = Callable[[str], list[dict[str, Any]]]


def product(sku: str, **changes: Any) -> NewProduct:
    return replace(NewProduct(sku=sku, name=f"Product {sku}", grams=250), **changes)


def stock_up(database: Database, *products: NewProduct) -> UpsertResult:
    with database.write() as session:
        return upsert_products(session, products=products, at=AT)


def test_alias_of_the_account_wins_over_an_own_sku(database: Database) -> None:
    stock_up(database, product("A", length_mm=100, requires=("cold_chain",)), product("B"))
    with database.write() as session:
        add_alias(session, account="shop-1", channel_sku="B", sku="A", at=AT)
        add_alias(session, account="shop-1", channel_sku="chan-a", sku="A", at=AT)
    with database.read() as session:
        ours = match_skus(session, account="shop-1", skus=["B", "chan-a", "A", "nowhere", "b"])
        theirs = match_skus(session, account="shop-2", skus=["B", "chan-a"])
    assert {asked: found.sku for asked, found in ours.items()} == {"B": "A", "chan-a": "A", "A": "A"}
    assert {asked: found.sku for asked, found in theirs.items()} == {"B": "B"}
    assert (ours["B"].length_mm, ours["B"].width_mm, ours["B"].requires) == (100, None, ("cold_chain",))
    assert (ours["B"].grams, ours["B"].stocked, ours["B"].components) == (250, True, {})


def test_inactive_products_do_not_match_under_any_name(database: Database) -> None:
    stock_up(database, product("A", active=False), product("B"))
    with database.write() as session:
        add_alias(session, account="shop-1", channel_sku="B", sku="A", at=AT)
        assert match_skus(session, account="shop-1", skus=["A", "B"]) == {}


def test_bundle_components_come_with_the_match(database: Database) -> None:
    stock_up(
        database, product("SET", components={"CUP": Decimal(2), "TEA": Decimal("0.5")}), product("CUP"), product("TEA")
    )
    with database.read() as session:
        found = match_skus(session, account="shop-1", skus=["SET"])["SET"]
    assert found.components == {"CUP": Decimal(2), "TEA": Decimal("0.5")}


def test_matching_any_number_is_at_most_two_statements(database: Database) -> None:
    stock_up(database, *(product(f"P{number}") for number in range(50)))
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    with database.read() as session:
        session.connection()
        event.listen(database.engine, "before_cursor_execute", note)
        found = match_skus(session, account="shop-1", skus=[f"P{number}" for number in range(70_000)])
        event.remove(database.engine, "before_cursor_execute", note)
    assert len(found) == 50
    assert len(statements) <= 2


def test_upsert_tells_added_changed_unchanged_and_announces_new_ones(database: Database, published: Published) -> None:
    assert stock_up(database, product("A"), product("B")) == UpsertResult(("A", "B"), (), ())
    with database.write() as session:
        result = upsert_products(session, products=[product("A"), product("B", grams=9), product("C")], at=LATER)
        assert result == UpsertResult(added=("C",), changed=("B",), unchanged=("A",))
        assert (get(session, sku="A").version, get(session, sku="A").updated_at) == (1, AT)
        assert (get(session, sku="B").version, get(session, sku="B").updated_at) == (2, LATER)
    assert [data["sku"] for data in published("catalog.product_added")] == ["A", "B", "C"]


def test_a_product_that_is_active_again_is_announced_again(database: Database, published: Published) -> None:
    stock_up(database, product("A"))
    stock_up(database, product("A", active=False))
    assert len(published("catalog.product_added")) == 1
    stock_up(database, product("A"))
    assert len(published("catalog.product_added")) == 2


def test_all_faults_of_a_batch_are_told_and_nothing_is_stored(database: Database) -> None:
    stock_up(database, product("OLD-SET", components={"A": Decimal(1)}), product("A"))
    with database.write() as session, pytest.raises(InvalidInput) as refusal:
        upsert_products(
            session,
            products=[
                product("NEW"), product("NEW"), product(" X"), product("G", grams=-1),
                product("S1", components={"GONE": Decimal(1)}), product("S2", components={"OLD-SET": Decimal(1)}),
                product("A", components={"NEW": Decimal(1)}),
            ],
            at=AT,
        )  # fmt: skip
    found = {(fault["index"], fault["field"]) for fault in refusal.value.extra["errors"]}
    assert found == {(1, "sku"), (2, "sku"), (3, "grams"), (4, "components"), (5, "components"), (6, "components")}
    with database.read() as session, pytest.raises(NotFound):
        get(session, sku="NEW")


def test_put_checks_the_version(database: Database) -> None:
    with database.write() as session:
        assert put_product(session, product=product("A"), version=None, at=AT).version == 1
        assert put_product(session, product=product("A", grams=5), version=1, at=LATER).version == 2
        with pytest.raises(VersionMismatch, match="version 2"):
            put_product(session, product=product("A", grams=6), version=1, at=LATER)
        with pytest.raises(VersionMismatch, match="not there"):
            put_product(session, product=product("Z"), version=1, at=LATER)
        assert get(session, sku="A").grams == 5


def test_list_by_prefix_active_and_keyset(database: Database) -> None:
    stock_up(
        database, product("AB-1"), product("AB-2", active=False), product("AB%3"), product("ab-4"), product("AC"),
        product("A"), product("AB-\u00e9"),
    )  # fmt: skip
    with database.read() as session:
        assert {item.sku for item in list_products(session, q="AB-")} == {"AB-1", "AB-2", "AB-\u00e9"}
        assert {item.sku for item in list_products(session, q="AB%")} == {"AB%3"}
        assert [item.sku for item in list_products(session, active=False)] == ["AB-2"]
        first = list_products(session, limit=3)
        rest = list_products(session, after=first[-1].sku)
        assert [*first, *rest] == list_products(session)
        assert len(first) + len(rest) == 7


def test_aliases_are_announced_when_they_change(database: Database, published: Published) -> None:
    stock_up(database, product("A"), product("B"))
    long = "c" * 200
    with database.write() as session:
        assert add_aliases(session, account="shop-1", aliases={"x": "A", long: "B"}, at=AT) == (long, "x")
        assert add_aliases(session, account="shop-1", aliases={"x": "A"}, at=AT) == ()
        assert add_aliases(session, account="shop-1", aliases={"x": "B"}, at=AT) == ("x",)
        assert list_aliases(session, account="shop-1", after=None, limit=5) == [(long, "B"), ("x", "B")]
        assert list_aliases(session, account="shop-1", after=long, limit=5) == [("x", "B")]
    assert [(data["channel_sku"], data["sku"]) for data in published("catalog.sku_mapped")] == [
        (long, "B"), ("x", "A"), ("x", "B"),
    ]  # fmt: skip
    assert {data["account"] for data in published("catalog.sku_mapped")} == {"shop-1"}


def test_an_alias_to_nothing_is_refused(database: Database, published: Published) -> None:
    with database.write() as session, pytest.raises(InvalidInput) as refusal:
        add_aliases(session, account="shop-1", aliases={"x": "GONE", "y": "GONE"}, at=AT)
    assert [fault["field"] for fault in refusal.value.extra["errors"]] == ["x", "y"]
    assert published("catalog.sku_mapped") == []


def test_a_removed_alias_no_longer_matches(database: Database) -> None:
    stock_up(database, product("A"))
    with database.write() as session:
        add_alias(session, account="shop-1", channel_sku="x", sku="A", at=AT)
        remove_alias(session, account="shop-1", channel_sku="x")
        assert match_skus(session, account="shop-1", skus=["x"]) == {}
        with pytest.raises(NotFound):
            remove_alias(session, account="shop-1", channel_sku="x")


CSV = """sku;name;grams;stocked;components;requires
CUP;Cup;300;yes;;
SET;Set of two;700;;CUP:2;fragile;
"""


def test_import_from_csv(database: Database) -> None:
    with database.write() as session:
        done = import_products(session, rows=CSV.replace("CUP:2;fragile;", "CUP:2;fragile"), at=AT)
        assert done.result.added == ("CUP", "SET")
        assert get(session, sku="SET").components == {"CUP": Decimal(2)}
        assert get(session, sku="SET").requires == ("fragile",)


def test_import_tells_all_faults_by_row_and_column(database: Database) -> None:
    rows = "sku,name,grams,stocked,colour\nA,Cup,heavy,maybe,red\n,,1.5,yes,\nB,Bowl,1,yes,\nB,Bowl,1,yes,\n"
    with database.write() as session, pytest.raises(InvalidInput) as refusal:
        import_products(session, rows=rows, at=AT)
    found = [(fault["row"], fault["column"]) for fault in refusal.value.extra["errors"]]
    assert sorted(found) == [
        (2, "colour"), (2, "grams"), (2, "stocked"), (3, "grams"), (3, "name"), (3, "sku"), (5, "sku"),
    ]  # fmt: skip
    with database.read() as session, pytest.raises(NotFound):
        get(session, sku="B")


def test_import_may_leave_faulty_rows_out(database: Database) -> None:
    rows: list[dict[str, object]] = [
        {"sku": "A", "name": "Cup", "grams": 300},
        {"sku": "B", "name": "Bowl", "grams": -1},
        {"sku": "SET", "name": "Set", "components": {"A": 1, "B": 1}},
        {"sku": "MEGA", "name": "Set", "components": {"A": 1, "GONE": 1}},
    ]
    with database.write() as session:
        done = import_products(session, rows=rows, at=AT, skip_faulty=True)
        assert done.result.added == ("A",)
        assert [(fault.row, fault.column) for fault in done.faults] == [
            (2, "grams"),
            (3, "components"),
            (4, "components"),
        ]
