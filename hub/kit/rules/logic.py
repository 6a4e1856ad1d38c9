"""What a clause says, as a formula over what each fact can be, and whether a formula can be true at all.

Parts that are not understood (regular expressions, arithmetic, loops) count as a flag of their own that may be either:
whoever proves with it that something cannot be true is right, whoever finds a case must try it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.kit.rules.ranges import Flag, Possible, Texts, met

SEARCH_STEPS = 4000
"""So many cases are looked at before a question is given up."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One fact (or one entry of a list, `order.tags has 'vip'`) is among what is possible. `offset` is in the text."""

    subject: str
    possible: Possible
    offset: int = 0

    def inverse(self) -> "Literal":
        """It is not."""
        return Literal(self.subject, self.possible.inverse(), self.offset)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts it is true."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds; without parts it is false."""

    parts: tuple["Formula", ...]


Formula = Literal | All | Any
TRUE, FALSE = All(()), Any(())
Case = dict[str, Possible]
"""What each subject can be in one case; a subject that is not named can be anything."""


class Undecided(Exception):
    """The question has more cases than are looked at."""


def negated(formula: Formula) -> Formula:
    """Its opposite."""
    if isinstance(formula, Literal):
        return formula.inverse()
    parts = tuple(negated(part) for part in formula.parts)
    return Any(parts) if isinstance(formula, All) else All(parts)


def literals(formula: Formula) -> Iterator[Literal]:
    """All literals in it."""
    if isinstance(formula, Literal):
        yield formula
        return
    for part in formula.parts:
        yield from literals(part)


class Prover:
    """Looks for a case in which formulas hold together. `domains` are what subjects can be to begin with."""

    def __init__(self, domains: Mapping[str, Possible]) -> None:
        self._domains = domains
        self._steps = 0

    def case(self, *formulas: Formula) -> Case | None:
        """A case in which all hold; None where there is certainly none. Raises `Undecided`."""
        self._steps = SEARCH_STEPS
        return self._search({}, list(formulas))

    def certain(self, formula: Formula) -> Case:
        """What must be whenever a formula that can hold does; what only some of its cases need is left out."""
        self._steps = SEARCH_STEPS
        case: Case = {}
        self._settle(case, [formula], [])
        return case

    def _search(self, case: Case, pending: list[Formula]) -> Case | None:
        choices: list[Any] = []
        while True:
            if not self._settle(case, pending, choices):
                return None
            choices, single = self._narrowed(case, choices)
            if single is None:
                return None
            if not single:
                break
            pending = single
        if not choices:
            return case
        choices.sort(key=lambda choice: len(choice.parts))
        first, rest = choices[0], choices[1:]
        for part in first.parts:
            found = self._search(dict(case), [part, *rest])
            if found is not None:
                return found
        return None

    def _settle(self, case: Case, pending: list[Formula], choices: list[Any]) -> bool:
        """Take what must hold into the case; False where that cannot be."""
        while pending:
            self._step()
            formula = pending.pop()
            if isinstance(formula, All):
                pending.extend(formula.parts)
            elif isinstance(formula, Any):
                choices.append(formula)
            else:
                left = self._left(case, formula)
                if left is None:
                    return False
                case[formula.subject] = left
        return True

    def _narrowed(self, case: Case, choices: list[Any]) -> tuple[list[Any], list[Formula] | None]:
        """Choices without what cannot be, and what is left without a choice; None where nothing is left of one."""
        kept, single = [], list[Formula]()
        for choice in choices:
            parts = []
            for part in choice.parts:
                self._step()
                if not isinstance(part, Literal) or self._left(case, part) is not None:
                    parts.append(part)
            if not parts:
                return [], None
            if len(parts) == 1:
                single.append(parts[0])
            else:
                kept.append(Any(tuple(parts)))
        return kept, single

    def _left(self, case: Case, literal: Literal) -> Possible | None:
        known = case.get(literal.subject) or self._domains.get(literal.subject)
        if known is None:
            # A single test of a text can be impossible by itself: an empty list of values.
            return literal.possible.meet(Texts()) if isinstance(literal.possible, Texts) else literal.possible
        return met(known, literal.possible)

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise Undecided


def flag(subject: str, offset: int, *, yes: bool = True) -> Literal:
    """A literal about a yes-or-no subject."""
    return Literal(subject, Flag(yes), offset)
