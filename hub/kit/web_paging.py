"""Lists by keyset: a cursor names the last row seen, so that page 10,000 costs as much as page 1."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from hub.kit.errors import HubError

T = TypeVar("T")
R = TypeVar("R")
CursorValue = str | int | datetime | None

Limit = Annotated[int, Query(ge=1, le=200, description="Largest number of items of the page.")]
Cursor = Annotated[
    str | None, Query(max_length=600, description="`next_cursor` of the page before; absent for the first page.")
]


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page; opaque.")


def encode_cursor(listing: str, *values: CursorValue) -> str:
    """An opaque cursor for the row with these key values; `listing` names the list and its order (`orders:placed`)."""
    plain = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps([listing, *plain])).rstrip(b"=").decode()


def decode_cursor(listing: str, cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The key values of a cursor, each of its kind (`str`, `int`, `datetime`) or None.

    Raises 400 `bad_cursor` for a text that is no cursor, or one of another list.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
        raise _bad_cursor() from error
    if not isinstance(values, list) or values[:1] != [listing] or len(values) != len(kinds) + 1:
        raise _bad_cursor()
    return tuple(_value(value, kind) for value, kind in zip(values[1:], kinds, strict=True))


def page_of(
    rows: Sequence[R],
    *,
    limit: int,
    item: Callable[[R], T],
    cursor: Callable[[R], str],
) -> Page[T]:
    """The page of rows that were asked for with `limit + 1`: the extra row only tells that there is a next page."""
    shown = rows[:limit]
    return Page(items=[item(row) for row in shown], next_cursor=cursor(shown[-1]) if len(rows) > limit else None)


def _value(value: Any, kind: type) -> Any:
    if value is None:
        return None
    if kind is datetime and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise _bad_cursor() from error
        if moment.tzinfo is None:
            raise _bad_cursor()
        return moment
    if type(value) is not kind:
        raise _bad_cursor()
    return value


def _bad_cursor() -> HubError:
    return HubError(
        400,
        "bad_cursor",
        "The cursor is not one of this list: send `next_cursor` unchanged, or none for the first page.",
    )
