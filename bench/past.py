"""History from real orders, whoever they are of: warehouses, prices, weights and stock that a seeded model adds.

docs/explanation/optimising.md says what is real and what is not.
"""

import csv
import gzip
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from random import Random
from typing import Any

from bench.place import Missing
from hub.routing.rules.sites import distance_km
from tests.peers import stated_fixtures

WAREHOUSES, NEAR_KM, MIDDLE_KM = 10, 700, 1_600
ZONES = ("local", "near", "middle", "far")
PRICES = {"local": 900, "near": 1_300, "middle": 1_900, "far": 2_900}
"""Minor units of the first kilogram by the economic service; a kilogram more is a fifth, express is 1.7 times it."""
TRANSIT = {"local": (1, 3), "near": (2, 5), "middle": (4, 8), "far": (6, 13)}


@dataclass(frozen=True, slots=True)
class City:
    """A place that GeoNames knows."""

    name: str
    state: str
    latitude: float
    longitude: float
    people: int


@dataclass(frozen=True, slots=True)
class PastOrder:
    """One order. `city` is None where nobody knows where the buyer is; money in minor units, 0 freight: not known."""

    number: str
    placed_at: datetime
    promised: datetime
    city: City | None
    city_name: str
    state: str
    postal_code: str
    items: tuple[tuple[str, int, int], ...]
    """(SKU, units, price of one)."""
    freight_minor: int

    @property
    def total_minor(self) -> int:
        """What the goods cost."""
        return sum(units * price for _, units, price in self.items)


@dataclass(frozen=True, slots=True)
class Past:
    """All orders of one shop, oldest first, the warehouses, and where the people of each state live, on average."""

    name: str
    country: str
    currency: str
    timezone: str
    orders: tuple[PastOrder, ...]
    warehouses: tuple[City, ...]
    states: dict[str, tuple[float, float]]

    @property
    def located(self) -> int:
        """Orders whose buyer's city is known."""
        return sum(order.city is not None for order in self.orders)


def rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of a packed table of the fixtures."""
    path = stated_fixtures() / name
    if not path.is_file():
        raise Missing(f"set ORDERHUB_FIXTURES to the folder that holds {name}, or put it at ../shared/fixtures")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def day_waves(orders: Sequence[PastOrder]) -> list[tuple[date, list[PastOrder]]]:
    """Orders by the day on which they were placed."""
    return [(day, list(found)) for day, found in groupby(orders, key=lambda order: order.placed_at.date())]


def grams_of(sku: str) -> int:
    """The weight of a product: log-normal around 700 g between 50 g and 15 kg, seeded by its SKU."""
    return min(15_000, max(50, round(Random(f"grams:{sku}").lognormvariate(math.log(700), 0.9))))


def stock_of(past: Past, orders: Sequence[PastOrder]) -> dict[tuple[str, str], int]:
    """Units by (warehouse, SKU): what these orders want of a SKU, at each of four to nine places, seeded by the SKU."""
    wanted: Counter[str] = Counter()
    for order in orders:
        for sku, units, _ in order.items:
            wanted[sku] += units
    stock = {}
    for sku, units in sorted(wanted.items()):
        chance = Random(f"stock:{sku}")
        for city in chance.sample(past.warehouses, chance.randint(4, 9)):
            stock[city.state, sku] = units
    return stock


def zone_of(past: Past, origin: City, state: str) -> str:
    """The price zone from a warehouse to a state, by the distance to its middle."""
    if origin.state == state:
        return "local"
    km = distance_km(origin.latitude, origin.longitude, *past.states[state]) or 0
    return "near" if km <= NEAR_KM else "middle" if km <= MIDDLE_KM else "far"


def rate_card(past: Past) -> dict[str, Any]:
    """Settings of a `rate_card` connection: zones by distance between states, prices by weight."""
    zones = [
        {
            "name": name, "origins": [{"country": past.country, "regions": [origin.state]}],
            "destinations": [{"country": past.country, "regions": states}],
        }
        for origin in past.warehouses
        for name in ZONES
        if (states := [state for state in sorted(past.states) if zone_of(past, origin, state) == name])
    ]  # fmt: skip
    services = [_service("ECO", "Economic", 10, 0), _service("EXP", "Express", 17, 1)]
    return {"name": f"{past.name} model", "currency": past.currency, "zones": zones, "services": services}


def _service(code: str, name: str, tenths: int, faster: int) -> dict[str, Any]:
    def price(zone: str, kilograms: int) -> str:
        minor = PRICES[zone] * (5 + kilograms - 1) * tenths // 50
        return f"{minor // 100}.{minor % 100:02d}"

    tables = [
        {
            "zone": zone, "steps": [{"up_to_grams": kg * 1_000, "price": price(zone, kg)} for kg in (1, 2, 5, 10, 30)],
            "transit_days": [max(1, days >> faster) for days in TRANSIT[zone]],
        }
        for zone in ZONES
    ]  # fmt: skip
    return {"code": code, "name": name, "tables": tables}


def folded(name: str) -> str:
    """A city's name without accents, hyphens and capitals, as Olist writes them."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return plain.lower().replace("-", " ").replace("'", " ").strip()


def cities_of(country: str, states: Mapping[str, str] | None = None) -> list[City]:
    """The cities of a country above 15,000 people; `states` renames GeoNames' states."""
    return [
        City(
            row["name"], states[row["admin1code"]] if states else row["admin1code"],
            float(row["latitude"]), float(row["longitude"]), int(row["population"]),
        )
        for row in rows("geo/cities15000.csv.gz")
        if row["countrycode"] == country
    ]  # fmt: skip


def by_size(cities: Iterable[City]) -> list[City]:
    """The smallest first: of two that share a key, the larger one is kept in a dictionary."""
    return sorted(cities, key=lambda city: city.people)


def warehouses_of(cities: Iterable[City]) -> tuple[City, ...]:
    """The largest cities of those states that have the largest ones."""
    largest = {city.state: city for city in by_size(cities)}
    return tuple(sorted(largest.values(), key=lambda city: -city.people)[:WAREHOUSES])


def middles_of(cities: Sequence[City]) -> dict[str, tuple[float, float]]:
    """Where the people of each state live, on average."""
    middles = {}
    for state in sorted({city.state for city in cities}):
        mine = [city for city in cities if city.state == state]
        people = sum(city.people for city in mine)
        middles[state] = (
            sum(city.latitude * city.people for city in mine) / people,
            sum(city.longitude * city.people for city in mine) / people,
        )
    return middles


def minor(text: str) -> int:
    """An amount with two decimals in minor units."""
    return round(float(text) * 100)
