"""The webhook channel: verifies and reads deliveries, pushes shipments and stock back."""

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import ClassVar, TypeVar

from hub.canonical.facts import ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.errors import AuthFailed, PluginError, RateLimited, Uncertain
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health, ItemResult, Raw, ShipmentPush, StockPush, WebhookRequest
from plugins.channels.webhook.client import Receiver
from plugins.channels.webhook.events import documents, read
from plugins.channels.webhook.outgoing import shipment_event, stock_event
from plugins.channels.webhook.settings import WebhookSettings
from plugins.channels.webhook.signature import verify

MAX_SKEW = timedelta(seconds=60)

Push = TypeVar("Push", ShipmentPush, StockPush)


class Webhook(Channel[WebhookSettings]):
    """The hub's own canonical JSON: for shops and programs that can write it themselves."""

    settings_model = WebhookSettings
    manifest: ClassVar[Manifest] = Manifest(
        id="webhook",
        kind="channel",
        version="1.0",
        label="Canonical JSON over signed webhooks",
        idempotency="key",
        personal_data_fields=("buyer", "payer", "agent", "ship_to", "bill_to", "notes"),
    )

    def offers(self, capability: str) -> bool:
        """Nothing is pushed where no address is set."""
        return super().offers(capability) and (self.settings.push_url is not None or not capability.startswith("push_"))

    def check(self) -> Health:
        """Whether deliveries can be verified and, where something is pushed, whether somebody listens there."""
        problems = []
        if self.settings.secret is None:
            problems.append("no secret is set: deliveries are refused until `secret` is what the sender signs with")
        details = {"push": self.settings.push_url or "off"}
        if self.settings.push_url is not None:
            problems += self._push_problems()
        return Health(ok=not problems, problems=tuple(problems), details=details)

    def _push_problems(self) -> list[str]:
        receiver = self._receiver()
        if receiver is None:
            return ["no secret to sign pushed webhooks with: set `push_secret` or `secret`"]
        try:
            theirs = receiver.probe()
        except PluginError as error:
            return [f"push_url does not answer as it should: {error.message}"]
        if theirs is None:
            return []
        skew = self.clock.now() - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
        if abs(skew) <= MAX_SKEW:
            return []
        return [f"the receiver's clock differs by {abs(skew).total_seconds():.0f} s: signed webhooks will be refused"]

    def parse(self, raw: Raw) -> ParseResult:
        """PURE: the facts of an event, a bare order or a list of them; see `events.read`."""
        return read(raw)

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """Verify the Standard Webhooks signature over the raw body, then name the documents in it."""
        message_id = verify(request, self.settings.verification_keys(), self.settings.tolerance_seconds)
        return documents(request.body, message_id)

    def split(self, body: bytes) -> list[Raw]:
        """PURE: the documents of a body that came in another way than signed (bulk API, file)."""
        return documents(body)

    def push_shipments(self, items: Sequence[ShipmentPush]) -> list[ItemResult]:
        """One signed `shipment.created` for each item."""
        return self._push(items, shipment_event, "push_shipments")

    def push_stock(self, items: Sequence[StockPush]) -> list[ItemResult]:
        """One signed `stock.changed` for each item."""
        return self._push(items, stock_event, "push_stock")

    def _push(self, items: Sequence[Push], build: Callable[[Push], bytes], operation: str) -> list[ItemResult]:
        receiver = self._receiver()
        if receiver is None:
            error = self._unsupported(f"{operation.replace('_', ' ')}: set `push_url` and a secret")
            return [ItemResult(ref=item.reference, error=error) for item in items]
        results: list[ItemResult] = []
        stopped: PluginError | None = None
        for item in items:
            failure = stopped or self._post(receiver, item.reference, build(item), operation)
            # A refused key or a pause that was asked for holds for the rest of the batch as well.
            stopped = failure if isinstance(failure, AuthFailed | RateLimited) else None
            results.append(ItemResult(ref=item.reference, error=failure, in_doubt=isinstance(failure, Uncertain)))
        return results

    def _post(self, receiver: Receiver, reference: str, body: bytes, operation: str) -> PluginError | None:
        try:
            receiver.post(reference, body, self.clock.now(), operation)
        except PluginError as error:
            return error
        return None

    def _receiver(self) -> Receiver | None:
        url, key = self.settings.push_url, self.settings.push_key()
        if url is None or key is None:
            return None
        return Receiver(self.http, url, key, self.settings.push_timeout_seconds)
