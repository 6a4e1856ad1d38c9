"""Whether a database fits this hub: its revision against those of the migration scripts.

Every process asks this when it starts, so it does without Alembic, which only those load who migrate.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from hub.kit.errors import HubError

_HUB = Path(__file__).resolve().parents[1]
_PLACES = (_HUB.parent / "alembic", _HUB / "_migrations")
_ASSIGNED = re.compile(r'^(revision|down_revision)\b[^=]*=\s*(?:"([^"]+)"|None)', re.MULTILINE)


class MigrationError(HubError):
    """A migration that cannot be done as asked; the detail says which command to run instead."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(409, code, detail)


class SchemaMismatch(HubError):
    """The database does not fit this version of the hub; the detail says which command to run."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(503, code, detail)


@dataclass(frozen=True, slots=True)
class Revisions:
    """What this version of the hub knows; `head` is the newest."""

    head: str
    known: frozenset[str]


def script_location() -> Path:
    """The folder of the migration scripts; raises `MigrationError` where the installation has none."""
    for place in _PLACES:
        if (place / "env.py").is_file():
            return place
    raise MigrationError(
        "migrations_missing",
        f"No migration scripts in {_PLACES[0].name}/ or hub/{_PLACES[1].name}/: reinstall orderhub from its wheel.",
    )


def revisions() -> Revisions:
    """The revisions of the scripts, read from their first lines."""
    followed: set[str] = set()
    known: set[str] = set()
    for script in sorted((script_location() / "versions").glob("*.py")):
        assigned = dict(_ASSIGNED.findall(script.read_text(encoding="utf-8")))
        known.add(assigned["revision"])
        followed.add(assigned.get("down_revision", ""))
    (head,) = known - followed
    return Revisions(head, frozenset(known))


def revision_of(connection: Connection) -> str | None:
    """The revision of a database, None where it was never upgraded."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def check_schema(engine: Engine) -> None:
    """Raise `SchemaMismatch` unless the database is exactly at this hub's newest revision; called at every start."""
    with engine.connect() as connection:
        have = revision_of(connection)
    scripts = revisions()
    if have == scripts.head:
        return
    if have is None:
        raise SchemaMismatch("schema_missing", "The database has no tables of the hub yet: run `hub db upgrade`.")
    if have in scripts.known:
        raise SchemaMismatch(
            "schema_too_old",
            f"The database is at revision {have}, this hub needs {scripts.head}: run `hub db upgrade`.",
        )
    raise SchemaMismatch("schema_too_new", too_new(have))


def too_new(revision: str) -> str:
    """What to do about a database of a newer hub."""
    return (
        f"The database is at revision {revision}, which this version of the hub does not know: a newer hub upgraded "
        "it. Install that version (`pip install --upgrade orderhub`), or restore the backup made before the upgrade."
    )
