"""Make a golden order of what is stored of a real one: everything that routing read, nothing that leads to a person."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.canonical.order import Order
from hub.canonical.party import Address, Party
from hub.kit.rules.facts import FactValue
from hub.routing.rules.approval import Review
from hub.routing.rules.area import Area, Zone
from hub.routing.rules.calendar import Calendar
from hub.routing.rules.differences import Body
from hub.routing.rules.golden import EMAIL, PHONE
from hub.routing.rules.values import UNIT, PlanLocation

REMOVED = "removed"
FREE_TEXTS = (
    "order.tags", "order.discount_codes", "order.source_name", "order.payment_method", "order.requested_service"
)  # fmt: skip
"""The facts that people fill in as they like; all others are codes and numbers."""
COORDINATES = 2
"""Decimals that are kept of coordinates that a source gave: about a kilometre, where a door would lead to a person."""
_SHORTEST = 4
"""A shorter text of an address is found in too many others to be looked for."""
Stored = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """What is stored of an order: inputs of its decision, locations of then with their cities, what review found.

    `put` are tags that review put on it then; a golden order leaves them to the rules.
    """

    order: Order
    inputs: Stored
    places: Sequence[tuple[PlanLocation, str]]
    review: Review | None
    put: Collection[str] = ()


def made_document(name: str, about: str, source: Source) -> dict[str, Any]:
    """The golden order without what is expected of it."""
    clean = _Clean(source.order)
    stored, inputs = source.inputs["order"], source.inputs
    facts = clean.facts(stored["facts"], name)
    kept = set(source.review.facts["order.tags"]) if source.review and source.put else set()  # type: ignore[arg-type]
    facts["order.tags"] = [tag for tag in _texts(facts["order.tags"]) if tag not in source.put or tag in kept]
    document: dict[str, Any] = {
        "name": name, "about": about, "order": _order(stored, facts), "world": _world(inputs, source.places)
    }  # fmt: skip
    if source.review is not None:
        document["review"] = _review(source.review, facts, clean, name)
    return document


def as_golden(body: Body, stored: Stored) -> Body:
    """A stored decision, its lines named as in the golden order: to be compared with what comes of that."""
    names = _line_names(stored)
    parts = [
        {**part, "lines": [[names[line_id], sku, quantity] for line_id, sku, quantity in part["lines"]]}
        for part in body["fulfilments"]
    ]
    return {**body, "fulfilments": parts}


def location_document(place: PlanLocation, city: str) -> dict[str, Any]:
    """A location as a golden order's world states it, without its street."""
    document: dict[str, Any] = {
        "code": place.code, "kind": place.kind, "country": place.country, "region": place.region, "city": city,
        "postal_code": place.postal_code, "latitude": place.latitude, "longitude": place.longitude,
        "capabilities": sorted(place.capabilities), "rank": place.rank, "enabled": place.enabled,
        "calendar": _calendar(place.calendar), "orders_per_day": place.capacity,
    }  # fmt: skip
    if place.area is not None:
        document["area"] = _area(place.area)
    return document


def _order(stored: Stored, facts: Mapping[str, FactValue]) -> dict[str, Any]:
    country, region, postal_code, latitude, longitude = stored["to"]
    if not stored.get("located_by") and latitude is not None:
        latitude, longitude = round(latitude, COORDINATES), round(longitude, COORDINATES)
    names = _line_names(stored)
    document: dict[str, Any] = {
        "lines": [_line(line, names, stored.get("due", {})) for line in stored["lines"]],
        "ship_to": {
            "country": country, "region": region, "city": facts.get("order.ship_to.city", ""),
            "postal_code": postal_code, "latitude": latitude, "longitude": longitude,
        },
        "facts": dict(facts), "placed_at": stored["placed_at"], "rejected_by": [*stored.get("excluded_locations", {})],
    }  # fmt: skip
    for member in ("deliver_by", "pinned_location"):
        if member in stored:
            document[member] = stored[member]
    return document


def _line_names(stored: Stored) -> dict[str, str]:
    return {line_id: str(place) for place, line_id in enumerate(dict.fromkeys(line[0] for line in stored["lines"]), 1)}


def _line(line: Sequence[Any], names: Mapping[str, str], due: Mapping[str, str]) -> dict[str, Any]:
    line_id, sku, quantity, grams, ships, requires, group = line
    document = {
        "line": names[line_id], "sku": sku, "quantity": _units(quantity), "grams": grams, "ships": ships,
        "requires": requires, "group": group,
    }  # fmt: skip
    return document if line_id not in due else {**document, "due_at": due[line_id]}


