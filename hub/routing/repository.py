"""All SQL of routing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, literal, or_, select, true, tuple_, update
from sqlalchemy.orm import Session

from hub.inventory.tables import StockLevelRow
from hub.kit.bulk import among, insert_new, insert_rows
from hub.kit.ids import is_id
from hub.kit.types import Id, UtcDateTime
from hub.routing.tables import LocationLoadRow, ParkedPlanRow, PlanningInputRow, RoutingDecisionRow, RuleSetRow

DECISIONS: Table = RoutingDecisionRow.__table__  # type: ignore[assignment]
INPUTS: Table = PlanningInputRow.__table__  # type: ignore[assignment]
PARKED: Table = ParkedPlanRow.__table__  # type: ignore[assignment]
Place = tuple[datetime, str]
"""Since when an order waits, and its id: its place among those that wait."""

LOADS: Table = LocationLoadRow.__table__  # type: ignore[assignment]


def active_rule_set(session: Session) -> RuleSetRow | None:
    """The version that decides."""
    return session.scalars(select(RuleSetRow).where(RuleSetRow.state == "active")).one_or_none()


def rule_set(session: Session, reference: str) -> RuleSetRow | None:
    """One version by id or by its number."""
    if reference.isdigit():
        return session.scalars(select(RuleSetRow).where(RuleSetRow.version == int(reference))).one_or_none()
    return session.get(RuleSetRow, reference) if is_id(reference) else None


def rule_sets(session: Session, *, before: int | None, limit: int) -> list[RuleSetRow]:
    """Versions, newest first."""
    statement = select(RuleSetRow).order_by(RuleSetRow.version.desc()).limit(limit)
    return list(session.scalars(statement if before is None else statement.where(RuleSetRow.version < before)))


def next_version(session: Session) -> int:
    """The number of a new version."""
    return int(session.scalar(select(func.max(RuleSetRow.version))) or 0) + 1


def retire_active(session: Session) -> None:
    """No version decides for the rest of this transaction's statement order."""
    session.execute(
        update(RuleSetRow)
        .where(RuleSetRow.state == "active")
        .values(state="retired")
        .execution_options(synchronize_session=False)
    )


def current_inputs(session: Session, *, at: datetime) -> list[PlanningInputRow]:
    """The newest version of every rate card, calendar and capacity that is valid now."""
    newest = (
        select(PlanningInputRow.kind, PlanningInputRow.key, func.max(PlanningInputRow.version).label("version"))
        .where(PlanningInputRow.valid_from <= at)
        .group_by(PlanningInputRow.kind, PlanningInputRow.key)
        .subquery()
    )
    statement = select(PlanningInputRow).join(
        newest,
        (PlanningInputRow.kind == newest.c.kind)
        & (PlanningInputRow.key == newest.c.key)
        & (PlanningInputRow.version == newest.c.version),
    )
    return list(session.scalars(statement))


def latest_input_version(session: Session, kind: str, key: str) -> int:
    """The highest version of one input; 0 where there is none."""
    statement = select(func.max(PlanningInputRow.version))
    found = session.scalar(statement.where(PlanningInputRow.kind == kind, PlanningInputRow.key == key))
    return int(found or 0)


