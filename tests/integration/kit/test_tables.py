"""Column types and bulk writes mean the same on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column as C
from sqlalchemy import Integer, LargeBinary, MetaData, String, Table, select

from hub.kit.bulk import insert_new, insert_rows, update_rows
from hub.kit.db import Database, after_commit
from hub.kit.ids import new_id
from hub.kit.types import FixedDecimal, Id, JsonDocument, UtcDateTime

THINGS = Table(
    "things",
    MetaData(),
    C("thing_id", Id, primary_key=True),
    C("name", String(40), unique=True),
    C("amount", FixedDecimal(3)),
    C("price", FixedDecimal(6)),
    C("at", UtcDateTime),
    C("body", LargeBinary),
    C("data", JsonDocument),
    C("counted", Integer),
)
AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with one table of every type."""
    database = Database(database_url)
    with database.write() as session:
        THINGS.create(session.connection())
    yield database
    database.dispose()


def thing(called: str, **changes: Any) -> dict[str, Any]:
    values = {
        "thing_id": new_id(), "name": called, "amount": Decimal("1.5"), "price": Decimal("0.000001"), "at": AT,
        "body": b"\x00\xff", "data": {"ü": [1, None, "x"]}, "counted": 1,
    }  # fmt: skip
    return {**values, **changes}


def stored(database: Database) -> dict[str, Any]:
    with database.read() as session:
        return {row.name: row for row in session.execute(select(THINGS))}


AWKWARD = {
    "amount": [Decimal("0.001"), Decimal("-999999999999.999"), Decimal(10) ** 12, None],
    "price": [Decimal("0.000001"), Decimal("123456789.123456"), None],
    "at": [AT, AT.astimezone(timezone(timedelta(hours=8))), AT.replace(microsecond=0), None],
    "body": [b"", b"\x00", bytes(range(256)), None],
    "data": [{}, [], {"nested": {"deep": [{"é": "\\u0000 is text"}]}}],
    "name": ["emoji 🚀", "quote ' and \" and %s", "中文", "back\\slash"],
    "counted": [0, -1, 2**31 - 1, None],
}


@pytest.mark.parametrize("column", AWKWARD)
def test_what_is_written_in_bulk_is_read_back_the_same(database: Database, column: str) -> None:
    rows = [thing(f"t{number}", **{column: value}) for number, value in enumerate(AWKWARD[column])]
    with database.write() as session:
        insert_rows(session, THINGS, rows)
    found = {row.thing_id: row for row in stored(database).values()}
    for row in rows:
        assert getattr(found[row["thing_id"]], column) == row[column]
        assert found[row["thing_id"]].thing_id == row["thing_id"]
    ats = [row.at for row in found.values() if row.at is not None]
    assert {at.tzinfo for at in ats} <= {UTC}


def test_one_by_one_and_in_bulk_is_the_same(database: Database) -> None:
    with database.write() as session:
        session.execute(THINGS.insert().values(**thing("one")))
        insert_rows(session, THINGS, [thing("many")])
    one, many = stored(database)["one"], stored(database)["many"]
    assert one[2:] == many[2:]


@pytest.mark.parametrize(
    ("column", "value"), [("amount", Decimal("0.0001")), ("price", Decimal("0.0000001")), ("at", datetime(2026, 1, 1))]
)
def test_what_a_column_cannot_hold_is_refused_and_never_rounded(database: Database, column: str, value: Any) -> None:
    with pytest.raises(Exception, match=r"decimal places|naive"), database.write() as session:
        session.execute(THINGS.insert().values(**thing("one", **{column: value})))
    if column != "at":
        with pytest.raises(ValueError, match="decimal places"), database.write() as session:
            insert_rows(session, THINGS, [thing("one", **{column: value})])
    assert stored(database) == {}


def test_only_what_is_new_is_inserted_and_named(database: Database) -> None:
    with database.write() as session:
        assert insert_new(session, THINGS, [thing("a"), thing("b"), thing("a")], key=("name",)) == {("a",), ("b",)}
        assert insert_new(session, THINGS, [thing("b"), thing("c")], key=("name",)) == {("c",)}
        assert insert_new(session, THINGS, [], key=("name",)) == set()
    assert set(stored(database)) == {"a", "b", "c"}


def test_a_duplicate_is_an_error_where_none_was_expected(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)unique"), database.write() as session:
        insert_rows(session, THINGS, [thing("a"), thing("a")])
    assert stored(database) == {}


def test_rows_are_updated_by_key_and_some_columns_are_added_to(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, THINGS, [thing("a"), thing("b"), thing("c")])
        changes = [
            {"name": "a", "amount": Decimal("0.5"), "data": {"n": 1}, "counted": 5},
            {"name": "b", "amount": Decimal(-2), "data": {"n": 2}, "counted": 6},
            {"name": "nobody", "amount": Decimal(1), "data": {}, "counted": 7},
        ]
        update_rows(session, THINGS, changes, key=("name",), add=("amount",))
    found = stored(database)
    assert [(found[name].amount, found[name].counted) for name in "abc"] == [
        (Decimal(2), 5), (Decimal("-0.5"), 6), (Decimal("1.5"), 1),
    ]  # fmt: skip
    assert found["a"].data == {"n": 1}


def test_callbacks_run_once_after_the_commit_and_not_after_an_error(database: Database) -> None:
    told: list[str] = []
    with database.write() as session:
        after_commit(session, "x", lambda: told.append("first"))
        after_commit(session, "x", lambda: told.append(f"second, with {len(stored(database))} there"))
        insert_rows(session, THINGS, [thing("a")])
        assert told == []
    with pytest.raises(ZeroDivisionError), database.write() as session:
        after_commit(session, "x", lambda: told.append("never"))
        raise ZeroDivisionError
    assert told == ["second, with 1 there"]


def test_what_a_reader_changes_is_gone(database: Database) -> None:
    with database.read() as session:
        session.execute(THINGS.insert().values(**thing("a")))
    assert stored(database) == {}


def test_many_writers_wait_for_each_other_and_none_fails(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, THINGS, [thing("a", counted=0)])
    begun, errors = threading.Barrier(8), []

    def count() -> None:
        try:
            begun.wait(timeout=20)
            for _ in range(10):
                with database.write() as session:
                    update_rows(session, THINGS, [{"name": "a", "counted": 1}], key=("name",), add=("counted",))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert (errors, stored(database)["a"].counted) == ([], 80)
