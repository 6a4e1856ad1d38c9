"""The migrations make exactly the schema that the code describes, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from hub.kit import migrations, schema
from hub.kit.db import Database
from tests.servers import PostgresServer, with_driver

POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(params=["sqlite", POSTGRES])
def empty_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URLs of two databases that hold nothing at all."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'migrated.sqlite3'}", f"sqlite:///{tmp_path / 'declared.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    names = ("contract_migrated", "contract_declared")
    migrated, declared = (with_driver(server.create_database(name)) for name in names)
    yield migrated, declared
    for name in names:
        server.drop_database(name)


def tables_of(url: str) -> set[str]:
    database = Database(url)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.dispose()


def guards_of(engine: Engine) -> set[str]:
    """Every CHECK and index as the database itself writes it down; `alembic check` compares neither in full."""
    if engine.dialect.name == "postgresql":
        statement = """
            SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'f', 'p', 'x')
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        """
        with engine.connect() as connection:
            found = {str(row[0]) for row in connection.execute(text(statement))}
    else:
        inspector = inspect(engine)
        found = {
            f"{table} {check['name']} {' '.join(check['sqltext'].split())}"
            for table in inspector.get_table_names()
            for check in inspector.get_check_constraints(table)
        }
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
            found |= {" ".join(str(row[0]).split()) for row in rows}
    return {guard for guard in found if "alembic_version" not in guard}


def test_there_is_exactly_one_head() -> None:
    assert migrations.head() is not None, "no migration in alembic/versions: alembic revision --autogenerate -m initial"


def test_upgrade_makes_every_declared_table_and_downgrade_removes_them(empty_urls: tuple[str, str]) -> None:
    url, _ = empty_urls
    declared = set(migrations.load_metadata().tables)
    assert migrations.upgrade(url) == migrations.head()
    assert tables_of(url) - {"alembic_version"} == declared
    assert migrations.downgrade(url, "base") is None
    assert tables_of(url) - {"alembic_version"} == set()
    assert migrations.upgrade(url) == migrations.head()
    assert migrations.current(url) == migrations.head()


def test_no_migration_is_missing(empty_urls: tuple[str, str]) -> None:
    url, _ = empty_urls
    migrations.upgrade(url)
    migrations.check_complete(url)


def test_a_missing_migration_is_seen(empty_urls: tuple[str, str]) -> None:
    """The guard above must bite: the same comparison against an empty database lists every table."""
    database = Database(empty_urls[0])
    try:
        with database.engine.connect() as connection:
            changes = compare_metadata(MigrationContext.configure(connection), migrations.load_metadata())
    finally:
        database.dispose()
    added = {change[1].name for change in changes if change[0] == "add_table"}
    assert added == set(migrations.load_metadata().tables)


def test_checks_and_indexes_equal_those_in_code(empty_urls: tuple[str, str]) -> None:
    migrated_url, declared_url = empty_urls
    migrations.upgrade(migrated_url)
    migrated, declared = Database(migrated_url), Database(declared_url)
    try:
        migrations.load_metadata().create_all(declared.engine)
        in_code, in_migrations = guards_of(declared.engine), guards_of(migrated.engine)
    finally:
        migrated.dispose()
        declared.dispose()
    assert any("CHECK" in guard or "ck_" in guard for guard in in_code)
    assert any(" WHERE " in guard for guard in in_code), "no partial index found: the comparison compares too little"
    assert in_migrations - in_code == set(), "in the migrations, not in code"
    assert in_code - in_migrations == set(), "in code, not in the migrations"


def test_a_database_without_tables_is_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")
    with pytest.raises(schema.SchemaMismatch, match="hub db upgrade") as refused:
        schema.check_schema(database.engine)
    assert (refused.value.code, refused.value.status) == ("schema_missing", 503)
    database.dispose()


def test_a_database_of_a_newer_hub_is_refused(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    schema.check_schema(database.engine)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'of_the_future'"))
    with pytest.raises(schema.SchemaMismatch, match="newer hub upgraded it") as refused:
        schema.check_schema(database.engine)
    assert refused.value.code == "schema_too_new"
    with pytest.raises(schema.MigrationError, match="of_the_future"):
        migrations.upgrade(sqlite_url)
    database.dispose()


def test_an_unknown_revision_is_refused_by_name(sqlite_url: str) -> None:
    with pytest.raises(schema.MigrationError, match="'nowhere'"):
        migrations.upgrade(sqlite_url, "nowhere")
    assert migrations.current(sqlite_url) == migrations.head()
