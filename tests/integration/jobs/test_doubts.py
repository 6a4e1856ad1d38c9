"""Calls of which nobody knows what became: drafts that are bought once, second labels given back, and what people say.

The carrier's and the shop's own books are the judges.
"""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from hub.flows.settle_effects import settle_as_done, try_once_more
from hub.jobs.service.doubts import list_doubts
from hub.jobs.tables import JobRow
from hub.kit.errors import HubError
from hub.orders.tables import OrderRow
from hub.sdk.errors import Rejected, Transient, Uncertain
from tests.builders import World, order_document
from tests.doubles import Book, FakeCarrier, FakeChannel

A_WHILE = 3600


def packed(world: World) -> str:
    """An order with everything packed; its fulfilment order."""
    world.stock(W1_A=100)
    world.send(order_document("1"))
    (work,) = world.work("1")
    world.pack(work.fulfilment_order_id)
    return work.fulfilment_order_id


def lost() -> Uncertain:
    return Uncertain("sent, no answer came")


def doubt(world: World) -> str:
    """The key of the one call that is in doubt."""
    with world.read() as session:
        (row,) = list_doubts(session, after=None, limit=9)
    return row.idem_key


class TestDrafts:
    @pytest.fixture
    def drafts(self, world: World) -> Book:
        return world.double("carrier", "drafting_carrier", "carrier")

    def test_its_id_is_stored_before_it_is_bought(self, world: World, drafts: Book) -> None:
        seen: list[int] = []
        drafts.on_call = lambda: seen.append(world.count("effects WHERE draft_id = 'D-1' AND state = 'sent'"))
        shipment = world.ship(packed(world))
        assert (world.shipment(shipment).carrier_ref, drafts.sent, seen) == ("C-D-1", ["D-1"], [1])

    def test_a_lost_answer_buys_the_same_draft(self, world: World, drafts: Book) -> None:
        drafts.after.append(lost())
        shipment = world.ship(packed(world))
        assert world.shipment(shipment).state == "in_doubt"
        world.later(A_WHILE)
        assert (world.shipment(shipment).state, drafts.sent) == ("label_ready", ["D-1"])

    def test_without_the_stored_id_a_second_one_is_paid(
        self, world: World, drafts: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An ablation: bought without its id being kept, the same loss costs a second label."""

        def at_once(carrier: Any, call: Any, outgoing: Any) -> Any:
            return carrier.send(replace(outgoing, draft_id=carrier.draft(outgoing, "key")), "key")

        monkeypatch.setattr("hub.fulfilment.purchase._draft", at_once)
        drafts.after.append(lost())
        world.ship(packed(world))
        world.later(A_WHILE)
        assert drafts.sent == ["D-1", "D-2"]

    def test_a_draft_that_fails_is_made_again_and_nothing_is_in_doubt(self, world: World, drafts: Book) -> None:
        drafts.on_ask.append(Transient("away"))
        shipment = world.ship(packed(world))
        assert world.shipment(shipment).state == "rated"
        world.later(A_WHILE)
        assert (world.shipment(shipment).state, drafts.sent) == ("label_ready", ["D-1"])


class TestSecondLabels:
    """A worker that froze between its guard and its call wakes up when another one has bought the label already."""

    @pytest.fixture
    def labels(self, world: World) -> Book:
        return world.double("carrier", "fake_carrier", "carrier")

    def bought_again(self, world: World, labels: Book) -> str:
        """A shipment with its label, and another of the same reference that no answer told of."""
        shipment = world.ship(packed(world))
        reference = world.shipment(shipment).reference
        labels.take(reference, {"ref": "EXTRA", "parcels": 1, "key": reference})
        return shipment

    def sweep(self, world: World, seconds: float = 310) -> None:
        world.clock.advance(seconds)
        world.runtime.ticks = 0
        world.runtime.tick(lambda queue: None)
        world.clock.advance(310)
        world.runtime.tick(lambda queue: None)
        world.drain()

    def test_are_given_back_by_the_sweep_and_the_order_tells(self, world: World, labels: Book) -> None:
        shipment = self.bought_again(world, labels)
        self.sweep(world)
        assert (labels.voided, world.shipment(shipment).carrier_ref) == (["EXTRA"], "C-1")
        assert [kind for kind in world.timeline("1") if "extra" in kind] == [
            "shipment.extra_found", "shipment.extra_voided",
        ]  # fmt: skip
        self.sweep(world)
        assert labels.voided == ["EXTRA"]

    def test_that_the_carrier_keeps_are_for_a_person(
        self, world: World, labels: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def keep(self: FakeCarrier, carrier_ref: str) -> None:
            raise Rejected("printed already")

        monkeypatch.setattr(FakeCarrier, "void", keep)
        self.bought_again(world, labels)
        self.sweep(world)
        assert world.cases() == ["job_parked"]

    def test_stay_paid_without_the_sweep(self, world: World, labels: Book, monkeypatch: pytest.MonkeyPatch) -> None:
        """An ablation."""
        monkeypatch.setattr("hub.flows.housekeeping.is_swept", lambda carrier: False)
        self.bought_again(world, labels)
        self.sweep(world)
        assert labels.voided == []

    def test_an_answer_that_comes_too_late_is_adopted_and_not_lost(self, world: World, labels: Book) -> None:
        """The frozen worker bought the only one: nobody had bought it when it woke up without its job."""
        work = packed(world)

        def lose_the_lease() -> None:
            with world.write() as session:
                freed = {"state": "ready", "lease_token": None, "due_at": world.clock.now()}
                session.execute(update(JobRow).where(JobRow.kind == "shipment.label").values(freed))

        labels.on_call = lose_the_lease
        shipment = world.ship(work)
        assert (len(labels.sent), labels.asked) == (1, [])
        assert world.shipment(shipment).state == "label_ready"

    def test_that_the_late_worker_bought_itself_it_gives_back(self, world: World, labels: Book) -> None:
        work = packed(world)

        def freeze() -> None:
            labels.on_call = None
            world.clock.advance(A_WHILE)
            world.drain()

        labels.on_call = freeze
        shipment = world.ship(work)
        assert (len(labels.sent), len(labels.voided)) == (2, 1)
        assert world.shipment(shipment).carrier_ref not in labels.voided
        assert world.timeline("1")[-1] == "shipment.extra_voided"


class TestPeople:
    @pytest.fixture
    def blind(self, world: World) -> Book:
        """A carrier that cannot be asked, with one purchase whose answer is lost."""
        book = world.double("carrier", "blind_carrier", "carrier")
        book.after.append(lost())
        return book

    def lose(self, world: World) -> str:
        shipment = world.ship(packed(world))
        world.later(A_WHILE)
        assert (world.shipment(shipment).state, world.cases()) == ("in_doubt", ["job_parked"])
        return shipment

    def settle(self, world: World, key: str, number: str = "C-1", tracking: tuple[str, ...] = ("T-1",)) -> None:
        with world.write() as session:
            settle_as_done(
                session, key=key, remote_id=number, tracking_numbers=tracking, actor="p", reason="portal",
                at=world.clock.now(),
            )  # fmt: skip
        world.drain()

    def again(self, world: World, key: str) -> None:
        with world.write() as session:
            try_once_more(session, key=key, actor="p", reason="portal", at=world.clock.now())
        world.drain()

    def test_say_that_it_is_there_and_it_goes_on_without_a_call(self, world: World, blind: Book) -> None:
        shipment = self.lose(world)
        key = doubt(world)
        self.settle(world, key)
        row = world.shipment(shipment)
        assert (row.state, row.carrier_ref, len(blind.sent), world.cases()) == ("label_ready", "C-1", 1, [])
        self.settle(world, key)
        with pytest.raises(HubError, match="only what is in doubt"):
            self.settle(world, key, "C-2")
        assert world.effects() == [("shipment.label", "settled")]

    def test_give_the_number_of_every_parcel(self, world: World, blind: Book) -> None:
        self.lose(world)
        with pytest.raises(HubError, match="of 1 parcel"):
            self.settle(world, doubt(world), tracking=())

    def test_say_that_it_is_not_there_and_it_is_sent_once_more(self, world: World, blind: Book) -> None:
        shipment = self.lose(world)
        key = doubt(world)
        blind.on_call = lambda: None
        self.again(world, key)
        assert (world.shipment(shipment).state, len(blind.sent), world.cases()) == ("label_ready", 2, [])
        with pytest.raises(HubError, match="only what is in doubt"):
            self.again(world, key)

    def test_that_only_retry_the_job_are_asked_again_and_nothing_is_sent(self, world: World, blind: Book) -> None:
        """The guard itself: without an answer of a person a second label is never bought."""
        self.lose(world)
        for job in world.jobs(state="parked", kind="shipment.label"):
            with world.write() as session:
                session.merge(job).state = "ready"
        world.later(A_WHILE)
        assert (len(blind.sent), world.effects()) == (1, [("shipment.label", "in_doubt")])

    def test_decide_over_notices_of_a_channel_that_cannot_be_asked(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = self.told_shop(world, monkeypatch)
        assert (len(book.sent), world.cases()) == (1, ["job_parked"])
        self.settle(world, doubt(world), "F-1", ())
        assert (len(book.sent), world.cases()) == (1, [])
        assert world.count("shipment_notices WHERE state = 'sent' AND remote_id = 'F-1'") == 1

    def told_shop(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Book:
        """A shop of class `none` that took a notice whose answer was lost."""
        monkeypatch.setattr(FakeChannel, "manifest", replace(FakeChannel.manifest, idempotency="none"))
        world.double("carrier", "fake_carrier", "carrier")
        book = world.double("channel", "fake_channel", "theirs")
        world.stock(W1_A=100)
        world.send(order_document("1"))
        with world.write() as session:
            session.execute(update(OrderRow).values(connection_id=world.connections["theirs"].connection_id))
        book.after.append(lost())
        world.deliver("1")
        world.later(A_WHILE)
        return book
