"""Where an address lies, from tables of postal codes and cities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from unicodedata import combining, normalize

from hub.routing.rules.area import plain_code
from hub.sdk.readers.stated import StatedRow

PlaceKind = Literal["postal", "city"]
MAX_NAME = 100
LEAST_CODE = 3
"""So many characters of a postal code name a place at least: `K1A` of Canada, `SW1` of London."""
_COLUMNS = {
    "country": ("country", "countrycode"),
    "postal_code": ("postal_code", "postcode", "zip"),
    "city": ("city", "name"),
    "region": ("region", "state", "admin1code"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "population": ("population",),
}
"""Columns of a table of places, each with the names that such tables have for it; others are passed over."""
_DEGREES = 15


@dataclass(frozen=True, slots=True)
class Place:
    """A postal code (or how it begins) or a city. `name` is in the plain form in which names are compared; of cities
    of one name the one with the most inhabitants is meant where the region tells nothing.
    """

    country: str
    kind: PlaceKind
    name: str
    latitude: float
    longitude: float
    region: str = ""
    population: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from all others."""
        return self.country, self.name, self.kind, self.region


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What an address says of where it lies."""

    country: str
    region: str
    postal_code: str
    city: str

    def names(self) -> list[str]:
        """Under which plain names a place may be known: the whole postal code, its beginnings, the city."""
        code = plain_code(self.postal_code)
        codes = [code[:length] for length in range(len(code), LEAST_CODE - 1, -1)]
        city = plain_name(self.city)
        return [*codes, city] if city else codes


def plain_name(name: str) -> str:
    """A name as it is compared: without accents, in small letters, words with one blank between them."""
    bare = "".join(character for character in normalize("NFKD", name) if not combining(character))
    return " ".join("".join(character if character.isalnum() else " " for character in bare.casefold()).split())


def locate(whereabouts: Whereabouts, known: Mapping[tuple[str, str], Sequence[Place]]) -> Place | None:
    """The place of an address among `known` (by country and name): by as much of the postal code as is known, else by
    the city.
    """
    for name in whereabouts.names():
        found = known.get((whereabouts.country, name))
        if found:
            region = whereabouts.region.upper()
            return min(found, key=lambda place: (place.region != region, -place.population, place.region))
    return None


def by_name(places: Iterable[Place]) -> dict[tuple[str, str], list[Place]]:
    """Places by country and name."""
    found: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        found.setdefault((place.country, place.name), []).append(place)
    return found


def read_place(cells: StatedRow, country: str | None) -> Place | None:
    """One row of a table of places, of `country` where that is given; faults are noted, None where there are any.

    A row with a postal code is a place by that, any other one a city.
    """
    names = {member: _column(cells, choices) for member, choices in _COLUMNS.items()}
    latitude, longitude = (
        cells.decimal(names[member], least=Decimal(-most), most=Decimal(most), places=_DEGREES)
        for member, most in (("latitude", 90), ("longitude", 180))
    )
    for member in ("latitude", "longitude"):
        if not cells.stated(names[member]):
            cells.fault(names[member], "A value is required.")
    code = country or cells.text(names["country"], most=MAX_NAME)
    if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
        cells.fault(names["country"], "Must be an ISO 3166-1 code such as DE, or name the country for the whole table.")
        return None
    kind: PlaceKind = "postal" if cells.stated(names["postal_code"]) else "city"
    raw = cells.text(names["postal_code" if kind == "postal" else "city"], most=MAX_NAME)
    name = plain_code(raw) if kind == "postal" else plain_name(raw)
    if not name or not code or latitude is None or longitude is None:
        if raw and not name:
            cells.fault(names["postal_code" if kind == "postal" else "city"], "Must have letters or digits.")
        return None
    region = str(cells.raw(names["region"]) or "").upper()[:MAX_NAME] if kind == "city" else ""
    population = cells.integer(names["population"], least=0, most=2**31 - 1) or 0
    return Place(code.upper(), kind, name, float(latitude), float(longitude), region, population)


def _column(cells: StatedRow, choices: Sequence[str]) -> str:
    return next((name for name in choices if cells.stated(name)), choices[0])


def largest(places: Iterable[Place]) -> list[Place]:
    """One place for each key, in the order of the keys: the one with the most inhabitants, the first of equals."""
    found: dict[tuple[str, str, str, str], Place] = {}
    for place in places:
        if place.key not in found or found[place.key].population < place.population:
            found[place.key] = place
    return [found[key] for key in sorted(found)]
