"""The carrier suite passes a sound carrier and catches each deliberate breakage."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import BaseModel, Field

from hub.canonical.money import Money
from hub.canonical.shipping import (
    FoundShipment,
    LabelDocument,
    ParcelResult,
    Rate,
    ServiceLevel,
    ShipmentResult,
    Surcharge,
    TrackingEvent,
)
from hub.sdk.adapters import Carrier
from hub.sdk.errors import Malformed, PluginError
from hub.sdk.manifest import Manifest
from hub.sdk.testing.carrier import CarrierConformance
from hub.sdk.testing.suite import failures
from hub.sdk.values import Health, Outgoing, Raw

SHAPE = "test_folder_has_the_shape"
URL = "https://post.example"
READ = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
CODES = {"D": "delivered", "T": "in_transit"}
SCAN = b'{"number": "N1", "code": "T", "at": 1772442000}'
BODIES = {"pdf": b"%PDF-1.7 label", "zpl": b"^XA^XZ"}


class MiniSettings(BaseModel):
    account: str = Field(default="1", description="Account number")


class Post(Carrier[MiniSettings]):
    manifest = Manifest(id="post", kind="carrier", version="1.0", label="Post", idempotency="key")
    settings_model = MiniSettings

    def check(self) -> Health:
        return Health(ok=True)

    def services(self):
        return [ServiceLevel(code="standard", name="Standard")]

    def build_shipment(self, request):
        payload = {"parcels": [parcel.reference for parcel in request.parcels], "format": request.label_format}
        return Outgoing("ship", payload, request.reference)

    def send(self, outgoing, key):
        answer = self.http.request("POST", f"{URL}/ship", json={**outgoing.payload, "ref": key})
        if not isinstance(answer.json(), dict) or "id" not in answer.json():
            raise Malformed("not an answer")
        return Raw(body=answer.body)

    def parse_shipment(self, raw):
        try:
            data = json.loads(raw.body)
            content = base64.b64encode(BODIES[data["format"]]).decode()
            parcels = tuple(
                ParcelResult(
                    reference=reference,
                    tracking_number=number,
                    documents=(LabelDocument(format=data["format"], content=content),),
                )
                for reference, number in data["numbers"].items()
            )
            return ShipmentResult(carrier_ref=data["id"], parcels=parcels)
        except READ as error:
            raise Malformed("not a shipment") from error

    def find_by_reference(self, references):
        found = self.http.request("GET", f"{URL}/find", params={"refs": ",".join(references)}).json()
        return [
            FoundShipment(reference=each["ref"], carrier_ref=each["id"], voided=each["voided"], raw=json.dumps(each))
            for each in found
        ]

    def void(self, carrier_ref):
        self.http.request("DELETE", f"{URL}/ship/{carrier_ref}")

    def rate(self, request):
        answer = self.http.request("GET", f"{URL}/rate").json()
        if not isinstance(answer, dict) or "minor" not in answer:
            raise Malformed("not a price")
        fuel = Surcharge(code="fuel", amount=Money(minor=1, currency="USD"))
        return [Rate(service="standard", total=Money(minor=answer["minor"], currency="USD"), surcharges=(fuel,))]

    def parse_tracking(self, raw):
        try:
            data = json.loads(raw.body)
            status = CODES.get(data["code"], "unknown")
            at = datetime.fromtimestamp(data["at"], UTC)
            return [TrackingEvent(tracking_number=data["number"], status=status, occurred_at=at, raw_code=data["code"])]
        except (*READ, OverflowError, OSError) as error:
            raise Malformed("not a scan") from error


class Suite(CarrierConformance):
    plugin = Post
    tracking = (Raw(body=SCAN),)
    unknown_tracking = Raw(body=SCAN.replace(b'"T"', b'"MOON"'))
    by_key = True

    def prepare(self, folder):
        super().prepare(folder)
        self.kept = []

    def server(self, request):
        path = request.url.path
        if request.method == "POST":
            return httpx.Response(200, json=self.bought(json.loads(request.content)))
        if request.method == "DELETE":
            for each in self.kept:
                each["voided"] = each["voided"] or path.endswith(f"/{each['id']}")
            return httpx.Response(200)
        if path == "/find":
            references = request.url.params["refs"].split(",")
            return httpx.Response(200, json=[each for each in self.kept if each["ref"] in references])
        return httpx.Response(200, json={"minor": 500})

    def bought(self, asked):
        known = [each for each in self.kept if each["ref"] == asked["ref"]]
        if known and self.by_key:
            return known[0]
        index = len(self.kept)
        numbers = {reference: f"N{index}-{place}" for place, reference in enumerate(asked["parcels"])}
        self.kept.append({**asked, "id": f"S{index}", "numbers": numbers, "voided": False})
        return self.kept[-1]


def retrying_send(self, outgoing, key):
    answer = self.http.request("POST", f"{URL}/ship", json={**outgoing.payload, "ref": key}, idempotent=True)
    if not isinstance(answer.json(), dict) or "id" not in answer.json():
        raise Malformed("not an answer")
    return Raw(body=answer.body)


def caught(folder, carrier=Post, **extra) -> set[str]:
    suite = type("Broken", (Suite,), {"plugin": carrier, **extra})
    return set(failures(suite, folder)) - {SHAPE}


def broken(**members):
    return type("BrokenPost", (Post,), members)


def test_a_sound_carrier_passes(tmp_path) -> None:
    found = failures(Suite, tmp_path)
    assert set(found) == {SHAPE}, found


def test_a_carrier_that_ignores_the_key_is_caught(tmp_path) -> None:
    assert "test_sending_twice_buys_once" in caught(tmp_path, by_key=False)


def test_a_missing_unknown_code_sample_is_caught(tmp_path) -> None:
    assert "test_unknown_tracking_code_is_kept" in caught(tmp_path, unknown_tracking=None)


def parcels_changed(change):
    def parse_shipment(self, raw):
        result = Post.parse_shipment(self, raw)
        return result.model_copy(update={"parcels": tuple(change(list(result.parcels)))})

    return {"parse_shipment": parse_shipment}


def same_number(parcels):
    return [parcel.model_copy(update={"tracking_number": "N"}) for parcel in parcels]


def no_pdf(parcels):
    document = LabelDocument(format="pdf", content=base64.b64encode(b"<html>").decode())
    return [parcel.model_copy(update={"documents": (document,)}) for parcel in parcels]


def dropping(self, raw):
    return [event for event in Post.parse_tracking(self, raw) if event.status != "unknown"]


def guessing(self, raw):
    return [event.model_copy(update={"status": "in_transit"}) for event in Post.parse_tracking(self, raw)]


def without_reference(self, request):
    return replace(Post.build_shipment(self, request), reference="new")


def by_the_clock(self, request):
    outgoing = Post.build_shipment(self, request)
    return replace(outgoing, payload={**outgoing.payload, "at": self.clock.now().isoformat()})


def found_early(self, references):
    return [FoundShipment(reference=each, carrier_ref="S0", raw="{}") for each in references]


def other_found(self, references):
    changed = {"format": "pdf", "id": "S0", "numbers": {"1": "OTHER"}}
    return [each.model_copy(update={"raw": json.dumps(changed)}) for each in Post.find_by_reference(self, references)]


def void_once(self, carrier_ref):
    if self.state.get(carrier_ref):
        raise RuntimeError("already voided")
    self.state.put(carrier_ref, "voided")
    Post.void(self, carrier_ref)


def swallowing_send(self, outgoing, key):
    try:
        return Post.send(self, outgoing, key)
    except PluginError:
        raise RuntimeError("no label") from None


def swallowing_rate(self, request):
    try:
        return Post.rate(self, request)
    except PluginError:
        return []


def crashing_parse(self, raw):
    data = json.loads(raw.body)
    return ShipmentResult(
        carrier_ref=data["id"],
        parcels=tuple(ParcelResult(reference=r, tracking_number=n) for r, n in data["numbers"].items()),
    )


def drafting(draft):
    """A carrier of two steps that makes its drafts so; what is bought is the draft, by its id."""

    def send(self, outgoing, key):
        return Post.send(self, outgoing, outgoing.draft_id or key)

    manifest = replace(Post.manifest, idempotency="two_step")
    return {"manifest": manifest, "send": send, "draft": draft}


def drafted(self, outgoing, key):
    """The draft of a reference."""
    return key


def no_draft(self, outgoing, key):
    """No id."""
    return ""


def bought_at_once(self, outgoing, key):
    """A draft that is paid already."""
    Post.send(self, outgoing, key)
    return key


DRAFTS = "test_a_draft_is_free_and_bought_once"
"""`Suite` has left it out: its carrier makes no drafts."""


def caught_drafting(folder, **members) -> set[str]:
    return caught(folder, broken(**members), **{DRAFTS: getattr(CarrierConformance, DRAFTS)})


def test_a_carrier_of_two_steps_passes(tmp_path) -> None:
    assert caught_drafting(tmp_path, **drafting(drafted)) == set()


def by_attempt(self, outgoing, key):
    """A purchase of its own for every adapter."""
    return Post.send(self, outgoing, f"{key}-{id(self)}")


@pytest.mark.parametrize(
    "members",
    [drafting(no_draft), drafting(bought_at_once), {**drafting(drafted), "send": by_attempt}],
    ids=["no_id", "paid", "twice"],
)
def test_a_draft_that_is_paid_or_bought_twice_is_caught(members, tmp_path) -> None:
    assert DRAFTS in caught_drafting(tmp_path, **members)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (parcels_changed(same_number), "test_every_parcel_has_its_number"),
        (parcels_changed(same_number), "test_shipments_do_not_share_numbers"),
        (parcels_changed(lambda parcels: parcels[:1]), "test_every_parcel_has_its_number"),
        (parcels_changed(lambda parcels: parcels[::-1]), "test_every_parcel_has_its_number"),
        (parcels_changed(no_pdf), "test_labels_print"),
        ({"parse_tracking": dropping}, "test_unknown_tracking_code_is_kept"),
        ({"parse_tracking": guessing}, "test_unknown_tracking_code_is_kept"),
        ({"parse_tracking": lambda self, raw: []}, "test_tracking_is_pure_and_aware"),
        ({"parse_tracking": lambda self, raw: [json.loads(raw.body)["code"]]}, "test_damaged_tracking_never_crashes"),
        ({"build_shipment": without_reference}, "test_build_is_pure"),
        ({"build_shipment": by_the_clock}, "test_build_is_pure"),
        ({"find_by_reference": found_early}, "test_found_only_after_it_was_sent"),
        ({"find_by_reference": lambda self, references: []}, "test_found_only_after_it_was_sent"),
        ({"find_by_reference": other_found}, "test_found_only_after_it_was_sent"),
        ({"void": void_once}, "test_void_twice_is_success"),
        ({"void": lambda self, carrier_ref: None}, "test_void_twice_is_success"),
        ({"send": swallowing_send}, "test_outage_never_buys"),
        ({"send": retrying_send, "manifest": replace(Post.manifest, idempotency="find")}, "test_outage_never_buys"),
        ({"rate": swallowing_rate}, "test_rates_add_up"),
        ({"services": lambda self: []}, "test_services_are_named"),
        ({"parse_shipment": crashing_parse}, "test_damaged_answers_never_crash"),
        ({"find_by_reference": Carrier.find_by_reference, "manifest": replace(Post.manifest, idempotency="find")},
         "test_idempotency_class_is_true"),
        (drafting(Carrier.draft), "test_idempotency_class_is_true"),
    ],
)  # fmt: skip
def test_a_broken_carrier_is_caught(members, expected, tmp_path) -> None:
    assert expected in caught(tmp_path, broken(**members))
