"""What the planner looks at beside orders and stock: locations, calendars, capacities, rate cards, each versioned."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.orm import Session

from hub.canonical.party import Address
from hub.canonical.shipping import Parcel, RateRequest
from hub.connections.service.adapters import Adapters, ConnectionInfo, load_kind
from hub.inventory.rules.locations import Location
from hub.inventory.service.locations import list_locations
from hub.jobs.service.publish import publish
from hub.kit.errors import InvalidInput
from hub.kit.ids import digest, new_id
from hub.routing import repository
from hub.routing.events import inputs_changed
from hub.routing.rules.calendar import Calendar
from hub.routing.rules.values import PlanLocation, Quote, RateQuery, Rates
from hub.routing.tables import PlanningInputRow
from hub.sdk.adapters import Carrier

PLANNED_BY = ("kind", "address", "latitude", "longitude", "capabilities", "rank", "enabled")
"""What of a location is stored for decisions that are computed again."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Locations and prices as they are now, and under which version."""

    locations: tuple[PlanLocation, ...]
    known: Mapping[str, Location]
    rates: Rates | None
    rates_version: str


def save_input(
    session: Session, *, kind: str, key: str, body: Mapping[str, Any], author: str, at: datetime,
    valid_from: datetime | None = None,
) -> PlanningInputRow:  # fmt: skip
    """A new version of a calendar or a capacity (key: location).

    Publishes `routing.inputs_changed` where it is valid at once; what is valid later is seen by the sweep for those
    who wait.
    """
    _check(kind, body)
    row = PlanningInputRow(
        planning_input_id=new_id(), kind=kind, key=key, version=repository.latest_input_version(session, kind, key) + 1,
        body=dict(body), content_hash=digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)),
        valid_from=valid_from or at, author=author,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if row.valid_from <= at:
        publish(session, [inputs_changed(location=key, cause=row.planning_input_id)])
    return row


def surroundings(session: Session, *, adapters: Adapters, at: datetime, keep: bool) -> Surroundings:
    """Everything around the orders of a batch: four statements.

    `keep` stores rate cards and locations that are new or have changed, so that the decisions can be recomputed;
    previews do not.
    """
    rows = repository.current_inputs(session, at=at)
    inputs = {(row.kind, row.key): row for row in rows}
    known = {location.code: location for location in list_locations(session)}
    loads = repository.loads(session, since=(at - timedelta(days=1)).date())
    carriers = [info for info in load_kind(session, "carrier") if info.live]
    priced = [(info, adapters.carrier(info)) for info in carriers]
    pure = [(info, carrier) for info, carrier in priced if carrier.pure_rates]
    rates = CarrierRates(pure, known) if pure else None
    if keep:
        current = [("rate_card", info.name, info.version, dict(info.settings)) for info, _ in pure]
        current += [("location", place.code, place.version, location_body(place)) for place in known.values()]
        _keep(session, current, inputs, at)
    versions = ",".join(sorted(f"{info.name}:{info.version}" for info, _ in pure))
    return Surroundings(
        locations=tuple(plan_location(location, inputs, loads) for location in known.values()), known=known,
        rates=rates, rates_version=versions,
    )  # fmt: skip


def calendar_of(body: Mapping[str, Any]) -> Calendar:
    """A stored calendar: `timezone`, `working_days` (1 Monday), `holidays` (ISO dates), `cutoff` (`HH:MM`)."""
    cutoff = body.get("cutoff")
    hours, minutes = (int(part) for part in cutoff.split(":")) if cutoff else (0, 0)
    return Calendar(
        timezone=body.get("timezone", "UTC"), working_days=tuple(body.get("working_days", (1, 2, 3, 4, 5))),
        holidays=frozenset(date.fromisoformat(day) for day in body.get("holidays", ())),
        cutoff=hours * 60 + minutes if cutoff else None,
    )  # fmt: skip


def location_body(location: Location) -> dict[str, Any]:
    """What the planner reads of a location, to be stored."""
    body = asdict(location)
    return {name: body[name] for name in PLANNED_BY}


def _keep(
    session: Session, current: Sequence[tuple[str, str, int, Mapping[str, Any]]],
    inputs: Mapping[tuple[str, str], PlanningInputRow], at: datetime,
) -> None:  # fmt: skip
    """What has versions of its own (a rate card those of its connection): whoever plans first with a new one stores it.

    `current` is (kind, key, version, body).
    """
    fresh = [
        {
            "planning_input_id": new_id(), "kind": kind, "key": key, "version": version, "body": body,
            "content_hash": digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)), "valid_from": at,
            "author": "connection" if kind == "rate_card" else "location",
        }
        for kind, key, version, body in current
        if (kind, key) not in inputs or inputs[kind, key].version != version
    ]  # fmt: skip
    repository.insert_inputs(session, fresh)


class CarrierRates:
    """Prices from carriers whose rates are pure functions of their tables."""

    def __init__(self, carriers: Sequence[tuple[ConnectionInfo, Carrier[Any]]], known: Mapping[str, Location]) -> None:
        self._carriers = carriers
        self._addresses = {
            code: Address.model_validate_json(orjson.dumps(place.address)) for code, place in known.items()
        }

    def __call__(self, query: RateQuery) -> list[Quote]:
        """Every service that can carry it."""
        order = query.order
        request = RateRequest(
            ship_from=self._addresses[query.location.code],
            ship_to=Address(
                country=order.country or None, region_code=order.region or None, postal_code=order.postal_code or None
            ),
            parcels=tuple(Parcel(reference=f"p{index}", grams=grams) for index, grams in enumerate(query.parcels)),
            ship_at=query.ship_at,
        )
        return [
            Quote(info.name, rate.service, rate.total.minor, rate.total.currency, rate.deliver_by)
            for info, carrier in self._carriers
            for rate in carrier.rate(request)
        ]


def plan_location(
    location: Location, inputs: Mapping[tuple[str, str], PlanningInputRow], loads: Mapping[tuple[str, date], int]
) -> PlanLocation:
    """A location as the planner sees it, with its calendar and its capacity of `inputs`, by kind and code."""
    calendar, capacity = inputs.get(("calendar", location.code)), inputs.get(("capacity", location.code))
    address = location.address
    return PlanLocation(
        code=location.code, country=address.get("country") or "",
        region=address.get("region_code") or address.get("region") or "", postal_code=address.get("postal_code") or "",
        latitude=location.latitude, longitude=location.longitude, kind=location.kind,
        capabilities=frozenset(location.capabilities),
        calendar=calendar_of(calendar.body) if calendar else Calendar(working_days=(1, 2, 3, 4, 5, 6, 7)),
        capacity=capacity.body.get("orders_per_day") if capacity else None,
        used={day: count for (code, day), count in loads.items() if code == location.code},
        rank=location.rank, enabled=location.enabled,
        version=f"{location.version}.{calendar.version if calendar else 0}.{capacity.version if capacity else 0}",
    )  # fmt: skip


def _check(kind: str, body: Mapping[str, Any]) -> None:
    if kind == "calendar":
        try:
            calendar_of(body)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput("invalid_calendar", f"The calendar cannot be read: {error}.") from error
    elif kind == "capacity":
        orders = body.get("orders_per_day")
        if not isinstance(orders, int) or orders < 0:
            raise InvalidInput("invalid_capacity", 'A capacity is {"orders_per_day": a whole number}.')
    elif kind == "rate_card":
        raise InvalidInput("set_by_connection", "A rate card is its carrier's settings: change the connection.")
    else:
        raise InvalidInput("unknown_input", f"{kind!r} is none of rate_card, calendar, capacity.")
