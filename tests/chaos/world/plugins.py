"""The plugins for the lying sides: plain adapters as anybody would write them, with no care for faults of their own."""

import base64
import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, SecretStr

from hub.canonical.erp import ErpDocument, ErpKind, Remote
from hub.canonical.facts import OrderFact, ParseResult
from hub.canonical.money import Money
from hub.canonical.order import Order
from hub.canonical.shipping import FoundShipment, ServiceLevel, ShipmentRequest, ShipmentResult
from hub.sdk.adapters import Carrier, Channel, Erp
from hub.sdk.errors import Conflict, Duplicate, Rejected, SignatureInvalid, Transient
from hub.sdk.hooks import hookimpl
from hub.sdk.http import HttpClient
from hub.sdk.manifest import Manifest
from hub.sdk.values import (
    FetchRequest,
    Health,
    ItemResult,
    Outgoing,
    Raw,
    RawPage,
    ShipmentPush,
    WebhookRequest,
    Window,
)
from tests.chaos.world.orders import State, total

MODULE = "tests.chaos.world.plugins"
SIGNATURE = "x-chaos-signature"
TIMEOUT = 4.0


class LyingSettings(BaseModel):
    """Where the other side is said to be."""

    url: str
    secret: SecretStr | None = None


LEAK_BYTES = 48 * 1024 * 1024
_leaked: list[bytearray] = []


def _ask(http: HttpClient, verb: str, url: str, body: Any = None, **more: Any) -> Any:
    answer = http.request(verb, url, json=body, timeout=TIMEOUT, **more).json()
    wanted = answer.get("chaos") if isinstance(answer, dict) else None
    if wanted == "leak":
        _leaked.append(bytearray(LEAK_BYTES))
    if wanted:
        raise RuntimeError("the plugin broke over this answer")
    return answer


def _take_back(http: HttpClient, url: str) -> None:
    """Believe only an answer that says so: a 200 may come from anybody on the way."""
    if "gone" not in _ask(http, "DELETE", url):
        raise Transient("the answer does not say that it is gone")


