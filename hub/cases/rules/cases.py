"""Cases as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from hub.kit.ids import stable_reference

CaseState = Literal["open", "resolved"]

MAX_TITLE = 300
MAX_SUBJECT = 80
MAX_KEY = 250
MAX_RESOLUTION = 2000


@dataclass(frozen=True, slots=True)
class NewCase:
    """Something that a person must decide. Texts and `detail` hold no personal data and no secrets.

    `kind` is a stable code such as `unknown_sku`. What has one `dedupe_key` is one case while it is open.
    """

    kind: str
    dedupe_key: str
    subject_kind: str
    subject_id: str
    title: str
    what_to_do: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case(NewCase):
    """A case as it is stored; `occurrences` is how often it was reported while it was open."""

    case_id: str = ""
    state: CaseState = "open"
    occurrences: int = 1
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None


def fold(cases: Iterable[NewCase]) -> list[tuple[NewCase, int]]:
    """One case a dedupe key, the first reported, with how often it is in the batch; in the order of the keys.

    The order is the same for everybody, so that two batches never wait for each other in a circle.
    """
    first: dict[str, NewCase] = {}
    times: dict[str, int] = {}
    for case in cases:
        key = stored_key(case.dedupe_key)
        first.setdefault(key, replace(case, dedupe_key=key))
        times[key] = times.get(key, 0) + 1
    return [(first[key], times[key]) for key in sorted(first)]


def stored_key(dedupe_key: str) -> str:
    """The key as it is stored: a longer one is cut and told apart by its digest."""
    if len(dedupe_key) <= MAX_KEY:
        return dedupe_key
    return f"{dedupe_key[: MAX_KEY - 33]}:{stable_reference(dedupe_key)}"
