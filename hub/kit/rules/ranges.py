"""What is still possible for the value of one fact: whole numbers, texts, yes or no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

LEAST, MOST = -(1 << 63), (1 << 63) - 1
Intervals = tuple[tuple[int, int], ...]
"""Sorted intervals with both ends inclusive, none touching another."""
TextTest = Literal["startsWith", "endsWith", "contains"]
TEXT_TESTS: Mapping[TextTest, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """A set of whole numbers of 64 bits."""

    intervals: Intervals = ((LEAST, MOST),)

    def meet(self, other: "Numbers") -> "Numbers | None":
        """What both hold; None where that is nothing."""
        met = [
            (max(low, least), min(high, most))
            for low, high in self.intervals
            for least, most in other.intervals
            if max(low, least) <= min(high, most)
        ]
        return Numbers(tuple(met)) if met else None

    def inverse(self) -> "Numbers":
        """All other numbers."""
        gaps, start = [], LEAST
        for low, high in self.intervals:
            if start < low:
                gaps.append((start, low - 1))
            start = high + 1
        if start <= MOST:
            gaps.append((start, MOST))
        return Numbers(tuple(gaps))

    def sample(self) -> int:
        """A number of it, small rather than large."""
        return min((max(low, min(high, 0)) for low, high in self.intervals), key=abs)


@dataclass(frozen=True, slots=True)
class Texts:
    """A set of texts: those of `among` (None: all) that are not `barred` and pass the tests, or fail them."""

    among: frozenset[str] | None = None
    barred: frozenset[str] = frozenset()
    tests: frozenset[tuple[TextTest, str, bool]] = frozenset()

    def meet(self, other: "Texts") -> "Texts | None":
        """What both hold; None where that is certainly nothing."""
        tests, barred = self.tests | other.tests, self.barred | other.barred
        among = self.among if other.among is None else other.among
        if among is None:
            return None if _clash(tests) else Texts(None, barred, tests)
        if self.among is not None:
            among &= self.among
        left = frozenset(text for text in among if text not in barred and _passes(text, tests))
        return Texts(left) if left else None

    def inverse(self) -> "Texts":
        """All other texts; only of a set by one criterion."""
        if self.tests:
            ((test, text, passed),) = self.tests
            return Texts(tests=frozenset({(test, text, not passed)}))
        return Texts(barred=self.among) if self.among is not None else Texts(among=self.barred)

    def sample(self) -> str:
        """A text that is probably of it; who needs certainty tries it."""
        if self.among is not None:
            return min(self.among)
        wanted = {
            test: max((text for kind, text, passed in self.tests if kind == test and passed), key=len, default="")
            for test in TEXT_TESTS
        }
        found = wanted["startsWith"] + wanted["contains"] + wanted["endsWith"]
        while found in self.barred or not found:
            found += "x"
        return found


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    yes: bool

    def meet(self, other: "Flag") -> "Flag | None":
        """It, where both are the same."""
        return self if self == other else None

    def inverse(self) -> "Flag":
        """The other."""
        return replace(self, yes=not self.yes)


Possible = Numbers | Texts | Flag


def met(one: Possible, other: Possible) -> Possible | None:
    """What both hold; None where that is certainly nothing. Facts have one type, so both are of one kind."""
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        return one.meet(other)
    if isinstance(one, Texts) and isinstance(other, Texts):
        return one.meet(other)
    if isinstance(one, Flag) and isinstance(other, Flag):
        return one.meet(other)
    raise TypeError(f"{one!r} and {other!r} are not about one fact")


def _passes(text: str, tests: frozenset[tuple[TextTest, str, bool]]) -> bool:
    return all(TEXT_TESTS[test](text, part) is passed for test, part, passed in tests)


def _clash(tests: frozenset[tuple[TextTest, str, bool]]) -> bool:
    """Whether no text passes: two different beginnings or ends, or one that must pass implies one that must fail."""
    for test, text, passed in tests:
        if not passed:
            continue
        for other, part, wanted in tests:
            if not wanted and _implies(test, text, other, part):
                return True
            if wanted and test == other == "startsWith" and not (text.startswith(part) or part.startswith(text)):
                return True
            if wanted and test == other == "endsWith" and not (text.endswith(part) or part.endswith(text)):
                return True
    return False


def _implies(test: TextTest, text: str, other: TextTest, part: str) -> bool:
    if other == "contains":
        return part in text
    return test == other and TEXT_TESTS[test](text, part)
