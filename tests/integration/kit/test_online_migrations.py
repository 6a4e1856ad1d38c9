"""A migration that others do not notice: brief locks, small batches, indexes built beside the writers, begun anew."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.kit import migrations, online_migrations
from hub.kit.db import Database
from hub.kit.schema import MigrationError
from tests.migrating import migrate

TABLE = text("CREATE TABLE things (thing_id INTEGER PRIMARY KEY, name TEXT)")
ROWS = text("""
    INSERT INTO things
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 25)
    SELECT n, CASE WHEN n < 3 THEN 'same' ELSE 'other ' || n END FROM numbers""")


@pytest.fixture
def things(database_url: str) -> Iterator[Database]:
    database = Database(database_url, lock_seconds=1, idle_seconds=3)
    with database.write() as session:
        session.execute(TABLE)
        session.execute(ROWS)
    yield database
    database.dispose()


def more() -> sa.Column[int]:
    return sa.Column("more", sa.Integer(), nullable=True)


@contextmanager
def within_a_migration(database: Database) -> Iterator[None]:
    url = database.url.render_as_string(hide_password=False)
    with migrations.connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with Operations.context(context), context.begin_transaction(_per_migration=True):
            yield


def ask(database: Database, sql: str) -> object:
    with database.read() as session:
        return session.scalar(text(sql))


def pauses(monkeypatch: pytest.MonkeyPatch, then: Callable[[int], None]) -> list[float]:
    """Instead of waiting, do something: the number of the pause tells what."""
    taken: list[float] = []

    def pause(seconds: float) -> None:
        taken.append(seconds)
        then(len(taken))

    monkeypatch.setattr(online_migrations, "sleep", pause)
    monkeypatch.setattr(online_migrations, "LOCK_MS", 20)
    return taken


def test_a_migration_goes_up_and_down_on_both_databases(database_url: str, tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    migrate(database_url, scripts, "upgrade", "head")
    database = Database(database_url)
    assert migrations.current(database_url) == "sample_online"
    inspector = sa.inspect(database.engine)
    for table in ("orders", "inbound_messages"):
        assert "sample_year" in {column["name"] for column in inspector.get_columns(table)}
        assert f"ix_{table}_sample_year" in {index["name"] for index in inspector.get_indexes(table)}
    migrate(database_url, scripts, "downgrade", "-1")
    assert migrations.current(database_url) == migrations.head()
    migrations.check_complete(database_url)
    database.dispose()


def test_all_rows_are_filled(things: Database) -> None:
    with within_a_migration(things):
        online_migrations.add_column("things", more())
        step = {"key": "thing_id", "assign": "more = thing_id * 2", "missing": "more IS NULL"}
        assert online_migrations.backfill("things", **step, batch=10) == 25
        assert online_migrations.backfill("things", **step) == 0
    assert ask(things, "SELECT sum(more) FROM things") == 25 * 26


@pytest.mark.postgres
class TestBesideOthers:
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_whoever_comes_after_a_step_that_waits_is_let_through(
        self, things: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A transaction that only reads keeps the table from being changed, and would keep everybody behind the change."""
        reader = things.engine.connect()
        reader.execute(text("SELECT 1 FROM things LIMIT 1"))

        def meanwhile(turn: int) -> None:
            assert ask(things, "SELECT count(*) FROM things") == 25
            if turn == 3:
                reader.close()

        taken = pauses(monkeypatch, meanwhile)
        with within_a_migration(things):
            online_migrations.add_column("things", more())
        assert len(taken) == 3
        assert ask(things, "SELECT count(more) FROM things") == 0

    def test_a_table_that_is_never_free_is_named(self, things: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(online_migrations, "TRIES", 2)
        pauses(monkeypatch, lambda _: None)
        with things.engine.connect() as reader:
            reader.execute(text("SELECT 1 FROM things LIMIT 1"))
            with pytest.raises(MigrationError, match="pg_stat_activity") as refused, within_a_migration(things):
                online_migrations.drop_column("things", "name")
        assert refused.value.code == "table_busy"

    def test_rows_in_somebodys_hands_are_not_waited_for_and_come_back_to(
        self, things: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        holder = things.engine.connect()
        holder.execute(text("SELECT 1 FROM things WHERE thing_id = 4 FOR UPDATE"))
        filled: list[object] = []

        def meanwhile(_: int) -> None:
            filled.append(ask(things, "SELECT count(*) FROM things WHERE name = 'x'"))
            holder.close()

        pauses(monkeypatch, meanwhile)
        with within_a_migration(things):
            online_migrations.backfill("things", key="thing_id", assign="name = 'x'", missing="name <> 'x'", batch=10)
        assert filled == [24], "the others were committed while one was held"
        assert ask(things, "SELECT count(*) FROM things WHERE name = 'x'") == 25

    def test_each_batch_is_a_transaction_of_its_own(self, things: Database) -> None:
        with within_a_migration(things):
            online_migrations.backfill("things", key="thing_id", assign="name = 'x'", missing="name <> 'x'", batch=10)
        assert ask(things, "SELECT count(DISTINCT xmin::text) FROM things") == 3

    def test_an_index_that_was_left_unfinished_is_built_anew(self, things: Database) -> None:
        with pytest.raises(IntegrityError), within_a_migration(things):
            online_migrations.create_index("ix_things_name", "things", ["name"], unique=True)
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_things_name')"
        assert ask(things, valid) is False
        with things.write() as session:
            session.execute(text("DELETE FROM things WHERE thing_id = 1"))
        with within_a_migration(things):
            online_migrations.create_index("ix_things_name", "things", ["name"], unique=True)
        assert ask(things, valid) is True

    def test_a_migration_that_was_stopped_is_begun_anew(self, things: Database) -> None:
        with pytest.raises(RuntimeError), within_a_migration(things):
            online_migrations.add_column("things", more())
            online_migrations.create_index("ix_things_more", "things", ["more"])
            raise RuntimeError
        with within_a_migration(things):
            online_migrations.add_column("things", more())
            online_migrations.create_index("ix_things_more", "things", ["more"])
            online_migrations.drop_index("ix_things_more", "things")
            online_migrations.drop_column("things", "more")
            online_migrations.drop_index("ix_things_more", "things")
            online_migrations.drop_column("things", "more")
        assert {column["name"] for column in sa.inspect(things.engine).get_columns("things")} == {"thing_id", "name"}
