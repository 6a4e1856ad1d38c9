"""The channel suite passes a sound channel and catches each deliberate breakage."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import httpx
import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError

from hub.canonical.facts import OrderFact, OtherFact, ParseResult
from hub.canonical.money import Money, MoneyError
from hub.canonical.order import Order, OrderLine
from hub.sdk.adapters import Channel
from hub.sdk.errors import Malformed, PluginError, SignatureInvalid, Uncertain
from hub.sdk.manifest import Manifest
from hub.sdk.testing.channel import ChannelConformance
from hub.sdk.testing.suite import failures
from hub.sdk.values import Health, ItemResult, Raw, RawPage, WebhookRequest

SHAPE = "test_folder_has_the_shape"
SAMPLE = {"id": "A-1", "currency": "USD", "at": 1772442000, "lines": [{"id": "1", "qty": "2", "minor": 500}]}
BODY = json.dumps(SAMPLE).encode()
ORDERS = {"A-1": BODY, "A-2": BODY.replace(b"A-1", b"A-2"), "A-3": BODY.replace(b"A-1", b"A-3")}
BASE = "https://mini.example"


class MiniSettings(BaseModel):
    api_key: SecretStr = Field(description="Key of the shop's API")
    shop: str = Field(default="main", description="Name of the shop")


class Mini(Channel[MiniSettings]):
    manifest = Manifest(id="mini", kind="channel", version="1.0", label="Mini", egress_hosts=("mini.example",))
    settings_model = MiniSettings

    def check(self) -> Health:
        try:
            answer = self.http.request("GET", f"{BASE}/check").json()
        except PluginError as error:
            return Health(ok=False, problems=(f"look at the shop: {error.code}",))
        return Health(ok=answer == {"ok": True}, problems=() if answer == {"ok": True} else ("not our shop",))

    def parse(self, raw: Raw) -> ParseResult:
        try:
            data = json.loads(raw.body)
            if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not data["id"]:
                raise Malformed("no order id", path="/id")
            return ParseResult(facts=(self.fact(data),))
        except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
            raise Malformed("not an order", path="/") from error

    def fact(self, data: dict) -> OrderFact:
        lines = tuple(
            OrderLine(
                external_id=line["id"],
                quantity=abs(Decimal(line["qty"])),
                total=Money(minor=line["minor"], currency=data["currency"]),
            )
            for line in data["lines"]
        )
        order = Order(
            external_id=data["id"],
            currency=data["currency"],
            lines=lines,
            placed_at=datetime.fromtimestamp(data["at"], UTC),
        )
        return OrderFact(kind="order", external_id=data["id"], order_id=data["id"], order=order)

    def receive(self, request: WebhookRequest) -> list[Raw]:
        sent = request.headers.get("x-mini-signature", "").encode()
        if not hmac.compare_digest(sign(self.settings.api_key.get_secret_value(), request.body).encode(), sent):
            raise SignatureInvalid("the signature does not fit")
        if abs((self.clock.now() - request.received_at).total_seconds()) > 1:
            raise AssertionError("the test moves both clocks")
        if abs((request.received_at - datetime(2026, 3, 2, 9, tzinfo=UTC)).total_seconds()) > 300:
            raise SignatureInvalid("too old")
        return [Raw(body=request.body, kind="order")]

    def list_changes(self, window, limit):
        page = self.http.request(
            "GET", f"{BASE}/orders", params={"page": window.page or "0", "limit": str(limit)}
        ).json()
        if not isinstance(page, dict) or "orders" not in page:
            raise Malformed("a page must be an object with orders")
        documents = tuple(Raw(body=json.dumps(each).encode(), external_id=each["id"]) for each in page["orders"])
        return RawPage(documents=documents, next_page=page["next"])

    def fetch(self, request):
        return [
            Raw(body=self.http.request("GET", f"{BASE}/orders/{each}").body, external_id=each)
            for each in request.external_ids
        ]

    def push_shipments(self, items):
        return [self.push(item) for item in items]

    def push(self, item):
        try:
            answer = self.http.request("POST", f"{BASE}/ship", json={"ref": item.reference}).json()
            if answer != {"ok": True}:
                raise Malformed("not an answer")
        except Uncertain as error:
            return ItemResult(ref=item.reference, error=error, in_doubt=True)
        except PluginError as error:
            return ItemResult(ref=item.reference, error=error)
        return ItemResult(ref=item.reference)


def sign(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def serve(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/orders":
        page, limit = int(request.url.params["page"]), int(request.url.params["limit"])
        found = [json.loads(body) for body in ORDERS.values()][page * limit : (page + 1) * limit]
        more = (page + 1) * limit < len(ORDERS)
        return httpx.Response(200, json={"orders": found, "next": str(page + 1) if more else None})
    if path.startswith("/orders/"):
        return httpx.Response(200, content=ORDERS[path.rsplit("/", 1)[1]])
    return httpx.Response(200, json={"ok": True})


def suite_of(channel: type[Channel], **extra) -> type[ChannelConformance]:
    class Suite(ChannelConformance):
        plugin = channel
        settings: ClassVar = {"api_key": "very-secret-value"}
        samples = (Raw(body=BODY, external_id="A-1"),)
        malformed = (Raw(body=b"{}"),)
        fetch_ids = ("A-1", "A-2")
        replay_window = 300

        def signed(self, body):
            headers = {"x-mini-signature": sign("very-secret-value", body)}
            return WebhookRequest(body=body, headers=headers, received_at=self.clock.now())

        def server(self, request):
            return serve(request)

    for name, value in extra.items():
        setattr(Suite, name, value)
    return Suite


def broken(name: str, function) -> type[Channel]:
    return type("Broken", (Mini,), {name: function})


def caught(channel: type[Channel], folder, **extra) -> set[str]:
    return set(failures(suite_of(channel, **extra), folder)) - {SHAPE}


def test_a_sound_channel_passes(tmp_path) -> None:
    found = failures(suite_of(Mini), tmp_path)
    assert set(found) == {SHAPE}, found


def test_tests_of_missing_capabilities_are_not_collected() -> None:
    class Reader(Mini):
        receive = Channel.receive
        push_shipments = Channel.push_shipments

    suite = suite_of(Reader)
    assert suite.test_webhook_with_a_good_signature_passes is None
    assert suite.test_push_shipments_answers_item_by_item is None
    assert suite_of(Mini).test_webhook_with_a_good_signature_passes is not None


def impure_http(self, raw):
    self.http.request("GET", f"{BASE}/check")
    return Mini.parse(self, raw)


def impure_state(self, raw):
    self.state.put("seen", "1")
    return Mini.parse(self, raw)


def by_the_clock(self, raw):
    result = Mini.parse(self, raw)
    return ParseResult(facts=(result.facts[0].model_copy(update={"occurred_at": self.clock.now()}),))


def crashing(self, raw):
    return ParseResult(facts=(self.fact(json.loads(raw.body)),))


def inventing(self, raw):
    try:
        return Mini.parse(self, raw)
    except Malformed:
        return ParseResult(facts=(OrderFact(kind="order", order=Order(external_id="0")),))


def swallowing(self, raw):
    try:
        return Mini.parse(self, raw)
    except Malformed:
        return ParseResult(facts=(OtherFact(document="unknown"),))


def local_time(self, raw):
    result = Mini.parse(self, raw)
    naive = datetime(2026, 3, 2, 9)
    return ParseResult(facts=(result.facts[0].model_copy(update={"occurred_at": naive}),))


def float_id(self, raw):
    result = Mini.parse(self, raw)
    return ParseResult(facts=(result.facts[0].model_copy(update={"order_id": "1.0"}),))


def foreign_money(self, raw):
    fact = Mini.parse(self, raw).facts[0]
    line = OrderLine(external_id="1", quantity=Decimal(1), total=Money(minor=1, currency="EUR"))
    return ParseResult(facts=(fact.model_copy(update={"order": fact.order.model_copy(update={"lines": (line,)})}),))


def telling_secrets(self, raw):
    try:
        return Mini.parse(self, raw)
    except Malformed:
        raise Malformed(f"cannot read with {self.settings.api_key.get_secret_value()}") from None


@pytest.mark.parametrize(
    ("parse", "expected"),
    [
        (impure_http, "test_parse_is_pure"),
        (impure_state, "test_parse_is_pure"),
        (by_the_clock, "test_parse_is_pure"),
        (crashing, "test_garbage_is_refused"),
        (crashing, "test_damaged_samples_never_crash"),
        (crashing, "test_schema_drift_never_crashes"),
        (inventing, "test_garbage_is_refused"),
        (swallowing, "test_garbage_is_refused"),
        (swallowing, "test_malformed_documents_are_named"),
        (local_time, "test_ids_are_text_and_times_are_utc"),
        (float_id, "test_ids_are_text_and_times_are_utc"),
        (foreign_money, "test_orders_add_no_money_of_their_own"),
        (telling_secrets, "test_malformed_documents_are_named"),
        (lambda self, raw: ParseResult(), "test_samples_say_something"),
    ],
)
def test_a_broken_parse_is_caught(parse, expected, tmp_path) -> None:
    assert expected in caught(broken("parse", parse), tmp_path)


def unverified(self, request):
    return [Raw(body=request.body)]


def read_first(self, request):
    if not isinstance(json.loads(request.body), dict):
        raise Malformed("not an object")
    return Mini.receive(self, request)


def only_the_present(self, request):
    if not request.headers:
        return [Raw(body=request.body)]
    return Mini.receive(self, request)


def timeless(self, request):
    return Mini.receive(self, replace(request, received_at=self.clock.now().replace(hour=9, minute=0, second=0)))


def restless(self, request):
    self.state.put("count", (self.state.get("count") or "") + "1")
    return [replace(raw, event_id=self.state.get("count")) for raw in Mini.receive(self, request)]


def ascii_only(self, request):
    request.headers.get("x-mini-signature", "").encode("ascii")
    return Mini.receive(self, request)


@pytest.mark.parametrize(
    ("receive", "expected"),
    [
        (unverified, "test_webhook_with_a_bad_signature_is_refused"),
        (only_the_present, "test_webhook_with_a_bad_signature_is_refused"),
        (ascii_only, "test_webhook_with_a_bad_signature_is_refused"),
        (read_first, "test_webhook_body_is_verified_before_it_is_read"),
        (timeless, "test_webhook_replayed_late_is_refused"),
        (restless, "test_webhook_with_a_good_signature_passes"),
        (lambda self, request: [], "test_webhook_with_a_good_signature_passes"),
    ],
)
def test_a_broken_receive_is_caught(receive, expected, tmp_path) -> None:
    assert expected in caught(broken("receive", receive), tmp_path)


def forgiving_list(self, window, limit):
    try:
        return Mini.list_changes(self, window, limit)
    except PluginError:
        return RawPage(documents=())


def endless(self, window, limit):
    return replace(Mini.list_changes(self, replace(window, page=None), limit), next_page="0")


def too_many(self, window, limit):
    return Mini.list_changes(self, window, limit + 1)


def crashing_list(self, window, limit):
    page = self.http.request("GET", f"{BASE}/orders", params={"page": "0", "limit": "2"}).json()
    return RawPage(documents=tuple(Raw(body=json.dumps(each).encode()) for each in page["orders"]))


@pytest.mark.parametrize(
    ("list_changes", "expected"),
    [
        (forgiving_list, "test_list_changes_tolerates_a_bad_platform"),
        (crashing_list, "test_list_changes_tolerates_a_bad_platform"),
        (endless, "test_list_changes_pages_to_the_end"),
        (too_many, "test_list_changes_pages_to_the_end"),
    ],
)
def test_a_broken_list_is_caught(list_changes, expected, tmp_path) -> None:
    assert expected in caught(broken("list_changes", list_changes), tmp_path)


def fetch_all(self, request):
    return [Raw(body=body, external_id=key) for key, body in ORDERS.items()]


def forgiving_fetch(self, request):
    try:
        return Mini.fetch(self, request)
    except PluginError:
        return []


@pytest.mark.parametrize(
    ("name", "function", "expected"),
    [
        ("fetch", fetch_all, "test_fetch_reads_what_it_is_asked_for"),
        ("fetch", forgiving_fetch, "test_fetch_tolerates_a_bad_platform"),
        ("push_shipments", lambda self, items: [], "test_push_shipments_answers_item_by_item"),
        ("push", lambda self, item: ItemResult(ref="other"), "test_push_shipments_answers_item_by_item"),
        ("check", lambda self: Health(ok=False), "test_check_returns_health"),
        ("check", lambda self: True, "test_check_returns_health"),
        ("check", lambda self: json.loads(self.http.request("GET", BASE).body) and Health(ok=True), None),
    ],
)
def test_broken_calls_are_caught(name, function, expected, tmp_path) -> None:
    assert (expected or "test_check_notices_a_dead_other_side") in caught(broken(name, function), tmp_path)


def test_a_push_that_swallows_an_outage_is_caught(tmp_path) -> None:
    def swallowed(self, item):
        try:
            self.http.request("POST", f"{BASE}/ship", json={})
        except PluginError as error:
            self.log.warning("ship.failed", code=error.code)
        return ItemResult(ref=item.reference)

    assert "test_push_shipments_answers_item_by_item" in caught(broken("push", swallowed), tmp_path)


def test_a_check_that_is_always_healthy_is_caught(tmp_path) -> None:
    def rosy(self):
        try:
            self.http.request("GET", f"{BASE}/check")
        except PluginError as error:
            self.log.warning("check.failed", code=error.code)
        return Health(ok=True)

    assert "test_check_notices_a_dead_other_side" in caught(broken("check", rosy), tmp_path)


def test_a_secret_in_the_log_is_caught(tmp_path) -> None:
    def chatty(self):
        self.log.info("check.started", key=self.settings.api_key.get_secret_value())
        return Mini.check(self)

    assert "test_check_returns_health" in caught(broken("check", chatty), tmp_path)


def test_money_errors_are_value_errors() -> None:
    """The mapping of the sample catches them so; a change would make every mapping crash on absurd amounts."""
    assert issubclass(MoneyError, ValueError)
    assert issubclass(ValidationError, ValueError)
