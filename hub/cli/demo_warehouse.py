"""Three warehouses that pick, pack, print and hand over through the API, and carriers that scan what they got."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hub.cli.demo_client import Api, Refused
from hub.cli.demo_progress import Step
from hub.kit.clock import SYSTEM, monotonic, sleep
from hub.kit.errors import HubError

POLL_SECONDS = 0.25
AT_ONCE = 30
"""Fulfilment orders that a warehouse picks before it looks which labels are there."""
STUCK_SECONDS = 120.0
SCANS_A_REQUEST = 100
SHORT_AT, VOID_AT, REPRINT_AT = "EAST", "MID", "WEST"
"""Where the day's incidents happen: a unit that is not on the shelf, a spoilt label, a jammed printer."""
HOT = "LAMP-GLOW"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A shipment that left, as the warehouse noted it: units by SKU, numbers as they were on the boxes."""

    order_id: str
    work: str
    shipment_id: str
    number: str
    location: str
    carrier: str
    units: Mapping[str, int]
    tracking_numbers: tuple[str, ...]
    cost_minor: int


@dataclass(slots=True)
class WarehouseBook:
    """What the warehouses did, written by them and not by the hub."""

    handed_over: list[HandedOver] = field(default_factory=list)
    voided: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    reprinted: list[str] = field(default_factory=list)
    set_aside: dict[str, str] = field(default_factory=dict)


class Warehouses:
    """Works off whatever is released; `work_off` may be called again when there is more."""

    def __init__(self, url: str, key: str, locations: Sequence[str], book: WarehouseBook) -> None:
        self._url, self._key = url, key
        self._locations = tuple(locations)
        self._book = book
        self._lock = threading.Lock()

    def work_off(self, step: Step) -> int:
        """Pick, pack, label and hand over everything that is open now; how many shipments left."""
        before = len(self._book.handed_over)
        with ThreadPoolExecutor(len(self._locations), thread_name_prefix="demo-warehouse") as pool:
            for running in [pool.submit(self._one, location, step) for location in self._locations]:
                running.result()
        return len(self._book.handed_over) - before

    def _one(self, location: str, step: Step) -> None:
        api = Api(self._url, self._key)
        queue: list[dict[str, Any]] = []
        waiting: dict[str, Any] = {}
        last_move = monotonic()
        while queue or waiting or (queue := self._open_work(api, location)):
            batch, queue = queue[:AT_ONCE], queue[AT_ONCE:]
            for work in batch:
                self._try_to_ship(api, location, work, waiting)
            if batch or self._hand_over(api, waiting, step):
                last_move = monotonic()
            elif monotonic() - last_move > STUCK_SECONDS:
                raise HubError(504, "demo_stuck", f"{location} waits for {len(waiting)} labels: see server.log.")
            else:
                sleep(POLL_SECONDS)
        api.close()

    def _open_work(self, api: Api, location: str) -> list[dict[str, Any]]:
        found = api.pages("/v1/fulfilment-orders", {"location": location})
        mine = [item for item in found if item["number"] not in self._book.set_aside]
        # the shop's go first: its platform lets itself be told only so fast
        return sorted(mine, key=lambda item: (not item["number"].startswith("#"), item["number"]))

    def _try_to_ship(self, api: Api, location: str, work: Mapping[str, Any], waiting: dict[str, Any]) -> None:
        try:
            self._ship(api, location, work, waiting)
        except Refused as error:
            with self._lock:
                self._book.set_aside[work["number"]] = error.detail

    def _ship(self, api: Api, location: str, work: Mapping[str, Any], waiting: dict[str, Any]) -> None:
        key, path = f"{work['number']}:{work['attempt']}", f"/v1/fulfilment-orders/{work['fulfilment_order_id']}"
        picked = self._short_pick(api, location, work, path)
        if work["state"] == "released":
            api.post(f"{path}/pick", {"lines": picked} if picked else {}, key=f"pick:{key}")
        packed = api.post(f"{path}/pack", key=f"pack:{key}")
        shipment = api.post(f"{path}/shipments", key=f"ship:{key}")
        waiting[shipment["shipment_id"]] = {"work": work["number"], "path": path, "units": _packed(packed)}

    def _short_pick(self, api: Api, location: str, work: Mapping[str, Any], path: str) -> list[dict[str, Any]] | None:
        """One unit of the first fitting line is not on the shelf: once in the day."""
        if location != SHORT_AT or self._book.short or work["number"].startswith("#") or work["state"] != "released":
            return None
        lines = api.get(path)["lines"]
        short = next((line for line in lines if float(line["quantity"]) > 1), None)
        if short is None:
            return None
        self._book.short.append(work["number"])
        return [_found(line, 1 if line is short else 0) for line in lines]

    def _hand_over(self, api: Api, waiting: dict[str, Any], step: Step) -> int:
        if not waiting:
            return 0
        ready = [
            item for item in api.pages("/v1/shipments", {"state": "label_ready"}) if item["shipment_id"] in waiting
        ]
        for shipment in ready:
            identity = shipment["shipment_id"]
            packed = waiting.pop(identity)
            if shipment["location"] == VOID_AT and not self._book.voided:
                self._spoil(api, shipment, packed, waiting)
                continue
            if shipment["location"] == REPRINT_AT and not self._book.reprinted:
                self._reprint(api, shipment)
            left = api.post(f"/v1/shipments/{identity}/hand-over", key=f"hand-over:{identity}")
            with self._lock:
                self._book.handed_over.append(_noted(left, packed))
            step.advance()
        return len(ready)

    def _spoil(self, api: Api, shipment: Mapping[str, Any], packed: dict[str, Any], waiting: dict[str, Any]) -> None:
        """The label was torn: give it back and buy another one for the same box."""
        identity = shipment["shipment_id"]
        self._book.voided.append(identity)
        api.post(f"/v1/shipments/{identity}/void", key=f"void:{identity}")
        again = api.post(f"{packed['path']}/shipments", key=f"ship-again:{identity}")
        waiting[again["shipment_id"]] = packed

    def _reprint(self, api: Api, shipment: Mapping[str, Any]) -> None:
        self._book.reprinted.append(shipment["number"])
        api.download(f"/v1/shipments/{shipment['shipment_id']}/reprint", key=f"reprint:{shipment['shipment_id']}")


def scan(api: Api, handed_over: Iterable[HandedOver], step: Step) -> None:
    """What the carriers report: everything is on its way, every second shipment has arrived."""
    now = SYSTEM.now().isoformat()
    events: list[dict[str, str]] = []
    for index, shipment in enumerate(handed_over):
        for number in shipment.tracking_numbers:
            statuses = ("in_transit", "delivered") if index % 2 else ("in_transit",)
            events.extend({"tracking_number": number, "status": status, "occurred_at": now} for status in statuses)
    for start in range(0, len(events), SCANS_A_REQUEST):
        part = events[start : start + SCANS_A_REQUEST]
        first = part[0]
        api.post("/v1/shipments/tracking", {"events": part}, key=f"scan:{first['tracking_number']}:{first['status']}")
        step.advance(len(part))


def _found(line: Mapping[str, Any], missing: int) -> dict[str, Any]:
    quantity = int(float(line["quantity"]))
    return {
        "fulfilment_order_line_id": line["fulfilment_order_line_id"], "picked": quantity - missing, "short": missing,
    }  # fmt: skip


def _packed(work: Mapping[str, Any]) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in work["lines"]:
        units[line["sku"]] = units.get(line["sku"], 0) + int(float(line["packed"]))
    return {sku: count for sku, count in units.items() if count}


def _noted(shipment: Mapping[str, Any], packed: Mapping[str, Any]) -> HandedOver:
    return HandedOver(
        order_id=shipment["order_id"], work=packed["work"], shipment_id=shipment["shipment_id"],
        number=shipment["number"], location=shipment["location"], carrier=shipment["carrier_connection"] or "",
        units=packed["units"], cost_minor=shipment["cost_minor"] or 0,
        tracking_numbers=tuple(parcel["tracking_number"] for parcel in shipment["parcels"]),
    )  # fmt: skip
