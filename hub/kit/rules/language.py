"""Compile and evaluate one clause: a CEL expression over declared facts that is true or false, or an error.

The engine is `cel-expr-python` (the C++ runtime); nothing else of the hub knows it. Evaluation is bounded by
the length of the text, the number and depth of its nodes, the nesting of its loops, and the engine's own budget of
iterations.
"""

import operator
from collections.abc import Callable
from functools import lru_cache

from cel_expr_python import cel

from hub.kit.rules.checked import Shape, shape_of
from hub.kit.rules.facts import CATALOGUE, Fact, FactCatalogue, FactType, FactValue, FactValues, SectionName
from hub.kit.rules.faults import ClauseFault, faults_of
from hub.kit.rules.syntax import Node, tree_of

MAX_LENGTH = 2000
MAX_NODES = 300
MAX_DEPTH = 32
MAX_LOOPS = 2
_MEMO_ENTRIES = 512

_TYPES: dict[FactType, cel.Type] = {
    "int": cel.Type.INT,
    "bool": cel.Type.BOOL,
    "string": cel.Type.STRING,
    "list<string>": cel.Type.List(cel.Type.STRING),
}
_HARMLESS = (
    "divide by zero",
    "modulus by zero",
    "integer overflow",
    "Index error",
    "Iteration budget exceeded",
    "invalid regular expression",
)
"""Messages of the engine that cannot hold a value of a fact, so that they may be shown and logged."""


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge, "_==_": operator.eq,
    "_!=_": operator.ne,
}  # fmt: skip
_INT64 = 1 << 63
_SIDES = 2


