"""Look for rules that cannot do what they are written for, with what the hub knows now and the last orders."""

from datetime import datetime

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.inventory.service.locations import list_locations
from hub.kit.rules.lint import LintReport, lint
from hub.kit.rules.lint_effects import World
from hub.kit.rules.rule_set import RuleSet
from hub.routing.service.backtest import newest
from hub.routing.service.references import known_references


def lint_rules(session: Session, *, rules: RuleSet, adapters: Adapters, at: datetime, last: int) -> LintReport:
    """Everything that is wrong with `rules`; the newest `last` orders that were planned serve as witnesses."""
    references = known_references(session, adapters, document=rules.document())
    world = World({place.code: frozenset(place.capabilities) for place in list_locations(session)}, references.services)
    stored = [row.inputs["order"] for page in newest(session, last) for row in page]
    orders = [(order["number"], order["facts"]) for order in stored]
    return lint(rules, now=at, world=world, references=references, orders=orders)
