"""The material of the demo, and those who send it."""

import json
from pathlib import Path

import pytest

from hub.cli.demo_day import Day, load_day
from hub.cli.demo_receiver import PortalBook
from hub.cli.demo_senders import portal_headers
from hub.cli.demo_setup import fresh_folder, webhook_secret
from hub.kit.errors import StateConflict


@pytest.fixture(scope="module")
def day() -> Day:
    return load_day()


def test_the_book_knows_every_order_that_is_sent(day: Day) -> None:
    numbers = {order.external_id for order in day.orders}
    assert len(day.orders) >= 300
    assert {str(json.loads(each.body)["id"]) for each in day.shop} <= numbers
    assert {
        json.loads(each.body)["data"].get("order_id", json.loads(each.body)["data"]["id"]) for each in day.portal
    } <= numbers


def test_a_webhook_is_repeated_under_its_id_and_an_order_under_another(day: Day) -> None:
    ids = [each.id for each in day.shop]
    digests = [each.digest for each in day.shop]
    assert len(ids) - len(set(ids)) == 1
    assert len(digests) - len(set(digests)) == 2


def test_a_cancellation_comes_before_its_order(day: Day) -> None:
    events = [json.loads(each.body) for each in day.portal]
    cancelled = next(place for place, event in enumerate(events) if event["data"].get("order_id") == "P-0040")
    placed = next(place for place, event in enumerate(events) if event["data"]["id"] == "P-0040")
    assert cancelled < placed


def test_the_portal_notes_what_is_signed_and_nothing_else(day: Day) -> None:
    book = PortalBook()
    book.secret = webhook_secret()
    event = {
        "type": "shipment.created",
        "data": {
            "order_id": "P-1", "reference": "r", "tracking_numbers": ["T1"], "lines": [{"line_id": "1", "quantity": "2"}],
        },
    }  # fmt: skip
    delivery = day.portal[0].__class__("msg-1", json.dumps(event).encode())
    assert book.take({}, delivery.body) == 401
    assert book.take(portal_headers(webhook_secret(), delivery), delivery.body) == 401
    assert [book.take(portal_headers(book.secret, delivery), delivery.body) for _ in range(2)] == [204, 204]
    [told] = book.told.values()
    assert (told.order, told.tracking_numbers, told.units) == ("P-1", ("T1",), {"1": 2})
    assert (book.deliveries, book.refused) == (2, 2)


def test_only_a_demos_own_folder_is_thrown_away(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    fresh_folder(folder)
    (folder / "old").write_text("of the last demo")
    fresh_folder(folder)
    assert not (folder / "old").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    with pytest.raises(StateConflict, match="no demo made it"):
        fresh_folder(tmp_path / "mine")
    assert (tmp_path / "mine" / "precious").exists()
