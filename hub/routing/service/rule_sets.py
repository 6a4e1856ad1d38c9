"""Versions of the rules: saved whole or refused whole, immutable once active."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters, load_kind
from hub.inventory.service.locations import list_locations
from hub.jobs.service.publish import publish
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.kit.rules.validation import KnownReferences, validate_rule_set
from hub.routing import repository
from hub.routing.events import rules_activated
from hub.routing.service.hooks import plugin_rankers
from hub.routing.tables import RuleSetRow

EMPTY_ID = "00000000-0000-7000-8000-000000000000"
"""Stands for the rules of a hub where nobody has activated any: every location may send, the nearest first."""


def active_rules(session: Session) -> tuple[str, CompiledRuleSet]:
    """Id and compiled form of the rules that decide now; compiled once for each content."""
    row = repository.active_rule_set(session)
    if row is None:
        return EMPTY_ID, compile_rule_set(RuleSet())
    return row.rule_set_id, compile_rule_set(read_rule_set(row.body))


def create_rule_set(
    session: Session, *, document: Mapping[str, Any], adapters: Adapters, author: str, comment: str, at: datetime
) -> RuleSetRow:
    """Save a draft; an invalid one is refused as `check_rule_set` does."""
    rules = check_rule_set(session, document=document, adapters=adapters)
    row = RuleSetRow(
        rule_set_id=new_id(), version=repository.next_version(session), state="draft",
        content_hash=rules.content_hash, body=rules.document(), author=author, comment=comment, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def check_rule_set(session: Session, *, document: Mapping[str, Any], adapters: Adapters) -> RuleSet:
    """The rules of a document; `InvalidInput` names every fault at once (path, line, column, reason, suggestion)."""
    faults = validate_rule_set(dict(document), known_references(session, adapters))
    if faults:
        shown = "; ".join(f"{fault.path}: {fault.reason}" for fault in faults[:5])
        raise InvalidInput(
            "invalid_rule_set", f"The rule set has {len(faults)} fault(s): {shown}",
            extra={"errors": [asdict(fault) for fault in faults]},
        )  # fmt: skip
    return read_rule_set(document)


def activate_rule_set(session: Session, *, reference: str, actor: str, at: datetime) -> RuleSetRow:
    """Make a version decide from now on; the one before is retired. An earlier version may come back (rollback).

    Publishes `routing.rules_activated`: orders that wait are planned by the new rules.
    """
    row = repository.rule_set(session, reference)
    if row is None:
        raise NotFound("rule_set", reference)
    if row.state == "active":
        raise StateConflict("already_active", f"Rule set version {row.version} is active already.")
    repository.retire_active(session)
    row.state, row.activated_at, row.activated_by = "active", at, actor
    session.flush()
    publish(session, [rules_activated(rule_set_id=row.rule_set_id, cause=at.isoformat())])
    return row


def known_references(session: Session, adapters: Adapters) -> KnownReferences:
    """What rules may name now: locations, their capabilities, services of the carriers, rankers of plugins."""
    locations = list_locations(session)
    services = frozenset(
        f"{carrier.name}/{service.code}"
        for carrier in load_kind(session, "carrier")
        for service in adapters.carrier(carrier).services()
    )
    return KnownReferences(
        locations=frozenset(location.code for location in locations), services=services,
        capabilities=frozenset(name for location in locations for name in location.capabilities),
        plugin_rankers=frozenset(plugin_rankers(adapters.host)),
    )  # fmt: skip