def sign(secret: str, body: bytes) -> str:
    """The signature of a delivery."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


class LyingShop(Channel[LyingSettings]):
    """Can be listed and fetched, and tells by webhook."""

    manifest = Manifest(
        id="lying_shop", kind="channel", version="1", label="Lying shop", idempotency="key", batch_max=50
    )
    settings_model = LyingSettings

    def check(self) -> Health:
        """Always well."""
        return Health(ok=True)

    def parse(self, raw: Raw) -> ParseResult:
        """PURE: one order."""
        state = json.loads(raw.body)
        order = Order.model_validate_json(json.dumps(canonical(state)))
        return ParseResult(
            facts=(
                OrderFact(
                    kind="order", order=order, external_id=state["id"], order_id=state["id"], revision=order.revision
                ),
            )
        )

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """One order a delivery, told again under the same id."""
        secret = self.settings.secret
        given = request.headers.get(SIGNATURE, "")
        if secret is None or not hmac.compare_digest(given, sign(secret.get_secret_value(), request.body)):
            raise SignatureInvalid("wrong signature")
        return [_document(json.loads(request.body))]

    def list_changes(self, window: Window, limit: int) -> RawPage:
        """By the time of their last change."""
        query = {"since": window.since.isoformat(), "until": window.until.isoformat(), "page": window.page or ""}
        answer = _ask(self.http, "GET", f"{self.settings.url}/platform/orders", params=query)
        documents = tuple(_document(state) for state in answer["orders"])
        return RawPage(documents, next_page=answer["next"], source_time=datetime.fromisoformat(answer["time"]))

    def fetch(self, request: FetchRequest) -> list[Raw]:
        """The order as it stands."""
        found = []
        for name in request.external_ids:
            try:
                found.append(_document(_ask(self.http, "GET", f"{self.settings.url}/platform/orders/{name}")))
            except Rejected:
                continue
        return found

    def push_shipments(self, items: Sequence[ShipmentPush]) -> list[ItemResult]:
        """Each once, by its reference."""
        results = []
        for item in items:
            lines = {line.line_external_id: line.quantity for line in item.lines}
            body = {"reference": item.reference, "order": item.order_external_id, "lines": lines}
            answer = _ask(self.http, "POST", f"{self.settings.url}/platform/shipments", body, idempotent=True)
            results.append(ItemResult(ref=item.reference, remote_id=answer["id"]))
        return results


class _LyingCarrier(Carrier[LyingSettings]):
    """Sells labels for money; what it does with a reference that it knows is its class."""

    settings_model = LyingSettings
    kind: str

    def check(self) -> Health:
        """Always well."""
        return Health(ok=True)

    def services(self) -> list[ServiceLevel]:
        """One."""
        return [ServiceLevel(code="STD", name="Standard")]

    def build_shipment(self, request: ShipmentRequest) -> Outgoing:
        """PURE: our reference and the number of boxes."""
        return Outgoing("buy", {"reference": request.reference, "parcels": len(request.parcels)}, request.reference)

    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """Buy."""
        safe = self.kind == "key"
        url = f"{self.settings.url}/carrier/{self.kind}/labels"
        try:
            answer = _ask(self.http, "POST", url, outgoing.payload, idempotent=safe, headers={"idempotency-key": key})
        except Conflict as error:
            raise Duplicate("sold before") from error
        return Raw(body=json.dumps(answer).encode())

    def parse_shipment(self, raw: Raw) -> ShipmentResult:
        """PURE: the numbers."""
        answer = json.loads(raw.body)
        ref = answer["carrier_ref"]
        label = {"format": "pdf", "content": base64.b64encode(ref.encode()).decode()}
        parcels = [
            {"reference": str(index), "tracking_number": f"{ref}-{index}", "documents": [label]}
            for index in range(answer["parcels"])
        ]
        document = {"carrier_ref": ref, "parcels": parcels, "cost": {"minor": 500, "currency": "USD"}}
        return ShipmentResult.model_validate_json(json.dumps(document))

    def void(self, carrier_ref: str) -> None:
        """Give it back."""
        _take_back(self.http, f"{self.settings.url}/carrier/{self.kind}/labels/{carrier_ref}")


class _FindableCarrier(_LyingCarrier):
    def find_by_reference(self, references: Sequence[str]) -> list[FoundShipment]:
        """What it sold under our references."""
        url = f"{self.settings.url}/carrier/{self.kind}/labels"
        return [
            FoundShipment(
                reference=reference, carrier_ref=found["carrier_ref"], voided=found["voided"], raw=json.dumps(found)
            )
            for reference in references
            for found in _ask(self.http, "GET", url, params={"reference": reference})["labels"]
        ]


class _DraftingCarrier(_LyingCarrier):
    def draft(self, outgoing: Outgoing, key: str) -> str:
        """A new one at every call."""
        url = f"{self.settings.url}/carrier/{self.kind}/drafts"
        return str(_ask(self.http, "POST", url, outgoing.payload)["draft"])

    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """Buy the draft; it is sold once."""
        url = f"{self.settings.url}/carrier/{self.kind}/labels"
        body = {**outgoing.payload, "draft": outgoing.draft_id}
        return Raw(body=json.dumps(_ask(self.http, "POST", url, body)).encode())


BASES = {"none": _LyingCarrier, "two_step": _DraftingCarrier}


def _carrier(name: str, idempotency: Any) -> type[_LyingCarrier]:
    base = BASES.get(name, _FindableCarrier)
    manifest = Manifest(
        id=f"lying_{name}", kind="carrier", version="1", label=f"Lying carrier {name}", idempotency=idempotency
    )
    return type(f"Lying{name.title().replace('_', '')}", (base,), {"manifest": manifest, "kind": name})


CARRIERS = {
    name: _carrier(name, idempotency)
    for name, idempotency in (
        ("key", "key"),
        ("unique", "unique_ref"),
        ("find", "find"),
        ("two_step", "two_step"),
        ("none", "none"),
    )
}


class LyingErp(Erp[LyingSettings]):
    """Refuses a key that it has."""

    manifest = Manifest(id="lying_erp_unique", kind="erp", version="1", label="Lying ledger", idempotency="unique_ref")
    settings_model = LyingSettings
    ledger = "unique"

    def check(self) -> Health:
        """Always well."""
        return Health(ok=True)

    @property
    def _url(self) -> str:
        return f"{self.settings.url}/erp/{self.ledger}/documents"

    def find(self, kind: ErpKind, key: str) -> Remote | None:
        """By our key."""
        try:
            found = _ask(self.http, "GET", f"{self._url}/{key}")
        except Rejected as error:
            if error.code == "http_404":
                return None
            raise
        return Remote(kind=found["kind"], key=key, remote_id=found["id"])

    def build(self, document: ErpDocument) -> Outgoing:
        """PURE: the few fields that this ledger keeps."""
        payload = {
            "kind": document.kind, "key": document.key, "order_number": document.order_number,
            "total": document.total.minor,
        }  # fmt: skip
        return Outgoing(document.kind, payload, document.key)

    def push(self, outgoing: Outgoing, key: str) -> Raw:
        """Post."""
        try:
            answer = _ask(self.http, "POST", self._url, outgoing.payload)
        except Conflict as error:
            raise Duplicate("posted before") from error
        return Raw(body=json.dumps({"kind": outgoing.payload["kind"], "key": key, "remote_id": answer["id"]}).encode())

    def parse_ack(self, raw: Raw) -> Remote:
        """PURE: its id."""
        return Remote.model_validate_json(raw.body)

    def cancel(self, remote: Remote, reason: str) -> Remote:
        """Take it out; twice is once."""
        _take_back(self.http, f"{self._url}/{remote.key}")
        return remote


class FindingErp(LyingErp):
    """Takes the same key twice; can be asked."""

    manifest = Manifest(id="lying_erp_find", kind="erp", version="1", label="Forgetful ledger", idempotency="find")
    ledger = "find"


def canonical(state: State) -> dict[str, Any]:
    """PURE: the shop's order as a canonical one."""
    lines = [
        {
            "external_id": line["id"], "sku": line["sku"], "name": line["sku"], "quantity": line["quantity"],
            "total": _money(line["quantity"] * line["price"]),
        }
        for line in state["lines"]
    ]  # fmt: skip
    grand = _money(total(state))
    sale = {"external_id": f"T-{state['id']}", "kind": "sale", "state": "success", "amount": grand}
    back = {**sale, "external_id": f"R-{state['id']}", "kind": "refund", "amount": _money(state["refund"])}
    refund = {"external_id": f"RF-{state['id']}", "transactions": [back], "amount": back["amount"]}
    money: dict[str, Any] = {"payment_state": "on_credit"}
    if state["paid"]:
        money = {"payment_state": "paid", "transactions": [sale]}
    if state["refund"]:
        money |= {"payment_state": "partially_refunded", "refunds": [refund], "transactions": [sale, back]}
    return {
        "external_id": state["id"], "number": state["number"], "revision": f"{state['revision']:06d}",
        "placed_at": state["placed_at"], "currency": "USD", "ship_to": state["ship_to"], "lines": lines,
        "buyer": {"name": state["ship_to"]["name"], "email": state["email"]}, "totals": {"grand": grand},
        "cancelled": state["cancelled"], **money,
    }  # fmt: skip


def _money(minor: int) -> dict[str, Any]:
    return Money(minor=minor, currency="USD").model_dump()


def _document(state: State) -> Raw:
    return Raw(
        body=json.dumps(state).encode(), kind="order", external_id=state["id"], revision=f"{state['revision']:06d}"
    )


@hookimpl
def hub_channels() -> Iterable[type[LyingShop]]:
    """The shop; the portal is the hub's own webhook plugin."""
    return [LyingShop]


@hookimpl
def hub_carriers() -> Iterable[type[Carrier[Any]]]:
    """One of each class."""
    return list(CARRIERS.values())


@hookimpl
def hub_erps() -> Iterable[type[LyingErp]]:
    """Two ledgers."""
    return [LyingErp, FindingErp]
