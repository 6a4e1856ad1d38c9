"""What differs between two readings of one document, path by path, fit to be shown to anybody.

A path names fields and places (`order.lines[1].total`), its pattern only fields (`order.lines[].total`), so that the
same mistake in a thousand documents is one row. Amounts are decimal text with their currency and quantities are exact;
what may be personal is `***` on both sides.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import orjson

from hub.canonical.money import MoneyError, format_minor
from hub.kit.redaction import REDACTED, is_sensitive

ChangeKind = Literal["added", "removed", "changed"]
Document = Mapping[str, Any]
Hides = Callable[[str], bool]

PERSONAL = frozenset(
    {
        "ship_to", "bill_to", "buyer", "payer", "agent", "party", "addresses", "customer", "notes", "note", "raw",
        "properties", "signed_by", "reason", "cancel_reason", "message", "description", "facts",
    }
)  # fmt: skip
"""Fields of the canonical model under which people are named, or anybody may have written anything."""
FREE = frozenset({"raw", "properties", "reason", "cancel_reason", "message", "description", "facts", "locale"})
"""Those that repeat amounts and codes too: hidden where they stand, but not wherever else such a text does."""
IDENTITIES = ("external_id", "line_external_id", "line_ref")
LONGEST = 300
SHORTEST_PERSONAL = 3
"""A text of fewer characters tells nothing about anybody, and is part of many others."""
_PLACE = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Change:
    """One place where two readings differ; the values are texts to show, None where there is nothing."""

    path: str
    kind: ChangeKind
    before: str | None
    after: str | None

    @property
    def pattern(self) -> str:
        """The path without places in lists, and the same whether a message has one document of the kind or many."""
        kind, dot, rest = self.path.partition(".")
        return f"{kind.partition('[')[0]}{dot}{_PLACE.sub('[]', rest)}"


def differences(before: Sequence[Document], after: Sequence[Document]) -> tuple[Change, ...]:
    """All places where two lists of canonical documents differ; none where they say exactly the same."""
    hidden = _personal_texts([*before, *after])
    kinds = dict.fromkeys(str(document["kind"]) for document in (*before, *after))
    found: list[Change] = []
    for kind in kinds:
        ours = [_flat(document) for document in before if document["kind"] == kind]
        theirs = [_flat(document) for document in after if document["kind"] == kind]
        if len(ours) == len(theirs) == 1:
            found.extend(_of_values(kind, ours[0], theirs[0], hidden))
        else:
            found.extend(_of_lists(kind, ours, theirs, hidden))
    return tuple(found)


def payload_differences(before: Any, after: Any, *, about: Document) -> tuple[Change, ...]:
    """Where two requests differ that were built from one canonical document; their form is the plugin's own."""
    return tuple(_of_values("request", before, after, _personal_texts([about]), _is_personal_there))


def redacted(document: Any, *, about: Sequence[Document]) -> Any:
    """A document of any form without anything personal that the canonical ones, which it is about, tell."""
    return _shown_value("", document, _personal_texts(about), _is_personal)


def _flat(document: Document) -> dict[str, Any]:
    """An order's own fields are what one looks for: the fact around it stands aside."""
    if not isinstance(document.get("order"), Mapping):
        return {name: value for name, value in document.items() if name != "kind"}
    around = {name: value for name, value in document.items() if name not in ("kind", "order")}
    return {**document["order"], "told": around}


def _of_values(
    path: str, before: Any, after: Any, hidden: Collection[str], hides: Hides | None = None
) -> Iterator[Change]:
    """`before` and `after` are there, and may be None."""
    hides = hides or _is_personal
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not (_is_money(before) and _is_money(after)):
        for name in dict.fromkeys([*before, *after]):
            place = f"{path}.{name}"
            if name not in after:
                yield _change(place, "removed", before[name], None, hidden, hides)
            elif name not in before:
                yield _change(place, "added", None, after[name], hidden, hides)
            else:
                yield from _of_values(place, before[name], after[name], hidden, hides)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(path, before, after, hidden, hides)
    else:
        yield _change(path, "changed", before, after, hidden, hides)


