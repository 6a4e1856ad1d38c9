from typing import Any

import pytest

from hub.canonical.shipping import ShipmentRequest
from hub.sdk.errors import Rejected, SignatureInvalid
from hub.sdk.testing.builders import address, shipment_request
from hub.sdk.testing.kit import START, MemoryLog, MemoryState, open_adapter
from hub.sdk.values import Raw, WebhookRequest
from plugins.carriers.rate_card.adapter import RateCard
from tests.plugins.carriers.rate_card.cards import asked, card, service, table


def opened(state: MemoryState | None = None, log: MemoryLog | None = None, **changes: Any) -> RateCard:
    roomy = [service("STD", tables=[table(additional={"grams": 500, "price": "1.00"})])]
    return open_adapter(RateCard, card(services=roomy) | changes, state=state, log=log)


def request(number: int = 1, **changes: Any) -> ShipmentRequest:
    return shipment_request(service="STD", number=number, **changes)


def buy(adapter: RateCard, wanted: ShipmentRequest) -> Raw:
    return adapter.send(adapter.build_shipment(wanted), wanted.reference)


def test_buying_twice_buys_once_even_when_the_price_changed() -> None:
    state = MemoryState()
    first = buy(opened(state), request())
    dearer = [service("STD", tables=[table(steps=[{"up_to_grams": 9000, "price": "99.00"}])])]
    again = buy(opened(state, services=dearer), request())
    assert again.body == first.body
    assert str(opened().parse_shipment(again).cost) == "7.50"
    assert len(state.values) == 1


def test_another_shipment_under_the_same_reference_is_refused() -> None:
    state = MemoryState()
    buy(opened(state), request())
    with pytest.raises(Rejected, match="another shipment was bought") as caught:
        buy(opened(state), request(ship_to=address("Someone Else")))
    assert caught.value.code == "reference_used"


def test_a_voided_shipment_stays_voided() -> None:
    state = MemoryState()
    adapter = opened(state)
    wanted = request()
    reference = adapter.parse_shipment(buy(adapter, wanted)).carrier_ref
    adapter.void(reference)
    (found,) = opened(state).find_by_reference([wanted.reference])
    assert found.voided
    assert [one.code for one in adapter.parse_shipment(Raw(body=found.raw.encode())).messages] == ["voided"]
    with pytest.raises(Rejected, match="buy the labels under a new reference"):
        buy(opened(state), wanted)


def test_nothing_bought_is_neither_found_nor_voided() -> None:
    adapter = opened()
    assert adapter.find_by_reference([request().reference]) == []
    with pytest.raises(Rejected, match="nothing to void"):
        adapter.void(request().reference)


def test_building_and_rating_remember_nothing() -> None:
    state = MemoryState()
    adapter = opened(state)
    adapter.build_shipment(request())
    assert [one.service for one in adapter.rate(asked())] == ["STD"]
    assert state.values == {}


def test_the_log_holds_no_personal_data() -> None:
    log = MemoryLog()
    buy(opened(log=log), request())
    assert [event for _, event, _ in log.entries] == ["labels.bought"]
    assert "Ada" not in repr(log.entries)


def test_scans_without_a_secret_are_refused_with_what_to_set() -> None:
    arrived = WebhookRequest(body=b"{}", headers={}, received_at=START)
    with pytest.raises(SignatureInvalid, match="set webhook_secret"):
        opened().receive(arrived)


def test_check_tells_holes_and_whether_scans_are_accepted() -> None:
    zones = [
        {"name": "home", "destinations": [{"country": "US"}]},
        {"name": "sea", "destinations": [{"country": "CA"}]},
    ]
    health = opened(zones=zones, webhook_secret="whsec_AAAA").check()
    assert not health.ok
    assert "zone 'sea'" in health.problems[0]
    assert health.details["reported scans"] == "accepted"
    assert opened().check().ok
