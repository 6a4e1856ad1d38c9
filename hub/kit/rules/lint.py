"""Find rules that cannot do what they are written for: dead, shadowed, contradictory, never matching, dangling.

Only what can be proven is told as a fault; what is not understood is listed as such. A pure function: the same rule
set, time and orders give the same report.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub.kit.rules.domains import Domain, domains_of
from hub.kit.rules.facts import CATALOGUE, FactCatalogue, FactValue, FactValues
from hub.kit.rules.lint_effects import World
from hub.kit.rules.lint_pairs import Pairing, contradictions, shadows
from hub.kit.rules.lint_view import Section, View, is_over, sections_of
from hub.kit.rules.logic import All, Case, Formula, Prover, Undecided, literals
from hub.kit.rules.logic import Literal as Fragment
from hub.kit.rules.reading import UNREAD
from hub.kit.rules.rule_set import SECTIONS, RuleSet
from hub.kit.rules.syntax import Node
from hub.kit.rules.validation import KnownReferences, near, unknown_references

FindingKind = Literal[
    "dead", "shadowed", "contradictory", "never_matching", "missing_location", "missing_reference"
]  # fmt: skip
_SHOWN_TEXTS = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a rule. `path` is a JSON pointer; line and column count from 1 within a clause.

    `other` is the rule that it conflicts with. `witness` are facts for which it shows, `order` the number of an order
    of the history for which it shows.
    """

    kind: FindingKind
    rule: str
    path: str
    reason: str
    suggestion: str = ""
    line: int | None = None
    column: int | None = None
    other: str | None = None
    witness: Mapping[str, FactValue] | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a rule that is no fault."""

    rule: str
    path: str
    reason: str


@dataclass(slots=True)
class LintReport:
    """What was found. `hints` are no faults; `not_analysed` are parts about which nothing was claimed."""

    findings: list[Finding] = field(default_factory=list)
    hints: list[Note] = field(default_factory=list)
    not_analysed: list[Note] = field(default_factory=list)
    rules: int = 0
    orders: int = 0


def lint(
    rules: RuleSet,
    *,
    now: datetime,
    world: World | None = None,
    references: KnownReferences | None = None,
    orders: Sequence[tuple[str, FactValues]] = (),
    catalogue: FactCatalogue = CATALOGUE,
) -> LintReport:
    """Everything that is wrong with a valid rule set, in the order of its rules.

    `orders` are the number and the facts of orders of the past; with them, rules that matched none are hinted at.
    """
    report = LintReport(orders=len(orders))
    for section in sections_of(rules, SECTIONS, catalogue, now, orders):
        report.rules += len(section.views)
        domains = domains_of(catalogue, section.name)
        for view in section.views:
            report.findings.extend(_references(view, references or KnownReferences()))
            report.findings.extend(_alone(section, view, now, domains, report))
        _look_back(section, report)
        for found in shadows(section, now):
            _add(report, section, found, "shadowed")
        for found in contradictions(section, world or World()):
            _add(report, section, found, "contradictory")
    report.findings.sort(key=lambda finding: _place(finding.path))
    return report


def _place(path: str) -> tuple[int, list[tuple[int, str]]]:
    section, *rest = path.strip("/").split("/")
    return SECTIONS.index(section), [(int(part) if part.isdigit() else -1, part) for part in rest]


def _add(
    report: LintReport, section: Section, found: Pairing, kind: Literal["shadowed", "contradictory"]
) -> None:  # fmt: skip
    if found.undecided:
        report.not_analysed.append(Note(found.view.id, found.path, found.reason))
        return
    shared = found.view.matched & found.other.matched if found.other else found.view.matched
    report.findings.append(
        Finding(
            kind, found.view.id, found.path, found.reason, found.suggestion,
            other=found.other.id if found.other and found.other is not found.view else None, witness=found.witness,
            order=section.orders[min(shared)][0] if shared else None,
        )
    )  # fmt: skip


def _references(view: View, known: KnownReferences) -> Iterator[Finding]:
    for index, action in enumerate(view.actions):
        for kind, fault in unknown_references(f"{view.path}/then/{index}", action, known):
            yield Finding(_missing(kind), view.id, fault.path, fault.reason, fault.suggestion or "")
    for read in view.clauses:
        for what, name, node in _named(read.clause.tree()):
            names = known.locations if what == "location" else known.capabilities
            if names is None or name in names:
                continue
            line, column = _position(read.clause.text, node.offset)
            yield Finding(
                _missing(what), view.id, f"{view.path}/when/{read.index}", f"there is no {what} {name!r}",
                near(name, tuple(sorted(names))) or "", line, column,
            )  # fmt: skip


def _missing(kind: str) -> FindingKind:
    return "missing_location" if kind == "location" else "missing_reference"


def _named(tree: Node) -> Iterator[tuple[str, str, Node]]:
    """Locations and capabilities that a clause compares with."""
    for node in tree.walk():
        names = {part.value for part in node.parts if part.kind == "name"}
        texts = [below for part in node.parts for below in (part.parts if part.kind == "list" else (part,))]
        if node.value in ("_==_", "_!=_", "@in") and "location.code" in names:
            yield from (
                ("location", str(t.value), t) for t in texts if isinstance(t.value, str) and t.kind == "constant"
            )
        elif node.value == "@in" and "location.capabilities" in names and node.parts[0].kind == "constant":
            yield "capability", str(node.parts[0].value), node.parts[0]


def _alone(
    section: Section, view: View, now: datetime, domains: Mapping[str, Domain], report: LintReport
) -> Iterator[Finding]:
    """What is wrong with a rule whatever others say."""
    unread = [read for read in view.clauses if read.unread]
    for read in unread:
        at = next(item.offset for item in literals(read.formula) if item.subject.startswith(UNREAD))
        line, column = _position(read.clause.text, at)
        report.not_analysed.append(
            Note(
                view.id, f"{view.path}/when/{read.index}", f"line {line}, column {column}: this part is not understood"
            )
        )
    if not view.rule.enabled:
        yield Finding("dead", view.id, f"{view.path}/enabled", "the rule is switched off", "remove it, or switch it on")
        return
    if is_over(view, now):
        yield Finding("dead", view.id, f"{view.path}/valid_to", f"its time ended at {view.rule.valid_to}",
                      "remove it, or give it a later end")  # fmt: skip
        return
    try:
        view.case = section.prover.case(view.formula)
        view.sure = section.prover.certain(view.formula)
    except Undecided:
        view.alive = False
        report.not_analysed.append(Note(view.id, f"{view.path}/when", "the clauses have too many cases"))
        return
    if view.case is None:
        view.alive = False
        yield _impossible(section, view, domains)


def _impossible(section: Section, view: View, domains: Mapping[str, Domain]) -> Finding:
    """Why it cannot match: the one clause, or the two, or all."""
    anything = Prover({})
    for read in view.clauses:
        here = f"{view.path}/when/{read.index}"
        if _case(section.prover, read.formula) is not None:
            continue
        if not read.clause.facts:
            return Finding("dead", view.id, here, "the clause is always false", "remove the clause or the rule", 1, 1)
        if _case(anything, read.formula) is None:
            return Finding("never_matching", view.id, here, "the clause cannot be true: it contradicts itself",
                           "was `||` meant instead of `&&`?", 1, 1)  # fmt: skip
        culprit = next((item for item in literals(read.formula) if _case(section.prover, item) is None), None)
        if culprit is None:
            return Finding(
                "never_matching", view.id, here, "no value that these facts can have makes it true", "", 1, 1
            )
        line, column = _position(read.clause.text, culprit.offset)
        reason, suggestion = _outside(culprit, domains)
        return Finding("never_matching", view.id, here, reason, suggestion, line, column)
    for index, one in enumerate(view.clauses):
        for other in view.clauses[index + 1 :]:
            if _case(section.prover, All((one.formula, other.formula))) is None:
                return Finding(
                    "never_matching", view.id, f"{view.path}/when/{other.index}",
                    f"it cannot be true together with clause {one.index + 1}: all clauses of `when` must hold",
                    "write two rules, or one clause with `||`", 1, 1,
                )  # fmt: skip
    return Finding("never_matching", view.id, f"{view.path}/when", "its clauses cannot all be true",
                   "all clauses of `when` must hold; write `||` within one clause where one is enough")  # fmt: skip


def _case(prover: Prover, formula: Formula) -> Case | None:
    try:
        return prover.case(formula)
    except Undecided:
        return {}


def _outside(culprit: Fragment, domains: Mapping[str, Domain]) -> tuple[str, str]:
    name = culprit.subject.partition(" ")[0]
    domain = domains.get(name)
    if domain is None:
        return f"{culprit.subject} cannot be so", ""
    if domain.texts is None:
        most = "" if domain.most is None else f" and at most {domain.most}"
        return f"{name} is at least {domain.least}{most}", "compare it with a value that it can have"
    if name.endswith(".country"):
        return f"{name} is never that: it is a country of ISO 3166-1 alpha-2, in capitals, or empty", "write 'DE', 'US'"
    shown = ", ".join(repr(text) for text in sorted(domain.texts)[:_SHOWN_TEXTS])
    return f"{name} is never that", f"it is one of {shown}{' ...' if len(domain.texts) > _SHOWN_TEXTS else ''}"


def _look_back(section: Section, report: LintReport) -> None:
    for view in section.running:
        if not view.alive or any(
            read.clause.reads(group) for read in view.clauses for group in ("location", "parcel", "review")
        ):
            continue
        view.matched = frozenset(at for at, (_, facts) in enumerate(section.orders) if view.holds(facts))
        if section.orders and not view.matched:
            report.hints.append(Note(view.id, view.path, f"matched none of the last {len(section.orders)} orders"))


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
