"""What came of comparing many readings, in sum: how many of each outcome, and each kind of difference once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hub.intake.rules.differences import Change

EXAMPLES = 3
"""Messages that are named of each kind of difference and of each outcome; the counts are always whole."""


@dataclass(slots=True)
class Group:
    """One kind of difference: in how many messages, and in how many places of them. Examples have distinct messages."""

    path: str
    kind: str
    messages: int = 0
    places: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


class Tally:
    """Counts as it goes: the readings themselves need not be kept."""

    def __init__(self) -> None:
        self.compared = 0
        self.outcomes: Counter[str] = Counter()
        self.ids: dict[str, list[str]] = {}
        self._groups: dict[tuple[str, str], Group] = {}

    def add(self, message_id: str, outcome: str, changes: Iterable[Change]) -> None:
        """Count one message."""
        self.compared += 1
        self.outcomes[outcome] += 1
        ids = self.ids.setdefault(outcome, [])
        if len(ids) < EXAMPLES:
            ids.append(message_id)
        seen = set()
        for change in changes:
            key = (change.pattern, change.kind)
            group = self._groups.setdefault(key, Group(*key))
            group.places += 1
            if key in seen:
                continue
            seen.add(key)
            group.messages += 1
            if len(group.examples) < EXAMPLES:
                group.examples.append(
                    {"message_id": message_id, "path": change.path, "before": change.before, "after": change.after}
                )

    @property
    def groups(self) -> list[Group]:
        """Kinds of differences, that with the most messages first."""
        return sorted(self._groups.values(), key=lambda group: (-group.messages, group.path, group.kind))

    def document(self) -> dict[str, Any]:
        """The sum as JSON."""
        return {
            "compared": self.compared,
            "outcomes": dict(self.outcomes),
            "examples": self.ids,
            "paths": [
                {
                    "path": group.path, "kind": group.kind, "messages": group.messages, "places": group.places,
                    "examples": group.examples,
                }
                for group in self.groups
            ],
        }  # fmt: skip
