"""Tell outside warehouses of their work, and of work to be stopped: as a signed webhook or as a file, where they do not
fetch it by the API.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.orm import Session

from hub.flows.services import Services
from hub.fulfilment import repository
from hub.fulfilment.labels import write_document
from hub.fulfilment.service.listing import OPEN_WORK
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.inventory.rules.levels import plain
from hub.inventory.service.locations import get_location
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import OrderChanges, lock
from hub.sdk.errors import PluginError
from hub.sdk.http import HttpClient

NOTIFY_LOCATION = "location.notify"
ASK_LOCATION = "location.ask_to_stop"


@dataclass(frozen=True, slots=True)
class _Work:
    location: str
    notify: dict[str, Any]
    number: str
    message_id: str
    order_id: str
    body: bytes


class NotifyLocations:
    """Handler of `location.notify` (new work) and of `location.ask_to_stop`. `notify` of a location:
    `{"url", "signed_as": connection}`, `{"folder"}` or nothing (API).
    """

    queue = "outward"

    def __init__(
        self, services: Services, *, kind: str, http_for: Callable[[str], HttpClient], secret_of: Callable[[str], str]
    ) -> None:
        self.kind = kind
        self._stopping = kind == ASK_LOCATION
        self._services = services
        self._http_for = http_for
        self._secret_of = secret_of

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Work that still waits for an answer. From here on its location counts as told: the call may arrive whatever
        becomes of its answer, so that whoever takes the work back after this has to ask.
        """
        prepared = Prepared()
        wanted = ("cancel_requested",) if self._stopping else ("unsubmitted", "submitted")
        for job in jobs:
            work = _locked(session, job.subject_id or "")
            if work is None or work.state not in OPEN_WORK or work.negotiation not in wanted:
                prepared.skips.append(Skip(job, "nothing to tell"))
                continue
            if work.negotiation == "unsubmitted":
                work.negotiation, work.version = "submitted", work.version + 1
                work.updated_at = self._services.clock.now()
                session.flush()
            location = get_location(session, code=work.location)
            if not location.notify:
                prepared.skips.append(Skip(job, "the location fetches its work by the API"))
                continue
            told = _stop_document(work) if self._stopping else _document(session, work)
            message_id = f"{work.fulfilment_order_id}-cancel" if self._stopping else work.fulfilment_order_id
            body = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
            data = _Work(work.location, dict(location.notify), work.number, message_id, work.order_id, body)
            prepared.calls.append(Call(job, "", data))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """The webhook's id is made of the fulfilment order's: a receiver that saw it before may drop it."""
        return [self._send(call) for call in calls]

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Note that it was sent; the answer comes by the API."""
        changes = OrderChanges()
        lock(session, changes, {outcome.call.data.order_id for outcome in outcomes})
        for outcome in outcomes:
            work: _Work = outcome.call.data
            changes.record(
                work.order_id, "fulfilment.cancel_sent" if self._stopping else "fulfilment.submitted", actor="hub",
                data={"fulfilment_order": work.number, "location": work.location},
            )  # fmt: skip
        changes.flush(session, at=self._services.clock.now())

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Sending again is harmless; a parked job opens a case."""

    def _send(self, call: Call) -> Outcome:
        work: _Work = call.data
        try:
            call.refuse_late()
            if "folder" in work.notify:
                folder = self._services.data_dir / "locations" / work.location
                write_document(folder / f"{work.message_id}.json", work.body)
                return Outcome(call, result="file")
            stamp = str(int(self._services.clock.now().timestamp()))
            headers = sign(self._secret_of(work.notify["signed_as"]), work.message_id, stamp, work.body)
            self._http_for(work.location).request(
                "POST", work.notify["url"], headers={**headers, "content-type": "application/json"},
                content=work.body, idempotent=True, operation="notify",
            )  # fmt: skip
        except PluginError as error:
            return Outcome(call, error=error)
        return Outcome(call, result="webhook")


def sign(secret: str, message_id: str, stamp: str, body: bytes) -> dict[str, str]:
    """Standard Webhooks headers (symmetric: HMAC-SHA256 over `id.timestamp.body`, base64, `v1,` before it)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }  # fmt: skip


def _locked(session: Session, reference: str) -> FulfilmentOrderRow | None:
    """The order first, as everybody does who locks both."""
    work = repository.find_fulfilment_order(session, reference)
    if work is not None:
        lock(session, OrderChanges(), [work.order_id])
        work = repository.find_fulfilment_order(session, work.fulfilment_order_id, lock=True)
    return work


def _head(work: FulfilmentOrderRow, kind: str) -> dict[str, Any]:
    return {
        "type": f"fulfilment_order.{kind}", "fulfilment_order_id": work.fulfilment_order_id, "number": work.number,
        "location": work.location,
    }  # fmt: skip


def _stop_document(work: FulfilmentOrderRow) -> dict[str, Any]:
    return {**_head(work, "cancel_requested"), "reason": work.reason}


def _document(session: Session, work: FulfilmentOrderRow) -> dict[str, Any]:
    order = stored_order(lock(session, OrderChanges(), [work.order_id])[work.order_id])
    return {
        **_head(work, "submitted"),
        "ship_to": order.ship_to.model_dump(mode="json", exclude_none=True) if order.ship_to else None,
        "carrier": work.carrier_connection,
        "service": work.service,
        "lines": [
            {"id": line.fulfilment_order_line_id, "sku": line.sku, "name": line.name, "quantity": plain(line.quantity)}
            for line in repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
        ],
    }
