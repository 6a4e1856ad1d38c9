"""Rules as the linter sees them: clauses as formulas, the time in which they are in force, and facts that match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.kit.rules.actions import Action
from hub.kit.rules.domains import domains_of
from hub.kit.rules.facts import Fact, FactCatalogue, FactValue, FactValues, SectionName
from hub.kit.rules.language import Clause, RuleError, compile_clause
from hub.kit.rules.logic import All, Case, Formula, Prover, literals
from hub.kit.rules.ranges import Flag, Numbers, Texts
from hub.kit.rules.reading import HAS, SIZE, UNREAD, Reader, starting
from hub.kit.rules.rule_set import AnyRule, RuleSet


@dataclass(frozen=True, slots=True)
class ReadClause:
    """A clause, what it says, and its place in `when`."""

    index: int
    clause: Clause
    formula: Formula

    @property
    def unread(self) -> bool:
        """Whether a part of it is not understood."""
        return any(literal.subject.startswith(UNREAD) for literal in literals(self.formula))


@dataclass(slots=True, eq=False)
class View:
    """One rule of a section. `case` is one in which it matches, `alive` whether it was found that it can."""

    rule: AnyRule
    section: SectionName
    index: int
    clauses: tuple[ReadClause, ...]
    case: Case | None = None
    sure: Case = field(default_factory=dict)
    """What its facts must be whenever it matches."""
    alive: bool = True
    subjects: frozenset[str] = frozenset()
    matched: frozenset[int] = frozenset()
    """Which orders of the history it matched."""

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.rule.id

    @property
    def path(self) -> str:
        """JSON pointer to it."""
        return f"/{self.section}/{self.index}"

    @property
    def formula(self) -> Formula:
        """All its clauses."""
        return All(tuple(read.formula for read in self.clauses))

    @property
    def actions(self) -> tuple[Action, ...]:
        """What it does."""
        return self.rule.then

    @property
    def asked_for_candidates(self) -> bool:
        """Whether it is judged for each candidate location rather than once for the order."""
        return self.section == "sourcing" and any(read.clause.reads("location") for read in self.clauses)

    def covers_time_of(self, other: "View", now: datetime) -> bool:
        """Whether it is in force whenever the other is, from now on."""
        starts = max(other.rule.valid_from or now, now)
        begins_in_time = self.rule.valid_from is None or self.rule.valid_from <= starts
        ends = self.rule.valid_to
        return begins_in_time and (ends is None or (other.rule.valid_to is not None and other.rule.valid_to <= ends))

    def meets_in_time(self, other: "View") -> bool:
        """Whether there is a moment at which both are in force."""
        first, second = self.rule, other.rule
        return not (
            (first.valid_to and second.valid_from and first.valid_to <= second.valid_from)
            or (second.valid_to and first.valid_from and second.valid_to <= first.valid_from)
        )

    def holds(self, values: FactValues) -> bool:
        """Whether all its clauses are true; an error is not."""
        try:
            return all(read.clause.holds(values) for read in self.clauses)
        except RuleError:
            return False


@dataclass(slots=True)
class Section:
    """The rules of a section in the order in which they run, those that are switched off or over left out."""

    name: SectionName
    views: list[View]
    running: list[View]
    prover: Prover
    facts: Mapping[str, Fact]
    orders: Sequence[tuple[str, FactValues]] = field(default=())

    def witness(self, case: Case, *views: View) -> dict[str, FactValue] | None:
        """Facts for which all these rules match, tried on the clauses themselves; None where the attempt fails."""
        read = {name for view in views for clause in view.clauses for name in clause.clause.facts}
        values: dict[str, FactValue] = {name: self._value(self.facts[name], case) for name in sorted(read)}
        return values if all(view.holds(values) for view in views) else None

    def _value(self, fact: Fact, case: Case) -> FactValue:
        wanted = case.get(fact.name)
        if isinstance(wanted, Flag):
            return wanted.yes
        if isinstance(wanted, Numbers):
            example = Numbers(((int(fact.example), int(fact.example)),)) if isinstance(fact.example, int) else None
            return int(str(fact.example)) if example and wanted.meet(example) else wanted.sample()
        if isinstance(wanted, Texts):
            fits = wanted.meet(Texts(among=frozenset({str(fact.example)})))
            return str(fact.example) if fits else wanted.sample()
        return self._entries(fact, case) if isinstance(fact.example, list) else fact.example

    def _entries(self, fact: Fact, case: Case) -> list[str]:
        prefix = fact.name + HAS
        asked = {subject.removeprefix(prefix): found for subject, found in case.items() if subject.startswith(prefix)}
        entries = {entry for entry, found in asked.items() if found == Flag(True)}
        size = case.get(SIZE + fact.name)
        least = size.sample() if isinstance(size, Numbers) else 0
        while len(entries) < least:
            entries.add(f"entry-{len(entries) + 1}")
        return sorted(entries)


def sections_of(
    rules: RuleSet,
    names: Sequence[SectionName],
    catalogue: FactCatalogue,
    now: datetime,
    orders: Sequence[tuple[str, FactValues]],
) -> list[Section]:
    """The sections of a valid rule set, ready to be looked at."""
    found = []
    for name in names:
        facts = {fact.name: fact for fact in catalogue.section(name)}
        reader = Reader(facts)
        views = [_view(rule, name, index, catalogue, reader) for index, rule in enumerate(rules.section(name))]
        prover = Prover(starting(domains_of(catalogue, name), [view.formula for view in views]))
        running = [view for view in views if view.rule.enabled and not is_over(view, now)]
        running.sort(key=lambda view: view.rule.priority)
        found.append(Section(name, views, running, prover, facts, orders))
    return found


def is_over(view: View, now: datetime) -> bool:
    """Whether its time has ended."""
    return view.rule.valid_to is not None and view.rule.valid_to <= now


def _view(rule: AnyRule, section: SectionName, index: int, catalogue: FactCatalogue, reader: Reader) -> View:
    clauses = [compile_clause(text, section, catalogue) for text in rule.when]
    read = tuple(ReadClause(at, clause, reader.formula(clause.tree())) for at, clause in enumerate(clauses))
    view = View(rule, section, index, read)
    view.subjects = frozenset(literal.subject for literal in literals(view.formula))
    return view