class ClauseInvalid(ValueError):
    """A clause that must not be saved; `faults` are all that is wrong with it."""

    def __init__(self, faults: tuple[ClauseFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.line}:{fault.column} {fault.reason}" for fault in faults))
        self.faults = faults


class RuleError(Exception):
    """A clause could not be evaluated for this order. It sends the order to a person; it never counts as false.

    `rule_id`, `section` and `clause` (counted from 0) are filled in by the rule; the text holds no value of a fact.
    """

    def __init__(
        self, reason: str, *, text: str, rule_id: str = "", clause: int = 0, section: SectionName = "sourcing"
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text
        self.rule_id = rule_id
        self.clause = clause
        self.section: SectionName = section


class Clause:
    """One compiled clause. `facts` are the declared facts that it reads, sorted.

    Results are remembered by the values of those facts: orders of a batch mostly share them.
    """

    __slots__ = ("_lists", "_memo", "_number", "_only", "_program", "facts", "shape", "text")

    def __init__(self, text: str, program: cel.Expression, shape: Shape, declared: dict[str, Fact]) -> None:
        self.text = text
        self.shape = shape
        self.facts = tuple(sorted(shape.names & declared.keys()))
        self._lists = any(declared[name].type.startswith("list") for name in self.facts)
        self._only = self.facts[0] if len(self.facts) == 1 and not self._lists else None
        self._program = program
        self._number = self._as_number()
        self._memo: dict[object, bool] = {}

    def _as_number(self) -> tuple[Callable[[int, int], bool], int] | None:
        """Of `fact > 700` and its like, the comparison and the constant.

        Weights, amounts and distances differ from order to order: remembering them saves nothing, and asking the
        engine costs more than the comparison. Both agree on whole numbers of 64 bits, and only those are compared here.
        """
        tree = tree_of(self._program.serialize()) if self._only is not None else None
        if tree is None or tree.kind != "call" or tree.value not in _COMPARISONS or len(tree.parts) != _SIDES:
            return None
        fact, limit = tree.parts
        if fact.kind != "name" or limit.kind != "constant" or type(limit.value) is not int:
            return None
        return _COMPARISONS[str(tree.value)], limit.value

    def tree(self) -> Node:
        """What it consists of, for those who reason about it without evaluating."""
        return tree_of(self._program.serialize())

    def reads(self, group: str) -> bool:
        """Whether it reads a fact of this group (`location`, `parcel` ...)."""
        prefix = group + "."
        return any(name.startswith(prefix) for name in self.facts)

    def holds(self, values: FactValues) -> bool:
        """Whether it is true for these values; raises `RuleError` where it is neither true nor false."""
        if self._number is not None:
            value = values.get(self.facts[0])
            if type(value) is int and -_INT64 <= value < _INT64:
                compare, limit = self._number
                return compare(value, limit)
        if self._only is not None:
            known = self._memo.get(values.get(self._only))
            if known is not None:
                return known
        read = [values[name] for name in self.facts if name in values]
        if len(read) < len(self.facts):
            return self._with_gaps(values)
        key: object = read[0] if self._only is not None else tuple(read)
        if self._lists:
            key = tuple([tuple(v) if v.__class__ is list else v for v in read])
        known = self._memo.get(key)
        if known is not None:
            return known
        outcome = self._evaluate(dict(zip(self.facts, read, strict=True)))
        if len(self._memo) >= _MEMO_ENTRIES:
            self._memo.clear()
        self._memo[key] = outcome
        return outcome

    def _with_gaps(self, values: FactValues) -> bool:
        """A clause may guard itself (`'order.weight_grams' in order.missing || ...`): the engine decides if it did."""
        try:
            return self._evaluate({name: values[name] for name in self.facts if name in values})
        except RuleError as error:
            absent = ", ".join(name for name in self.facts if name not in values)
            raise RuleError(f"{absent} is not known of this order", text=self.text) from error

    def _evaluate(self, data: dict[str, FactValue]) -> bool:
        try:
            value = self._program.eval(data=data).value()
        except (RuntimeError, TypeError, ValueError) as error:
            raise RuleError(_harmless(str(error)), text=self.text) from error
        if value is True or value is False:
            return value
        raise RuleError(_harmless(str(value)), text=self.text)


def _harmless(message: str) -> str:
    for known in _HARMLESS:
        if known in message:
            return known
    return f"the clause cannot be evaluated ({message.partition(':')[0][:40]})"


def compile_clause(text: str, section: SectionName, catalogue: FactCatalogue = CATALOGUE) -> Clause:
    """A clause ready to evaluate; raises `ClauseInvalid` with line, column and a suggestion for each fault."""
    if len(text) > MAX_LENGTH:
        raise _refused(f"the clause has {len(text)} characters, at most {MAX_LENGTH} are allowed",
                       "split it into several clauses of `when`; all of them must hold")  # fmt: skip
    engine, declared = _engine(section, catalogue)
    try:
        program = engine.compile(text)
    except RuntimeError as error:
        raise ClauseInvalid(faults_of(str(error), text, tuple(declared.values()))) from error
    kind = program.return_type().name()
    if kind != "BOOL":
        raise _refused(f"the clause gives {_spoken(kind)}, not true or false",
                       f"compare it, for example: {text.strip()[:60]} {_comparison(kind)}")  # fmt: skip
    shape = shape_of(program.serialize())
    _check_bounds(shape)
    clause = Clause(text, program, shape, declared)
    _check_patterns(clause, declared)
    return clause


def _check_patterns(clause: Clause, declared: dict[str, Fact]) -> None:
    """Try the clause on the facts' examples: the engine reads regular expressions only when it evaluates."""
    try:
        clause.holds({name: declared[name].example for name in clause.facts})
    except RuleError as error:
        if error.reason == "invalid regular expression":
            raise _refused("a regular expression in the clause cannot be read",
                           "write it in RE2 syntax: https://github.com/google/re2/wiki/Syntax") from error  # fmt: skip


def _check_bounds(shape: Shape) -> None:
    for what, found, allowed in (
        ("parts", shape.nodes, MAX_NODES),
        ("levels of nesting", shape.depth, MAX_DEPTH),
        ("loops within each other", shape.loops, MAX_LOOPS),
    ):
        if found > allowed:
            raise _refused(f"the clause has {found} {what}, at most {allowed} are allowed",
                           "write it as several simpler clauses or rules")  # fmt: skip


def _refused(reason: str, suggestion: str) -> ClauseInvalid:
    return ClauseInvalid((ClauseFault(1, 1, reason, suggestion),))


def _spoken(kind: str) -> str:
    return {"INT": "a number", "STRING": "a text", "LIST": "a list", "DYN": "a value of unknown type"}.get(kind, kind)


def _comparison(kind: str) -> str:
    return {"INT": "> 0", "STRING": "== 'DE'", "LIST": "!= []"}.get(kind, "== true")


@lru_cache(maxsize=32)
def _engine(section: SectionName, catalogue: FactCatalogue) -> tuple[cel.Env, dict[str, Fact]]:
    declared = {fact.name: fact for fact in catalogue.section(section)}
    return cel.NewEnv(variables={name: _TYPES[fact.type] for name, fact in declared.items()}), declared
