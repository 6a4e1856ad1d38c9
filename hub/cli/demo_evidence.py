"""What the demo compares at the end: the books of those outside, what the hub says, and where its papers are.

The evidence is kept as `evidence.json` in the data folder, so that the comparison can be made again later.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from hub.cli.demo_client import Api
from hub.cli.demo_day import Day, SentOrder, sent_order
from hub.cli.demo_desk import DeskBook
from hub.cli.demo_receiver import PortalBook
from hub.cli.demo_senders import SenderLog
from hub.cli.demo_shop import DemoShop, Told
from hub.cli.demo_warehouse import HandedOver, WarehouseBook

FILE = "evidence.json"
LABELS, LEDGER = "labels", "ledger"


@dataclass(frozen=True, slots=True)
class HubOrder:
    """An order as the hub's API lists it."""

    connection: str
    external_id: str
    order_id: str
    number: str
    total_minor: int | None
    lifecycle: str
    review: str
    phase: str
    holds: tuple[str, ...]

    @property
    def key(self) -> str:
        """What tells it apart over all senders."""
        return f"{self.connection}/{self.external_id}"


@dataclass(frozen=True, slots=True)
class Level:
    """What the hub says is at a location."""

    location: str
    sku: str
    on_hand: int
    reserved: int


@dataclass(slots=True)
class Evidence:
    """All books of one day. `kept` is the digest of each message that the hub keeps, by its id."""

    sent: list[SentOrder]
    acknowledged: list[dict[str, Any]]
    orders: list[HubOrder]
    kept: dict[str, str]
    handed_over: list[HandedOver]
    voided: list[str]
    shop_told: list[Told]
    portal_told: list[Told]
    stock_before: list[tuple[str, str, int]]
    received: list[tuple[str, str, int]]
    levels: list[Level]
    desk_cancelled: list[str] = field(default_factory=list)


def gather(
    api: Api, day: Day, log: SenderLog, warehouse: WarehouseBook, desk: DeskBook, shop: DemoShop, portal: PortalBook
) -> Evidence:
    """Ask the hub for its side, and put the books of the others beside it."""
    return Evidence(
        sent=list(day.orders),
        acknowledged=[asdict(entry) for entry in log.entries],
        orders=[_hub_order(item) for item in api.pages("/v1/orders")],
        kept={item["message_id"]: item["digest"] for item in api.pages("/v1/messages")},
        handed_over=list(warehouse.handed_over),
        voided=list(warehouse.voided),
        shop_told=list(shop.told),
        portal_told=list(portal.told.values()),
        stock_before=[(entry["location"], entry["sku"], entry["quantity"]) for entry in day.master["stock"]],
        received=list(desk.received),
        levels=[_level(item) for item in api.pages("/v1/stock")],
        desk_cancelled=list(desk.cancelled),
    )


def write_evidence(evidence: Evidence, data_dir: Path) -> Path:
    """Keep it in the data folder."""
    path = data_dir / FILE
    path.write_bytes(orjson.dumps(asdict(evidence), option=orjson.OPT_INDENT_2))
    return path


def read_evidence(data_dir: Path) -> Evidence:
    """Read it again."""
    found: dict[str, Any] = orjson.loads((data_dir / FILE).read_bytes())
    return Evidence(
        sent=[sent_order(entry) for entry in found["sent"]],
        acknowledged=found["acknowledged"],
        orders=[HubOrder(**{**entry, "holds": tuple(entry["holds"])}) for entry in found["orders"]],
        kept=found["kept"],
        handed_over=[HandedOver(**{**entry, "tracking_numbers": _numbers(entry)}) for entry in found["handed_over"]],
        voided=found["voided"],
        shop_told=[_told(entry) for entry in found["shop_told"]],
        portal_told=[_told(entry) for entry in found["portal_told"]],
        stock_before=[tuple(entry) for entry in found["stock_before"]],
        received=[tuple(entry) for entry in found["received"]],
        levels=[Level(**entry) for entry in found["levels"]],
        desk_cancelled=found["desk_cancelled"],
    )


def _hub_order(item: Mapping[str, Any]) -> HubOrder:
    return HubOrder(
        connection=item["connection"], external_id=item["external_id"], order_id=item["order_id"],
        number=item["number"], total_minor=item["grand_minor"], lifecycle=item["lifecycle"], review=item["review"],
        phase=item["phase"], holds=tuple(item["holds"]),
    )  # fmt: skip


def _level(item: Mapping[str, Any]) -> Level:
    return Level(item["location"], item["sku"], int(float(item["on_hand"])), int(float(item["reserved"])))


def _told(entry: Mapping[str, Any]) -> Told:
    return Told(entry["order"], _numbers(entry), entry["units"], entry["reference"])


def _numbers(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(entry["tracking_numbers"])
