"""All SQL of routing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Table,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from hub.inventory.tables import StockLevelRow
from hub.kit.bulk import add_rows, among, delete_rows, insert_new, insert_rows, put_rows
from hub.kit.ids import is_id
from hub.kit.types import Id, UtcDateTime
from hub.orders.tables import OrderEventRow
from hub.routing.rules.places import Place
from hub.routing.tables import (
    LocationLoadRow,
    ParkedPlanRow,
    PlaceRow,
    PlanningInputRow,
    RoutingDecisionRow,
    RuleSetRow,
)

EMPTY_ID = "00000000-0000-7000-8000-000000000000"
"""Stands for the rules of a hub where nobody has activated any: every location may send, the nearest first."""
DECISIONS: Table = RoutingDecisionRow.__table__  # type: ignore[assignment]
INPUTS: Table = PlanningInputRow.__table__  # type: ignore[assignment]
PLACES: Table = PlaceRow.__table__  # type: ignore[assignment]
PARKED: Table = ParkedPlanRow.__table__  # type: ignore[assignment]
WaitingSince = tuple[datetime, str]
"""Since when an order waits, and its id: its place among those that wait."""

LOADS: Table = LocationLoadRow.__table__  # type: ignore[assignment]


def active_rule_set(session: Session) -> RuleSetRow | None:
    """The version that decides."""
    return session.scalars(select(RuleSetRow).where(RuleSetRow.state == "active")).one_or_none()


def rules_stamp() -> tuple[ScalarSelect[Any], ...]:
    """Which version decides, and since when."""
    return tuple(
        select(column).where(RuleSetRow.state == "active").scalar_subquery()
        for column in (RuleSetRow.rule_set_id, RuleSetRow.activated_at)
    )


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


def inputs_stamp() -> ScalarSelect[int]:
    """Rises with every version of an input that is kept."""
    return select(func.count()).select_from(INPUTS).scalar_subquery()


def next_inputs_at(session: Session, *, at: datetime) -> datetime | None:
    """When the next version of an input that is kept already becomes valid."""
    first: datetime | None = session.scalar(select(func.min(INPUTS.c.valid_from)).where(INPUTS.c.valid_from > at))
    return first


def current_inputs(session: Session, *, at: datetime) -> list[Row[Any]]:
    """The newest version of every rate card, calendar and capacity that is valid now."""
    newest = (
        select(PlanningInputRow.kind, PlanningInputRow.key, func.max(PlanningInputRow.version).label("version"))
        .where(PlanningInputRow.valid_from <= at)
        .group_by(PlanningInputRow.kind, PlanningInputRow.key)
        .subquery()
    )
    columns = (PlanningInputRow.kind, PlanningInputRow.key, PlanningInputRow.version, PlanningInputRow.body)
    statement = select(*columns).join(
        newest,
        (PlanningInputRow.kind == newest.c.kind)
        & (PlanningInputRow.key == newest.c.key)
        & (PlanningInputRow.version == newest.c.version),
    )
    return list(session.execute(statement))


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


def decided_orders(session: Session) -> tuple[int, int]:
    """How many orders were planned or could not be, as their timelines say; how many of them have a decision."""
    told = select(OrderEventRow.order_id).where(
        OrderEventRow.kind.in_(("order.planned", "order.unfillable", "order.needs_person", "order.waits_for_transfer"))
    )
    orders = told.distinct().subquery()
    recorded = exists().where(RoutingDecisionRow.order_id == orders.c.order_id)
    counted = select(func.count(), func.count().filter(recorded)).select_from(orders)
    decided, with_record = session.execute(counted).one()
    return int(decided), int(with_record)


def input_version(session: Session, kind: str, key: str, version: int) -> PlanningInputRow | None:
    """One version of one input."""
    statement = select(PlanningInputRow).where(PlanningInputRow.kind == kind, PlanningInputRow.key == key)
    return session.scalars(statement.where(PlanningInputRow.version == version)).one_or_none()


def put_places(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store places, known ones with their new coordinates."""
    put_rows(session, PLACES, rows, key=("country", "name", "kind", "region"))


def places(session: Session, *, countries: Collection[str], names: Collection[str]) -> list[Place]:
    """The places of these names in these countries."""
    statement = select(PLACES).where(among(session, PLACES.c.country, countries), among(session, PLACES.c.name, names))
    return [Place(**row._mapping) for row in session.execute(statement)]


