"""The events that the hub pushes, as JSON bytes. Pure: the same push gives the same bytes at every attempt."""

import json
from datetime import UTC, datetime
from typing import Any

from hub.sdk.values import ShipmentPush, StockPush


def shipment_event(push: ShipmentPush) -> bytes:
    """`shipment.created`: lines of an order went out; quantities are decimal text."""
    data = {
        "reference": push.reference,
        "order_id": push.order_external_id,
        "order_number": push.order_number,
        "carrier": push.carrier,
        "service": push.service,
        "tracking_numbers": list(push.tracking_numbers),
        "tracking_urls": list(push.tracking_urls),
        "lines": [{"line_id": line.line_external_id, "quantity": line.quantity} for line in push.lines],
        "shipped_at": _text(push.shipped_at),
    }
    return _event("shipment.created", push.shipped_at, data)


def stock_event(push: StockPush) -> bytes:
    """`stock.changed`: what is available of one SKU; a receiver drops one that was observed before its latest."""
    data = {
        "reference": push.reference,
        "sku": push.sku,
        "location": push.location_ref,
        "available": push.available,
        "observed_at": _text(push.observed_at),
    }
    return _event("stock.changed", push.observed_at, data)


def _event(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    event = {"type": kind, "timestamp": _text(at), "data": data}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
