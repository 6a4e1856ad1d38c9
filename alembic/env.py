"""How migrations run: on the connection that `hub.kit.migrations` hands in, else on `ORDERHUB_DATABASE_URL`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from hub.kit.migrations import connected, load_metadata
from hub.kit.settings import Settings
from hub.kit.types import BigId, FixedDecimal, Id, JsonDocument, UtcDateTime

SHARED_TYPES = {"BigId": BigId, "JsonDocument": JsonDocument}


def render_item(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Write the hub's column types by name, so that a migration means the same on both databases."""
    if kind != "type":
        return False
    for name, shared in SHARED_TYPES.items():
        if item is shared:
            return f"types.{name}"
    if isinstance(item, FixedDecimal):
        return f"types.FixedDecimal({item.places})"
    if isinstance(item, Id | UtcDateTime):
        return f"types.{type(item).__name__}()"
    return False


def migrate(connection: Connection) -> None:
    """Run the wanted migrations, each in a transaction of its own where the connection has none yet."""
    context.configure(
        connection=connection,
        target_metadata=load_metadata(),
        render_item=render_item,
        transaction_per_migration=True,
        render_as_batch=True,  # a migration that was written on PostgreSQL must run on SQLite too
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    """Use the caller's connection, or make one from the settings (the `alembic` command on its own)."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    url = context.config.attributes.get("sqlalchemy.url") or Settings().resolved_database_url
    with connected(url) as fresh:
        migrate(fresh)


if context.is_offline_mode():
    raise SystemExit("Migrations need a database: run `hub db upgrade` with ORDERHUB_DATABASE_URL set.")
run()
