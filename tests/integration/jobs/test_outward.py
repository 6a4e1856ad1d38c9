"""Calls to others, each at most once: what the carrier's and the ledger's own books say, not what the hub believes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hub.connections.repository import state_get
from hub.fulfilment import subscribers as fulfilment_subscribers
from hub.fulfilment.service import ship
from hub.fulfilment.tables import ParcelRow
from hub.jobs.service.connection_health import resume
from hub.jobs.service.effects import Intent
from hub.jobs.service.retry import retry_job
from hub.jobs.service.work import Call
from hub.jobs.tables import ConnectionHealthRow
from hub.sdk.errors import AuthFailed, Malformed, NeedsAck, RateLimited, Rejected, Transient, Uncertain
from tests.builders import World, order_document
from tests.doubles import Book, FakeCarrier

CALL_SECONDS = 60
A_WHILE = 3600


@pytest.fixture
def labels(world: World) -> Book:
    """A carrier that sells labels, and stock."""
    world.stock(W1_A=100)
    return world.double("carrier", "fake_carrier", "carrier")


def packed(world: World, external_id: str = "1") -> str:
    """An order with everything packed; its fulfilment order."""
    world.send(order_document(external_id))
    (work,) = world.work(external_id)
    world.pack(work.fulfilment_order_id)
    return work.fulfilment_order_id


def lost() -> Uncertain:
    return Uncertain("sent, no answer came")


def test_the_intent_is_committed_before_the_call_is_made(world: World, labels: Book) -> None:
    seen: list[Any] = []
    labels.on_call = lambda: seen.extend(world.effects())
    world.ship(packed(world))
    assert seen == [("shipment.label", "sent")]
    assert world.effects() == [("shipment.label", "confirmed")]


def test_a_lost_answer_is_settled_by_asking_and_nothing_is_bought_twice(world: World, labels: Book) -> None:
    labels.after.append(lost())
    shipment = world.ship(packed(world))
    assert world.shipment(shipment).state == "in_doubt"
    assert world.effects() == [("shipment.label", "in_doubt")]
    world.later(A_WHILE)
    assert (world.shipment(shipment).state, world.shipment(shipment).carrier_ref) == ("label_ready", "C-1")
    assert Counter(labels.sent) == {world.shipment(shipment).reference: 1}
    assert labels.asked == [world.shipment(shipment).reference]


def test_without_the_intent_the_label_is_bought_twice(
    world: World, labels: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ablation: with the look at the effect's past switched off, the test above has to fail."""

    def blind(
        session: Session, intents: Sequence[tuple[Intent, Call]], *, at: datetime, call_seconds: float
    ) -> list[Call]:
        for intent, call in intents:
            call.effect_key, call.mode = intent.key, "send"
        return [call for _, call in intents]

    monkeypatch.setattr(fulfilment_subscribers, "begin", blind)
    labels.after.append(lost())
    world.ship(packed(world))
    world.later(A_WHILE)
    assert list(Counter(labels.sent).values()) == [2]


def test_what_never_arrived_is_sent_once_its_time_is_over(world: World, labels: Book) -> None:
    labels.before.append(lost())
    shipment = world.ship(packed(world))
    world.later(CALL_SECONDS - 20)
    assert (labels.sent, len(labels.asked)) == ([], 1), "the first call may still be on its way: it is only asked for"
    world.later(A_WHILE)
    assert world.shipment(shipment).state == "label_ready"
    assert len(labels.sent) == 1


def test_a_call_that_was_on_its_way_for_long_is_found_and_not_repeated(world: World, labels: Book) -> None:
    labels.before.append(lost())
    shipment = world.ship(packed(world))
    reference = world.shipment(shipment).reference
    world.later(CALL_SECONDS - 20)
    labels.take(reference, {"ref": "LATE", "parcels": 1, "key": reference})
    world.later(A_WHILE)
    assert world.shipment(shipment).carrier_ref == "LATE"
    assert labels.sent == [reference]


@pytest.mark.parametrize("answer", [Transient("away"), RateLimited("slow down", after=5), Rejected("will not tell")])
def test_a_carrier_that_cannot_tell_leaves_the_doubt(world: World, labels: Book, answer: Exception) -> None:
    """No answer to the question is not the answer that there is nothing."""
    labels.after.append(lost())
    labels.on_ask.append(answer)
    shipment = world.ship(packed(world))
    world.later(A_WHILE)
    assert world.shipment(shipment).state == "in_doubt"
    for job in world.jobs(state="parked", kind="shipment.label"):
        with world.write() as session:
            session.merge(job).state = "ready"
    world.later(A_WHILE)
    assert world.shipment(shipment).state == "label_ready"
    assert len(labels.sent) == 1


