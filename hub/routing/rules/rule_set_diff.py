"""What differs between two versions of the rules: rule by rule, member by member, clause by clause. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import orjson

from hub.kit.rules.facts import SectionName
from hub.kit.rules.rule_set import SECTIONS, AnyRule, RuleSet

LISTS = ("when", "then")
"""Members that are compared entry by entry."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A member of a rule has another value."""

    member: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class EntryChange:
    """A clause (`when`) or an action (`then`) came or went; `place` counts from 1, in the version that has it."""

    member: str
    change: Literal["added", "removed"]
    place: int
    entry: Any


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What differs in a rule that both versions have."""

    rule: str
    members: tuple[MemberChange, ...]
    entries: tuple[EntryChange, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A rule stands elsewhere among the rules that both versions have; places count from 1."""

    rule: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SectionDiff:
    """What differs in one section. Rules that came or went are shown whole."""

    section: SectionName
    added: tuple[dict[str, Any], ...]
    removed: tuple[dict[str, Any], ...]
    changed: tuple[RuleChange, ...]
    moved: tuple[Moved, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.moved)


@dataclass(frozen=True, slots=True)
class RuleSetDiff:
    """What differs between two versions: `sections` that do, `members` beside the sections."""

    members: tuple[MemberChange, ...]
    sections: tuple[SectionDiff, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.members or self.sections)

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return asdict(self)


def diff_rule_sets(before: RuleSet, after: RuleSet) -> RuleSetDiff:
    """What is to be changed to get from one to the other; nothing exactly where both say the same."""
    sections = (_section(name, before.section(name), after.section(name)) for name in SECTIONS)
    return RuleSetDiff(_members(_beside(before), _beside(after)), tuple(section for section in sections if section))


def _section(name: SectionName, before: Sequence[AnyRule], after: Sequence[AnyRule]) -> SectionDiff:
    one, other = {rule.id: rule for rule in before}, {rule.id: rule for rule in after}
    pairs = [(rule, other[rule.id]) for rule in before if rule.id in other]
    changes = (_rule(old, new) for old, new in pairs)
    return SectionDiff(
        section=name,
        added=tuple(_shown(rule) for rule in after if rule.id not in one),
        removed=tuple(_shown(rule) for rule in before if rule.id not in other),
        changed=tuple(change for change in changes if change.members or change.entries),
        moved=tuple(_moved([rule.id for rule, _ in pairs], [rule.id for rule in after if rule.id in one])),
    )


def _rule(before: AnyRule, after: AnyRule) -> RuleChange:
    one, other = before.model_dump(mode="json"), after.model_dump(mode="json")
    entries = [change for name in LISTS for change in _entries(name, one[name], other[name])]
    return RuleChange(before.id, _members(one, other), tuple(entries))


def _members(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[MemberChange, ...]:
    return tuple(
        MemberChange(name, value, after[name])
        for name, value in before.items()
        if name not in LISTS and value != after[name]
    )


def _entries(member: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[EntryChange]:
    one, other = [_canonical(entry) for entry in before], [_canonical(entry) for entry in after]
    for tag, start, end, other_start, other_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for index in range(start, end):
            yield EntryChange(member, "removed", index + 1, before[index])
        for index in range(other_start, other_end):
            yield EntryChange(member, "added", index + 1, after[index])


def _moved(before: Sequence[str], after: Sequence[str]) -> Iterator[Moved]:
    """The fewest rules that must be moved to get from one order to the other."""
    places = {rule: index for index, rule in enumerate(after)}
    stays = _longest_rise([places[rule] for rule in before])
    for index, rule in enumerate(before):
        if index not in stays:
            yield Moved(rule, index + 1, places[rule] + 1)


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Indices of a longest rising subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    came_from: list[int | None] = []
    for index, number in enumerate(numbers):
        place = bisect_left(tails, number)
        tails[place : place + 1], ends[place : place + 1] = [number], [index]
        came_from.append(ends[place - 1] if place else None)
    found: set[int] = set()
    at = ends[-1] if ends else None
    while at is not None:
        found.add(at)
        at = came_from[at]
    return found


def _beside(rules: RuleSet) -> dict[str, Any]:
    """What a version says beside its sections."""
    return {name: value for name, value in rules.model_dump(mode="json").items() if name not in SECTIONS}


def _shown(rule: AnyRule) -> dict[str, Any]:
    return rule.model_dump(mode="json", exclude_defaults=True)


def _canonical(entry: Any) -> bytes:
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
