"""Turn what the engine says about a wrong clause into faults that tell people what to write instead."""

import re
from dataclasses import dataclass
from difflib import get_close_matches

from hub.kit.rules.facts import Fact

FUNCTIONS = (
    "all", "bool", "contains", "endsWith", "exists", "exists_one", "filter", "has", "int", "map", "matches", "size",
    "startsWith", "string",
)  # fmt: skip
_WORDS = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "True": "true", "False": "false"}
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.+)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_OPERATOR = re.compile(r"^_(.+?)_$")


@dataclass(frozen=True, slots=True)
class ClauseFault:
    """One thing that is wrong with a clause; line and column count from 1."""

    line: int
    column: int
    reason: str
    suggestion: str | None = None


def faults_of(message: str, text: str, facts: tuple[Fact, ...]) -> tuple[ClauseFault, ...]:
    """The faults that an error message of the engine tells of, at least one."""
    found = [
        _fault(int(line), int(column), reason, text, facts)
        for line, column, reason in (match.groups() for match in _ERROR.finditer(message))
    ]
    if found:
        return tuple(found)
    if "recursion limit" in message:
        return (ClauseFault(1, 1, "the clause is nested too deep", "write it as several simpler clauses"),)
    return (ClauseFault(1, 1, f"the clause cannot be read: {message.splitlines()[0][:200]}"),)


def _fault(line: int, column: int, reason: str, text: str, facts: tuple[Fact, ...]) -> ClauseFault:
    source = (text.splitlines() or [""])[min(line, len(text.splitlines()) or 1) - 1]
    undeclared = _UNDECLARED.search(reason)
    if undeclared:
        name = undeclared[1]
        start = source.rfind(name.partition(".")[0], 0, column + len(name))
        is_call = source[column:].startswith("(") or source[column - 1 :].startswith((name + "(", "." + name + "("))
        if is_call or f"{name}(" in source:
            return ClauseFault(line, column, f"there is no function {name!r}", _near(name, FUNCTIONS))
        return ClauseFault(line, start + 1 if start >= 0 else column, f"there is no fact {name!r}", _fact(name, facts))
    overload = _OVERLOAD.search(reason)
    if overload:
        return ClauseFault(line, column, _mismatch(overload[1], overload[2]), _retype(overload[2]))
    return ClauseFault(line, column, _syntax(reason), _rewrite(source, column))


def _near(name: str, known: tuple[str, ...], cutoff: float = 0.6) -> str | None:
    return _ask(get_close_matches(name, known, n=3, cutoff=cutoff))


def _ask(names: list[str]) -> str | None:
    return f"did you mean {' or '.join(repr(name) for name in names[:3])}?" if names else None


def _fact(name: str, facts: tuple[Fact, ...]) -> str:
    if name in _WORDS:
        return f"write {_WORDS[name]!r} for {name!r}"
    names = tuple(fact.name for fact in facts)
    below = [known for known in names if known.startswith(name + ".")]
    if below:
        return f"facts below it are {', '.join(below[:4])}"
    tail = name.rpartition(".")[2]
    same_tail = [known for known in names if known.rpartition(".")[2] == tail]
    groups = ", ".join(sorted({fact.group for fact in facts}))
    return _ask(same_tail) or _near(name, names, 0.75) or f"facts here begin with {groups}"


def _mismatch(operator: str, types: str) -> str:
    symbol = _OPERATOR.match(operator)
    given = " and ".join({"int": "number", "string": "text"}.get(part, part) for part in types.split(", "))
    return f"{symbol[1] if symbol else operator} does not take {given}"


def _retype(types: str) -> str | None:
    parts = types.split(", ")
    if "double" in parts:
        return "amounts and measures are whole numbers (minor units, grams, km): write 150, not 1.50"
    if "uint" in parts:
        return "write the number without u"
    if parts[:2] == ["int", "string"]:
        return "the fact is a number: leave out the quotes"
    if parts[:2] == ["string", "int"]:
        return "the fact is a text: put the value in quotes"
    if parts[-1].startswith("list") and parts[0] == parts[-1]:
        return "test a list with exists: list.exists(item, item == 'vip')"
    if parts[0].startswith("list"):
        return "test a list with in: 'vip' in order.tags"
    return None


def _syntax(reason: str) -> str:
    plain = reason.removeprefix("Syntax error: ")
    plain = re.sub(r" expecting .*$", "", plain).replace("'<EOF>'", "the end")
    return f"this cannot be read: {plain}"


def _rewrite(source: str, column: int) -> str | None:
    before, here = source[: column - 1], source[column - 1 :]
    word = re.match(r"\w+", here)
    previous = re.search(r"(\w+)\s*$", before)
    for candidate in (word[0] if word else "", previous[1] if previous else ""):
        if candidate in _WORDS:
            return f"write {_WORDS[candidate]!r} for {candidate!r}"
    if here.startswith(("“", "”", "‘", "’")) or "“" in here[:4]:
        return "use straight quotes"
    if here.startswith(("=", "<>")) or before.rstrip().endswith("="):
        return "compare with == or !="
    if here.startswith(("'", '"')):
        return "close the quotes"
    return None
