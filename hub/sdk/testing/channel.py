"""The conformance suite of channels: ten lines in a plugin's tests make it a whole test file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

from hub.canonical.facts import FactBase, OrderFact, ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.errors import Malformed, PluginError, Rejected, SignatureInvalid
from hub.sdk.testing.drift import GARBAGE, drifted, flipped, truncated
from hub.sdk.testing.suite import Conformance, expect, needs
from hub.sdk.values import (
    Census,
    FetchRequest,
    ItemResult,
    Raw,
    RawPage,
    ShipmentPush,
    ShippedLine,
    StockPush,
    WebhookRequest,
    Window,
)

MAX_PAGES = 50
DRIFT_BUDGET = 240
"""Fields that are changed over all samples of one plugin."""
REFERENCE = "c0ffee00c0ffee00c0ffee00c0ffee00"


class ChannelConformance(Conformance):
    """Subclass it as `TestAcme`, name `plugin`, `settings` and `samples`; add what the plugin's capabilities need.

    `samples` are documents that parse into at least one fact or fault; `malformed` ones that must be refused (or give
    faults). `signed` makes a delivery that is signed as the platform would (for `receive`); `replay_window` is the age
    in seconds beyond which a delivery is refused (None where the platform sends no time). `fetch_ids` are order ids
    that `server` knows.
    """

    kind = "channel"
    plugin: ClassVar[type[Channel[Any]]]
    samples: ClassVar[Sequence[Raw]] = ()
    malformed: ClassVar[Sequence[Raw]] = ()
    replay_window: ClassVar[int | None] = None
    fetch_ids: ClassVar[Sequence[str]] = ()

    def signed(self, body: bytes) -> WebhookRequest:
        """A delivery of this body as the platform signs it, received now; required for plugins with `receive`."""
        raise AssertionError(f"write signed(self, {body[:20]!r}...) in the suite: the plugin receives webhooks")

    def make_samples(self) -> Sequence[Raw]:
        """The samples; override where they are read from files."""
        return self.samples

    def window(self) -> Window:
        """The window that `list_changes` is asked for: the day before now."""
        return Window(since=self.clock.now() - timedelta(days=1), until=self.clock.now())

    def shipment_push(self) -> ShipmentPush:
        """A shipment of one line; override it to name an order that `server` knows."""
        return ShipmentPush(
            reference=REFERENCE, order_external_id="1001", order_number="#1001", carrier="rate_card",
            service="standard", tracking_numbers=("OH000000001",), tracking_urls=("https://track.example/OH000000001",),
            lines=(ShippedLine(line_external_id="1", quantity="1"),), shipped_at=self.clock.now(),
        )  # fmt: skip

    def stock_push(self) -> StockPush:
        """What is available of one SKU; override it to name one that `server` knows."""
        return StockPush(reference=REFERENCE, sku="MUG-BLUE", available=7, observed_at=self.clock.now())

    def _samples(self) -> Sequence[Raw]:
        samples = self.make_samples()
        expect(samples, "give the suite at least one sample")
        return samples

    def _parsed(self) -> Iterator[tuple[str, ParseResult]]:
        for index, raw in enumerate(self._samples()):
            yield f"sample {raw.name or raw.external_id or index}", self.open().parse(raw)

    def _survives(self, what: str, raw: Raw) -> ParseResult | PluginError:
        outcome: ParseResult | PluginError = self.outcome(what, lambda: self.open().parse(raw), Malformed, Rejected)
        if isinstance(outcome, PluginError):
            return outcome
        expect(isinstance(outcome, ParseResult), f"{what}: parse must return ParseResult")
        self.expect_json(what, outcome)
        return outcome

    def test_samples_say_something(self) -> None:
        """Every sample gives facts or faults, and all together at least one fact."""
        results = list(self._parsed())
        for what, result in results:
            expect(isinstance(result, ParseResult), f"{what}: parse must return ParseResult")
            expect(result.facts or result.faults, f"{what}: gave neither a fact nor a fault")
        expect(any(result.facts for _, result in results), "no sample gave a fact")

    def test_parse_is_pure(self) -> None:
        """The same document gives the same facts, at any time, without I/O."""
        for raw in self._samples():
            self.expect_pure("parse", lambda adapter, value: adapter.parse(value), raw)

    def test_parse_needs_no_other_side(self) -> None:
        """What was parsed is equal for two connections whose other side is dead or alive."""
        for raw in self._samples():
            dead = self.open(lambda request: (_ for _ in ()).throw(ConnectionError(str(request.url))))
            expect(dead.parse(raw) == self.open().parse(raw), "parse: asked the other side")

    def test_facts_travel_as_json(self) -> None:
        """Facts are stored and read again unchanged."""
        for what, result in self._parsed():
            self.expect_json(what, result)

    def test_ids_are_text_and_times_are_utc(self) -> None:
        """Ids are non-empty text without the ghosts of null, times are aware and in UTC."""
        for what, result in self._parsed():
            self.expect_aware(what, result)
            for fact in result.facts:
                for identity in _ids(fact):
                    expect(
                        identity.strip() and identity not in ("None", "null", "nan"),
                        f"{what}: id {identity!r} is not an id",
                    )
                    expect(
                        "e+" not in identity and not identity.endswith(".0"),
                        f"{what}: id {identity!r} went through a float",
                    )

    def test_orders_add_no_money_of_their_own(self) -> None:
        """Money on an order is in its currency, or the order says which other one."""
        for what, result in self._parsed():
            for fact in result.facts:
                if isinstance(fact, OrderFact):
                    order = fact.order
                    known = {order.currency, order.presentment_currency}
                    used = {line.total.currency for line in order.lines if line.total} | {
                        charge.amount.currency for charge in order.charges
                    }
                    expect(used <= known, f"{what}: money in {sorted(used)} on an order in {order.currency}")

    def test_quantities_are_not_invented(self) -> None:
        """A line that is left out by the source is not an order of nothing: no negative quantities."""
        for what, result in self._parsed():
            for fact in result.facts:
                if isinstance(fact, OrderFact):
                    for line in fact.order.lines:
                        expect(line.quantity >= Decimal(0), f"{what}: line {line.external_id} has a negative quantity")

    def test_garbage_is_refused(self) -> None:
        """Bytes that are no document are `Malformed`; no order is invented from them, and nothing crashes."""
        shapes = {(raw.content_type, raw.kind, raw.name): raw for raw in self._samples()}
        for raw in shapes.values():
            for body in GARBAGE:
                what = f"garbage {body[:24]!r} as {raw.kind or raw.name or raw.content_type}"
                outcome = self._survives(what, replace(raw, body=body))
                if isinstance(outcome, ParseResult):
                    orders = [fact for fact in outcome.facts if isinstance(fact, OrderFact)]
                    expect(not orders, f"{what}: an order was invented")
            for body in (b"", b"\x00\xff\xfe\x80garbage"):
                outcome = self._survives(f"garbage {body!r}", replace(raw, body=body))
                expect(isinstance(outcome, Malformed | Rejected), f"garbage {body!r}: must raise Malformed")

    def test_damaged_samples_never_crash(self) -> None:
        """A cut or changed document is refused, gives faults or facts; never another exception."""
        for raw in self._samples():
            for what, damaged in (*truncated(raw), *flipped(raw)):
                self._survives(what, damaged)

    def test_schema_drift_never_crashes(self) -> None:
        """A JSON field that turns null, another type or absurd never crashes the mapping."""
        samples = self._samples()
        for raw in samples:
            for what, changed in drifted(raw, max(4, DRIFT_BUDGET // len(samples))):
                self._survives(what, changed)

    def test_malformed_documents_are_named(self) -> None:
        """What must be refused is refused with a code, or is a fault with a code; and no secret is told."""
        for raw in self.malformed:
            outcome = self._survives(f"malformed {raw.name or raw.body[:40]!r}", raw)
            if isinstance(outcome, PluginError):
                expect(outcome.code, "a refused document needs a code")
            else:
                expect(outcome.faults, f"malformed {raw.name or raw.body[:40]!r}: neither refused nor a fault")

    @needs("receive")
    def test_webhook_with_a_good_signature_passes(self) -> None:
        """A signed delivery names its documents, and the same delivery names them again in the same way."""
        request = self.signed(self._samples()[0].body)
        first, second = self.open().receive(request), self.open().receive(request)
        expect(first and all(isinstance(raw, Raw) for raw in first), "receive: a good delivery must give raw documents")
        expect(
            first == second, "receive: the same delivery, sent twice, must give equal documents (the hub dedupes them)"
        )
        for raw in first:
            expect(raw.body, "receive: a document has no body")
            self._survives("parse of a received document", raw)

    @needs("receive")
    def test_webhook_with_a_bad_signature_is_refused(self) -> None:
        """A tampered body, a changed, cut or missing signature raise `SignatureInvalid`, whatever the body is."""
        request = self.signed(self._samples()[0].body)
        names = [name for name in request.headers if any(part in name for part in ("sign", "hmac", "digest", "auth"))]
        expect(names or request.query, "signed(): no header of the delivery looks like a signature")
        forged = [("a tampered body", replace(request, body=request.body + b" ")),
                  ("no headers", replace(request, headers={}, query={})),
                  ("an empty body", replace(request, body=b""))]  # fmt: skip
        for name in names:
            value = request.headers[name]
            changes = {
                "changed": _other(value),
                "cut": value[: len(value) // 2],
                "empty": "",
                "not ASCII": "签名",
                "garbage": "v1,?",
            }
            forged += [
                (f"{name} {how}", replace(request, headers={**request.headers, name: new}))
                for how, new in changes.items()
            ]
            left = {key: kept for key, kept in request.headers.items() if key != name}
            forged.append((f"{name} missing", replace(request, headers=left)))
        for what, bad in forged:
            self._expect_refused(what, bad)

    @needs("receive")
    def test_webhook_body_is_verified_before_it_is_read(self) -> None:
        """Garbage without a good signature is a bad signature, not a malformed document."""
        request = self.signed(self._samples()[0].body)
        for body in GARBAGE:
            self._expect_refused(f"garbage {body[:24]!r} under another body's signature", replace(request, body=body))

    @needs("receive")
    def test_signed_garbage_never_crashes(self) -> None:
        """A well-signed delivery of garbage gives raw documents (kept, blocked later) or is `Malformed`."""
        for body in GARBAGE:
            what, request = f"signed garbage {body[:24]!r}", self.signed(body)
            self.outcome(what, partial(self.open().receive, request), Malformed, Rejected)

    @needs("receive")
    def test_webhook_replayed_late_is_refused(self) -> None:
        """Beyond the replay window (either way) a delivery is refused; within it, it passes."""
        if self.replay_window is None:
            return
        request, sent = self.signed(self._samples()[0].body), self.clock.now()
        for seconds in (self.replay_window + 60, -(self.replay_window + 60)):
            self.clock.set(sent + timedelta(seconds=seconds))
            self._expect_refused(f"a delivery {seconds} s old", replace(request, received_at=self.clock.now()))
        self.clock.set(sent + timedelta(seconds=self.replay_window - 5))
        expect(
            self.open().receive(replace(request, received_at=self.clock.now())),
            "a delivery within the window must pass",
        )

    def _expect_refused(self, what: str, request: WebhookRequest) -> None:
        outcome = self.outcome(f"receive: {what}", lambda: self.open().receive(request))
        expect(
            isinstance(outcome, SignatureInvalid),
            f"receive: {what} must raise SignatureInvalid, gave {type(outcome).__name__}",
        )

    @needs("list_changes")
    def test_list_changes_pages_to_the_end(self) -> None:
        """Pages end, hold at most `limit` documents, none twice, and every document can be parsed."""
        adapter, window, seen = self.open(), self.window(), list[Raw]()
        for _ in range(MAX_PAGES):
            page = adapter.list_changes(window, 2)
            expect(isinstance(page, RawPage), "list_changes must return RawPage")
            expect(len(page.documents) <= 2, f"list_changes gave {len(page.documents)} documents with limit=2")
            seen.extend(page.documents)
            if page.source_time is not None:
                expect(page.source_time.utcoffset() is not None, "list_changes: source_time is naive")
            if page.next_page is None:
                break
            window = replace(window, page=page.next_page)
        else:
            raise AssertionError(f"list_changes did not end after {MAX_PAGES} pages")
        keys = [(raw.kind, raw.external_id, raw.revision, raw.body) for raw in seen]
        expect(len(keys) == len(set(keys)), "list_changes gave one document twice")
        for raw in seen:
            self._survives("parse of a listed document", raw)

    @needs("list_changes")
    def test_list_changes_tolerates_a_bad_platform(self) -> None:
        """Outages are SDK errors: an empty page would move the cursor over what was not read."""
        self.expect_sdk_errors("list_changes", lambda adapter: adapter.list_changes(self.window(), 10), _no_result)

    @needs("fetch")
    def test_fetch_reads_what_it_is_asked_for(self) -> None:
        """Known ids give parseable documents of those ids."""
        if not self.fetch_ids:
            return
        documents = self.open().fetch(FetchRequest(kind="order", external_ids=tuple(self.fetch_ids)))
        found = {raw.external_id for raw in documents}
        expect(
            found == set(self.fetch_ids),
            f"fetch of {sorted(self.fetch_ids)} gave documents of {sorted(map(str, found))}",
        )
        for raw in documents:
            outcome = self._survives("parse of a fetched document", raw)
            expect(isinstance(outcome, ParseResult) and outcome.facts, "a fetched document gave no fact")

    @needs("fetch")
    def test_fetch_tolerates_a_bad_platform(self) -> None:
        """Outages are SDK errors: an empty answer would mean that the order does not exist."""
        request = FetchRequest(kind="order", external_ids=tuple(self.fetch_ids) or ("1001",))

        def judge(label: str, documents: Any) -> None:
            expect(documents, f"{label}: must raise an SDK error, returned nothing")
            for raw in documents:
                expect(isinstance(self._survives(label, raw), PluginError), f"{label}: a document was invented")

        self.expect_sdk_errors("fetch", lambda adapter: adapter.fetch(request), judge)

    @needs("census")
    def test_census_lists_every_order_once(self) -> None:
        """Pages end, no order is listed twice, and the source's own count is that of its list."""
        adapter, window, seen, counts = self.open(), self.window(), list[str](), set[int]()
        for _ in range(MAX_PAGES):
            page = adapter.census(window)
            expect(isinstance(page, Census), "census must return Census")
            seen.extend(entry.external_id for entry in page.entries)
            counts |= {page.count} if page.count is not None else set()
            if page.next_page is None:
                break
            window = replace(window, page=page.next_page)
        else:
            raise AssertionError(f"census did not end after {MAX_PAGES} pages")
        expect(
            seen and all(identity.strip() for identity in seen), "census listed no order of `server`, or one without id"
        )
        expect(len(seen) == len(set(seen)), "census listed one order twice")
        expect(counts <= {len(seen)}, f"census counts {sorted(counts)} orders and lists {len(seen)}")

    @needs("census")
    def test_census_tolerates_a_bad_platform(self) -> None:
        """Outages are SDK errors: an empty list would prove that nothing is missing."""
        self.expect_sdk_errors("census", lambda adapter: adapter.census(self.window()), _no_result)

    @needs("push_shipments")
    def test_push_shipments_answers_item_by_item(self) -> None:
        """One result an item, each under the item's own reference; outages are never a success."""
        self._expect_batch("push_shipments", self.shipment_push(), lambda adapter, items: adapter.push_shipments(items))

    @needs("push_stock")
    def test_push_stock_answers_item_by_item(self) -> None:
        """One result an item, each under the item's own reference; outages are never a success."""
        self._expect_batch("push_stock", self.stock_push(), lambda adapter, items: adapter.push_stock(items))

    @needs("list_stock")
    def test_list_stock_shows_what_was_pushed(self) -> None:
        """The SKU of `stock_push` with its number, one unknown to the channel left out; outages are SDK errors."""
        item, adapter = self.stock_push(), self.open()
        adapter.push_stock((item,))
        shown = [(one.sku, one.available) for one in adapter.list_stock((item.sku, "no-such-sku"))]
        expect(shown == [(item.sku, item.available)], f"list_stock: {shown} after {item.available} was pushed")
        self.expect_sdk_errors("list_stock", lambda adapter: adapter.list_stock((item.sku,)), _no_result)

    def _expect_batch(self, what: str, item: Any, push: Callable[[Any, Any], Any]) -> None:
        items = (item, replace(item, reference=item.reference[::-1]))
        results = self.outcome(what, lambda: push(self.open(), items))
        if isinstance(results, PluginError):
            raise AssertionError(f"{what}: a working server must not raise: {results!r}")
        references = [result.ref for result in results if isinstance(result, ItemResult)]
        expect(
            references == [item.reference for item in items],
            f"{what}: results {references} do not answer the items in order",
        )
        expect(all(result.ok for result in results), f"{what}: failed against the working server: {results}")

        def judge(label: str, answers: Any) -> None:
            expect(
                [answer.ref for answer in answers] == [item.reference for item in items],
                f"{label}: not one result an item",
            )
            expect(not any(answer.ok for answer in answers), f"{label}: an item counts as done")

        self.expect_sdk_errors(what, lambda adapter: push(adapter, items), judge)
        expect(list(push(self.open(), ())) == [], f"{what}: an empty batch must give no result")


def _no_result(label: str, result: Any) -> None:
    raise AssertionError(f"{label}: must raise an SDK error, returned {type(result).__name__}")


def _other(signature: str) -> str:
    last = signature.rstrip("=")
    return last[:-2] + ("A" if last[-2:-1] != "A" else "B") + last[-1:] + signature[len(last) :]


def _ids(fact: FactBase) -> Iterator[str]:
    yield from (identity for identity in (fact.external_id, fact.order_id) if identity is not None)
    if isinstance(fact, OrderFact):
        order = fact.order
        yield order.external_id
        yield from (line.external_id for line in order.lines)
        yield from (transaction.external_id for transaction in order.transactions)
        yield from (refund.external_id for refund in order.refunds)
        yield from (shipment.external_id for shipment in order.shipments)
