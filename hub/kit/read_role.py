"""A user of the PostgreSQL database who may look at everything and change nothing."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from hub.kit.errors import HubError, InvalidInput, StateConflict

_WRITABLE = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND has_table_privilege(%s, oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    ORDER BY relname"""


@dataclass(frozen=True, slots=True)
class ReadRole:
    """A role that reads. `created` is false where it was there before; `tables` are those that it sees."""

    name: str
    created: bool
    tables: int


def make_read_role(url: str, name: str, *, password: str | None = None) -> ReadRole:
    """Make the role, or give one that is there the right to read, also of tables to come; may be repeated.

    The password goes to the server as a SCRAM verifier only; None leaves it as it is. Raises `InvalidInput` on another
    database than PostgreSQL, `StateConflict` where the role could write all the same, `HubError` where the hub's own
    user may not do this: nothing has changed then.
    """
    plain = make_url(url)
    if plain.get_backend_name() != "postgresql":
        raise InvalidInput(
            "not_postgresql", "SQLite has no users: backtests read it with PRAGMA query_only, nothing is to be set up."
        )
    address: dict[str, Any] = plain.translate_connect_args(username="user", database="dbname") | dict(plain.query)
    try:
        with psycopg.connect(**address) as connection:
            return _make(connection, name, password)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise HubError(
            403, "may_not_make_roles",
            f"The hub's user may not do this ({str(error).splitlines()[0]}): let an administrator of the server run "
            "the statements of the guide `Rehearse a rule change`.",
        ) from error  # fmt: skip


def _make(connection: psycopg.Connection[Any], name: str, password: str | None) -> ReadRole:
    role = sql.Identifier(name)
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is not None
    if not known:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    database = sql.Identifier(connection.info.dbname)
    for statement in (
        sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET default_transaction_read_only = on"),
        sql.SQL("GRANT CONNECT ON DATABASE {database} TO {role}"),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {role}"),
        sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"),
        sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}"),
    ):
        connection.execute(statement.format(role=role, database=database))
    if password is not None:
        verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier.decode()))
        )  # fmt: skip
    writable = [row[0] for row in connection.execute(_WRITABLE, (name,))]
    if writable:
        raise StateConflict(
            "role_may_write",
            f"The role {name!r} may write {len(writable)} table(s), {writable[0]} first: name one that owns nothing, "
            "is no superuser and was given nothing.",
        )
    found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    return ReadRole(name, not known, int(found[0]) if found else 0)
