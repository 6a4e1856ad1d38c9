"""Those who use the hub while it is being broken: two senders, two warehouses, and whoever asks the shop for changes."""

import random
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from hub.cli.demo_client import Api, Refused
from hub.kit.errors import HubError
from plugins.channels.webhook.signature import key_of
from plugins.channels.webhook.signature import sign as sign_standard
from tests.chaos.world.books import Books
from tests.chaos.world.orders import SHOP, Sale, State, portal_body
from tests.chaos.world.plugins import SIGNATURE, sign
from tests.chaos.world.setups import PORTAL_SECRET, SHOP_SECRET, World

ACCEPTED = 202
CARRIER_OF = ("key", "unique", "find", "two_step", "unique", "find", "key", "two_step", "none")
PATIENCE_SECONDS = 240.0
PAUSE = 0.2


@dataclass(slots=True)
class Progress:
    """How far the senders are, for the one who breaks things; `over` ends the warehouses."""

    wanted: int
    sent: int = 0
    deliveries: int = 0
    allowed: Callable[[int], bool] = field(default=lambda sent: True)
    over: threading.Event = field(default_factory=threading.Event)
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, deliveries: int) -> None:
        """One order more is told."""
        with self._lock:
            self.sent += 1
            self.deliveries += deliveries


class Senders:
    """Tell the hub of all orders: late, early, often, in the wrong order; and write down what it acknowledged."""

    def __init__(self, world: World, sales: Sequence[Sale], progress: Progress, seed: int) -> None:
        self._world, self._sales, self._progress, self._seed = world, sales, progress, seed
        self._books = Books(world.books)
        self._clients = [httpx.Client(timeout=15, trust_env=False) for _ in range(2)]

    def run(self, turn: int) -> None:
        """Every second sale is this thread's."""
        client = self._clients[turn]
        for number, sale in list(enumerate(self._sales))[turn::2]:
            while not self._progress.allowed(self._progress.sent):
                time.sleep(PAUSE)
            rng = random.Random(f"{self._seed}:send:{number}")
            told = [state for state in sale.states for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            if rng.random() < 0.3:
                rng.shuffle(told)
            for state in sale.states if sale.account == SHOP else ():
                self._place(client, state)
            for state in told:
                hasty = sale.account == SHOP or rng.random() < 0.05
                self._tell(client, sale, state, patience=0.0 if hasty else PATIENCE_SECONDS)
            self._progress.step(len(told))

    def close(self) -> None:
        """Let go of sockets and books."""
        self._books.close()
        for client in self._clients:
            client.close()

    def _place(self, client: httpx.Client, state: State) -> None:
        client.post(f"{self._world.sides_url}/platform/orders", json=state).raise_for_status()

    def _tell(self, client: httpx.Client, sale: Sale, state: State, *, patience: float) -> None:
        """Until it is acknowledged; once without patience."""
        until, last = time.monotonic() + patience, ""
        while True:
            body, headers = _signed(sale, state)
            try:
                answer = client.post(f"{self._world.proxies['in']}/hooks/{sale.account}", content=body, headers=headers)
            except httpx.TransportError as error:
                last = type(error).__name__
            else:
                if answer.status_code == ACCEPTED:
                    values = (sale.account, sale.id, state["revision"])
                    self._books.write("INSERT OR IGNORE INTO acknowledged VALUES (?, ?, ?)", *values)
                    return
                last = f"{answer.status_code} {answer.text[:100]}"
            if time.monotonic() > until:
                break
            time.sleep(PAUSE)
        if patience:
            self._progress.errors.append(f"{sale.id}: never acknowledged, at last {last}")


def _signed(sale: Sale, state: State) -> tuple[bytes, dict[str, str]]:
    if sale.account == SHOP:
        body = orjson.dumps(state)
        return body, {SIGNATURE: sign(SHOP_SECRET, body)}
    body, name, now = orjson.dumps(portal_body(state)), f"{sale.id}-{state['revision']}", int(time.time())
    signature = sign_standard(key_of(PORTAL_SECRET), name, now, body)
    return body, {"webhook-id": name, "webhook-timestamp": str(now), "webhook-signature": signature}


class Warehouse:
    """Picks, packs, ships and hands over what one location has, and notes what left."""

    def __init__(self, world: World, location: str, progress: Progress) -> None:
        self._api = Api(world.url, world.token)
        self._location, self._progress = location, progress
        self._waiting: set[str] = set()
        self._refused: dict[str, int] = {}
        self.handed_over: dict[str, dict[str, int]] = {}
        """Units by SKU of each shipment that left."""

    def run(self) -> None:
        """Until it is over."""
        while not self._progress.over.is_set():
            try:
                self.work_off()
            except HubError as error:  # away for longer than anybody waits, or an answer that helps nobody
                self._progress.errors.append(f"{self._location}: {error.detail}"[:300])
            time.sleep(PAUSE)

    def work_off(self) -> int:
        """Everything that is open now."""
        moved = 0
        for work in self._api.pages("/v1/fulfilment-orders", {"location": self._location}):
            if work["fulfilment_order_id"] not in self._waiting and self._refused.get(work["number"], 0) < 5:
                moved += self._try(self._ship, work)
        for shipment in self._api.pages("/v1/shipments", {"state": "label_ready", "location": self._location}):
            if self._refused.get(shipment["number"], 0) < 5:
                moved += self._try(self._hand_over, shipment)
        return moved

    def _try(self, step: Callable[[dict[str, Any]], None], item: dict[str, Any]) -> int:
        try:
            step(item)
        except Refused:
            self._refused[item["number"]] = self._refused.get(item["number"], 0) + 1
            return 0
        return 1

    def _ship(self, work: dict[str, Any]) -> None:
        path, key = f"/v1/fulfilment-orders/{work['fulfilment_order_id']}", f"{work['number']}:{work['attempt']}"
        if work["state"] == "released":
            self._api.post(f"{path}/pick", key=f"pick:{key}")
        self._api.post(f"{path}/pack", key=f"pack:{key}")
        carrier = CARRIER_OF[zlib.crc32(work["number"].encode()) % len(CARRIER_OF)]
        choice = {"carrier": f"carrier-{carrier.replace('_', '-')}", "service": "STD"}
        self._api.post(f"{path}/shipments", {"choice": choice}, key=f"ship:{key}")
        self._waiting.add(work["fulfilment_order_id"])

    def _hand_over(self, shipment: dict[str, Any]) -> None:
        identity = shipment["shipment_id"]
        work = self._api.get(f"/v1/fulfilment-orders/{shipment['fulfilment_order_id']}")
        self._api.post(f"/v1/shipments/{identity}/hand-over", key=f"hand-over:{identity}")
        units: dict[str, int] = {}
        for line in work["lines"]:
            units[line["sku"]] = units.get(line["sku"], 0) + int(float(line["packed"]))
        self.handed_over[identity] = units

    def close(self) -> None:
        """Let go of the sockets."""
        self._api.close()

    def forgive(self) -> None:
        """Try again what was refused."""
        self._refused.clear()


def ask_the_shop(world: World, progress: Progress, every: float) -> None:
    """Queue a pull, again and again, whenever none is under way."""
    number = 0
    with closing(Api(world.url, world.token)) as api:
        while not progress.over.wait(every):
            number += 1
            try:
                if not api.get("/v1/jobs", {"kind": "channel.pull", "state": ["ready", "leased"], "limit": 1})["items"]:
                    api.post(f"/v1/connections/{SHOP}/pull", key=f"pull:{number}")
            except HubError as error:
                progress.errors.append(f"pull: {error.detail}"[:300])
