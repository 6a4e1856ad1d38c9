"""Orders of the benchmarks: seeded by their number, three lines each, on credit, so that each makes one document."""

from collections.abc import Iterator
from typing import Any

import orjson

PRODUCTS = 200
PLACES = (
    ("New York", "NY", 10000), ("Boston", "MA", 2100), ("Chicago", "IL", 60600), ("Denver", "CO", 80200),
    ("Seattle", "WA", 98100), ("Houston", "TX", 77000), ("Atlanta", "GA", 30300), ("Phoenix", "AZ", 85000),
)  # fmt: skip
NAMES = ("Ada Moss", "Ben Alder", "Cora Finch", "Dan Reed", "Eve Marsh", "Finn Hale", "Gwen Ash", "Hal Birch")


def sku(number: int) -> str:
    """The SKU of one of the `PRODUCTS`."""
    return f"BENCH-{number % PRODUCTS:03d}"


def order(number: int) -> dict[str, Any]:
    """One order as a sender writes it."""
    city, region, first_code = PLACES[number % len(PLACES)]
    name = f"{NAMES[number % len(NAMES)]} {number}"
    lines, total = [], 0
    for position in range(3):
        quantity, price = 1 + (number + position) % 3, 900 + (number * 7 + position * 131) % 4000
        total += quantity * price
        lines.append(
            {
                "id": str(position + 1), "sku": sku(number * 3 + position * 67),
                "name": f"Sample article {(number + position) % PRODUCTS}", "quantity": quantity,
                "unit_price": _decimal(price), "total": _decimal(quantity * price),
            }
        )  # fmt: skip
    return {
        "id": f"B-{number}", "number": f"B{number:07d}", "placed_at": "2026-03-02T10:00:00Z", "currency": "USD",
        "revision": 1, "buyer": {"name": name, "email": f"buyer{number}@example.com"},
        "ship_to": {
            "name": name, "lines": [f"{number % 900 + 1} Sample Street"], "city": city, "region": region,
            "postal_code": f"{first_code + number % 97:05d}", "country": "US", "phone": f"+1212555{number % 10000:04d}",
        },
        "lines": lines, "grand_total": _decimal(total), "payment": {"state": "on_credit", "method": "invoice"},
    }  # fmt: skip


def bulk_bodies(connection: str, count: int, batch: int, first: int = 0) -> Iterator[bytes]:
    """Bodies of `POST /v1/orders` for the orders `first` to `first + count - 1`."""
    for begin in range(first, first + count, batch):
        numbers = range(begin, min(begin + batch, first + count))
        yield orjson.dumps({"connection": connection, "orders": [order(number) for number in numbers]})


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
