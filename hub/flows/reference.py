"""What every batch reads and hardly anybody changes: connections, the rules that decide, locations, planning inputs.

A process keeps it. Each transaction asks in one statement whether it is still so, and reads it anew where it is not:
what is committed is in force in the next transaction of every process.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.connections import repository as connections_repository
from hub.connections.service.adapters import Adapters, ConnectionInfo, describe
from hub.inventory import repository as inventory_repository
from hub.jobs import repository as jobs_repository
from hub.jobs.service.restored import restored_at
from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing import repository as routing_repository
from hub.routing.service.inputs import Standing, read_standing
from hub.routing.service.rule_sets import active_rules

_OF_THIS_TRANSACTION = "reference"
_STAMP = select(
    connections_repository.stamp(), inventory_repository.locations_stamp(), *routing_repository.rules_stamp(),
    routing_repository.inputs_stamp(), jobs_repository.restores_stamp(),
)  # fmt: skip


Kept = tuple[tuple[Any, ...], Any]


@dataclass(frozen=True, slots=True)
class Known:
    """The reference data as one transaction finds it."""

    connections: dict[str, ConnectionInfo]
    """By id, in the order of their names."""
    rule_set_id: str
    rules: CompiledRuleSet
    restored_at: datetime | None

    def of_kind(self, kind: str) -> list[ConnectionInfo]:
        """All enabled connections of a kind."""
        return [info for info in self.connections.values() if info.enabled and info.kind == kind]


class Reference:
    """The reference data of a process; any number of threads may ask for it.

    A transaction that changes reference data itself must not ask before and after.
    """

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self._known: Kept | None = None
        self._standing: Kept | None = None

    def of(self, session: Session) -> Known:
        """What holds in this transaction."""
        stamp, kept = _stamp(session), self._known
        if kept is None or kept[0] != stamp:
            kept = stamp, self._read(session)
            if _still(session, stamp):
                self._known = kept
        known: Known = kept[1]
        return known

    def standing(self, session: Session, *, at: datetime) -> Standing:
        """What stands around orders that are planned. Apart from the rest, because it opens the carriers: one that
        cannot be opened holds up no order that is only read.
        """
        stamp, kept = _stamp(session), self._standing
        if kept is None or kept[0] != stamp or not kept[1].holds_at(at):
            carriers = [info for info in self.of(session).of_kind("carrier") if info.live]
            kept = stamp, read_standing(session, carriers=carriers, adapters=self._adapters, at=at)
            if _still(session, stamp):
                self._standing = kept
        standing: Standing = kept[1]
        return standing

    def _read(self, session: Session) -> Known:
        rows = connections_repository.listed(session, kind=None, after=None, limit=None)
        connections = {row.connection_id: describe(row) for row in rows}
        return Known(connections, *active_rules(session), restored_at(session))


def _stamp(session: Session) -> tuple[Any, ...]:
    """Asked once in a transaction."""
    stamp: tuple[Any, ...] | None = session.info.get(_OF_THIS_TRANSACTION)
    if stamp is None:
        stamp = session.info[_OF_THIS_TRANSACTION] = _ask(session)
    return stamp


def _still(session: Session, stamp: tuple[Any, ...]) -> bool:
    """Whether nobody changed anything while it was read: else that is good for this transaction, and not to be kept."""
    return _ask(session) == stamp


def _ask(session: Session) -> tuple[Any, ...]:
    """Never the same for two different contents: versions only rise, rows are never removed, and a restored database
    is told apart by when it was restored.
    """
    return tuple(session.execute(_STAMP).one())
