"""The orders of Superstore, a retailer in the United States: 3,322 orders, 2014 to 2016.

The table has days without hours, and no promise: an order is placed in a working hour seeded by its number, and is
promised so many days after it as its ship mode says.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from bench.past import City, Past, PastOrder, cities_of, middles_of, minor, rows, warehouses_of

ZONE = "America/New_York"
OPEN, CLOSE = 8, 20
PROMISED_DAYS = {"Same Day": 1, "First Class": 3, "Second Class": 5, "Standard Class": 9}


def read_superstore() -> Past:
    """The orders of the fixtures; `Missing` where there are none."""
    bought: dict[str, list[dict[str, str]]] = {}
    for row in rows("datasets/superstore/superstore.csv.gz"):
        bought.setdefault(row["Order ID"], []).append(row)
    known = {
        row["zip"]: City(row["city"], row["state"], float(row["latitude"]), float(row["longitude"]), people=0)
        for row in rows("geo/us_zipcodes.csv.gz")
    }
    names = [(row["State"], known.get(_zip(row))) for found in bought.values() for row in found]
    states = {state: city.state for state, city in names if city is not None}
    orders = [_order(number, found, known, states) for number, found in bought.items()]
    cities = cities_of("US")
    return Past(
        name="superstore", country="US", currency="USD", timezone=ZONE,
        orders=tuple(sorted(orders, key=lambda order: (order.placed_at, order.number))),
        warehouses=warehouses_of(cities), states=middles_of(cities),
    )  # fmt: skip


def _order(
    number: str, found: Sequence[Mapping[str, str]], known: Mapping[str, City], states: Mapping[str, str]
) -> PastOrder:
    units: Counter[str] = Counter()
    for row in found:
        units[row["Product ID"]] += int(row["Quantity"])
    prices = {row["Product ID"]: minor(row["Sales"]) // int(row["Quantity"]) for row in found}
    first = found[0]
    chance = Random(f"hour:{number}")
    day = datetime.fromisoformat(first["Order Date"]).replace(tzinfo=ZoneInfo(ZONE))
    placed = day.replace(hour=chance.randrange(OPEN, CLOSE), minute=chance.randrange(60))
    promised = day + timedelta(days=PROMISED_DAYS[first["Ship Mode"]] + 1)
    return PastOrder(
        number=number, placed_at=placed.astimezone(UTC), promised=promised.astimezone(UTC),
        city=known.get(_zip(first)), city_name=first["City"], state=states[first["State"]], postal_code=_zip(first),
        items=tuple((sku, count, prices[sku]) for sku, count in sorted(units.items())), freight_minor=0,
    )  # fmt: skip


def _zip(row: Mapping[str, str]) -> str:
    """Tables lose the zeros that New England's begin with."""
    return row["Postal Code"].zfill(5)
