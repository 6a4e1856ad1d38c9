"""Those who send: a shop by webhook, a dealer portal by signed webhook, two trading partners by file.

Each sends what was not acknowledged again, under the same id, until it is; what was acknowledged is in the log.
"""

import base64
import hmac
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hub.cli.demo_client import Api, until
from hub.cli.demo_day import Day, Delivery
from hub.cli.demo_progress import Step
from hub.cli.demo_setup import SHOP_DOMAIN, Prepared
from hub.kit.clock import SYSTEM, sleep
from hub.kit.ids import digest, new_id

PORTAL_SENDERS = 3
PARTNERS = ("north", "harbor")
PULL_PAUSE_SECONDS = 1.0
FILE_SECONDS = 90.0
ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One entry of the senders' log; `message_ids` are what the hub gave for it."""

    connection: str
    id: str
    digest: str
    status: int
    tries: int
    message_ids: tuple[str, ...]
    known_before: bool


@dataclass(slots=True)
class SenderLog:
    """What was acknowledged, when it was; filled from several threads."""

    entries: list[Acknowledged] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Acknowledged) -> None:
        """Note an acknowledgement."""
        with self._lock:
            self.entries.append(entry)


def send_all(url: str, key: str, day: Day, prepared: Prepared, data_dir: Path, log: SenderLog, step: Step) -> None:
    """Send the whole day; returns when everything is acknowledged. The first failure of any sender is raised."""
    post = partial(_send, url, log, step)
    drop = partial(_drop, url, key, log, step)
    shop, portal = partial(shop_headers, prepared.shop_secret), partial(portal_headers, prepared.portal_secret)
    sends: list[Callable[[], None]] = [partial(post, "shop", shop, day.shop)]
    sends += [partial(post, "portal", portal, day.portal[start::PORTAL_SENDERS]) for start in range(PORTAL_SENDERS)]
    sends += [partial(drop, name, day.files(name), data_dir / name) for name in PARTNERS]
    with ThreadPoolExecutor(len(sends), thread_name_prefix="demo-sender") as pool:
        for running in [pool.submit(send) for send in sends]:
            running.result()


def shop_headers(secret: str, delivery: Delivery) -> dict[str, str]:
    """What Shopify sends with a webhook (shopify.dev/docs/apps/build/webhooks): HMAC of the body, topic, id."""
    mac = base64.b64encode(hmac.digest(secret.encode(), delivery.body, "sha256")).decode()
    return {
        "content-type": "application/json", "x-shopify-hmac-sha256": mac, "x-shopify-topic": delivery.topic or "",
        "x-shopify-webhook-id": delivery.id, "x-shopify-shop-domain": SHOP_DOMAIN,
    }  # fmt: skip


def portal_headers(secret: str, delivery: Delivery) -> dict[str, str]:
    """A Standard Webhooks 1.0 signature, made anew for each attempt because it holds the time."""
    moment = str(int(SYSTEM.now().timestamp()))
    signed = f"{delivery.id}.{moment}.".encode() + delivery.body
    mac = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    return {
        "content-type": "application/json", "webhook-id": delivery.id, "webhook-timestamp": moment,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }  # fmt: skip


def _send(
    url: str,
    log: SenderLog,
    step: Step,
    connection: str,
    headers: Callable[[Delivery], Mapping[str, str]],
    deliveries: Sequence[Delivery],
) -> None:
    api = Api(url)
    for delivery in deliveries:
        answer, tries = api.send(f"/hooks/{connection}", delivery.body, partial(headers, delivery))
        items: list[dict[str, Any]] = answer.json()["items"] if answer.status_code == ACCEPTED else []
        entry = Acknowledged(
            connection=connection, id=delivery.id, digest=delivery.digest, status=answer.status_code, tries=tries,
            message_ids=tuple(item["message_id"] for item in items),
            known_before=any(item.get("duplicate") for item in items),
        )  # fmt: skip
        log.add(entry)
        step.advance()
    api.close()


def _drop(url: str, key: str, log: SenderLog, step: Step, connection: str, files: Sequence[Path], folder: Path) -> None:
    """Put files into the partner's folder and have the hub look into it until it has them."""
    api = Api(url, key)
    for file in files:
        shutil.copyfile(file, folder / f".{file.name}")
        (folder / f".{file.name}").rename(folder / file.name)
        look = partial(_read, api, connection, file.name)
        found = until(look, seconds=FILE_SECONDS, what=f"{file.name} to be read")
        log.add(Acknowledged(connection, file.name, digest(file.read_bytes()), ACCEPTED, 1, (found,), False))
        step.advance()
    api.close()


def _read(api: Api, connection: str, name: str) -> str | None:
    api.post(f"/v1/connections/{connection}/pull", key=new_id())
    sleep(PULL_PAUSE_SECONDS)
    found = api.get("/v1/messages", {"connection": connection, "external_id": name})["items"]
    return str(found[0]["message_id"]) if found else None