def _world(inputs: Stored, places: Sequence[tuple[PlanLocation, str]]) -> dict[str, Any]:
    seen: Mapping[str, Stored] = inputs["locations"]
    world: dict[str, Any] = {
        "now": inputs["now"],
        "locations": [
            {**location_document(place, city), "used": dict(seen[place.code].get("used", {}))} for place, city in places
        ],
        "stock": {
            code: {sku: _units(max(0, amount)) for sku, amount in known["stock"].items()}
            for code, known in seen.items()
        },
        "stock_age": {code: dict(known["age"]) for code, known in seen.items() if known.get("age")},
        "rate_cards": _rate_cards(inputs.get("rates", "")), "may_transfer": inputs.get("may_transfer", False),
        "answers": {"exclusions": inputs.get("exclusions", []), "ranks": inputs.get("ranks", {})},
    }  # fmt: skip
    if "strategy" in inputs:
        world["strategy"] = inputs["strategy"]
    return world


def _review(then: Review, facts: Mapping[str, FactValue], clean: "_Clean", name: str) -> dict[str, Any]:
    read = clean.facts(then.facts, name)
    differing = {fact: value for fact, value in read.items() if facts.get(fact) != value}
    differing |= {fact: None for fact in facts if fact not in read}  # type: ignore[misc]
    return {
        "auto_approve": then.basis["auto_approve"],
        "findings": [
            {"code": code, "severity": severity, "release": release}
            for code, severity, release in then.basis["findings"]
        ],
        "facts": differing,
    }  # fmt: skip


def _rate_cards(version: str) -> dict[str, int]:
    pairs = (part.rsplit(":", 1) for part in version.split(",") if part)
    return {name: int(number) for name, number in pairs}


def _units(quantity: int) -> int | str:
    whole, rest = divmod(quantity, UNIT)
    return whole if not rest else f"{whole}.{rest:03}"


def _calendar(calendar: Calendar) -> dict[str, Any]:
    body: dict[str, Any] = {
        "timezone": calendar.timezone, "working_days": list(calendar.working_days),
        "holidays": sorted(day.isoformat() for day in calendar.holidays),
    }  # fmt: skip
    if calendar.cutoff is not None:
        body["cutoff"] = f"{calendar.cutoff // 60:02}:{calendar.cutoff % 60:02}"
    return body


def _area(area: Area) -> dict[str, Any]:
    return {"serves": [_zone(zone) for zone in area.serves], "excludes": [_zone(zone) for zone in area.excludes]}


def _zone(zone: Zone) -> dict[str, Any]:
    ends = {"from": zone.first, "to": zone.last} if zone.first else {}
    return {"country": zone.country, "regions": sorted(zone.regions), **ends}


def _texts(value: FactValue) -> list[str]:
    return value if isinstance(value, list) else []


class _Clean:
    """Takes out of facts what leads to the people of an order: their names, streets, phones and mail, wherever said."""

    def __init__(self, order: Order) -> None:
        known = sorted(_personal(order), key=len, reverse=True)
        self._personal = [EMAIL, PHONE, *(re.compile(re.escape(text), re.IGNORECASE) for text in known)]

    def facts(self, facts: Mapping[str, FactValue], name: str) -> dict[str, FactValue]:
        """All facts; the number of the order is its golden name."""
        clean = {fact: self._value(facts[fact]) for fact in FREE_TEXTS if fact in facts}
        return {**facts, **clean, "order.number": name}

    def _value(self, value: FactValue) -> FactValue:
        if isinstance(value, list):
            return [self._text(text) for text in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for pattern in self._personal:
            text = pattern.sub(REMOVED, text)
        return text


def _personal(order: Order) -> set[str]:
    addresses = [address for address in (order.ship_to, order.bill_to) if address is not None]
    parties = [party for party in (order.buyer, order.payer, order.agent) if party is not None]
    found = [text for address in addresses for text in _of_address(address)]
    found += [text for party in parties for text in _of_party(party)]
    return {text for text in found if text and len(text) >= _SHORTEST}


def _of_address(address: Address) -> Iterable[str | None]:
    return (address.name, address.company, *address.lines, address.phone, address.phone_e164, address.email)


def _of_party(party: Party) -> Iterable[str | None]:
    return (party.external_id, party.name, party.company, party.email, *party.phones, party.tax_id)
