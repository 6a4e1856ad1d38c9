"""The conformance suite of carriers: labels are bought once, numbers are stable, documents print."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from hub.canonical.shipping import RateRequest, ShipmentRequest, ShipmentResult, TrackingEvent
from hub.sdk.adapters import Carrier
from hub.sdk.errors import Duplicate, Malformed, PluginError, Rejected
from hub.sdk.testing.builders import shipment_request
from hub.sdk.testing.drift import GARBAGE, drifted, flipped, truncated
from hub.sdk.testing.suite import Conformance, expect, needs
from hub.sdk.values import Outgoing, Raw

MAGIC = {"pdf": b"%PDF", "zpl": b"^XA"}


class CarrierConformance(Conformance):
    """Subclass it as `TestAcme`, name `plugin`, `settings` and `server`.

    `tracking` are tracking documents of known codes; `unknown_tracking` is one with a code that the plugin has never
    seen (required where the plugin parses tracking). `label_formats` are those that the carrier prints.
    """

    kind = "carrier"
    plugin: ClassVar[type[Carrier[Any]]]
    tracking: ClassVar[Sequence[Raw]] = ()
    unknown_tracking: ClassVar[Raw | None] = None
    label_formats: ClassVar[Sequence[Any]] = ("pdf", "zpl")

    def request(self, number: int = 1, parcels: int = 1, label_format: Any = "pdf") -> ShipmentRequest:
        """A request that the carrier can serve: the first service of the account; override for its own needs."""
        service = self.open().services()[0].code
        return shipment_request(service=service, number=number, parcels=parcels, label_format=label_format)

    def make_tracking(self) -> Sequence[Raw]:
        """The tracking samples; override where they are built from a bought shipment."""
        return self.tracking

    def _bought(self, adapter: Any, request: ShipmentRequest) -> tuple[Raw, ShipmentResult]:
        raw = adapter.send(self._to_send(adapter, request), request.reference)
        expect(isinstance(raw, Raw), "send must return the raw answer")
        result = adapter.parse_shipment(raw)
        expect(isinstance(result, ShipmentResult), "parse_shipment must return ShipmentResult")
        return raw, result

    def _to_send(self, adapter: Any, request: ShipmentRequest) -> Outgoing:
        """What the hub sends: in the class two_step, with the id of a draft that was made before."""
        outgoing: Outgoing = adapter.build_shipment(request)
        if self.plugin.manifest.idempotency != "two_step":
            return outgoing
        return replace(outgoing, draft_id=adapter.draft(outgoing, request.reference))

    def test_services_are_named(self) -> None:
        """The account offers at least one service; codes are unique and named."""
        services = self.open().services()
        codes = [service.code for service in services]
        expect(codes and all(codes), "services: none, or one without a code")
        expect(len(codes) == len(set(codes)), f"services: codes are not unique: {codes}")
        expect(all(service.name.strip() for service in services), "services: one has no name")

    def test_build_is_pure(self) -> None:
        """The same request gives the same outgoing call, which carries our reference; nothing is sent."""
        request = self.request()
        outgoing = self.expect_pure("build_shipment", lambda adapter, value: adapter.build_shipment(value), request)
        expect(isinstance(outgoing, Outgoing), "build_shipment must return Outgoing")
        expect(outgoing.reference == request.reference, "build_shipment: the reference of the request must travel")

    def test_parse_shipment_is_pure(self) -> None:
        """The answer of the carrier means the same every time, without asking it again."""
        raw, result = self._bought(self.open(), self.request())
        again = self.expect_pure("parse_shipment", lambda adapter, value: adapter.parse_shipment(value), raw)
        expect(again == result, "parse_shipment: another adapter read another result")
        self.expect_json("parse_shipment", result)
        self.expect_aware("parse_shipment", result)

    def test_every_parcel_has_its_number(self) -> None:
        """One result a parcel, in order, each with its own tracking number and at least the carrier's reference."""
        for count in (1, 3):
            request = self.request(number=count, parcels=count)
            _, result = self._bought(self.open(), request)
            wanted = [parcel.reference for parcel in request.parcels]
            expect(
                [parcel.reference for parcel in result.parcels] == wanted, f"{count} parcels: not one result a parcel"
            )
            numbers = {parcel.tracking_number for parcel in result.parcels}
            expect(
                len(numbers) == count and all(numbers), f"{count} parcels: tracking numbers are not unique: {numbers}"
            )
            expect(result.carrier_ref.strip(), "the shipment has no carrier_ref")
            expect(result.cost is None or result.cost.minor >= 0, "the cost is negative")

    def test_shipments_do_not_share_numbers(self) -> None:
        """Two shipments have different numbers, also over two adapters of the account."""
        _, first = self._bought(self.open(), self.request(number=1))
        _, second = self._bought(self.open(), self.request(number=2))
        shared = {p.tracking_number for p in first.parcels} & {p.tracking_number for p in second.parcels}
        expect(not shared, f"two shipments share the number {shared}")

    def test_sending_twice_buys_once(self) -> None:
        """For the classes key and unique_ref a second send gives the first numbers (or says `Duplicate`)."""
        request = self.request()
        if self.plugin.manifest.idempotency not in ("key", "unique_ref"):
            return
        _, first = self._bought(self.open(), request)
        again = self.outcome("send again", lambda: self._bought(self.open(), request)[1], Duplicate)
        if isinstance(again, PluginError):
            expect(
                "find_by_reference" in self.plugin.capabilities(),
                "send raised Duplicate: then it must be possible to find it",
            )
            return
        numbers = [[parcel.tracking_number for parcel in result.parcels] for result in (first, again)]
        expect(numbers[0] == numbers[1], f"sent twice with one key, bought twice: {numbers}")
        expect(first.carrier_ref == again.carrier_ref, "sent twice with one key: two carrier references")

    def test_idempotency_class_is_true(self) -> None:
        """A class that promises to look up has the look-up."""
        if self.plugin.manifest.idempotency in ("find", "unique_ref"):
            expect("find_by_reference" in self.plugin.capabilities(), "the idempotency class needs find_by_reference")
        if self.plugin.manifest.idempotency == "two_step":
            expect("draft" in self.plugin.capabilities(), "the idempotency class two_step needs draft")

    @needs("draft")
    def test_a_draft_is_free_and_bought_once(self) -> None:
        """Nothing is sold before `send`; buying one draft twice, over two adapters, gives the first numbers."""
        request = self.request()
        adapter = self.open()
        outgoing = self._to_send(adapter, request)
        expect(outgoing.draft_id, "draft: must return the id of the draft")
        if "find_by_reference" in self.plugin.capabilities():
            expect(not adapter.find_by_reference((request.reference,)), "draft: something was bought already")
        first = adapter.parse_shipment(adapter.send(outgoing, request.reference))
        again = self.open().parse_shipment(self.open().send(outgoing, request.reference))
        numbers = [[parcel.tracking_number for parcel in result.parcels] for result in (first, again)]
        expect(numbers[0] == numbers[1], f"one draft was bought twice: {numbers}")
        expect(first.carrier_ref == again.carrier_ref, "one draft was bought twice: two carrier references")

    @needs("find_by_reference")
    def test_found_only_after_it_was_sent(self) -> None:
        """Nothing is found before the call; after it exactly that shipment, readable by `parse_shipment`."""
        request, other = self.request(number=1), self.request(number=2)
        asked = (request.reference, other.reference)
        expect(not self.open().find_by_reference(asked), "find_by_reference: found something before anything was sent")
        _, bought = self._bought(self.open(), request)
        found = self.open().find_by_reference(asked)
        expect(
            [item.reference for item in found] == [request.reference],
            "find_by_reference: must find exactly what was sent",
        )
        expect(found[0].carrier_ref == bought.carrier_ref, "find_by_reference: another carrier_ref than the answer's")
        expect(not found[0].voided, "find_by_reference: a live shipment counts as voided")
        read = self.open().parse_shipment(Raw(body=found[0].raw.encode()))
        numbers = [[parcel.tracking_number for parcel in result.parcels] for result in (bought, read)]
        expect(numbers[0] == numbers[1], f"find_by_reference: the found shipment has other numbers: {numbers}")

    @needs("void")
    def test_void_twice_is_success(self) -> None:
        """Giving a label back again is no error; a found shipment says that it is voided."""
        request = self.request()
        _, bought = self._bought(self.open(), request)
        for _ in range(2):
            outcome = self.outcome("void", lambda: self.open().void(bought.carrier_ref))
            expect(outcome is None, f"void: must succeed, and again succeed, gave {outcome!r}")
        if "find_by_reference" in self.plugin.capabilities():
            found = self.open().find_by_reference((request.reference,))
            expect(all(item.voided for item in found), "find_by_reference: a voided shipment counts as live")

    def test_labels_print(self) -> None:
        """Documents are base64 of what their format says, and repeat byte for byte (a reprint is the same label)."""
        for number, label_format in enumerate(self.label_formats, start=7):
            request = self.request(label_format=label_format, number=number)
            raw, result = self._bought(self.open(), request)
            expect(self.open().parse_shipment(raw) == result, "a reprint is another label")
            for parcel in result.parcels:
                for document in parcel.documents:
                    body = _decoded(document.content)
                    expect(
                        body.startswith(MAGIC[document.format]), f"a {document.format} label begins with {body[:8]!r}"
                    )
                    wrong = document.kind == "label" and document.format != label_format
                    expect(not wrong, f"asked for {label_format}, got {document.format}")

    def test_outage_never_buys(self) -> None:
        """When the carrier cannot be reached, send raises an SDK error; a wrong page is not a bought label."""
        request = self.request()
        draft = self._to_send(self.open(), request).draft_id

        def judge(label: str, result: Any) -> None:
            self.outcome(label, lambda: self.open().parse_shipment(result), Malformed, Rejected)

        def send(adapter: Any) -> Raw:
            raw: Raw = adapter.send(replace(adapter.build_shipment(request), draft_id=draft), request.reference)
            return raw

        self.expect_sdk_errors("send", send, judge)
        self.expect_uncertain("send", send)

    def test_damaged_answers_never_crash(self) -> None:
        """A cut, changed or drifted answer is `Malformed` or `Rejected`, or read; never another exception."""
        raw, _ = self._bought(self.open(), self.request())
        for what, damaged in (*truncated(raw), *flipped(raw), *drifted(raw)):
            self.outcome(what, partial(self.open().parse_shipment, damaged), Malformed, Rejected)
        for body in GARBAGE:
            what = f"garbage {body[:24]!r}"
            outcome = self.outcome(what, partial(self.open().parse_shipment, Raw(body=body)), Malformed, Rejected)
            expect(isinstance(outcome, PluginError), f"{what}: a shipment was invented")

    @needs("rate")
    def test_rates_add_up(self) -> None:
        """Rates are for services of the account, not negative, and hold their surcharges."""
        request = self.request()
        asked = RateRequest(
            ship_from=request.ship_from, ship_to=request.ship_to, parcels=request.parcels, ship_at=request.ship_at,
            currency=request.currency,
        )  # fmt: skip
        rates = self.open().rate(asked)
        codes = {service.code for service in self.open().services()}
        expect(rates, "rate: no price for the request that can be bought")
        for rate in rates:
            expect(rate.service in codes, f"rate: {rate.service!r} is not a service of the account")
            surcharges = sum(surcharge.amount.minor for surcharge in rate.surcharges)
            expect(rate.total.minor >= max(0, surcharges), f"rate: {rate.service} costs less than its surcharges")
            expect(
                {s.amount.currency for s in rate.surcharges} <= {rate.total.currency},
                "rate: surcharges in another currency",
            )
            self.expect_aware("rate", rate)
        self.expect_sdk_errors("rate", lambda adapter: adapter.rate(asked), _no_result)

    @needs("parse_tracking")
    def test_tracking_is_pure_and_aware(self) -> None:
        """The same document gives the same events in UTC."""
        for raw in self.make_tracking():
            events = self.expect_pure("parse_tracking", lambda adapter, value: adapter.parse_tracking(value), raw)
            expect(events, "parse_tracking: a sample gave no event")
            for event in events:
                expect(isinstance(event, TrackingEvent), "parse_tracking must return TrackingEvents")
                expect(event.raw_code and event.tracking_number, "parse_tracking: an event without code or number")
                self.expect_aware("parse_tracking", event)
                self.expect_json("parse_tracking", event)

    @needs("parse_tracking")
    def test_unknown_tracking_code_is_kept(self) -> None:
        """A code that nobody has seen before is an event of status `unknown`, with the code."""
        if self.unknown_tracking is None:
            raise AssertionError(
                "give the suite `unknown_tracking`: a document with a code that is not in the plugin's table"
            )
        events = self.open().parse_tracking(self.unknown_tracking)
        strange = [event for event in events if event.status == "unknown"]
        expect(strange, "parse_tracking: the unknown code was dropped or guessed")
        expect(all(event.raw_code for event in strange), "parse_tracking: the unknown code was not kept")

    @needs("parse_tracking")
    def test_damaged_tracking_never_crashes(self) -> None:
        """Damaged tracking documents are `Malformed` or read, never another exception."""
        damaged = [Raw(body=body) for body in GARBAGE]
        for raw in self.make_tracking():
            damaged += [copy for _, copy in (*truncated(raw), *flipped(raw), *drifted(raw))]
        for raw in damaged:
            self.outcome(f"{raw.body[:40]!r}", partial(self.open().parse_tracking, raw), Malformed, Rejected)


def _no_result(label: str, result: Any) -> None:
    raise AssertionError(f"{label}: must raise an SDK error, returned {type(result).__name__}")


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise AssertionError("the content of a document is not base64") from error
