"""The channel: receives webhooks, reads orders, pushes shipments and stock."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr

from hub.canonical.facts import ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.errors import AuthFailed, Conflict, PluginError, RateLimited, Rejected, SignatureInvalid, Uncertain
from hub.sdk.manifest import Manifest, Quota
from hub.sdk.values import (
    Census,
    FetchRequest,
    Health,
    ItemResult,
    Raw,
    RawPage,
    ShipmentPush,
    StockPush,
    StockShown,
    WebhookRequest,
    Window,
)
from plugins.channels.shopify.client import AdminApi, Answer, next_page, order_nodes
from plugins.channels.shopify.mapping import describe, global_id, parse_document
from plugins.channels.shopify.mapping_answers import census_entry, exact_count, user_error
from plugins.channels.shopify.mapping_push import (
    Level,
    key_of,
    level_for,
    levels_of,
    number_of,
    plan_fulfilments,
    search_for,
    sent_already,
    shown_of,
    stock_input,
    wanted_lines,
)
from plugins.channels.shopify.settings import ShopifySettings

SIGNATURE = "x-shopify-hmac-sha256"
KEPT_HEADERS = (
    "x-shopify-topic", "x-shopify-shop-domain", "x-shopify-api-version", "x-shopify-triggered-at", "x-shopify-event-id",
)  # fmt: skip
MAX_SKEW = timedelta(minutes=5)
VERSION_LIFE_MONTHS = 12
WARN_BEFORE = timedelta(days=60)
READ_SCOPE = "read_orders"
SHIP_SCOPES = frozenset({
    "write_merchant_managed_fulfillment_orders", "write_assigned_fulfillment_orders",
    "write_third_party_fulfillment_orders",
})  # fmt: skip
STOCK_SCOPE = "write_inventory"
SKUS_A_SEARCH = 20
STOPS = (RateLimited, AuthFailed)
"""Errors of the whole connection: the rest of a batch would get the same answer."""


class Shopify(Channel[ShopifySettings]):
    """One shop of Shopify."""

    settings_model: ClassVar[type[BaseModel]] = ShopifySettings
    manifest = Manifest(
        id="shopify",
        kind="channel",
        version="1.0.0",
        label="Shopify",
        idempotency="find",
        quotas=(Quota(operation="*", rate=10, per=1.0, burst=20),),
        egress_hosts=("myshopify.com",),
        personal_data_fields=("buyer", "ship_to", "bill_to", "notes"),
        retention_days=90,
        delta_support=True,
        max_concurrency=4,
        batch_max=100,
    )

    @property
    def api(self) -> AdminApi:
        """The Admin API over the injected http client."""
        return AdminApi(self.http, self.settings)

    def offers(self, capability: str) -> bool:
        """All that is written here; what the shop shows is read where the settings say at which of its locations."""
        return super().offers(capability) and (capability != "list_stock" or self.settings.stock_location is not None)

    def parse(self, raw: Raw) -> ParseResult:
        """PURE: facts of any Shopify document by its shape; see `mapping`."""
        return parse_document(raw, self.settings.currency)

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """Verify the base64 HMAC-SHA256 of the raw body, then file the body under its topic and id.

        Shopify sends no time to check against and repeats a delivery for hours: `X-Shopify-Webhook-Id` is what dedupes.
        """
        self._verify(request)
        external_id, revision = describe(request.body)
        headers = request.headers
        return [
            Raw(
                body=request.body,
                content_type=headers.get("content-type", "application/json"),
                kind=headers.get("x-shopify-topic"),
                external_id=external_id,
                revision=revision,
                event_id=headers.get("x-shopify-webhook-id"),
                headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
            )
        ]

    def _verify(self, request: WebhookRequest) -> None:
        given = request.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        secrets = (self.settings.webhook_secret, self.settings.previous_webhook_secret)
        fits = [hmac.compare_digest(given, signature(request.body, secret)) for secret in secrets if secret is not None]
        if not any(fits):
            raise SignatureInvalid("the webhook's signature does not fit its body: check webhook_secret", code="hmac")
        shop = request.headers.get("x-shopify-shop-domain")
        if shop is not None and shop.lower() != self.settings.shop_domain:
            raise SignatureInvalid("the webhook is of another shop of the same app", code="other_shop")

    def check(self) -> Health:
        """Token, scopes, clock and the end of life of the API version."""
        try:
            answer = self.api.check()
        except AuthFailed as error:
            return Health(ok=False, problems=(error.message,))
        serious = [*self._token_problems(answer), *self._clock_problems(answer)]
        ends = end_of_life(self.settings.api_version)
        now = self.clock.now()
        minor = self._scope_problems(_scopes(answer))
        if now >= ends:
            serious.append(f"API version {self.settings.api_version} ended on {ends:%Y-%m-%d}: set a newer api_version")
        elif now >= ends - WARN_BEFORE:
            minor.append(f"API version {self.settings.api_version} ends on {ends:%Y-%m-%d}: plan for a newer one")
        shop = answer.data.get("shop") or {}
        details = {
            "shop": str(shop.get("name")),
            "currency": str(shop.get("currencyCode")),
            "api_version_ends": f"{ends:%Y-%m-%d}",
        }
        return Health(ok=not serious, problems=(*serious, *minor), details=details)

    def _token_problems(self, answer: Answer) -> list[str]:
        problems = []
        domain = (answer.data.get("shop") or {}).get("myshopifyDomain")
        if domain != self.settings.shop_domain:
            problems.append(f"the token belongs to {domain}, not to {self.settings.shop_domain}")
        if READ_SCOPE not in _scopes(answer):
            problems.append(f"the app lacks the scope {READ_SCOPE}: add it and install the app again")
        if answer.version is not None and answer.version != self.settings.api_version:
            problems.append(f"Shopify serves API version {answer.version} instead of {self.settings.api_version}")
        return problems

    def _scope_problems(self, scopes: frozenset[str]) -> list[str]:
        problems = []
        if not scopes & SHIP_SCOPES:
            problems.append(f"shipments cannot be pushed: add one of the scopes {', '.join(sorted(SHIP_SCOPES))}")
        if STOCK_SCOPE not in scopes:
            problems.append(f"stock cannot be pushed: add the scope {STOCK_SCOPE}")
        return problems

    def _clock_problems(self, answer: Answer) -> list[str]:
        if answer.date is None or abs(answer.date - self.clock.now()) <= MAX_SKEW:
            return []
        return ["this machine's clock differs from Shopify's by more than 5 minutes: set up time synchronisation"]

    def list_changes(self, window: Window, limit: int) -> RawPage:
        """Orders whose `updatedAt` lies in the window, oldest first, at most `page_size` a page.

        `updatedAt` has whole seconds, so two states may share one: the documents carry no revision and the hub
        compares their content.
        """
        query = f"updated_at:>='{_stamp(window.since)}' AND updated_at:<='{_stamp(window.until)}'"
        answer = self.api.list_orders(query, max(1, min(limit, self.settings.page_size)), window.page)
        documents = tuple(_document("order", node) for node in order_nodes(answer.data))
        return RawPage(documents=documents, next_page=next_page(answer.data), source_time=answer.date)

    def census(self, window: Window) -> Census:
        """Ids and totals of the orders whose `processedAt` lies in the window, and Shopify's own count of them."""
        query = f"processed_at:>='{_stamp(window.since)}' AND processed_at:<='{_stamp(window.until)}'"
        data = self.api.census(query, window.page).data
        entries = tuple(census_entry(node) for node in order_nodes(data))
        return Census(entries=entries, next_page=next_page(data), count=exact_count(data))

    def fetch(self, request: FetchRequest) -> list[Raw]:
        """Orders, fulfilments or variants by id, as Shopify holds them now; unknown ids are left out."""
        ids = [identity for identity in request.external_ids if identity.isdigit() or identity.startswith("gid://")]
        if request.kind == "order":
            size, found = self.settings.page_size, list[dict[str, Any]]()
            for start in range(0, len(ids), size):
                chunk = [global_id("Order", identity) for identity in ids[start : start + size]]
                found.extend(self.api.read_orders(chunk))
            return [_document("order", node) for node in found]
        if request.kind == "shipment":
            nodes = self.api.read_fulfilments([global_id("Fulfillment", identity) for identity in ids])
            return [_document("fulfillment", node) for node in nodes]
        if request.kind == "product":
            nodes = self.api.read_variants([global_id("ProductVariant", identity) for identity in ids])
            return [_document("productVariant", node) for node in nodes]
        raise self._unsupported(f"fetch {request.kind}")

    def push_shipments(self, items: Sequence[ShipmentPush]) -> list[ItemResult]:
        """Create fulfilments with tracking and read them back; what is there under our numbers counts as success."""
        results: list[ItemResult] = []
        stop: PluginError | None = None
        for item in items:
            if stop is not None:
                results.append(ItemResult(ref=item.reference, error=stop))
                continue
            try:
                results.append(ItemResult(ref=item.reference, remote_id=self._push_shipment(item)))
            except PluginError as error:
                stop = error if isinstance(error, STOPS) else None
                results.append(ItemResult(ref=item.reference, error=error, in_doubt=isinstance(error, Uncertain)))
        return results

    def _push_shipment(self, push: ShipmentPush) -> str | None:
        api, order_id = self.api, global_id("Order", push.order_external_id)
        wanted = wanted_lines(push)
        sent, found = sent_already(push, api.order_fulfilments(order_id))
        if not wanted - sent:
            return found
        work = api.fulfilment_orders(order_id)
        if work is None:
            raise Rejected("Shopify has no such order", code="unknown_order")
        refused: PluginError | None = None
        for value in plan_fulfilments(push, wanted - sent, work, self.settings):
            payload = api.create_fulfilment(value, f"OrderHub {push.reference}")
            refused = user_error(payload) or refused
        sent, found = sent_already(push, api.order_fulfilments(order_id))
        if wanted - sent:
            raise refused or Uncertain("Shopify took the fulfilment but does not show it yet", code="not_read_back")
        return found

    def push_stock(self, items: Sequence[StockPush]) -> list[ItemResult]:
        """Set what is available, location by location, by compare-and-set; of two news of one SKU the later counts."""
        outcomes: dict[str, ItemResult] = {}
        places: dict[str, list[StockPush]] = {}
        for item in items:
            try:
                places.setdefault(self._place(item.location_ref), []).append(item)
            except Rejected as error:
                outcomes[item.reference] = ItemResult(ref=item.reference, error=error)
        stop: PluginError | None = None
        for location, group in places.items():
            for start in range(0, len(group), SKUS_A_SEARCH):
                part = group[start : start + SKUS_A_SEARCH]
                if stop is None:
                    outcomes |= self._push_levels(part, location)
                    stop = next(
                        (found.error for item in part if isinstance((found := outcomes[item.reference]).error, STOPS)),
                        None,
                    )
                else:
                    outcomes |= {item.reference: ItemResult(ref=item.reference, error=stop) for item in part}
        return [outcomes[item.reference] for item in items]

    def list_stock(self, skus: Sequence[str]) -> list[StockShown]:
        """What the shop shows at the location of the settings; what cannot be set there is left out."""
        location, shown = self._place(None), list[StockShown]()
        for start in range(0, len(skus), SKUS_A_SEARCH):
            part = skus[start : start + SKUS_A_SEARCH]
            levels = levels_of(self.api.find_items(search_for(part), location))
            shown.extend(StockShown(sku, available) for sku, available in shown_of(part, levels).items())
        return shown

    def _place(self, stated: str | None) -> str:
        found = self.settings.locations.get(stated, stated) if stated is not None else self.settings.stock_location
        if found is None or not (found.isdigit() or found.startswith("gid://")):
            message = f"no Shopify location is known for {stated or 'stock without a location'}: add it to the settings"
            raise Rejected(message, code="unknown_location", path="locations")
        return global_id("Location", found)

    def _push_levels(self, items: Sequence[StockPush], location: str) -> dict[str, ItemResult]:
        try:
            levels = levels_of(self.api.find_items(search_for([item.sku for item in items]), location))
        except PluginError as error:
            return {item.reference: ItemResult(ref=item.reference, error=error) for item in items}
        latest: dict[str, StockPush] = {}
        for item in sorted(items, key=lambda one: one.observed_at):
            latest[item.sku] = item
        by_sku: dict[str, PluginError | None] = {}
        changes: list[tuple[StockPush, Level]] = []
        for sku, item in latest.items():
            try:
                level = level_for(sku, levels)
            except Rejected as error:
                by_sku[sku] = error
                continue
            by_sku[sku] = None
            if level.available != item.available:
                changes.append((item, level))
        by_sku |= self._set_levels(changes, location)
        return {item.reference: ItemResult(ref=item.reference, error=by_sku[item.sku]) for item in items}

    def _set_levels(self, changes: Sequence[tuple[StockPush, Level]], location: str) -> dict[str, PluginError | None]:
        """All in one mutation; where Shopify refuses it whole, one by one, so that one bad SKU stops no other."""
        if not changes:
            return {}
        error = self._set(changes, location)
        if isinstance(error, Rejected | Conflict) and len(changes) > 1:
            return {item.sku: self._set([(item, level)], location) for item, level in changes}
        return {item.sku: error for item, _ in changes}

    def _set(self, changes: Sequence[tuple[StockPush, Level]], location: str) -> PluginError | None:
        value = stock_input([(level, item.available) for item, level in changes], location, changes[0][0].reference)
        try:
            return user_error(self.api.set_quantities(value, key_of(value)))
        except PluginError as error:
            return error


def signature(body: bytes, secret: SecretStr) -> bytes:
    """Base64 of HMAC-SHA256 over the raw body (shopify.dev/docs/apps/build/webhooks/verify-deliveries)."""
    return base64.b64encode(hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).digest())


def end_of_life(version: str) -> datetime:
    """The day on which Shopify may stop serving an API version: twelve months after its release."""
    year, month = map(int, version.split("-"))
    return datetime(year + VERSION_LIFE_MONTHS // 12, month, 1, tzinfo=UTC)


def _scopes(answer: Answer) -> frozenset[str]:
    installation = answer.data.get("currentAppInstallation") or {}
    return frozenset(str(scope.get("handle")) for scope in installation.get("accessScopes") or ())


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _document(name: str, node: Mapping[str, Any]) -> Raw:
    body = json.dumps({"data": {name: node}}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    kind = {"order": "order", "fulfillment": "shipment", "productVariant": "product"}[name]
    return Raw(body=body, kind=kind, external_id=number_of(node))
