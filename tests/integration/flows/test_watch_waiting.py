"""What waits for others longer than it should is told to a person, once, and the case closes itself."""

import pytest
from sqlalchemy.orm import Session

from hub.canonical.facts import HintFact, OrderFact, ParseResult
from hub.canonical.shipping import TrackingEvent
from hub.flows.watch_waiting import WAIT_WATCH
from hub.fulfilment import repository
from hub.fulfilment.service import negotiate
from hub.fulfilment.service.tracking import record_tracking
from hub.fulfilment.tables import ParcelRow
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.sdk.values import Raw
from tests.builders import World, canonical_order, event, order_document
from tests.integration.flows.test_stopping_outside_work import answer, cancelled, labels, ordered

__all__ = ["labels"]
HOUR = 3600


def watch(world: World) -> None:
    with world.write() as session:
        cause = world.clock.now().isoformat()
        enqueue(session, [NewJob(kind=WAIT_WATCH, idem_key=f"{WAIT_WATCH}:{cause}", lane=WAIT_WATCH)])
    world.drain()


FACTS = {
    "cancel": event("order.cancelled", order_id="1"),
    "refund": event("order.refunded", order_id="1", id="R-1", amount="5.00", currency="USD"),
    "payment": event("order.paid", order_id="1", id="T-1", amount="5.00", currency="USD"),
    "address": event("order.address_changed", order_id="1", ship_to=order_document("1")["ship_to"]),
}


@pytest.mark.parametrize("fact", sorted(FACTS))
def test_a_fact_whose_order_never_comes_is_a_case_until_it_comes(world: World, fact: str) -> None:
    world.send(FACTS[fact])
    world.clock.advance(23 * HOUR)
    watch(world)
    assert world.cases() == []
    world.clock.advance(2 * HOUR)
    watch(world)
    watch(world)
    assert world.cases() == ["facts_without_order"]
    world.send(order_document("1"))
    world.clock.advance(1)
    watch(world)
    assert "facts_without_order" not in world.cases()


def test_no_alarm_where_the_policy_wants_none(world: World) -> None:
    world.shop("quiet", policy={"early_limit_hours": None})
    world.send(FACTS["refund"], to="quiet")
    world.clock.advance(1000 * HOUR)
    watch(world)
    assert world.cases() == []


def test_a_stop_request_that_nobody_answers_is_a_case_until_it_is_answered(world: World, labels: object) -> None:
    row = ordered(world)
    cancelled(world)
    world.clock.advance(5 * HOUR)
    watch(world)
    assert world.cases() == ["stop_unanswered"]
    answer(world, row, negotiate.accept_cancel)
    assert (world.cases(), world.order("1").lifecycle) == ([], "cancelled")


def test_scans_that_come_before_the_parcel_is_known_are_its_own_once_it_leaves(world: World) -> None:
    world.carrier()
    world.stock(W1_A=5)
    scan = TrackingEvent(tracking_number="X", status="in_transit", occurred_at=world.clock.now(), raw_code="T")
    world.send(order_document("1"))
    (work,) = world.open_work("1")
    world.pack(work.fulfilment_order_id)
    shipment = world.ship(work.fulfilment_order_id)
    with world.write() as session:
        numbers = [row.tracking_number for row in _parcels(session, shipment)]
        for row in _parcels(session, shipment):
            row.tracking_number = None
    with world.write() as session:
        record_tracking(
            session, events=[scan.model_copy(update={"tracking_number": numbers[0]})], actor="c", at=world.clock.now()
        )
    with world.write() as session:
        for row in _parcels(session, shipment):
            row.tracking_number = numbers[0]
    world.hand_over(shipment)
    assert world.shipment(shipment).state == "in_transit"
    assert world.count("tracking_events WHERE shipment_id IS NULL") == 0


def _parcels(session: Session, shipment_id: str) -> list[ParcelRow]:
    return repository.parcels(session, [shipment_id])[shipment_id]


class TestHints:
    """A webhook that only names an order is completed by what the source says when it is asked."""

    def hint(self, world: World, plugin: str = "fake_channel") -> str:
        raw = Raw(body=b"{}", kind="hint", external_id="7", event_id="e1")
        with world.write() as session:
            (stored,) = store_messages(
                session, deliveries=[Delivery(world.connections[plugin], raw)], at=world.clock.now()
            )
        world.drain()
        return stored.message_id

    def test_the_order_is_read_whole_as_soon_as_the_source_shows_it(self, world: World) -> None:
        book = world.double("channel", "fake_channel")
        order = ParseResult(facts=(OrderFact(kind="order", order=canonical_order(external_id="7")),))
        book.parse = lambda raw: ParseResult(facts=(HintFact(order_id="7"),)) if raw.kind == "hint" else order
        message = self.hint(world)
        assert (world.message(message).state, world.count("orders")) == ("applied", 0)
        book.shown["7"] = b"whole"
        world.later(HOUR)
        assert (world.order("7").lifecycle, world.count("orders")) == ("open", 1)

    def test_one_that_names_nothing_is_blocked(self, world: World) -> None:
        book = world.double("channel", "fake_channel")
        book.parse = lambda raw: ParseResult(facts=(HintFact(),))
        assert world.message(self.hint(world)).state == "blocked"


def test_scans_of_a_parcel_that_nobody_knows_are_a_case_until_it_is_known_or_long_ago(world: World) -> None:
    scan = TrackingEvent(tracking_number="STRANGE", status="in_transit", occurred_at=world.clock.now(), raw_code="T")
    with world.write() as session:
        record_tracking(session, events=[scan], actor="carrier", at=world.clock.now())
    world.clock.advance(23 * HOUR)
    watch(world)
    assert world.cases() == []
    world.clock.advance(2 * HOUR)
    watch(world)
    watch(world)
    assert world.cases() == ["scans_without_parcel"]
    world.clock.advance(8 * 24 * HOUR)
    watch(world)
    assert world.cases() == []
