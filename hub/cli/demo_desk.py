"""The ops desk: looks at what the hub held, decides, books a delivery; and asks when the hub has nothing left to do."""

from dataclasses import dataclass, field
from typing import Any

from hub.cli.demo_client import Api, Refused, until
from hub.cli.demo_warehouse import HOT

SETTLE_SECONDS = 150.0
SETTLE_PAUSE_SECONDS = 0.25
DELIVERED_TO, DELIVERED_UNITS = "MID", 3
DECISIONS = ("intake", "flow")
"""The queues in which orders are read, checked, planned."""
NOT_OPEN = "order_not_open"
WAITING = "blocked"


@dataclass(slots=True)
class DeskBook:
    """What the desk decided; orders by `connection/external id`, receipts by (location, SKU, units)."""

    cancelled: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    received: list[tuple[str, str, int]] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)


def wait_until_quiet(api: Api, *, queues: tuple[str | None, ...] = (None,), seconds: float = SETTLE_SECONDS) -> None:
    """Return when no work is waiting or running in the queues (None: in any)."""

    def quiet() -> bool | None:
        for queue in queues:
            if api.get("/v1/jobs", {"state": ["ready", "leased"], "queue": queue, "limit": 1})["items"]:
                return None
        return True

    until(quiet, seconds=seconds, what="the hub to finish its work", pause=SETTLE_PAUSE_SECONDS)


def settle_lookalikes(api: Api, book: DeskBook) -> None:
    """Two orders look like copies: the shop's buyer pressed twice (cancel), the dealer wants both (release)."""
    for order in sorted(api.pages("/v1/orders", {"hold": "duplicate_looking"}), key=key_of):
        path, key = f"/v1/orders/{order['order_id']}", key_of(order)
        if order["connection"] == "shop":
            api.post(f"{path}/cancel", {"reason": "ordered twice by mistake"}, key=f"cancel:{key}")
            book.cancelled.append(key)
        else:
            body = {"reason_codes": ["duplicate_looking"], "note": "the dealer wants both"}
            api.post(f"{path}/release", body, key=f"release:{key}")
            book.released.append(key)


def receive_lamps(api: Api, book: DeskBook) -> None:
    """More of the SKU that ran out comes in; orders that wait for it are planned, the longest waiting first."""
    book.waited = [order["number"] for order in api.pages("/v1/orders", {"sku": HOT}) if order["phase"] == WAITING]
    entry = {"location": DELIVERED_TO, "sku": HOT, "quantity": DELIVERED_UNITS, "reference": "ASN-1"}
    api.post("/v1/stock/receipts", {"entries": [entry]}, key="receipt:ASN-1")
    book.received.append((DELIVERED_TO, HOT, DELIVERED_UNITS))


def try_to_cancel_late(api: Api, order_id: str, book: DeskBook) -> None:
    """A buyer calls after the parcel has left: the hub must refuse."""
    try:
        api.post(f"/v1/orders/{order_id}/cancel", {"reason": "buyer called"}, key=f"cancel-late:{order_id}")
    except Refused as error:
        if error.code != NOT_OPEN:
            raise
        book.refused.append(order_id)


def key_of(order: dict[str, Any]) -> str:
    """What tells an order apart over all senders."""
    return f"{order['connection']}/{order['external_id']}"