def insert_inputs(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep versions of inputs that are not kept yet."""
    insert_new(session, INPUTS, rows, key=("kind", "key", "version"))


def inputs_of(session: Session, *, kind: str | None, key: str | None, limit: int) -> list[PlanningInputRow]:
    """Versions of inputs, newest first."""
    statement = select(PlanningInputRow).order_by(PlanningInputRow.planning_input_id.desc()).limit(limit)
    if kind is not None:
        statement = statement.where(PlanningInputRow.kind == kind)
    if key is not None:
        statement = statement.where(PlanningInputRow.key == key)
    return list(session.scalars(statement))


def insert_decisions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep decisions."""
    insert_rows(session, DECISIONS, rows)


def latest_decision(session: Session, order_id: str) -> RoutingDecisionRow | None:
    """The last decision about an order."""
    statement = select(RoutingDecisionRow).where(RoutingDecisionRow.order_id == order_id)
    return session.scalars(statement.order_by(RoutingDecisionRow.decision_id.desc()).limit(1)).one_or_none()


def newest_decisions(session: Session, *, before: str | None, limit: int) -> list[Any]:
    """A page of decisions as plain rows, newest first, those before a decision id."""
    statement = select(DECISIONS).order_by(DECISIONS.c.decision_id.desc()).limit(limit)
    return list(session.execute(statement if before is None else statement.where(DECISIONS.c.decision_id < before)))


def input_version(session: Session, kind: str, key: str, version: int) -> PlanningInputRow | None:
    """One version of one input."""
    statement = select(PlanningInputRow).where(PlanningInputRow.kind == kind, PlanningInputRow.key == key)
    return session.scalars(statement.where(PlanningInputRow.version == version)).one_or_none()


def park(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Orders wait for stock or for a person; one that waited before keeps its place and gets the new reason."""
    if not rows:
        return
    order_ids = {row["order_id"] for row in rows}
    before = select(PARKED.c.order_id, func.min(PARKED.c.parked_at)).where(among(session, PARKED.c.order_id, order_ids))
    since = dict(session.execute(before.group_by(PARKED.c.order_id)).all())
    if since:
        unpark(session, since)
    insert_new(
        session,
        PARKED,
        [{**row, "parked_at": since.get(row["order_id"], row["parked_at"])} for row in rows],
        key=("order_id", "sku"),
    )


def unpark(session: Session, order_ids: Collection[str]) -> None:
    """Orders wait no more."""
    session.execute(delete(PARKED).where(among(session, PARKED.c.order_id, order_ids)))


def waiting(session: Session, *, what: ColumnElement[bool], after: Place | None, limit: int) -> list[Place]:
    """A page of the orders that wait for something that may have come, the longest waiting first."""
    place = (ParkedPlanRow.parked_at, ParkedPlanRow.order_id)
    statement = select(*place).where(what).distinct().order_by(*place).limit(limit)
    if after is not None:
        moment, order_id = literal(after[0], UtcDateTime()), literal(after[1], Id())
        statement = statement.where(tuple_(*place) > tuple_(moment, order_id))
    return [(row.parked_at, row.order_id) for row in session.execute(statement)]


def stock_came(skus: Collection[str]) -> ColumnElement[bool]:
    """More is there of SKUs that are waited for."""
    return ParkedPlanRow.sku.in_(skus)


def location_came(code: str) -> ColumnElement[bool]:
    """A location may send now what it could not: it must have some of what is waited for.

    Whoever waits for a person (no SKU) is looked at too, unless a rule that is broken is the reason.
    """
    has_some = (
        select(StockLevelRow.sku)
        .where(StockLevelRow.location == code, StockLevelRow.sku == ParkedPlanRow.sku)
        .where(
            StockLevelRow.on_hand - StockLevelRow.reserved - StockLevelRow.safety + StockLevelRow.oversell_allowance > 0
        )
        .exists()
    )
    return or_(has_some, and_(ParkedPlanRow.sku == "", ParkedPlanRow.reason != "rule_error"))


def rules_came() -> ColumnElement[bool]:
    """Other rules decide: anything may come of it."""
    return true()


def waited_skus(session: Session, *, limit: int) -> list[str]:
    """SKUs that orders wait for."""
    statement = select(ParkedPlanRow.sku).where(ParkedPlanRow.sku != "").distinct().limit(limit)
    return list(session.scalars(statement))


def parked_counts(session: Session) -> dict[str, int]:
    """Parked orders by reason."""
    statement = select(ParkedPlanRow.reason, func.count(func.distinct(ParkedPlanRow.order_id)))
    return dict(session.execute(statement.group_by(ParkedPlanRow.reason)).all())


def loads(session: Session, *, since: date) -> dict[tuple[str, date], int]:
    """What was given to locations by day."""
    statement = select(LocationLoadRow.location, LocationLoadRow.day, LocationLoadRow.fulfilment_orders)
    found = session.execute(statement.where(LocationLoadRow.day >= since))
    return {(location, day): count for location, day, count in found}


def add_loads(session: Session, given: Mapping[tuple[str, date], int]) -> None:
    """Count what was given to locations; in one fixed order, so that two planners never wait for each other."""
    for (location, day), count in sorted(given.items()):
        done = session.execute(
            update(LocationLoadRow)
            .where(LocationLoadRow.location == location, LocationLoadRow.day == day)
            .values(fulfilment_orders=LocationLoadRow.fulfilment_orders + count)
            .returning(LocationLoadRow.location)
            .execution_options(synchronize_session=False)
        ).first()
        if done is None and not insert_new(
            session, LOADS, [{"location": location, "day": day, "fulfilment_orders": count}], key=("location", "day")
        ):
            add_loads(session, {(location, day): count})
