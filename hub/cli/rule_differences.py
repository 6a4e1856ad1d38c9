"""How two versions of the rules differ, for people: + came, - went, ~ changed, > moved."""

from collections.abc import Iterator
from typing import Any

import orjson
from rich.text import Text

from hub.cli.output import shown
from hub.cli.tables import console
from hub.routing.rules.rule_set_diff import LISTS, EntryChange, MemberChange, RuleChange, RuleSetDiff, SectionDiff

_STYLES = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}


def print_differences(found: RuleSetDiff) -> None:
    """Section by section, rule by rule, clause by clause."""
    out = console()
    for mark, depth, text in _lines(found):
        out.print(Text(f"{'  ' * depth}{mark} {text}".rstrip(), style=_STYLES.get(mark, "bold")), soft_wrap=True)


def _lines(found: RuleSetDiff) -> Iterator[tuple[str, int, str]]:
    for change in found.members:
        yield "~", 0, _member(change)
    for section in found.sections:
        yield section.section, 0, ""
        yield from _section(section)


def _section(section: SectionDiff) -> Iterator[tuple[str, int, str]]:
    for mark, rules in (("+", section.added), ("-", section.removed)):
        for rule in rules:
            yield mark, 1, f"{rule['id']}: {rule['name']}"
            for member in LISTS:
                for entry in rule.get(member, ()):
                    yield mark, 3, f"{member} {_entry(entry)}"
    for change in section.changed:
        yield "~", 1, change.rule
        yield from _rule(change)
    for moved in section.moved:
        yield ">", 1, f"{moved.rule}: place {moved.before} -> {moved.after}"


def _rule(change: RuleChange) -> Iterator[tuple[str, int, str]]:
    for member in change.members:
        yield "~", 3, _member(member)
    for entry in change.entries:
        yield _sign(entry), 3, f"{entry.member} {_entry(entry.entry)}"


def _sign(entry: EntryChange) -> str:
    return "+" if entry.change == "added" else "-"


def _member(change: MemberChange) -> str:
    return f"{change.member}: {shown(change.before)} -> {shown(change.after)}"


def _entry(entry: Any) -> str:
    return entry if isinstance(entry, str) else orjson.dumps(entry).decode()
