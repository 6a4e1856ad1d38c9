"""What every router takes from its app or its request beside the session."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from hub.kit.clock import Clock
from hub.kit.errors import HubError, InvalidInput
from hub.kit.ids import is_id
from hub.kit.web_paging import decode_cursor, encode_cursor

_NUL_IN_JSON = b"\\u0000"
_TOO_LARGE = 2**63


async def _now(request: Request) -> datetime:
    clock: Clock = request.app.state.clock
    return clock.now()


Now = Annotated[datetime, Depends(_now)]
"""The present instant by the app's clock, one for the whole request."""


async def slot(request: Request) -> AsyncIterator[None]:
    """One of the app's places for requests at work; a dependency of the app, with `scope="function"`.

    A request needs a thread for each of its steps. Were more of them let in than there are threads, those that wait for
    the one writer of SQLite (or for a connection) could hold every thread that the writer itself needs to end.
    """
    async with request.app.state.slots:
        yield


async def no_nul(request: Request) -> None:
    """422 for the character NUL, which no text column can hold; a dependency of the app."""
    if "\x00" in request.url.path or b"%00" in request.scope["query_string"]:
        raise HubError(400, "nul_character", "The address holds the character NUL (%00): leave it out.")
    if request.method in ("POST", "PUT", "PATCH") and _NUL_IN_JSON in await request.body():
        raise InvalidInput("nul_character", "The body holds the character NUL (\\u0000), which cannot be stored.")


def id_after(listing: str, cursor: str | None) -> str | None:
    """The id that a cursor of a list by id names; None for the first page, 400 for a text that is no such cursor."""
    if cursor is None:
        return None
    (found,) = decode_cursor(listing, cursor, str)
    if found is None or not is_id(found):
        raise HubError(400, "bad_cursor", "The cursor is not one of this list: send `next_cursor` unchanged, or none.")
    return str(found)


def id_cursor(listing: str, row_id: str) -> str:
    """The cursor that `id_after` reads."""
    return encode_cursor(listing, row_id)


def number_after(listing: str, cursor: str | None) -> int | None:
    """The number that a cursor of a list by number names; None for the first page, 400 for what is no such cursor."""
    if cursor is None:
        return None
    (found,) = decode_cursor(listing, cursor, int)
    if found is None or not 0 <= found < _TOO_LARGE:
        raise HubError(400, "bad_cursor", "The cursor is not one of this list: send `next_cursor` unchanged, or none.")
    return int(found)