def test_an_answer_that_nobody_can_read_is_a_doubt_too(
    world: World, labels: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(self: Any, raw: Any) -> Any:
        raise Malformed("what is this")

    with monkeypatch.context() as patch:
        patch.setattr("tests.doubles.FakeCarrier.parse_shipment", unreadable)
        shipment = world.ship(packed(world))
    assert (world.shipment(shipment).state, world.cases()) == ("in_doubt", ["job_parked"])


def test_a_carrier_that_cannot_be_asked_is_for_a_person(world: World) -> None:
    world.stock(W1_A=5)
    book = world.double("carrier", "blind_carrier", "carrier")
    book.after.append(lost())
    shipment = world.ship(packed(world))
    world.later(A_WHILE)
    assert (world.shipment(shipment).state, len(book.sent)) == ("in_doubt", 1)
    assert [job.error_class for job in world.jobs(state="parked")] == [NeedsAck.__name__]
    assert world.cases() == ["job_parked"]


@pytest.mark.parametrize("loss", [Uncertain("no answer came"), RateLimited("not sent", after=1)])
def test_one_key_stands_for_one_request(world: World, labels: Book, loss: Exception) -> None:
    """The parcel is weighed again while the answer is out: only where the first surely did nothing may another go."""
    labels.before.append(loss)
    shipment = world.ship(packed(world))
    with world.write() as session:
        session.execute(update(ParcelRow).where(ParcelRow.shipment_id == shipment).values(grams=ParcelRow.grams + 1))
    world.later(A_WHILE)
    parked = [(job.error_class, "other content" in str(job.error)) for job in world.jobs(state="parked")]
    if isinstance(loss, RateLimited):
        assert (parked, world.shipment(shipment).state, len(labels.sent)) == ([], "label_ready", 1)
        return
    assert (parked, labels.sent, labels.asked) == ([("NeedsAck", True)], [], [])
    assert (world.shipment(shipment).state, world.effects()) == ("in_doubt", [("shipment.label", "in_doubt")])
    with world.write() as session:
        session.execute(update(ParcelRow).where(ParcelRow.shipment_id == shipment).values(grams=ParcelRow.grams - 1))
        retry_job(session, job_id=world.jobs(state="parked")[0].job_id, actor="packer", at=world.clock.now())
    world.drain()
    assert (world.shipment(shipment).state, len(labels.sent)) == ("label_ready", 1)


def test_a_refusal_is_parked_with_a_case_and_the_shipment_may_be_rated_anew(world: World, labels: Book) -> None:
    labels.before.append(Rejected("no such postcode", code="postcode"))
    shipment = world.ship(packed(world))
    assert (world.shipment(shipment).state, world.cases()) == ("rated", ["job_parked"])
    (job,) = world.jobs(state="parked")
    assert (job.error_class, job.error) == ("Rejected", "no such postcode")
    assert world.effects() == [("shipment.label", "refused")]


def test_a_limit_slows_the_connection_and_burns_no_attempt(world: World, labels: Book) -> None:
    labels.before.append(RateLimited("slow down", after=90))
    first, second = packed(world, "1"), packed(world, "2")
    shipment = world.ship(first)
    (job,) = world.jobs(kind="shipment.label")
    assert (job.state, job.attempts, world.shipment(shipment).state) == ("ready", 0, "rated")
    other = world.ship(second)
    assert (labels.sent, world.shipment(other).state) == ([], "rated"), "the whole connection waits"
    world.later(80)
    assert labels.sent == []
    world.later(11)
    assert {world.shipment(shipment).state, world.shipment(other).state} == {"label_ready"}
    assert labels.asked == [], "it was turned away: there is nothing to ask for"


def test_refused_credentials_pause_the_connection_with_one_case_until_it_is_resumed(world: World, labels: Book) -> None:
    labels.before.append(AuthFailed("who are you"))
    first, second = packed(world, "1"), packed(world, "2")
    shipments = [world.ship(first), world.ship(second)]
    assert world.cases() == ["connection_paused"]
    world.later(A_WHILE)
    assert (labels.sent, world.cases()) == ([], ["connection_paused"])
    assert {job.attempts for job in world.jobs(kind="shipment.label")} == {0}
    with world.write() as session:
        resume(session, connection_id=world.connections["carrier"].connection_id)
    world.drain()
    assert {world.shipment(shipment).state for shipment in shipments} == {"label_ready"}
    assert len(labels.sent) == 2


def test_a_carrier_that_can_renews_its_credentials_before_anybody_is_asked(
    world: World, labels: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCarrier, "renew_credentials", lambda self: self.state.put("token", "new"))
    labels.before.append(AuthFailed("expired"))
    shipment = world.ship(packed(world))
    assert (world.shipment(shipment).state, world.cases()) == ("label_ready", [])
    with world.read() as session:
        assert state_get(session, world.connections["carrier"].connection_id, "token") == "new"


def test_a_carrier_that_is_refused_a_renewal_too_is_paused(
    world: World, labels: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: FakeCarrier) -> None:
        raise AuthFailed("a person must log in")

    monkeypatch.setattr(FakeCarrier, "renew_credentials", refused)
    labels.before.append(AuthFailed("expired"))
    world.ship(packed(world))
    assert (world.cases(), labels.sent) == (["connection_paused"], [])


def test_five_failures_in_a_row_open_the_breaker(world: World, labels: Book) -> None:
    labels.before.extend(Transient("away") for _ in range(5))
    world.ship(packed(world))
    for _ in range(4):
        world.later(A_WHILE * 6)
    with world.read() as session:
        health = session.get_one(ConnectionHealthRow, world.connections["carrier"].connection_id)
        assert (health.failures_in_row, (health.blocked_until or world.clock.now()) > world.clock.now()) == (5, True)
    world.later(A_WHILE * 6)
    assert len(labels.sent) == 1
    with world.read() as session:
        health = session.get_one(ConnectionHealthRow, world.connections["carrier"].connection_id)
        assert (health.failures_in_row, health.blocked_until) == (0, None)


@pytest.mark.parametrize("plugin", ["fake_erp", "strict_erp"])
def test_a_ledger_whose_answer_was_lost_is_asked_and_holds_every_document_once(world: World, plugin: str) -> None:
    book = world.double("erp", plugin, "erp")
    world.stock(W1_A=5)
    book.after.append(lost())
    world.send(order_document("1"))
    assert ("sales_order", "in_doubt", 1000) in world.documents("1")
    world.later(A_WHILE)
    assert {state for _, state, _ in world.documents("1")} == {"posted"}
    assert set(Counter(book.sent).values()) == {1}
    assert len(book.sent) == 2


def test_a_ledger_that_cannot_be_asked_is_not_sent_to_again(world: World) -> None:
    book = world.double("erp", "fake_erp", "erp")
    world.stock(W1_A=5)
    book.after.append(lost())
    book.on_ask.append(AuthFailed("who are you"))
    world.send(order_document("1", payment={"state": "cod_due"}))
    world.later(A_WHILE)
    with world.write() as session:
        resume(session, connection_id=world.connections["erp"].connection_id)
    world.later(A_WHILE)
    assert (len(book.sent), len(book.asked)) == (1, 2)
    assert {state for _, state, _ in world.documents("1")} == {"posted"}


def test_a_ledger_that_knows_the_key_already_is_adopted_only_if_it_says_the_same(world: World) -> None:
    book = world.double("erp", "strict_erp", "erp")
    world.stock(W1_A=5)
    world.clock.advance(1)
    book.before.append(Transient("away"))
    world.send(order_document("1", payment={"state": "cod_due"}))
    with world.read() as session:
        key = world.jobs(kind="erp.post")[0].subject_id
        row = session.connection().exec_driver_sql(
            f"select {'key'} from erp_documents where document_id = '{key}'"
        ).scalar()  # fmt: skip
    book.held[str(row)] = {
        "kind": "sales_order", "key": row, "remote_id": "R-1", "total": {"minor": 999, "currency": "USD"},
    }  # fmt: skip
    world.later(A_WHILE)
    (job,) = world.jobs(state="parked")
    assert "999" not in world.cases()
    assert (job.error_class, book.sent) == ("Rejected", [])
    assert "compare by hand" in str(job.error)


def test_a_refused_document_waits_for_a_person_and_holds_up_what_follows_it(world: World) -> None:
    book = world.double("erp", "fake_erp", "erp")
    world.stock(W1_A=5)
    book.before.append(Rejected("credit limit"))
    world.send(order_document("1"))
    assert world.documents("1") == [("payment", "pending", 1000), ("sales_order", "refused", 1000)]
    assert world.cases() == ["job_parked"]
    assert world.work("1"), "a ledger's no does not keep the goods here"
    other = world.send(order_document("2"))
    assert other
    assert {state for _, state, _ in world.documents("2")} == {"posted"}


def test_a_frozen_worker_that_wakes_up_late_changes_nothing(world: World, labels: Book) -> None:
    """It is frozen in the call for longer than its lease; another worker asks the carrier and settles the matter."""
    fulfilment_order = packed(world)
    labels.after.append(lost())
    with world.write() as session:
        row = ship.open_shipment(
            session, reference=fulfilment_order, parcels=None, choice=None, hub_id="hub", label_format="pdf",
            actor="packer", at=world.clock.now(),
        )  # fmt: skip
        shipment = row.shipment_id

    def freeze() -> None:
        labels.on_call = None
        world.clock.advance(world.runtime.settings.lease_seconds + 1)
        labels.after.clear()
        labels.take(world.shipment(shipment).reference, {"ref": "C-1", "parcels": 1, "key": ""})
        world.drain()
        assert world.shipment(shipment).state == "label_ready"
        labels.before.append(lost())

    labels.on_call = freeze
    world.drain()
    assert world.shipment(shipment).state == "label_ready"
    assert world.effects() == [("shipment.label", "confirmed")]
    assert len(labels.sent) == 1
