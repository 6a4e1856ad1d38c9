from typing import Any, ClassVar

from hub.canonical.shipping import ShipmentRequest
from hub.sdk.testing.builders import shipment_request
from hub.sdk.testing.carrier import CarrierConformance
from hub.sdk.values import Raw
from plugins.carriers.manual.adapter import Manual

SCAN = b'{"events": [{"tracking_number": "CC1", "status": "%s", "occurred_at": "2026-03-04T15:20:00+01:00"}]}'


class TestManual(CarrierConformance):
    plugin = Manual
    settings: ClassVar[dict[str, Any]] = {
        "name": "City Couriers",
        "label": "address",
        "webhook_secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
        "services": [{"code": "BIKE", "name": "Bike", "price": "18.00"}],
    }
    label_formats = ("pdf",)
    tracking = (Raw(body=SCAN % b"delivered"),)
    unknown_tracking = Raw(body=SCAN % b"eaten_by_a_bear")

    def request(self, number: int = 1, parcels: int = 1, label_format: Any = "pdf") -> ShipmentRequest:
        typed = ", ".join(f"CC-{number}-{position}" for position in range(parcels))
        return shipment_request(
            service="BIKE", number=number, parcels=parcels, label_format=label_format, tracking_number=typed
        )
