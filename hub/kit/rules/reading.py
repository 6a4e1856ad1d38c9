"""Read a clause's tree as a formula over the declared facts."""

from collections.abc import Mapping
from operator import eq, ge, gt, le, lt, ne

from hub.kit.rules.domains import Domain
from hub.kit.rules.facts import Fact
from hub.kit.rules.logic import FALSE, TRUE, All, Any, Formula, Literal, flag, literals, negated
from hub.kit.rules.ranges import LEAST, MOST, TEXT_TESTS, Flag, Numbers, Possible, Texts
from hub.kit.rules.syntax import Node

HAS = " has "
SIZE = "size of "
UNREAD = "unread "
_COMPARISONS = {"_==_": eq, "_!=_": ne, "_<_": lt, "_<=_": le, "_>_": gt, "_>=_": ge}
_MIRRORED = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_PAIR = 2
_LOOP_PARTS = 5


class Reader:
    """Reads the clauses of one section. Subjects are facts, `<list> has <entry>` and `size of <fact>`."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts

    def formula(self, node: Node) -> Formula:
        """What a part that is true or false says; what cannot be read is a flag whose subject begins with `UNREAD`."""
        if node.kind == "constant" and isinstance(node.value, bool):
            return TRUE if node.value else FALSE
        if node.kind == "name" and self._type(node) == "bool":
            return flag(str(node.value), node.offset)
        found = None
        if node.kind == "call":
            found = self._call(str(node.value), node)
        elif node.kind == "loop":
            found = self._exists(node)
        return flag(UNREAD + node.key(), node.offset) if found is None else found

    def _call(self, function: str, node: Node) -> Formula | None:
        parts = node.parts
        if function == "!_":
            return negated(self.formula(parts[0]))
        if function in ("_&&_", "_||_"):
            read = tuple(self.formula(part) for part in parts)
            return All(read) if function == "_&&_" else Any(read)
        if function == "_?_:_":
            asked, yes, no = (self.formula(part) for part in parts)
            return Any((All((asked, yes)), All((negated(asked), no))))
        if function in _COMPARISONS and len(parts) == _PAIR:
            return self._comparison(function, parts[0], parts[1], node.offset)
        if function == "@in" and len(parts) == _PAIR:
            return self._membership(parts[0], parts[1], node.offset)
        if function in TEXT_TESTS and self._type(parts[0]) == "string" and parts[1].kind == "constant":
            test = next(name for name in TEXT_TESTS if name == function)
            tests = frozenset({(test, str(parts[1].value), True)})
            return Literal(str(parts[0].value), Texts(tests=tests), node.offset)
        return None

    def _comparison(self, function: str, left: Node, right: Node, offset: int) -> Formula | None:
        one, other = _constant(left), _constant(right)
        if one is not None and other is not None:
            return TRUE if _compared(function, one, other) else FALSE
        if one is not None:
            return self._comparison(_MIRRORED.get(function, function), right, left, offset)
        subject = self._subject(left)
        if subject is None or other is None:
            return None
        if isinstance(other, bool) and function in ("_==_", "_!=_"):
            return flag(subject, offset, yes=other is (function == "_==_"))
        if isinstance(other, int) and not isinstance(other, bool):
            possible = _numbers(function, other)
            return FALSE if possible is None else Literal(subject, possible, offset)
        if isinstance(other, str) and function in ("_==_", "_!=_"):
            texts = Texts(among=frozenset({other}))
            return Literal(subject, texts if function == "_==_" else texts.inverse(), offset)
        return None

    def _membership(self, item: Node, of: Node, offset: int) -> Formula | None:
        wanted = _constant(item)
        if of.kind == "name" and self._type(of) == "list<string>" and isinstance(wanted, str):
            return flag(f"{of.value}{HAS}{wanted}", offset)
        if of.kind != "list":
            return None
        values = [_constant(part) for part in of.parts]
        if None in values:
            return None
        if wanted is not None:
            return TRUE if wanted in values else FALSE
        subject = self._subject(item)
        if subject is None:
            return None
        if not values:
            return FALSE
        if all(isinstance(value, str) for value in values):
            return Literal(subject, Texts(among=frozenset(str(value) for value in values)), offset)
        numbers = [value for value in values if type(value) is int]
        if len(numbers) == len(values):
            return Any(tuple(Literal(subject, Numbers(((value, value),)), offset) for value in sorted(numbers)))
        return None

    def _exists(self, node: Node) -> Formula | None:
        """`list.exists(x, x == 'a')` and with `in`: as if it asked for the entries."""
        if len(node.parts) != _LOOP_PARTS or self._type(node.parts[0]) != "list<string>":
            return None
        step = node.parts[3]
        if step.value != "_||_" or step.parts[0].value != node.parts[4].value or step.parts[1].kind != "call":
            return None
        test, name = step.parts[1], node.parts[0].value
        if test.value not in ("_==_", "@in") or test.parts[0].value != node.value:
            return None
        asked = test.parts[1].parts if test.parts[1].kind == "list" else (test.parts[1],)
        wanted = [part.value for part in asked if part.kind == "constant" and isinstance(part.value, str)]
        if len(wanted) < len(asked):
            return None
        return Any(tuple(flag(f"{name}{HAS}{value}", node.offset) for value in wanted))

    def _type(self, node: Node) -> str | None:
        fact = self._facts.get(str(node.value)) if node.kind == "name" else None
        return fact.type if fact else None

    def _subject(self, node: Node) -> str | None:
        if self._type(node) in ("int", "string", "bool"):
            return str(node.value)
        if node.kind == "call" and node.value == "size" and self._type(node.parts[0]) in ("string", "list<string>"):
            return f"{SIZE}{node.parts[0].value}"
        return None


def starting(domains: Mapping[str, Domain], formulas: list[Formula]) -> dict[str, Possible]:
    """What the subjects of formulas can be to begin with, by the domains of their facts."""
    found: dict[str, Possible] = {}
    for subject in {literal.subject for formula in formulas for literal in literals(formula)}:
        domain = domains.get(subject)
        if subject.startswith(SIZE):
            found[subject] = Numbers(((0, MOST),))
        elif HAS in subject and not subject.startswith(UNREAD):
            name, _, entry = subject.partition(HAS)
            texts = domains[name].texts if name in domains else None
            if texts is not None and entry not in texts:
                found[subject] = Flag(False)
        elif domain is not None and domain.texts is not None:
            found[subject] = Texts(among=domain.texts)
        elif domain is not None:
            least = LEAST if domain.least is None else domain.least
            found[subject] = Numbers(((least, MOST if domain.most is None else domain.most),))
    return found


def _constant(node: Node) -> bool | int | float | str | None:
    if node.kind == "constant":
        return node.value
    if node.kind == "call" and node.value == "-_" and type(node.parts[0].value) is int:
        return -node.parts[0].value
    return None


def _compared(function: str, one: bool | float | str, other: bool | float | str) -> bool:
    return bool(_COMPARISONS[function](one, other))


def _numbers(function: str, bound: int) -> Numbers | None:
    if function == "_!=_":
        return Numbers(((bound, bound),)).inverse()
    low, high = {
        "_==_": (bound, bound),
        "_<_": (LEAST, bound - 1),
        "_<=_": (LEAST, bound),
        "_>_": (bound + 1, MOST),
        "_>=_": (bound, MOST),
    }[function]
    return Numbers(((low, high),)) if low <= high else None
