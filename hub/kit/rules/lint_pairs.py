"""What is wrong between rules: one that has no say because of those before it, and two that cannot both be obeyed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.kit.rules.actions import Action, Prefer, PreferServices
from hub.kit.rules.facts import FactValue
from hub.kit.rules.lint_effects import World, in_vain, leaves_nothing
from hub.kit.rules.lint_view import Section, View
from hub.kit.rules.logic import Case, Undecided, negated
from hub.kit.rules.ranges import met

_TOGETHER = 60
"""So many rules before one are looked at together."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A rule that has a fault because of another; `undecided` where that could not be told for certain."""

    view: View
    other: View | None
    path: str
    reason: str
    suggestion: str = ""
    witness: Mapping[str, FactValue] | None = None
    undecided: bool = False


def shadows(section: Section, now: datetime) -> Iterator[Pairing]:
    """Actions that never count: wherever the rule matches, one before it has decided the same."""
    deciders: dict[str, list[View]] = {}
    for view in section.running:
        if not view.alive:
            continue
        for index, action in enumerate(view.actions):
            if not action.first_wins:
                continue
            earlier = deciders.setdefault(type(action).__name__, [])
            found = _shadow(section, view, f"{view.path}/then/{index}", earlier, now)
            if found is not None:
                yield found
            if not earlier or earlier[-1] is not view:
                earlier.append(view)


def _shadow(section: Section, view: View, path: str, earlier: list[View], now: datetime) -> Pairing | None:
    before = [other for other in earlier if other.covers_time_of(view, now) and _may_meet(view, other)]
    kind = path.rsplit("/", 1)[0]
    for other in before:
        if other is view or (other.subjects <= view.subjects and _implies(section, view, other)):
            where = "an action before it in this rule" if other is view else f"rule {other.id!r}, which runs before it,"
            return Pairing(
                view, other, path, f"{where} decides wherever this rule matches: the first that matches wins",
                "give this rule a lower priority number, or narrow the other; or remove it", _witness(section, view),
            )  # fmt: skip
    if len(before) < 2:
        return None
    if len(before) > _TOGETHER:
        return Pairing(view, None, kind, f"whether the {len(before)} rules before it leave anything was not looked at",
                       undecided=True)  # fmt: skip
    try:
        left = section.prover.case(view.formula, *(negated(other.formula) for other in before))
    except Undecided:
        return Pairing(
            view, None, kind, "whether the rules before it leave anything has too many cases", undecided=True
        )
    if left is not None:
        return None
    names = ", ".join(repr(other.id) for other in before[:5])
    return Pairing(
        view, before[0], path, f"rules before it ({names}) together decide wherever this rule matches",
        "give this rule a lower priority number, or remove it", _witness(section, view),
    )  # fmt: skip


def contradictions(section: Section, world: World) -> Iterator[Pairing]:
    """Rules that can match one order and then leave it no location or no service, and preferences for nothing."""
    told: set[str] = set()
    judged = [view for view in section.running if view.alive and not view.asked_for_candidates]
    alone = {id(view) for view in judged if leaves_nothing(view.actions, world)}
    for view in judged:
        if id(view) in alone:
            what = leaves_nothing(view.actions, world)
            yield Pairing(view, None, f"{view.path}/then", f"its actions leave no {what}",
                          "take one of them out", _witness(section, view))  # fmt: skip
    restricting = [view for view in judged if id(view) not in alone and _restricts(view)]
    for index, view in enumerate(restricting):
        for other in restricting[:index]:
            if view.id in told:
                break
            what = leaves_nothing((*other.actions, *view.actions), world)
            if what and view.meets_in_time(other) and _may_meet(view, other):
                found = _both(section, view, other, what)
                if found is not None:
                    told.add(view.id)
                    yield found
    for view in judged:
        yield from _vain(section, view, restricting, world)


def _restricts(view: View) -> bool:
    return any(action.restricts for action in view.actions)


def _both(section: Section, view: View, other: View, what: str) -> Pairing | None:
    try:
        case = section.prover.case(view.formula, other.formula)
    except Undecided:
        case = {}
    if case is None:
        return None
    shared = view.matched & other.matched
    witness = section.witness(case, view, other)
    if shared and witness is None:
        facts = section.orders[min(shared)][1]
        witness = {
            name: facts[name] for v in (view, other) for c in v.clauses for name in c.clause.facts if name in facts
        }
    reason = f"it and rule {other.id!r} leave no {what} for an order that both match"
    if witness is None:
        return Pairing(view, other, f"{view.path}/then", f"{reason}; whether there is such an order is not known",
                       undecided=True)  # fmt: skip
    return Pairing(view, other, f"{view.path}/then", reason, "make their clauses exclude each other", witness)


def _vain(section: Section, view: View, restricting: list[View], world: World) -> Iterator[Pairing]:
    for index, action in enumerate(view.actions):
        for other in restricting if isinstance(action, Prefer | PreferServices) else ():
            if _in_vain(section, view, action, other, world):
                yield Pairing(
                    view, other, f"{view.path}/then/{index}",
                    f"rule {other.id!r} takes out what this prefers, wherever this rule matches",
                    "narrow the other rule, or remove this preference", _witness(section, view),
                )  # fmt: skip
                break


def _in_vain(section: Section, view: View, action: Action, other: View, world: World) -> bool:
    if not in_vain(action, other.actions, world) or not _may_meet(view, other):
        return False
    lasting = other.rule.valid_from is None and other.rule.valid_to is None
    return lasting and (other is view or _implies(section, view, other))


def _implies(section: Section, view: View, other: View) -> bool:
    """Whether the other matches wherever the first does; False where that is not certain."""
    try:
        return section.prover.case(view.formula, negated(other.formula)) is None
    except Undecided:
        return False


def _may_meet(view: View, other: View) -> bool:
    """A quick look: whether no fact that both fix rules out that they match together."""
    one, two = view.sure, other.sure
    return all(met(one[subject], two[subject]) is not None for subject in one.keys() & two.keys())


def _witness(section: Section, view: View) -> Mapping[str, FactValue] | None:
    case: Case = view.case or {}
    return section.witness(case, view)
