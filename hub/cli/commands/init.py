"""`hub init`."""

from collections.abc import Mapping
from typing import Any

import click
from sqlalchemy import select

from hub.auth.service.keys import create_key
from hub.auth.tables import ApiKeyRow
from hub.cli.databases import refuse_while_served, sqlite_file
from hub.cli.environment import actor, load_settings
from hub.cli.options import NAMES
from hub.cli.output import emit, json_option, note, say
from hub.kit import migrations
from hub.kit.clock import SYSTEM
from hub.kit.crypto import SecretBox, create_key_file
from hub.kit.db import Database
from hub.kit.settings import Settings


@click.command()
@click.option("--api-key", "key_name", metavar="NAME", help="Make an API key of this name and print it, this once.")
@click.option(
    "--scopes", type=NAMES, default="admin", show_default=True,
    help="What the key may do: resource:read, resource:write, or admin for everything.",
)  # fmt: skip
@json_option
def init(key_name: str | None, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make what a hub needs: the data folder, the key file, the database's tables and, with --api-key, a key.

    May be run again: what is there already is kept. With --api-key, standard output holds the key and nothing else.
    """
    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = {
        "data_dir": str(settings.data_dir.absolute()),
        "key_file": _ensure_key(settings),
        "revision": _ensure_schema(settings),
    }
    if key_name is not None:
        done["api_key"] = _ensure_api_key(settings, key_name, scopes)
    if as_json:
        emit(done)
        return
    tell = note if key_name is not None else say
    for line in _lines(done):
        tell(line)
    if key_name is not None and done["api_key"]["token"] is not None:
        say(done["api_key"]["token"])


def _ensure_key(settings: Settings) -> str | None:
    """The key file, made where there is none; None where the keys come from the environment."""
    keys = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    file = settings.resolved_key_file
    if not keys and not file.exists():
        create_key_file(file)
    SecretBox.load(keys=keys, key_file=file)
    return None if keys else str(file.absolute())


def _ensure_schema(settings: Settings) -> str | None:
    sqlite_file(settings)  # refuses a database that the hub does not know
    url = settings.resolved_database_url
    if migrations.current(url) == migrations.head():
        return migrations.head()
    refuse_while_served(settings, "run `hub init` again")
    return migrations.upgrade(url)


def _ensure_api_key(settings: Settings, name: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    """A key of that name; `token` is None where there was one, because nobody can read it again."""
    database = Database(settings.resolved_database_url)
    try:
        with database.write() as session:
            there = select(ApiKeyRow).where(ApiKeyRow.name == name, ApiKeyRow.revoked_at.is_(None)).limit(1)
            row, token = session.scalars(there).one_or_none(), None
            if row is None:
                row, token = create_key(session, name=name, scopes=scopes, clock=SYSTEM, actor=actor())
            return {"name": row.name, "prefix": row.prefix, "scopes": list(row.scopes), "token": token}
    finally:
        database.dispose()


def _lines(done: Mapping[str, Any]) -> list[str]:
    lines = [
        f"data folder   {done['data_dir']}",
        f"secret key    {done['key_file'] or 'from ORDERHUB_SECRET_KEYS'}",
        f"database      at revision {done['revision']}",
    ]
    key = done.get("api_key")
    if key is not None and key["token"] is None:
        lines.append(
            f"API key       {key['name']!r} is there already and cannot be shown again: `hub keys create` makes another"
        )
    elif key is not None:
        lines.append(f"API key       {key['name']!r} may do {', '.join(key['scopes'])}; it is shown this once:")
    return [*lines, "Next: `hub serve`, then open /docs."] if key is None else lines