def _of_lists(
    path: str, before: Sequence[Any], after: Sequence[Any], hidden: Collection[str], hides: Hides | None = None
) -> Iterator[Change]:
    hides = hides or _is_personal
    for place, one, other in _pairs(before, after):
        here = f"{path}[{place}]"
        if one is None:
            yield _change(here, "added", None, after[place], hidden, hides)
        elif other is None:
            yield _change(here, "removed", before[place], None, hidden, hides)
        else:
            yield from _of_values(here, before[one], after[other], hidden, hides)
    keys = _identities(before, after)
    if keys is not None and set(keys[0]) == set(keys[1]) and keys[0] != keys[1]:
        yield _change(f"{path}[]", "changed", keys[0], keys[1], hidden, hides)


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[int, int | None, int | None]]:
    """(place to name, place before, place after) of entries that belong together: by their ids where all have one."""
    keys = _identities(before, after)
    if keys is not None:
        places = {key: place for place, key in enumerate(keys[1])}
        yield from ((place, place, places.get(key)) for place, key in enumerate(keys[0]))
        known = set(keys[0])
        yield from ((place, None, place) for place, key in enumerate(keys[1]) if key not in known)
        return
    ours, theirs = ([orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) for entry in side] for side in (before, after))
    for tag, start, end, begin, stop in SequenceMatcher(a=ours, b=theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(end - start, stop - begin)
        yield from ((start + step, start + step, begin + step) for step in range(both))
        yield from ((place, place, None) for place in range(start + both, end))
        yield from ((place, None, place) for place in range(begin + both, stop))


def _identities(before: Sequence[Any], after: Sequence[Any]) -> tuple[list[Any], list[Any]] | None:
    """The ids of both lists' entries, where every entry of a list has one of its own."""
    for name in IDENTITIES:
        sides = [
            [entry.get(name) if isinstance(entry, Mapping) else None for entry in side] for side in (before, after)
        ]
        if all(_are_ids(side) for side in sides):
            return sides[0], sides[1]
    return None


def _are_ids(side: Sequence[Any]) -> bool:
    return all(isinstance(key, str) for key in side) and len(set(side)) == len(side)


def _is_money(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"minor", "currency"} and isinstance(value["minor"], int)


def _change(
    path: str, kind: ChangeKind, before: Any, after: Any, hidden: Collection[str], hides: Hides
) -> Change:  # fmt: skip
    sides = [
        None if absent else _text(_shown_value(path, value, hidden, hides))
        for value, absent in ((before, kind == "added"), (after, kind == "removed"))
    ]
    return Change(path, kind, sides[0], sides[1])


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def _shown_value(path: str, value: Any, hidden: Collection[str], hides: Hides) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _is_money(value):
        return _money_text(value)
    if isinstance(value, Mapping):
        return {name: _shown_value(f"{path}.{name}", entry, hidden, hides) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_shown_value(f"{path}[]", entry, hidden, hides) for entry in value]
    if hides(path) or any(text in str(value) for text in hidden):
        return REDACTED
    return value


def _money_text(value: Document) -> str:
    try:
        return f"{format_minor(value['minor'], value['currency'])} {value['currency']}"
    except MoneyError:
        return f"{value['minor']} minor units of {value['currency']}"


def _is_personal(path: str) -> bool:
    """Whether a place of the canonical model may hold something personal; names of goods and countries are not."""
    names = _names(path)
    if names & PERSONAL:
        return not path.endswith(".country") or bool(names & FREE)
    return any(is_sensitive(name) for name in names - {"name"})


def _is_personal_there(path: str) -> bool:
    """Whether a place in a plugin's own request may hold something personal, as far as its names tell."""
    names = _names(path)
    return bool(names & PERSONAL) or any(map(is_sensitive, names))


def _names(path: str) -> set[str]:
    return {name.partition("[")[0] for name in path.split(".")}


def _personal_texts(documents: Sequence[Document]) -> frozenset[str]:
    """Every text of the documents that is personal: wherever it turns up again, it is."""
    found: set[str] = set()

    def walk(path: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for name, entry in value.items():
                walk(f"{path}.{name}", entry)
        elif isinstance(value, list | tuple):
            for entry in value:
                walk(path, entry)
        elif isinstance(value, str) and len(value) >= SHORTEST_PERSONAL:
            found.update({value} if _is_personal(path) and not _names(path) & FREE else ())

    for document in documents:
        walk("", document)
    return frozenset(found)
