"""Golden orders as they are kept: added, replaced, taken in with a rule set's file, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.connections.service.adapters import Adapters, load_kind
from hub.kit.db import lock_names
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.rules.validation import RuleFault
from hub.kit.versions import check_version
from hub.routing import repository_golden
from hub.routing.rules.golden import MEMBER, Golden, GoldenOrder, GoldenWorld, golden_faults, read_golden
from hub.routing.rules.golden_made import location_document
from hub.routing.rules.places import Whereabouts
from hub.routing.service.inputs import read_standing, surroundings
from hub.routing.service.places import locate_all
from hub.routing.service.references import known_references
from hub.routing.tables import GoldenOrderRow

MAX_GOLDEN_ORDERS = 500
"""They run at every save: so many that nobody waits for it."""


def find_golden(session: Session, name: str) -> GoldenOrderRow:
    """One by its name."""
    row = session.get(GoldenOrderRow, name)
    if row is None:
        raise NotFound("golden_order", name)
    return row


def add_golden(
    session: Session, *, documents: Sequence[Any], replace: bool, adapters: Adapters, author: str, at: datetime,
    path: str = "",
) -> list[GoldenOrderRow]:  # fmt: skip
    """Keep golden orders; all are refused where one has a fault, and 409 where a name is taken, unless `replace`.

    What their worlds leave out is taken from the hub as it is now. `path` is where they are in what was sent.
    """
    refuse_golden_faults(faults_of_golden(session, documents, adapters, path))
    lock_names(session, ["routing:golden_orders"])
    golden = [read_golden(document) for document in documents]
    known = repository_golden.named(session, [one.name for one in golden])
    if known and not replace:
        raise StateConflict(
            "golden_order_exists",
            f"There is a golden order {', '.join(sorted(known))} already: choose another name, or replace it "
            "(`--replace`, PUT /v1/routing/golden-orders/NAME).",
        )
    count = len(repository_golden.golden_orders(session, limit=MAX_GOLDEN_ORDERS)) + len(golden) - len(known)
    if count > MAX_GOLDEN_ORDERS:
        raise InvalidInput(
            "too_many_golden_orders",
            f"There may be {MAX_GOLDEN_ORDERS} golden orders, because they run at every save: delete some first.",
        )
    return [
        _keep(session, known.get(one.name), complete(session, one, adapters, at), author=author, at=at)
        for one in golden
    ]


def replace_golden(
    session: Session, *, name: str, document: Mapping[str, Any], version: int | None, adapters: Adapters, author: str,
    at: datetime,
) -> GoldenOrderRow:  # fmt: skip
    """Another text for one of this name; 412 where `version` (if given) is not its version any more."""
    check_version(version, find_golden(session, name).version)
    given = document.get("name", name)
    if given != name:
        raise InvalidInput("other_name", f"The document is named {given!r}: leave its name out, or write {name!r}.")
    (row,) = add_golden(
        session, documents=[{**document, "name": name}], replace=True, adapters=adapters, author=author, at=at
    )
    return row


def delete_golden(session: Session, *, name: str, version: int | None, actor: str, at: datetime) -> None:
    """Forget one; the audit trail keeps what it expected."""
    row = find_golden(session, name)
    check_version(version, row.version)
    _note(session, "golden_order.deleted", name, actor, at, before=_summary(row.body))
    session.delete(row)
    session.flush()


def faults_of_golden(session: Session, documents: Sequence[Any], adapters: Adapters, path: str = "") -> list[RuleFault]:
    """Every fault of golden orders that people send; `path` is where the list of them is, or the only one."""
    known, faults, seen = known_references(session, adapters), [], set()
    for place, document in enumerate(documents):
        here = f"{path}/{place}" if path else ""
        faults += golden_faults(document, known, here)
        name = document.get("name") if isinstance(document, Mapping) else None
        if isinstance(name, str) and name in seen:
            faults.append(RuleFault(f"{here}/name", f"the name {name!r} is taken", "give it a name of its own"))
        seen.add(name if isinstance(name, str) else None)
    return faults


def refuse_golden_faults(faults: Sequence[RuleFault]) -> None:
    """422 with every fault."""
    if faults:
        shown = "; ".join(f"{fault.path}: {fault.reason}" for fault in faults[:5])
        raise InvalidInput(
            "invalid_golden_order", f"There are {len(faults)} fault(s): {shown}",
            extra={"errors": [asdict(fault) for fault in faults]},
        )  # fmt: skip


def with_golden(session: Session, body: Mapping[str, Any]) -> dict[str, Any]:
    """A rule set's document with all golden orders, as files have them together."""
    return {**body, MEMBER: [row.body for row in repository_golden.golden_orders(session)]}


def complete(session: Session, golden: Golden, adapters: Adapters, at: datetime) -> Golden:
    """With the moment, the locations and prices of now where its world leaves them out, and with coordinates."""
    world = _world(session, golden.world, adapters, at)
    return golden.model_copy(update={"world": world, "order": _order(session, golden.order, world.now or at)})


def _world(session: Session, world: GoldenWorld, adapters: Adapters, at: datetime) -> GoldenWorld:
    found: dict[str, Any] = {"now": at.replace(second=0, microsecond=0)} if world.now is None else {}
    priced = world.rates is not None or world.rate_cards is not None
    if world.locations is None or not priced:
        live = [info for info in load_kind(session, "carrier") if info.live]
        standing = read_standing(session, carriers=live, adapters=adapters, at=at)
        around = surroundings(session, standing=standing, at=at, keep=True)
        if world.locations is None:
            places = [
                location_document(place, around.known[place.code].address.get("city") or "")
                for place in around.locations
            ]
            found["locations"] = GoldenWorld.model_validate({"locations": tuple(places)}, strict=False).locations
        if not priced:
            found["rate_cards"] = {info.name: info.version for info in standing.rate_cards}
    return world.model_copy(update=found)


def _order(session: Session, order: GoldenOrder, now: datetime) -> GoldenOrder:
    to = order.ship_to
    found: dict[str, Any] = {"placed_at": order.placed_at or now}
    if to.latitude is None or to.longitude is None:
        wanted = Whereabouts(to.country, to.region, to.postal_code, to.city)
        place = locate_all(session, [wanted]).get(wanted)
        if place is not None:
            found["ship_to"] = to.model_copy(update={"latitude": place.latitude, "longitude": place.longitude})
    return order.model_copy(update=found)


def _keep(
    session: Session, row: GoldenOrderRow | None, golden: Golden, *, author: str, at: datetime
) -> GoldenOrderRow:  # fmt: skip
    body = golden.document()
    if row is None:
        row = GoldenOrderRow(name=golden.name, version=1, body=body, author=author, created_at=at, changed_at=at)
        session.add(row)
        _note(session, "golden_order.added", golden.name, author, at, after=_summary(body))
    elif row.body != body:
        _note(session, "golden_order.changed", golden.name, author, at, _summary(row.body), _summary(body))
        row.version, row.body, row.author, row.changed_at = row.version + 1, body, author, at
    session.flush()
    return row


def _summary(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"about": body.get("about", ""), "expect": body["expect"]}


def _note(
    session: Session, action: str, name: str, actor: str, at: datetime, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    record(
        session, actor=actor, action=action, subject_kind="golden_order", subject_id=name, before=before, after=after,
        at=at,
    )  # fmt: skip
