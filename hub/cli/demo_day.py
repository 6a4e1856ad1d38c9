"""The material of the demo: where it is, and what the senders know of their own orders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hub.kit.errors import NotFound
from hub.kit.ids import digest

_HUB = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line as its sender states it; `unit_minor` is the price of one in minor units."""

    id: str
    sku: str
    quantity: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class SentOrder:
    """One order as its sender knows it at the end of the day, written without the hub.

    `totals_minor` are all totals that were ever stated, the last one counts. `faulty` rows belong to no order.
    """

    connection: str
    external_id: str
    number: str
    kind: str | None
    totals_minor: tuple[int, ...]
    shipping_minor: int
    paid: bool
    cancelled: bool
    faulty: bool
    lines: tuple[SentLine, ...]

    @property
    def key(self) -> str:
        """What tells it apart over all senders."""
        return f"{self.connection}/{self.external_id}"

    @property
    def total_minor(self) -> int:
        """The total that counts."""
        return self.totals_minor[-1]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as its sender sends it, however often it must."""

    id: str
    body: bytes
    topic: str | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of the body."""
        return digest(self.body)


@dataclass(frozen=True, slots=True)
class Day:
    """Everything that the demo is given."""

    folder: Path
    master: Mapping[str, Any]
    rules: Mapping[str, Any]
    carriers: Mapping[str, Mapping[str, Any]]
    orders: tuple[SentOrder, ...]
    shop: tuple[Delivery, ...]
    portal: tuple[Delivery, ...]

    def files(self, connection: str) -> list[Path]:
        """The order files of a trading partner, in the order in which they are dropped."""
        return sorted((self.folder / "day").glob(f"{connection}-*.*"))


def load_day() -> Day:
    """Read the material: from the checkout, else from the installed package."""
    folder = _examples() / "demo"
    return Day(
        folder=folder,
        master=json.loads((folder / "master.json").read_text("utf-8")),
        rules=yaml.safe_load((folder / "rules.yaml").read_text("utf-8")),
        carriers={
            path.stem: json.loads(path.read_text("utf-8")) for path in sorted((folder / "carriers").glob("*.json"))
        },
        orders=tuple(sent_order(entry) for entry in json.loads((folder / "day" / "book.json").read_text("utf-8"))),
        shop=tuple(_shop_delivery(entry) for entry in _lines(folder / "day" / "shop.jsonl")),
        portal=tuple(_portal_delivery(entry) for entry in _lines(folder / "day" / "portal.jsonl")),
    )


def sent_order(entry: Mapping[str, Any]) -> SentOrder:
    """An order of `book.json`."""
    lines = tuple(SentLine(**line) for line in entry["lines"])
    return SentOrder(**{**entry, "totals_minor": tuple(entry["totals_minor"]), "lines": lines})


def _examples() -> Path:
    places = (_HUB.parent / "examples", _HUB / "_examples")
    for place in places:
        if (place / "demo" / "master.json").is_file():
            return place
    raise NotFound("folder of examples", " or ".join(str(place) for place in places))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _shop_delivery(entry: Mapping[str, Any]) -> Delivery:
    return Delivery(entry["id"], json.dumps(entry["order"], separators=(",", ":")).encode(), entry["topic"])


def _portal_delivery(entry: Mapping[str, Any]) -> Delivery:
    event = {name: value for name, value in entry.items() if name != "id"}
    return Delivery(entry["id"], json.dumps(event, separators=(",", ":")).encode())