def park(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Orders wait for stock or for a person; one that waited before keeps its place and gets the new reason.

    What is missing is cancelled `cancel_after` minutes after it began to wait (None: never).
    """
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
        [_parked(row, since.get(row["order_id"], row["parked_at"])) for row in rows],
        key=("order_id", "sku"),
    )


def _parked(row: Mapping[str, Any], since: datetime) -> dict[str, Any]:
    minutes = row["cancel_after"]
    ends = None if minutes is None else since + timedelta(minutes=minutes)
    return {
        **{name: row[name] for name in ("order_id", "sku", "reason", "due_at")},
        "parked_at": since,
        "cancel_at": ends,
    }


def unpark(session: Session, order_ids: Collection[str]) -> None:
    """Orders wait no more."""
    delete_rows(session, PARKED, [{"order_id": order_id} for order_id in order_ids])


def waiting(
    session: Session, *, what: ColumnElement[bool], after: WaitingSince | None, limit: int
) -> list[WaitingSince]:
    """A page of the orders that wait for something that may have come, the longest waiting first."""
    place = (ParkedPlanRow.parked_at, ParkedPlanRow.order_id)
    statement = select(*place).where(what).distinct().order_by(*place).limit(limit)
    if after is not None:
        moment, order_id = literal(after[0], UtcDateTime()), literal(after[1], Id())
        statement = statement.where(tuple_(*place) > tuple_(moment, order_id))
    return [(row.parked_at, row.order_id) for row in session.execute(statement)]


def due_preorders(session: Session, *, at: datetime, limit: int) -> list[tuple[datetime, str]]:
    """Pre-orders whose day has come, by their day; each is told once, whoever asks."""
    statement = select(PARKED.c.due_at, PARKED.c.order_id).where(PARKED.c.due_at <= at).limit(limit)
    found = session.execute(statement.order_by(PARKED.c.due_at, PARKED.c.parked_at, PARKED.c.order_id)).all()
    if found:
        told = update(PARKED).where(among(session, PARKED.c.order_id, {row.order_id for row in found}))
        session.execute(told.values(due_at=None))
    return [(row.due_at, row.order_id) for row in found]


def due_cancellations(session: Session, *, at: datetime, limit: int) -> list[tuple[datetime, str]]:
    """Orders whose missing goods are to be cancelled by now, by their time."""
    statement = select(PARKED.c.cancel_at, PARKED.c.order_id).where(PARKED.c.cancel_at <= at).distinct()
    rows = session.execute(statement.order_by(PARKED.c.cancel_at, PARKED.c.order_id).limit(limit))
    return [(row.cancel_at, row.order_id) for row in rows]


def is_to_be_cancelled(session: Session, order_id: str, *, at: datetime) -> bool:
    """Whether what an order waits for is to be cancelled by now."""
    waits = select(PARKED.c.order_id).where(PARKED.c.order_id == order_id, PARKED.c.cancel_at <= at)
    return session.execute(waits.limit(1)).first() is not None


def stock_came(skus: Collection[str]) -> ColumnElement[bool]:
    """More is there of SKUs that are waited for."""
    return ParkedPlanRow.sku.in_(skus)


def location_came(code: str) -> ColumnElement[bool]:
    """A location may send now what it could not: it must have some of what is waited for.

    Whoever waits for a person (no SKU) is looked at too, unless a rule that is broken or a pre-order is the reason.
    """
    has_some = (
        select(StockLevelRow.sku)
        .where(StockLevelRow.location == code, StockLevelRow.sku == ParkedPlanRow.sku)
        .where(
            StockLevelRow.on_hand - StockLevelRow.reserved - StockLevelRow.safety + StockLevelRow.oversell_allowance > 0
        )
        .exists()
    )
    return or_(has_some, and_(ParkedPlanRow.sku == "", ParkedPlanRow.reason.not_in(("rule_error", "preorder"))))


def service_came() -> ColumnElement[bool]:
    """A carrier is set up differently: who found no service for its parcels may find one."""
    return ParkedPlanRow.reason == "no_service"


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
    rows = [
        {"location": location, "day": day, "fulfilment_orders": count}
        for (location, day), count in sorted(given.items())
    ]
    add_rows(session, LOADS, rows, key=("location", "day"), add="fulfilment_orders")
