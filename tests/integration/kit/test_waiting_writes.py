"""Writes that nobody waits for go out together, and nothing of their transaction overtakes them."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column as C
from sqlalchemy import ForeignKey, Integer, MetaData, String, Table, event, func, select, update
from sqlalchemy.exc import IntegrityError

from hub.kit.bulk import add_rows, delete_rows, insert_missing, insert_new, insert_rows, update_rows
from hub.kit.db import Database, after_commit

META = MetaData()
HEADS = Table("heads", META, C("name", String(9), primary_key=True), C("count", Integer))
PARTS = Table(
    "parts", META, C("part", Integer, primary_key=True, autoincrement=True), C("name", ForeignKey("heads.name")),
    C("key", String(9), unique=True),
)  # fmt: skip


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with two tables, of which one refers to the other."""
    database = Database(database_url)
    with database.write() as session:
        META.create_all(session.connection())
    yield database
    database.dispose()


@pytest.fixture
def said(database: Database) -> list[str]:
    """What the server is told, statement by statement; SQLite is told each at once, and not asked here."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    return statements


def heads(database: Database) -> dict[str, int]:
    with database.read() as session:
        return dict(session.execute(select(HEADS.c.name, HEADS.c.count)).all())


def parts(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(PARTS.c.key).order_by(PARTS.c.part)))


def test_a_reader_of_the_transaction_sees_what_was_written_before(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, HEADS, [{"name": "a", "count": 1}])
        assert session.scalar(select(func.count()).select_from(HEADS)) == 1
        update_rows(session, HEADS, [{"name": "a", "count": 5}], key=("name",))
        session.execute(update(HEADS).values(count=HEADS.c.count + 1))
    assert heads(database) == {"a": 6}


def test_writes_of_several_tables_are_one_statement(database: Database, said: list[str]) -> None:
    with database.write() as session:
        insert_rows(session, HEADS, [{"name": "a", "count": 1}])
        insert_rows(session, PARTS, [{"name": "a", "key": "1"}])
        insert_missing(session, PARTS, [{"name": "a", "key": "2"}], key=("key",))
    assert (heads(database), parts(database)) == ({"a": 1}, ["1", "2"])
    if not database.is_sqlite:
        assert [text.partition(" ")[0] for text in said] == ["WITH", "INSERT", "SELECT", "SELECT"]


def test_rows_of_one_table_keep_their_order(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, HEADS, [{"name": "a", "count": 1}])
        for key in ("b", "a"):
            insert_missing(session, PARTS, [{"name": "a", "key": key}, {"name": "a", "key": f"{key}2"}], key=("key",))
        insert_missing(session, PARTS, [{"name": "a", "key": "b"}], key=("key",))
    assert parts(database) == ["b", "b2", "a", "a2"]


def test_a_second_write_of_a_table_sees_the_first(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, HEADS, [{"name": "a", "count": 1}, {"name": "b", "count": 1}, {"name": "c", "count": 1}])
        for _ in range(2):
            update_rows(session, HEADS, [{"name": "a", "count": 2}], key=("name",), add=("count",))
        add_rows(session, HEADS, [{"name": "b", "count": 3}, {"name": "d", "count": 4}], key=("name",), add="count")
        delete_rows(session, HEADS, [{"name": "c"}, {"name": "nobody"}])
    assert heads(database) == {"a": 5, "b": 4, "d": 4}


def test_a_write_whose_answer_is_wanted_takes_the_others_along(database: Database, said: list[str]) -> None:
    with database.write() as session:
        insert_rows(session, HEADS, [{"name": "a", "count": 1}])
        rows = [{"name": "a", "key": "1"}, {"name": "a", "key": "1"}]
        assert insert_new(session, PARTS, rows, key=("key",)) == {("1",)}
        assert insert_new(session, PARTS, rows, key=("key",)) == set()
    assert parts(database) == ["1"]
    if not database.is_sqlite:
        assert [text.partition(" ")[0] for text in said] == ["WITH", "INSERT", "SELECT"]


def test_what_cannot_be_written_ends_the_transaction_at_its_commit(database: Database) -> None:
    called: list[str] = []
    with pytest.raises((IntegrityError, sqlite3.IntegrityError)), database.write() as session:
        after_commit(session, "call", lambda: called.append("committed"))
        insert_rows(session, HEADS, [{"name": "a", "count": 1}])
        insert_rows(session, PARTS, [{"name": "nobody", "key": "1"}])
    assert (heads(database), parts(database), called) == ({}, [], [])


def test_what_waits_is_gone_with_its_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        insert_rows(session, HEADS, [{"name": "a", "count": 1}])
        raise RuntimeError
    with database.write() as session:
        insert_rows(session, HEADS, [{"name": "b", "count": 1}])
    assert heads(database) == {"b": 1}


def test_a_single_statement_is_a_transaction_of_its_own(database: Database) -> None:
    with database.at_once() as session:
        session.execute(HEADS.insert().values(name="a", count=1))
    with database.at_once() as session:
        insert_rows(session, HEADS, [{"name": "b", "count": 1}])
    assert heads(database) == {"a": 1, "b": 1}
