"""Joins settings, prices, labels and the memory of what was bought."""

import base64
import json
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from hub.canonical.shipping import (
    FoundShipment,
    LabelDocument,
    Rate,
    RateRequest,
    ServiceLevel,
    ShipmentRequest,
    ShipmentResult,
    TrackingEvent,
)
from hub.sdk.adapters import Carrier
from hub.sdk.errors import Rejected
from hub.sdk.manifest import Manifest
from hub.sdk.scans import parse_scans, receive_scans
from hub.sdk.values import Health, Outgoing, Raw, WebhookRequest
from plugins.carriers.rate_card.coverage import problems_of
from plugins.carriers.rate_card.labels import doubtful, render_pdf
from plugins.carriers.rate_card.mapping import Bought, read_bought, same_goods, to_bought, to_result, to_services
from plugins.carriers.rate_card.rating import rate
from plugins.carriers.rate_card.settings import RateCardSettings
from plugins.carriers.rate_card.zpl import render_zpl

RENDER = {"pdf": render_pdf, "zpl": render_zpl}


class RateCard(Carrier[RateCardSettings]):
    """A carrier without an API: the tables are its prices, the connection's state is its memory."""

    manifest: ClassVar[Manifest] = Manifest(
        id="rate_card",
        kind="carrier",
        version="1.0.0",
        label="Rate card carrier",
        idempotency="key",
        personal_data_fields=("ship_to", "ship_from"),
    )
    settings_model: ClassVar[type[BaseModel]] = RateCardSettings
    pure_rates: ClassVar[bool] = True

    def check(self) -> Health:
        """Whether every zone and every allowed weight has a price."""
        problems = problems_of(self.settings)
        scans = "accepted" if self.settings.webhook_secret else "refused until webhook_secret is set"
        return Health(ok=not problems, problems=tuple(problems), details={"reported scans": scans})

    def services(self) -> list[ServiceLevel]:
        """The services of the card."""
        return to_services(self.settings)

    def rate(self, request: RateRequest) -> list[Rate]:
        """Prices of the services that can carry the parcels; `rating.rate` is the same without an adapter."""
        return rate(self.settings, request)

    def build_shipment(self, request: ShipmentRequest) -> Outgoing:
        """PURE: the shipment with its numbers and price."""
        bought = to_bought(self.settings, request)
        payload = bought.model_dump(mode="json", exclude_none=True)
        return Outgoing(operation="buy_labels", payload=payload, reference=request.reference)

    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """Remember the shipment as bought. The reference is the key here: the same one gives the same shipment.

        `Rejected` where it was voided, or where another shipment was bought under it.
        """
        wanted = read_bought(Raw(body=json.dumps(outgoing.payload).encode()))
        stored = self._stored(outgoing.reference)
        if stored is None:
            self._store(wanted)
            self.log.info("labels.bought", reference=wanted.reference, key=key, service=wanted.service)
            return _raw(wanted)
        if stored.voided:
            raise Rejected("this shipment was voided: buy the labels under a new reference", code="voided")
        if not same_goods(stored, wanted):
            raise Rejected(
                "another shipment was bought under this reference: void it, or use a new reference",
                code="reference_used",
            )
        return _raw(stored)

    def parse_shipment(self, raw: Raw) -> ShipmentResult:
        """PURE: numbers, cost and one printed label a parcel."""
        bought = read_bought(raw)
        render = RENDER[bought.label_format]
        labels = [
            LabelDocument(format=bought.label_format, content=base64.b64encode(render(bought, position)).decode())
            for position in range(1, len(bought.parcels) + 1)
        ]
        return to_result(bought, labels, doubtful_text=doubtful(bought))

    def find_by_reference(self, references: Sequence[str]) -> list[FoundShipment]:
        """What was really bought under our references."""
        stored = [one for one in map(self._stored, references) if one is not None]
        return [
            FoundShipment(reference=one.reference, carrier_ref=one.reference, voided=one.voided, raw=_text(one))
            for one in stored
        ]

    def void(self, carrier_ref: str) -> None:
        """Mark a shipment voided; `Rejected` where nothing was bought under this reference."""
        stored = self._stored(carrier_ref)
        if stored is None:
            raise Rejected("no shipment was bought under this reference: nothing to void", code="not_found")
        if not stored.voided:
            self._store(stored.model_copy(update={"voided": True}))

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """Verify a report of scans."""
        secrets = (self.settings.webhook_secret, self.settings.webhook_secret_previous)
        return receive_scans(request, [secret.get_secret_value() for secret in secrets if secret is not None])

    def parse_tracking(self, raw: Raw) -> list[TrackingEvent]:
        """PURE: the events of a report."""
        return parse_scans(raw)

    def _stored(self, reference: str) -> Bought | None:
        text = self.state.get(_state_key(reference))
        return None if text is None else read_bought(Raw(body=text.encode()))

    def _store(self, bought: Bought) -> None:
        self.state.put(_state_key(bought.reference), _text(bought))


def _state_key(reference: str) -> str:
    return f"shipment:{reference}"


def _text(bought: Bought) -> str:
    return bought.model_dump_json(exclude_none=True)


def _raw(bought: Bought) -> Raw:
    return Raw(body=_text(bought).encode(), kind="shipment", external_id=bought.reference)
