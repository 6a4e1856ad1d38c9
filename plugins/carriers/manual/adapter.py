"""Joins the typed number, the flat prices and the address label."""

import base64
import json
from typing import ClassVar

from pydantic import BaseModel

from hub.canonical.shipping import (
    LabelDocument,
    Rate,
    RateRequest,
    ServiceLevel,
    ShipmentRequest,
    ShipmentResult,
    TrackingEvent,
)
from hub.sdk.adapters import Carrier
from hub.sdk.manifest import Manifest
from hub.sdk.scans import parse_scans, receive_scans
from hub.sdk.values import Health, Outgoing, Raw, WebhookRequest
from plugins.carriers.manual.labels import render_address_label
from plugins.carriers.manual.mapping import read_booked, to_booked, to_rates, to_result, to_services
from plugins.carriers.manual.settings import ManualSettings


class Manual(Carrier[ManualSettings]):
    """A person books with the carrier and types the number; the hub keeps, prints and tells it."""

    manifest: ClassVar[Manifest] = Manifest(
        id="manual",
        kind="carrier",
        version="1.0.0",
        label="Manual carrier",
        idempotency="key",
        personal_data_fields=("ship_to", "ship_from"),
    )
    settings_model: ClassVar[type[BaseModel]] = ManualSettings

    def check(self) -> Health:
        """There is no other side: settings that were accepted work."""
        scans = "accepted" if self.settings.webhook_secret else "refused until webhook_secret is set"
        return Health(ok=True, details={"reported scans": scans})

    def services(self) -> list[ServiceLevel]:
        """The services of the settings."""
        return to_services(self.settings)

    def rate(self, request: RateRequest) -> list[Rate]:
        """The flat prices, whatever the parcels; an empty list where none is set."""
        return to_rates(self.settings) if request.parcels else []

    def build_shipment(self, request: ShipmentRequest) -> Outgoing:
        """PURE: the booked shipment; `Rejected` (`tracking_number_missing`) until a person has typed the number."""
        payload = to_booked(self.settings, request).model_dump(mode="json", exclude_none=True)
        return Outgoing(operation="book", payload=payload, reference=request.reference)

    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """Nothing goes out: the person booked already. The same request gives the same shipment."""
        self.log.info("shipment.booked_by_hand", reference=outgoing.reference, key=key)
        return Raw(body=json.dumps(outgoing.payload).encode(), kind="shipment", external_id=outgoing.reference)

    def parse_shipment(self, raw: Raw) -> ShipmentResult:
        """PURE: the numbers, and an address label a parcel where the settings ask for it."""
        booked = read_booked(raw)
        if not booked.label or booked.label_format != "pdf":
            return to_result(booked, [])
        pages = [render_address_label(booked, position) for position in range(1, len(booked.parcels) + 1)]
        return to_result(
            booked, [LabelDocument(format="pdf", content=base64.b64encode(page).decode()) for page in pages]
        )

    def void(self, carrier_ref: str) -> None:
        """Always succeeds; the booking with the carrier must be cancelled by the person who made it."""
        self.log.warning("shipment.cancel_by_hand", reference=carrier_ref)

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """Verify a report of scans."""
        secrets = (self.settings.webhook_secret, self.settings.webhook_secret_previous)
        return receive_scans(request, [secret.get_secret_value() for secret in secrets if secret is not None])

    def parse_tracking(self, raw: Raw) -> list[TrackingEvent]:
        """PURE: the events of a report."""
        return parse_scans(raw)
