"""Everything that one transaction changes about its orders, written in three statements at its end.

Callers lock the orders first (`lock`), so that sequence numbers and counters have one writer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from hub.kit.bulk import among, insert_new, insert_rows, update_rows
from hub.kit.types import scale_up
from hub.orders.rules.counters import Deltas, LineState
from hub.orders.tables import COUNTERS, OrderEventRow, OrderLineRow, OrderRow
from hub.sdk.errors import Transient

ORDERS: Table = OrderRow.__table__  # type: ignore[assignment]
LINES: Table = OrderLineRow.__table__  # type: ignore[assignment]
EVENTS: Table = OrderEventRow.__table__  # type: ignore[assignment]
_COUNTED = ("order_id", "event_count", "version")


@dataclass(slots=True)
class _Pending:
    sequence: int
    version: int
    values: dict[str, Any] = field(default_factory=dict)
    touched: bool = False


class OrderChanges:
    """Collects events, counter deltas and column changes; `flush` writes them."""

    def __init__(self) -> None:
        self._orders: dict[str, _Pending] = {}
        self._events: list[dict[str, Any]] = []
        self._deltas: dict[str, Deltas] = {}
        self._new: dict[str, tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]] = {}

    def knows(self, order_id: str) -> bool:
        """Whether the order is locked (or new) in this transaction."""
        return order_id in self._orders

    def add_new(self, row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
        """An order that this transaction makes: its row and lines are inserted as they are when `insert` comes."""
        self._orders[row["order_id"]] = _Pending(sequence=0, version=0)
        self._new[row["order_id"]] = row, lines

    def add_locked(self, order_id: str, *, event_count: int, version: int) -> None:
        """An order whose row this transaction has locked."""
        self._orders.setdefault(order_id, _Pending(sequence=event_count, version=version))

    def record(
        self,
        order_id: str,
        kind: str,
        *,
        actor: str,
        cause: str | None = None,
        data: Mapping[str, Any] | None = None,
        lines: Mapping[str, Deltas] | None = None,
        stored: bool = False,
    ) -> None:
        """One entry of the timeline, with what it does to line counters.

        `stored` tells that the lines' rows already hold these deltas (they are inserted in the same transaction).
        """
        pending = self._orders[order_id]
        pending.sequence += 1
        pending.touched = True
        deltas = {line: change for line, change in (lines or {}).items() if change}
        self._events.append(
            {
                "order_id": order_id, "sequence": pending.sequence, "kind": kind, "actor": actor, "cause": cause,
                "data": dict(data or {}), "lines": {line: _thousandths(change) for line, change in deltas.items()},
            }
        )  # fmt: skip
        if not stored:
            for line, change in deltas.items():
                total = self._deltas.setdefault(line, {})
                for name, amount in change.items():
                    total[name] = total.get(name, Decimal(0)) + amount

    def set(self, order_id: str, values: Mapping[str, Any]) -> None:
        """Change columns of an order (each axis has one writer: the package that calls this)."""
        pending = self._orders[order_id]
        pending.values.update(values)
        pending.touched = True

    def value(self, order_id: str, column: str, default: Any) -> Any:
        """A column's value as this transaction will leave it."""
        return self._orders[order_id].values.get(column, default)

    def insert(self, session: Session, *, at: datetime) -> None:
        """Insert the new orders with all that is known of them by now, so that they need no update at once; call it
        before rows that refer to them are written.
        """
        if not self._new:
            return
        # in one fixed order, so that two workers with the same orders never wait for each other crosswise
        heads = sorted((head for head, _ in self._new.values()), key=lambda row: (row["account"], row["external_id"]))
        rows = []
        for head in heads:
            pending = self._orders[head["order_id"]]
            pending.version, pending.touched = 1, False
            values = {name: value for name, value in pending.values.items() if name in head}
            rows.append({**head, **values, "event_count": pending.sequence, "version": 1, "updated_at": at})
        if len(insert_new(session, ORDERS, rows, key=("account", "external_id"))) < len(rows):
            raise Transient("an order of the batch was made by somebody else at this moment", code="race")
        insert_rows(session, LINES, [line for _, lines in self._new.values() for line in lines])
        self._new.clear()

    def flush(self, session: Session, *, at: datetime) -> None:
        """Write everything; the object is empty of changes afterwards, and still knows its orders."""
        self.insert(session, at=at)
        insert_rows(session, EVENTS, [{**event, "at": at} for event in self._events])
        self._write_orders(session, at)
        self._write_lines(session)
        self._events.clear()
        self._deltas.clear()

    def _write_orders(self, session: Session, at: datetime) -> None:
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for order_id, pending in self._orders.items():
            if not pending.touched:
                continue
            pending.version += 1
            row = {
                "order_id": order_id, "event_count": pending.sequence, "version": pending.version, "updated_at": at,
                **pending.values,
            }  # fmt: skip
            by_columns.setdefault(tuple(sorted(row)), []).append(row)
            pending.values, pending.touched = {}, False
        for columns, rows in by_columns.items():
            update_rows(session, ORDERS, [{name: row[name] for name in columns} for row in rows], key=("order_id",))

    def _write_lines(self, session: Session) -> None:
        used = [name for name in COUNTERS if any(name in deltas for deltas in self._deltas.values())]
        rows = [
            {"order_line_id": line, **{name: deltas.get(name, Decimal(0)) for name in used}}
            for line, deltas in sorted(self._deltas.items())
        ]
        if used:
            update_rows(session, LINES, rows, key=("order_line_id",), add=used)


def lock(
    session: Session, changes: OrderChanges, order_ids: Collection[str], *, columns: Sequence[str] = ()
) -> dict[str, Row[Any]]:
    """Lock the orders in one fixed order and make them known to the changes; plain rows by id.

    `columns` narrows what is read beside the id and the counters of changes; the default is everything.
    """
    picked = [ORDERS.c[name] for name in dict.fromkeys((*_COUNTED, *columns))] if columns else [*ORDERS.c]
    statement = select(*picked).where(among(session, ORDERS.c.order_id, order_ids))
    statement = statement.order_by(ORDERS.c.order_id).with_for_update()
    rows = {row.order_id: row for row in session.execute(statement)}
    for order_id, row in rows.items():
        changes.add_locked(order_id, event_count=row.event_count, version=row.version)
    return rows


def lines_of(session: Session, order_ids: Collection[str], *, columns: Sequence[str] = ()) -> dict[str, list[Row[Any]]]:
    """Lines of orders as plain rows, in the order's own sequence; `columns` narrows what is read of them."""
    picked = [LINES.c[name] for name in ("order_id", *columns)] if columns else [*LINES.c]
    statement = select(*picked).where(among(session, LINES.c.order_id, order_ids))
    statement = statement.order_by(LINES.c.order_id, LINES.c.position)
    found: dict[str, list[Row[Any]]] = {order_id: [] for order_id in order_ids}
    for row in session.execute(statement):
        found[row.order_id].append(row)
    return found


def line_state(row: Row[Any]) -> LineState:
    """The counters of a stored line."""
    return LineState(row.order_line_id, row.external_id, row.ships, {name: getattr(row, name) for name in COUNTERS})


def _thousandths(deltas: Deltas) -> dict[str, int]:
    return {name: scale_up(amount, 3) for name, amount in deltas.items() if amount}
