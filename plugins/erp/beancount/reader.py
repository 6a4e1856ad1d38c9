"""A reader of the plugin's own form of entries, and the repair of a torn end. Pure: works on bytes and text.

It reads what `mapping` writes (and simple entries of people in the same files); it is no reader of the whole language.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

LINK = "HUB-"
VOID = "VOID-"
SEPARATOR = b"\n\n"
"""Ends every entry; an entry has no blank line inside, so that a torn one is seen by its missing separator."""

_STRING = rb'"(?:[^"\\\n]|\\.)*"'
_HEADER = re.compile(
    rb"^\d{4}-\d\d-\d\d [*!] " + _STRING + rb" " + _STRING + rb" \^((?:HUB|VOID)-[A-Za-z0-9._-]+)[ \t]*\r?$",
    re.MULTILINE,
)
_META = re.compile(r'^ +([a-z][A-Za-z0-9_-]*): +(?:"((?:[^"\\]|\\.)*)"|(-?[\d.]+ [A-Z]{3}))\s*$')
_POSTING = re.compile(r"^ +((?:Assets|Liabilities|Equity|Income|Expenses):\S+) +(-?[\d.]+) ([A-Z]{3})\s*$")
_OUR_START = re.compile(rb'\d{4}-\d\d-\d\d \* "')
_TEMPLATE = b'0000-00-00 * "'


@dataclass(frozen=True, slots=True)
class Posting:
    """One leg of an entry."""

    account: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands in the books."""

    link: str
    metadata: dict[str, str]
    postings: tuple[Posting, ...]


def headers(data: bytes) -> Iterator[tuple[str, int]]:
    """Links and offsets of the hub's entries in whole text."""
    for match in _HEADER.finditer(data):
        yield match[1].decode("ascii"), match.start()


def complete_length(data: bytes) -> int:
    """How much of the data is surely whole: up to and with the last separator."""
    return data.rfind(SEPARATOR) + len(SEPARATOR) if SEPARATOR in data else 0


def read_entry(data: bytes) -> Entry:
    """The entry that begins at the start of the data; raises `ValueError` where none does."""
    block = data.split(SEPARATOR, 1)[0]
    header = _HEADER.match(block)
    if header is None:
        raise ValueError("no entry of the hub begins here")
    lines = block.decode("utf-8").splitlines()[1:]
    metadata = {
        found[1]: _unquoted(found[2]) if found[3] is None else found[3]
        for line in lines
        if (found := _META.match(line))
    }
    return Entry(link=header[1].decode("ascii"), metadata=metadata, postings=tuple(postings("\n".join(lines))))


def postings(text: str) -> Iterator[Posting]:
    """Every posting with an amount in a text of entries."""
    for line in text.splitlines():
        if found := _POSTING.match(line):
            yield Posting(account=found[1], amount=Decimal(found[2]), currency=found[3])


def repaired(data: bytes) -> bytes:
    """The data with a good end, unchanged where the end is good.

    An entry of ours that was torn by a crash is kept as a comment: it was never acknowledged and will be pushed again.
    What a person wrote and did not end with a blank line stays, and gets one. After zero bytes (a block that the file
    system never filled) nothing was acknowledged either.
    """
    filled = data.split(b"\0", 1)[0]
    kept = filled[: complete_length(filled)]
    tail = data[len(kept) :].replace(b"\0", b"").rstrip(b"\n")
    if not tail:
        return kept
    if len(filled) == len(data) and not _is_torn(data[len(kept) :]):
        return kept + tail + SEPARATOR
    return kept + b"\n".join(b"; torn by a crash: " + line for line in tail.split(b"\n")) + SEPARATOR


def _is_torn(tail: bytes) -> bool:
    first, newline, _ = tail.lstrip(b"\n").partition(b"\n")
    if newline:
        return _HEADER.match(first) is not None
    if len(first) < len(_TEMPLATE):
        shape = re.sub(rb"\d", b"0", first)
        return _TEMPLATE.startswith(shape)
    return _OUR_START.match(first) is not None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
