"""Deterministic damage: cut, flipped and drifted copies of a document, as a source may send them some day."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hub.sdk.values import Raw

CUTS = 12
FLIPS = 12
DEEP = 100_000
STRANGE: tuple[Any, ...] = (None, {}, [], "\u0000?", -(10**30), True, [None], {"": None})
"""Values that a source was never documented to send in a field."""

GARBAGE: tuple[bytes, ...] = (
    b"", b" \n", b"\x00\xff\xfe\x80garbage", b"{", b"[", b"null", b"[]", b"{}", b"123", b'"text"', b"NaN",
    b"\xef\xbb\xbf{}",
    b"[[[[]]]]", b'{"id": null}', b"[null, 1, {}]", b"PK\x03\x04broken", b"%PDF-1.7", b"<?xml version='1.0'?><a/>",
    b"[" * DEEP, b'{"a":' * DEEP, b"9" * 5_000,
)  # fmt: skip
"""Bodies that are no document of any channel."""


def truncated(raw: Raw) -> Iterator[tuple[str, Raw]]:
    """Copies cut at evenly spaced places, as by a broken transfer."""
    size = len(raw.body)
    for part in range(1, CUTS + 1):
        at = size * part // (CUTS + 1)
        yield f"cut at byte {at} of {size}", replace(raw, body=raw.body[:at])


def flipped(raw: Raw) -> Iterator[tuple[str, Raw]]:
    """Copies with one byte changed at evenly spaced places."""
    size = len(raw.body)
    for part in range(min(FLIPS, size)):
        at = size * (2 * part + 1) // (2 * FLIPS)
        changed = bytes([raw.body[at] ^ 0x95])
        yield f"byte {at} of {size} changed", replace(raw, body=raw.body[:at] + changed + raw.body[at + 1 :])


def drifted(raw: Raw, most: int = 60) -> Iterator[tuple[str, Raw]]:
    """Copies of a JSON document in which one of (about) `most` fields has a value that it should never have.

    Nothing for other formats.
    """
    try:
        document = json.loads(raw.body)
    except ValueError:
        return
    paths = list(_paths(document))
    for path in paths[:: max(1, len(paths) // most)]:
        where = "/".join(str(step) for step in path)
        for strange in STRANGE:
            changed = _changed(document, path, strange)
            yield f"{where} = {json.dumps(strange)}", replace(raw, body=json.dumps(changed).encode())
        yield f"{where} left out", replace(raw, body=json.dumps(_without(document, path)).encode())


def _paths(value: Any, prefix: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in children:
        yield (*prefix, step)
        yield from _paths(inner, (*prefix, step))


def _changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _changed(value[path[0]], path[1:], new)
    return copy


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    copy = value.copy()
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _without(value[path[0]], path[1:])
    return copy
