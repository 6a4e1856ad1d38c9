"""`hub keys`: API keys."""

from datetime import datetime
from typing import Any

import click

from hub.auth.repository import key_by_prefix, keys_listed
from hub.auth.service.keys import create_key, revoke_key
from hub.auth.tables import ApiKeyRow
from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.options import INSTANT, NAMES
from hub.cli.output import emit, json_option, note, say
from hub.cli.tables import print_table
from hub.inventory.service.locations import location_exists
from hub.kit.errors import NotFound
from hub.kit.ids import is_id

_MANY = 10_000
_COLUMNS = ("prefix", "name", "scopes", "location", "created_at", "last_used_at", "expires_at", "revoked_at")


@click.group()
def keys() -> None:
    """Make and revoke API keys. A key is shown once; only its hash is kept."""


@keys.command()
@click.argument("name")
@click.option("--scopes", type=NAMES, required=True, help="resource:read, resource:write (reads too), or admin.")
@click.option("--location", help="Code of the one location that it is for; of all, if left out.")
@click.option("--expires", type=INSTANT, help="When it ends; never, if left out.")
@json_option
def create(name: str, scopes: tuple[str, ...], location: str | None, expires: datetime | None, as_json: bool) -> None:
    """Make a key and print it, this once; standard output holds the key and nothing else.

    A key with a --location is for a warehouse outside: it reaches the work, the shipments and the stock of that
    location as far as its scopes go, and nothing else of the hub.
    """
    with writing() as (runtime, session):
        row, token = create_key(
            session, name=name, scopes=scopes, clock=runtime.clock, location=location, expires_at=expires,
            actor=actor(), location_exists=location_exists,
        )  # fmt: skip
        document = {**_document(row), "token": token}
    if as_json:
        emit(document)
        return
    note(f"API key {document['name']!r} may do {', '.join(document['scopes'])}; it is shown this once:")
    say(token)


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys, never the keys themselves."""
    with reading() as (_, session):
        documents = [_document(row) for row in keys_listed(session, after=None, limit=_MANY)]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There are no API keys: make one with `hub keys create`.")


@keys.command()
@click.argument("key", metavar="PREFIX|ID")
@json_option
def revoke(key: str, as_json: bool) -> None:
    """End a key's life for ever; a running server follows within ten seconds."""
    with writing() as (runtime, session):
        known = session.get(ApiKeyRow, key) if is_id(key) else key_by_prefix(session, key)
        if known is None:
            raise NotFound("api_key", key)
        row = revoke_key(session, api_key_id=known.api_key_id, clock=runtime.clock, actor=actor())
        document = _document(row)
    if as_json:
        emit(document)
        return
    say(f"The key {document['prefix']} ({document['name']}) is revoked.")


def _document(row: ApiKeyRow) -> dict[str, Any]:
    return {"api_key_id": row.api_key_id} | {name: getattr(row, name) for name in _COLUMNS}
