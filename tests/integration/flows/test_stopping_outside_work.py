"""A warehouse outside is asked to stop work that it has, and whatever it answers is the truth."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.canonical.facts import ParseResult, ShipmentFact
from hub.canonical.order import ChannelShipment, LineQuantity
from hub.flows.cancel import cancel
from hub.flows.reroute import reroute
from hub.fulfilment import repository
from hub.fulfilment.service import negotiate, work
from hub.fulfilment.service.ship import Choice
from hub.fulfilment.service.work import Picked
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.intake.service.store import Delivery, store_messages
from hub.kit.errors import HubError
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holding import pin_order
from hub.sdk.errors import Uncertain
from hub.sdk.values import Raw
from plugins.channels.webhook.signature import key_of, sign
from tests.builders import World, event, furnished, line, order_document
from tests.doubles import Book
from tests.integration.flows.test_telling_channels import SECRET, Receiver, receiver

__all__ = ["receiver"]
BY_HAND = Choice("hand", "VAN", ("VAN-1",))
STOP = "-cancel.json"


@pytest.fixture
def labels(world: World) -> Book:
    """A partner that is told by files and alone has C, a carrier that sells labels, and one that has numbers typed."""
    world.products("C")
    world.locations("OUT", handling="outside", notify={"folder": True})
    world.stock(OUT_C=5)
    world.connect("hand", "carrier", "manual", {"name": "By hand", "services": [{"code": "VAN", "name": "Van"}]})
    return world.double("carrier", "fake_carrier")


def told(world: World) -> list[str]:
    """Names of the files that the partner has got, without the ids in them."""
    folder: Path = world.runtime.services.data_dir / "locations" / "OUT"
    return sorted(path.name[36:] for path in folder.glob("*.json"))


def ordered(world: World, *lines: dict[str, Any]) -> FulfilmentOrderRow:
    """An order whose work the partner has accepted; that work."""
    world.send(order_document("1", *(lines or (line("1", "C", 2),))))
    (row,) = [row for row in world.open_work("1") if row.location == "OUT"]
    answer(world, row, work.accept_work)
    return row


def answer(world: World, row: FulfilmentOrderRow, say: Callable[..., object], **more: Any) -> None:
    """What the partner says of its work, and what follows."""
    with world.write() as session:
        say(session, reference=row.fulfilment_order_id, actor="key:partner", at=world.clock.now(), **more)
    world.drain()


def refuse(world: World, row: FulfilmentOrderRow) -> None:
    answer(world, row, negotiate.refuse_cancel, reason="on the truck")


def now(world: World, row: FulfilmentOrderRow) -> tuple[str, str]:
    """State and negotiation of work as they are now."""
    with world.read() as session:
        found = session.get_one(FulfilmentOrderRow, row.fulfilment_order_id)
        return found.state, found.negotiation


def stands(world: World) -> tuple[str, list[str], list[str]]:
    """Lifecycle and holds of the order, and the open cases."""
    return world.order("1").lifecycle, world.holds("1"), world.cases()


def sound(world: World) -> bool:
    return world.drift() == [] and world.folded("1") and world.open_jobs() == []


def cancelled(world: World) -> None:
    world.send(event("order.cancelled", order_id="1", reason="changed my mind"))


def planned_anew(world: World, location: str | None = None) -> None:
    """A person wants the order to be planned again, or to go out from this place."""
    changes = OrderChanges()
    with world.write() as session:
        for row in lock(session, changes, [world.order("1").order_id]).values():
            pin_order(session, changes, stored=row, location=location, actor="person")
            reroute(session, changes, stored=row, actor="person", reason=None, at=world.clock.now())
    world.drain()


class TestCancelledOrders:
    def test_nothing_is_given_back_before_the_partner_has_stopped(self, world: World, labels: Book) -> None:
        row = ordered(world)
        cancelled(world)
        assert now(world, row) == ("released", "cancel_requested")
        assert (stands(world), world.level("OUT_C").reserved) == (("open", ["cancel_requested"], []), 2)
        assert told(world) == [STOP, ".json"]
        answer(world, row, negotiate.accept_cancel)
        assert (now(world, row), stands(world)) == (("cancelled", "cancel_accepted"), ("cancelled", [], []))
        assert world.lines("1")["1"] == {"ordered": 2, "ordered_source": 2, "cancelled": 2}
        assert (world.level("OUT_C").reserved, world.level("OUT_C").on_hand, sound(world)) == (0, 5, True)
        steps = [kind for kind in world.timeline("1") if kind.startswith("fulfilment.")]
        assert steps == [
            "fulfilment.submitted", "fulfilment.accepted", "fulfilment.cancel_requested", "fulfilment.cancel_sent",
            "fulfilment.cancel_accepted", "fulfilment.withdrawn",
        ]  # fmt: skip

    def test_whom_nobody_has_told_yet_needs_no_asking(self, world: World, labels: Book) -> None:
        world.store(order_document("1", line("1", "C")))
        world.drain("intake", "flow")
        (row,) = world.open_work("1")
        assert row.negotiation == "unsubmitted"
        world.store(event("order.cancelled", order_id="1"))
        world.drain("intake", "flow")
        assert (now(world, row)[0], stands(world)) == ("cancelled", ("cancelled", [], []))
        world.drain()
        assert (told(world), world.level("OUT_C").reserved, sound(world)) == ([], 0, True)

    def test_a_partner_that_asks_the_api_is_asked_there(self, world: World, labels: Book) -> None:
        world.products("D")
        world.locations("API", handling="outside")
        world.stock(API_D=1)
        world.send(order_document("1", line("1", "D")))
        (row,) = world.open_work("1")
        assert row.negotiation == "submitted"
        cancelled(world)
        assert now(world, row) == ("released", "cancel_requested")
        answer(world, row, negotiate.accept_cancel)
        assert (stands(world), sound(world)) == (("cancelled", [], []), True)

    def test_too_late_is_for_a_person_and_the_goods_go_out(self, world: World, labels: Book) -> None:
        row = ordered(world)
        cancelled(world)
        refuse(world, row)
        refuse(world, row)
        assert (now(world, row)[1], stands(world)) == ("cancel_refused", ("open", [], ["cancel_refused"]))
        world.pack(row.fulfilment_order_id)
        world.hand_over(world.ship(row.fulfilment_order_id))
        assert stands(world) == ("completed", [], ["cancel_refused"])
        assert (world.lines("1")["1"]["shipped"], world.level("OUT_C").on_hand, sound(world)) == (2, 3, True)

    def test_what_it_ships_all_the_same_is_the_truth(self, world: World, labels: Book) -> None:
        row = ordered(world)
        cancelled(world)
        world.pack(row.fulfilment_order_id)
        with pytest.raises(HubError) as problem:
            world.ship(row.fulfilment_order_id)
        assert (problem.value.code, labels.sent) == ("cancel_requested", []), "a label is not bought without an answer"
        shipment = world.ship(row.fulfilment_order_id, choice=BY_HAND)
        assert (now(world, row)[1], stands(world)) == ("cancel_refused", ("open", [], ["cancel_refused"]))
        world.hand_over(shipment)
        assert (stands(world)[0], world.shipment(shipment).state, sound(world)) == ("completed", "handed_over", True)

    def test_a_parcel_that_left_with_its_label_is_the_truth_too(self, world: World, labels: Book) -> None:
        row = ordered(world)
        world.pack(row.fulfilment_order_id)
        shipment = world.ship(row.fulfilment_order_id)
        cancelled(world)
        assert (world.shipment(shipment).state, labels.voided) == ("label_ready", []), "it may be on the truck"
        world.hand_over(shipment)
        assert (now(world, row), stands(world)) == (
            ("closed", "cancel_refused"), ("completed", [], ["cancel_refused"]),
        )  # fmt: skip
        assert (world.lines("1")["1"]["shipped"], sound(world)) == (2, True)

    def test_the_label_of_work_that_was_stopped_is_given_back(self, world: World, labels: Book) -> None:
        row = ordered(world)
        world.pack(row.fulfilment_order_id)
        shipment = world.ship(row.fulfilment_order_id)
        cancelled(world)
        answer(world, row, negotiate.accept_cancel)
        assert (world.shipment(shipment).state, labels.voided) == ("voided", ["C-1"])
        assert (stands(world), world.level("OUT_C").reserved, sound(world)) == (("cancelled", [], []), 0, True)

    def test_it_ends_once_a_label_in_doubt_is_known(self, world: World, labels: Book) -> None:
        row = ordered(world)
        world.pack(row.fulfilment_order_id)
        labels.before.append(Uncertain("sent, no answer came"))
        world.ship(row.fulfilment_order_id)
        cancelled(world)
        answer(world, row, negotiate.accept_cancel)
        assert (now(world, row), stands(world)[0]) == (("in_progress", "cancel_accepted"), "open")
        world.later(3600)
        assert (labels.sent, now(world, row)[0], stands(world)) == ([], "cancelled", ("cancelled", [], []))

    def test_a_label_that_waited_for_the_answer_is_bought_when_it_ships(self, world: World, labels: Book) -> None:
        row = ordered(world)
        world.pack(row.fulfilment_order_id)
        labels.on_call = lambda: cancelled_meanwhile(world, labels)
        labels.before.append(Uncertain("sent, no answer came"))
        shipment = world.ship(row.fulfilment_order_id)
        world.later(3600)
        assert (world.shipment(shipment).state, labels.sent) == ("rated", [])
        refuse(world, row)
        assert (world.shipment(shipment).state, len(labels.sent)) == ("label_ready", 1)

    def test_nothing_found_is_an_answer_too(self, world: World, labels: Book) -> None:
        row = ordered(world)
        cancelled(world)
        with world.read() as session:
            (entry,) = repository.lines(session, [row.fulfilment_order_id])[row.fulfilment_order_id]
        short = [Picked(entry.fulfilment_order_line_id, Decimal(0), Decimal(2))]
        answer(world, row, work.pick, picked=short)
        assert (now(world, row)[0], stands(world)) == ("incomplete", ("cancelled", [], []))
        assert (world.level("OUT_C").reserved, sound(world)) == (0, True)

    def test_the_part_elsewhere_is_cancelled_while_the_partners_ships(self, world: World, labels: Book) -> None:
        world.stock(W1_A=3)
        row = ordered(world, line("1", "C"), line("2", "A"))
        (own,) = [entry for entry in world.open_work("1") if entry.location == "W1"]
        world.pack(own.fulfilment_order_id)
        cancelled(world)
        assert (now(world, own)[0], world.level("W1_A").reserved) == ("cancelled", 0)
        refuse(world, row)
        assert (world.lines("1")["2"], stands(world)[:2]) == (
            {"ordered": 1, "ordered_source": 1, "cancelled": 1}, ("open", []),
        )  # fmt: skip
        world.deliver("1")
        assert (stands(world)[0], world.invoiced("1"), sound(world)) == ("completed", [1000], True)

    def test_asking_twice_tells_it_once(self, world: World, labels: Book) -> None:
        row = ordered(world)
        cancelled(world)
        changes = OrderChanges()
        with world.write() as session:
            stored = lock(session, changes, [row.order_id])[row.order_id]
            cancel(session, changes, stored=stored, actor="p", cause="2", reason=None, at=world.clock.now())
            changes.flush(session, at=world.clock.now())
        world.drain()
        assert world.timeline("1").count("fulfilment.cancel_sent") == 1
        answer(world, row, negotiate.accept_cancel)
        answer(world, row, negotiate.accept_cancel)
        assert (stands(world), sound(world)) == (("cancelled", [], []), True)


def cancelled_meanwhile(world: World, labels: Book) -> None:
    """The order is cancelled while a carrier is being asked."""
    labels.on_call = None
    world.store(event("order.cancelled", order_id="1"))
    world.drain("intake", "flow")


class TestPlannedAnew:
    def test_what_is_to_come_from_elsewhere_waits_for_the_answer(self, world: World, labels: Book) -> None:
        row = ordered(world)
        world.stock(W1_C=5)
        planned_anew(world, "W1")
        assert (now(world, row)[1], len(world.open_work("1")), stands(world)) == (
            "cancel_requested",
            1,
            ("open", [], []),
        )
        answer(world, row, negotiate.accept_cancel)
        assert [(entry.location, entry.state) for entry in world.work("1")] == [
            ("OUT", "cancelled"),
            ("W1", "released"),
        ]
        assert (world.level("OUT_C").reserved, world.level("W1_C").reserved, sound(world)) == (0, 2, True)

    def test_a_partner_that_refuses_keeps_it(self, world: World, labels: Book) -> None:
        row = ordered(world)
        planned_anew(world)
        refuse(world, row)
        assert (now(world, row), world.cases()) == (("released", "cancel_refused"), ["cancel_refused"])
        world.deliver("1")
        assert (stands(world)[0], sound(world)) == ("completed", True)

    def test_units_that_the_channel_took_off_meanwhile_are_not_planned_again(self, world: World, labels: Book) -> None:
        document = order_document("1", line("1", "C", 3))
        world.send(document)
        (row,) = world.open_work("1")
        world.send({**document, "lines": [line("1", "C", 1)], "grand_total": "10.00"})
        assert (now(world, row)[1], world.holds("1")) == ("cancel_requested", ["changed_after_start"])
        answer(world, row, negotiate.accept_cancel)
        world.release("1")
        assert world.lines("1")["1"] == {
            "ordered": 3, "ordered_source": 1, "cancelled": 2, "allocated": 1, "released": 1,
        }  # fmt: skip
        assert (world.level("OUT_C").reserved, sound(world)) == (1, True)

    def test_units_that_the_channel_shipped_meanwhile_are_not_sent_again(self, world: World, labels: Book) -> None:
        feed = world.double("channel", "fake_channel", "feed", account="shop")
        row = ordered(world)
        part = LineQuantity(line_external_id="1", quantity=Decimal(2))
        fact = ShipmentFact(
            order_id="1", shipment=ChannelShipment(external_id="S-1", state="success", lines=(part,))
        )  # fmt: skip
        feed.parse = lambda raw: ParseResult(facts=(fact,))
        with world.write() as session:
            delivery = Delivery(world.connections["feed"], Raw(body=b"{}", external_id="1"))
            store_messages(session, deliveries=[delivery], at=world.clock.now())
        world.drain()
        assert (now(world, row)[1], world.holds("1")) == ("cancel_requested", ["changed_after_start"])
        answer(world, row, negotiate.accept_cancel)
        assert world.lines("1")["1"] == {"ordered": 2, "ordered_source": 2, "external_shipped": 2}
        assert (world.order("1").lifecycle, world.level("OUT_C").reserved, sound(world)) == ("completed", 0, True)


class TestOneFulfilmentOrder:
    def cancel(self, world: World, row: FulfilmentOrderRow) -> None:
        answer(world, row, negotiate.cancel_one, reason="the belt is broken")

    def test_of_a_partner_is_asked_for_once(self, world: World, labels: Book) -> None:
        row = ordered(world)
        self.cancel(world, row)
        self.cancel(world, row)
        assert (now(world, row)[1], world.timeline("1").count("fulfilment.cancel_requested")) == ("cancel_requested", 1)
        answer(world, row, negotiate.accept_cancel)
        self.cancel(world, row)
        assert [(entry.location, entry.state) for entry in world.work("1")] == [
            ("OUT", "cancelled"),
            ("OUT", "released"),
        ]
        assert sound(world)

    def test_that_nobody_has_begun_ends_at_once_and_is_planned_anew(self, world: World, labels: Book) -> None:
        world.stock(W1_A=2)
        world.send(order_document("1"))
        (row,) = world.open_work("1")
        self.cancel(world, row)
        self.cancel(world, row)
        assert [entry.state for entry in world.work("1")] == ["cancelled", "released"]
        assert (world.level("W1_A").reserved, sound(world)) == (1, True)

    def test_that_our_own_people_have_packed_goes_back_to_the_shelf(self, world: World, labels: Book) -> None:
        world.stock(W1_A=2)
        world.send(order_document("1"))
        (row,) = world.open_work("1")
        world.pack(row.fulfilment_order_id)
        shipment = world.ship(row.fulfilment_order_id)
        self.cancel(world, row)
        assert (world.shipment(shipment).state, labels.voided) == ("voided", ["C-1"])
        assert [entry.state for entry in world.work("1")] == ["cancelled", "released"]
        assert world.lines("1")["1"] == {"ordered": 1, "ordered_source": 1, "allocated": 1, "released": 1}
        assert (world.level("W1_A").reserved, sound(world)) == (1, True)

    def test_that_has_left_cannot_be_taken_back(self, world: World, labels: Book) -> None:
        row = ordered(world)
        world.deliver("1")
        with pytest.raises(HubError, match="allowed now: nothing"):
            self.cancel(world, row)


@pytest.fixture
def posted(database_url: str, tmp_path: Path, receiver: Receiver) -> Any:
    """A partner that is told by webhooks, on this machine."""
    world = furnished(database_url, tmp_path, allow_private_locations=True)
    world.shop("signed", settings={"push_url": receiver.url, "push_secret": SECRET}, allow_private=True)
    world.products("C")
    world.locations("OUT", handling="outside", notify={"url": receiver.url, "signed_as": "signed"})
    world.stock(OUT_C=5)
    yield world
    world.runtime.close()


def test_the_request_is_a_signed_webhook_of_its_own(posted: World, receiver: Receiver) -> None:
    row = ordered(posted)
    cancelled(posted)
    (_, first), (headers, body) = receiver.posted
    assert json.loads(first)["type"] == "fulfilment_order.submitted"
    signed = sign(key_of(SECRET), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert (headers["webhook-signature"], headers["webhook-id"]) == (signed, f"{row.fulfilment_order_id}-cancel")
    assert json.loads(body) == {
        "type": "fulfilment_order.cancel_requested", "fulfilment_order_id": row.fulfilment_order_id,
        "number": row.number, "location": "OUT", "reason": "order cancelled",
    }  # fmt: skip


def test_a_partner_that_may_have_heard_of_it_is_asked(posted: World, receiver: Receiver) -> None:
    """The work was posted and its answer lost: it is not posted again, and not just taken back either."""
    receiver.status = 503
    posted.send(order_document("1", line("1", "C")))
    (row,) = posted.open_work("1")
    assert row.negotiation == "submitted"
    receiver.status = 204
    cancelled(posted)
    assert now(posted, row) == ("released", "cancel_requested")
    posted.later(3600)
    assert [json.loads(body)["type"].split(".")[1] for _, body in receiver.posted][-1] == "cancel_requested"
    answer(posted, row, negotiate.accept_cancel)
    assert (stands(posted), sound(posted)) == (("cancelled", [], []), True)
