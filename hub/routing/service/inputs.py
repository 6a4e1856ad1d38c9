"""What the planner looks at beside orders and stock: locations, calendars, capacities, rate cards, each versioned."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.party import Address
from hub.canonical.shipping import Parcel, RateRequest
from hub.connections.service.adapters import Adapters, ConnectionInfo
from hub.inventory.rules.locations import Location
from hub.inventory.service.locations import list_locations
from hub.jobs.service.publish import publish
from hub.kit.errors import InvalidInput
from hub.kit.ids import digest, new_id
from hub.routing import repository
from hub.routing.events import inputs_changed
from hub.routing.rules.area import area_of
from hub.routing.rules.calendar import DAILY, calendar_of
from hub.routing.rules.values import PlanLocation, Quote, RateQuery, Rates
from hub.routing.tables import PlanningInputRow
from hub.sdk.adapters import Carrier

PLANNED_BY = ("kind", "address", "latitude", "longitude", "capabilities", "rank", "enabled")
"""What of a location is stored for decisions that are computed again."""
BY_LOCATION = ("calendar", "capacity", "area")
"""What people set for a location by versions, in the order in which a location's version names them."""
EVERYWHERE: dict[str, Any] = {}
"""The area of a location that has lost its limits again."""


Version = PlanningInputRow | Row[Any]
"""A kept version of an input: its `version` and `body`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands around any order until somebody changes it, or the next version of an input becomes valid."""

    inputs: Mapping[tuple[str, str], Version]
    known: Mapping[str, Location]
    rates: Rates | None
    rates_version: str
    rate_cards: tuple[ConnectionInfo, ...]
    until: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether no version that is kept already has become valid since it was read."""
        return self.until is None or at < self.until


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
    """A new version of a calendar, a capacity or an area (key: location).

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


def read_standing(
    session: Session, *, carriers: Sequence[ConnectionInfo], adapters: Adapters, at: datetime
) -> Standing:
    """Read what stands around any order; `carriers` are the live ones."""
    pure = [(info, carrier) for info in carriers if (carrier := adapters.carrier(info)).pure_rates]
    known = {location.code: location for location in list_locations(session)}
    return Standing(
        inputs={(row.kind, row.key): row for row in repository.current_inputs(session, at=at)}, known=known,
        rates=CarrierRates(pure, known) if pure else None,
        rates_version=",".join(sorted(f"{info.name}:{info.version}" for info, _ in pure)),
        rate_cards=tuple(info for info, _ in pure), until=repository.next_inputs_at(session, at=at),
    )  # fmt: skip


def surroundings(session: Session, *, standing: Standing, at: datetime, keep: bool) -> Surroundings:
    """Everything around the orders of a batch.

    `keep` stores rate cards and locations that are new or have changed, so that the decisions can be recomputed;
    previews do not.
    """
    loads = repository.loads(session, since=(at - timedelta(days=1)).date())
    if keep:
        _keep(session, standing, at)
    return Surroundings(
        locations=tuple(plan_location(location, standing.inputs, loads) for location in standing.known.values()),
        known=standing.known, rates=standing.rates, rates_version=standing.rates_version,
    )  # fmt: skip


def location_body(location: Location) -> dict[str, Any]:
    """What the planner reads of a location, to be stored."""
    body = asdict(location)
    return {name: body[name] for name in PLANNED_BY}


def _keep(session: Session, standing: Standing, at: datetime) -> None:
    """What has versions of its own (a rate card those of its connection): whoever plans first with a new one stores
    it.
    """
    versions = [("rate_card", info.name, info.version) for info in standing.rate_cards]
    versions += [("location", place.code, place.version) for place in standing.known.values()]
    kept = standing.inputs
    missing = {
        (kind, key) for kind, key, version in versions if (kind, key) not in kept or kept[kind, key].version != version
    }
    if not missing:
        return
    current = [("rate_card", info.name, info.version, dict(info.settings)) for info in standing.rate_cards]
    current += [("location", place.code, place.version, location_body(place)) for place in standing.known.values()]
    fresh = [
        {
            "planning_input_id": new_id(), "kind": kind, "key": key, "version": version, "body": body,
            "content_hash": digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)), "valid_from": at,
            "author": "connection" if kind == "rate_card" else "location",
        }
        for kind, key, version, body in current
        if (kind, key) in missing
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
        request = rate_request(query, self._addresses[query.location.code])
        return [
            Quote(info.name, rate.service, rate.total.minor, rate.total.currency, rate.deliver_by)
            for info, carrier in self._carriers
            for rate in carrier.rate(request)
        ]


def rate_request(query: RateQuery, ship_from: Address) -> RateRequest:
    """What a carrier is asked with. An order is priced from place after place: its side is put together once."""
    order = query.order
    return RateRequest(
        ship_from=ship_from, ship_to=_destination(order.country, order.region, order.postal_code),
        parcels=_parcels(query.parcels), ship_at=query.ship_at,
    )  # fmt: skip


@lru_cache(maxsize=4_096)
def _destination(country: str, region: str, postal_code: str) -> Address:
    return Address(country=country or None, region_code=region or None, postal_code=postal_code or None)


@lru_cache(maxsize=4_096)
def _parcels(grams: tuple[int, ...]) -> tuple[Parcel, ...]:
    return tuple(Parcel(reference=f"p{index}", grams=each) for index, each in enumerate(grams))


def plan_location(
    location: Location, inputs: Mapping[tuple[str, str], Version], loads: Mapping[tuple[str, date], int]
) -> PlanLocation:
    """A location as the planner sees it, with its calendar, capacity and area of `inputs`, by kind and code."""
    calendar, capacity, area = (inputs.get((kind, location.code)) for kind in BY_LOCATION)
    address = location.address
    return PlanLocation(
        code=location.code, country=address.get("country") or "",
        region=address.get("region_code") or address.get("region") or "", postal_code=address.get("postal_code") or "",
        latitude=location.latitude, longitude=location.longitude, kind=location.kind,
        capabilities=frozenset(location.capabilities),
        calendar=calendar_of(calendar.body) if calendar else DAILY,
        capacity=capacity.body.get("orders_per_day") if capacity else None,
        used={day: count for (code, day), count in loads.items() if code == location.code},
        rank=location.rank, enabled=location.enabled,
        version=".".join(str(row.version if row else 0) for row in (location, calendar, capacity, area)),
        area=area_of(area.body) if area and area.body != EVERYWHERE else None,
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
    elif kind == "area":
        try:
            if body != EVERYWHERE:
                area_of(body)
        except ValueError as error:
            raise InvalidInput("invalid_area", f"The area cannot be used: {error}.") from error
    elif kind == "rate_card":
        raise InvalidInput("set_by_connection", "A rate card is its carrier's settings: change the connection.")
    else:
        raise InvalidInput("unknown_input", f"{kind!r} is none of rate_card, calendar, capacity, area.")
