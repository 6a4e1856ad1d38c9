"""One paid call: a label is bought by the protocol of its carrier's idempotency class. No database here."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.canonical.shipping import FoundShipment, ParcelResult, ShipmentResult
from hub.connections.service.adapters import ConnectionInfo
from hub.fulfilment.labels import write_labels
from hub.fulfilment.service.requests import Consignment
from hub.jobs.service.work import Call, Outcome
from hub.sdk.adapters import Carrier
from hub.sdk.errors import (
    AuthFailed,
    Duplicate,
    NeedsAck,
    PluginError,
    RateLimited,
    Rejected,
    Transient,
    Uncertain,
)
from hub.sdk.values import Outgoing, Raw


@dataclass(slots=True)
class Purchase:
    """A label on its way. `held`: nothing new may be bought. `sent`: this attempt asked for it. `doubt`: the carrier
    may have sold it.
    """

    asked: Consignment
    carrier: ConnectionInfo
    held: bool
    sent: bool = False
    doubt: bool = True
    files: list[tuple[int, str, str, Path, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bought:
    """A label, and what is kept of the carrier's answer."""

    result: ShipmentResult
    kept: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A free draft: its id is stored before it is bought."""

    draft_id: str


def buy(carrier: Carrier[Any], call: Call, *, labels: Path, at: datetime) -> Outcome:
    """Bought, drafted, nothing (None: it may not be bought any more), or the error."""
    purchase: Purchase = call.data
    purchase.doubt = call.mode != "send"
    try:
        bought = _bought_before(carrier, call)
        if bought is None and purchase.held:
            return Outcome(call)
        if bought is None:
            outgoing = carrier.build_shipment(purchase.asked.shipment_request(at))
            if carrier.manifest.idempotency == "two_step" and call.draft_id is None:
                return Outcome(call, result=_draft(carrier, call, outgoing))
            bought = _send(carrier, call, replace(outgoing, draft_id=call.draft_id))
    except PluginError as error:
        purchase.doubt = purchase.doubt and not (purchase.sent and isinstance(error, Rejected))
        return Outcome(call, error=error)
    except Exception as error:  # noqa: BLE001  a bug over one answer must not lose what the others bought
        return Outcome(call, error=error)
    shipment = purchase.asked.shipment
    try:
        purchase.files = write_labels(
            labels, number=shipment.number, shipment_id=shipment.shipment_id, result=bought.result
        )
    except OSError as error:
        return Outcome(call, error=Transient(f"the label cannot be written: {error.strerror}", code="no_disk"))
    return Outcome(call, result=bought)


def settled_result(carrier_ref: str, numbers: Sequence[str]) -> dict[str, Any]:
    """What is kept of a label that a person found at the carrier: `Bought` is made of it when the work goes on."""
    return {"carrier_ref": carrier_ref, "tracking_numbers": list(numbers)}


def _bought_before(carrier: Carrier[Any], call: Call) -> Bought | None:
    if call.mode == "adopt":
        return _adopted(carrier, call.known or {})
    if call.mode == "send" or carrier.manifest.idempotency == "key":
        return None  # under our key the carrier answers a repeated purchase with the first one
    if carrier.manifest.idempotency == "two_step" and not (call.data.held and call.draft_id):
        return None  # what was not stored was free, and what was stored is bought once, however often it is asked for
    if "find_by_reference" not in carrier.capabilities():
        raise _needs_person(call)
    found = _found(carrier, call.data)
    if found is None and call.mode == "ask":
        raise Uncertain("the carrier has no such label yet: the earlier call may still arrive")
    call.data.doubt = found is not None
    return found


def _adopted(carrier: Carrier[Any], known: Mapping[str, Any]) -> Bought:
    if "raw" in known:
        return _read(carrier, Raw(body=base64.b64decode(str(known["raw"]))))
    numbers = [ParcelResult(reference=number, tracking_number=number) for number in known["tracking_numbers"]]
    return Bought(ShipmentResult(carrier_ref=str(known["carrier_ref"]), parcels=tuple(numbers)), known)


def _read(carrier: Carrier[Any], raw: Raw) -> Bought:
    return Bought(carrier.parse_shipment(raw), {"raw": base64.b64encode(raw.body).decode()})


def _draft(carrier: Carrier[Any], call: Call, outgoing: Outgoing) -> Drafted:
    """Nothing is paid yet: a draft whose answer is lost is left to the carrier, and another one is made."""
    call.data.doubt = False
    call.refuse_late()
    return Drafted(carrier.draft(outgoing, call.data.asked.shipment.reference))


def _send(carrier: Carrier[Any], call: Call, outgoing: Outgoing) -> Bought:
    purchase: Purchase = call.data
    call.refuse_late()
    before, purchase.doubt, purchase.sent = purchase.doubt, True, True
    try:
        raw = carrier.send(outgoing, purchase.asked.shipment.reference)
    except (RateLimited, AuthFailed):  # turned away at the door: nothing came of this call
        purchase.doubt = before
        raise
    except Duplicate:  # it has our reference already: that one is ours
        found = _found(carrier, purchase) if "find_by_reference" in carrier.capabilities() else None
        if found is None:
            raise
        return found
    return _read(carrier, raw)


def _found(carrier: Carrier[Any], purchase: Purchase) -> Bought | None:
    live = [item for item in _ask(carrier, purchase) if not item.voided]
    return _read(carrier, Raw(body=live[0].raw.encode())) if live else None


def _ask(carrier: Carrier[Any], purchase: Purchase) -> list[FoundShipment]:
    try:
        return carrier.find_by_reference([purchase.asked.shipment.reference])
    except Rejected as error:  # a refusal to tell is not the answer that there is nothing
        raise NeedsAck(f"the carrier does not tell whether it sold this label: {error.message}") from error


def _needs_person(call: Call) -> NeedsAck:
    number = call.data.asked.shipment.number
    return NeedsAck(
        f"the label of {number} may have been bought: look it up at the carrier, then say whether it is there (hub "
        f"effects settle {call.effect_key}) or not (hub effects again {call.effect_key})",
        code="needs_person",
    )
