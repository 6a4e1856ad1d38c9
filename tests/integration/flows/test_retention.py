"""What is old goes, and nothing that went can happen a second time."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update

from hub.api.metrics import Metrics
from hub.canonical.facts import Fact, OrderFact, ParseResult, ReturnFact, ShipmentFact
from hub.canonical.order import ChannelShipment, LineQuantity
from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.flows.housekeeping import REPLAN
from hub.flows.replay import preview, replay
from hub.flows.retention import LOOK_ANEW, RETENTION, Progress, Task, begin, step, tasks_of
from hub.intake.rules.census import Comparison
from hub.intake.service import retention as intake_retention
from hub.intake.service.census import last_proven_day, list_runs, store_run
from hub.intake.service.listing import get_document
from hub.intake.service.selecting import Selection, select_messages
from hub.intake.service.store import Delivery, store_messages
from hub.intake.tables import UnknownCodeRow
from hub.jobs.events import NewJob
from hub.jobs.service import retention as jobs_retention
from hub.jobs.service.effects import Intent
from hub.jobs.service.effects import begin as begin_calls
from hub.jobs.service.publish import enqueue
from hub.jobs.service.retention import swept_rows
from hub.jobs.service.retry import retry_job
from hub.jobs.service.schedules import Schedule, enqueue_due, keep_schedules
from hub.jobs.service.work import Call, Job
from hub.jobs.tables import EffectRow, JobRow
from hub.kit.errors import HubError
from hub.orders.tables import OrderEventRow
from hub.sdk.errors import NeedsAck, Uncertain
from hub.sdk.values import Raw
from tests.builders import World, canonical_order, event, order_document
from tests.doubles import Book

YEARS = timedelta(days=1000).total_seconds()


def keep_house(world: World, *kinds: str, dry: bool = False) -> int:
    """One run of these kinds; how many rows went."""
    with world.read() as session:
        tasks = tasks_of(session, world.runtime.services, at=world.clock.now())
    return sum(run(world, task, dry=dry).count for task in tasks if not kinds or task.kind in kinds)


def run(world: World, task: Task, *, dry: bool) -> Progress:
    with world.read() as session:
        come = begin(session, task)
    while come.more:
        with world.write() as session:
            come = step(session, world.runtime.services, task, come, at=world.clock.now(), dry=dry)
    return come


@pytest.fixture
def feed(world: World) -> Book:
    """A channel whose documents a test reads as it likes."""
    return world.double("channel", "fake_channel", "feed", account="feed")


def tell(world: World, feed: Book, fact: Fact | None) -> str:
    """The feed tells one fact, or what nobody can read; the message's id."""
    feed.parse = None if fact is None else lambda raw: ParseResult(facts=(fact,))
    with world.write() as session:
        delivery = Delivery(world.connections["feed"], Raw(body=b"{}"))
        (stored,) = store_messages(session, deliveries=[delivery], at=world.clock.now())
    world.drain()
    return stored.message_id


def test_a_document_goes_and_its_delivery_stays_known(world: World) -> None:
    first = order_document("1")
    (stored,) = world.send(first, event_id="evt-1")
    world.clock.advance(YEARS)
    assert keep_house(world, "messages", dry=True) == 1
    assert world.message(stored.message_id).body != b"", "a dry run changes nothing"
    assert keep_house(world, "messages") == 1
    row = world.message(stored.message_id)
    assert (row.body, row.headers, row.name, row.error, row.faults) == (b"", {}, None, None, None)
    assert (row.state, row.external_id, len(row.digest), row.emptied_at) == ("applied", "1", 64, world.clock.now())
    assert keep_house(world, "messages") == 0
    told = world.timeline("1")
    (again,) = world.send(first, event_id="evt-1")
    assert (again.duplicate, again.message_id, world.timeline("1")) == (True, stored.message_id, told)


def test_a_message_without_its_document_is_not_read_again(world: World) -> None:
    (stored,) = world.send(order_document("1"))
    world.clock.advance(YEARS)
    keep_house(world, "messages")
    services, ids = world.runtime.services, [stored.message_id]
    with world.write() as session:
        assert select_messages(session, Selection(plugin="webhook"), limit=10) == []
        assert preview(session, services, ids) == []
        assert replay(session, services, ids, "tester") == 0
    with world.read() as session, pytest.raises(HubError, match="retention_days") as refused:
        get_document(session, stored.message_id)
    assert refused.value.status == 410


def test_what_is_not_settled_is_kept_whole(world: World, feed: Book) -> None:
    parked = tell(world, feed, ReturnFact(order_id="unknown", external_id="R-1"))
    blocked = tell(world, feed, None)
    nowhere = {**order_document()["ship_to"], "country": "Utopia"}
    coded, looked_at, settled = (
        world.send(document)[0].message_id
        for document in (order_document("2", ship_to=nowhere), order_document("3"), order_document("4"))
    )
    with world.write() as session:
        case = NewCase("message_faulty", "faulty", "message", looked_at, "It has faults", "Look at it")
        open_cases(session, cases=[case], at=world.clock.now())
    world.clock.advance(YEARS)
    assert keep_house(world, "messages") == 1
    kept = [world.message(key).emptied_at for key in (parked, blocked, coded, looked_at)]
    assert (kept, world.message(settled).body) == ([None] * 4, b"")
    with world.write() as session:
        session.execute(delete(UnknownCodeRow))
    assert keep_house(world, "messages") == 1, "what was left behind is looked at by the next run"
    assert world.message(coded).body == b""


def test_a_file_is_kept_while_one_of_its_parts_is_not_settled(world: World, feed: Book) -> None:
    orders = [OrderFact(kind="order", order_id=name, order=canonical_order(external_id=name)) for name in ("1", "2")]
    feed.parse = lambda raw: ParseResult(facts=tuple(orders))
    with world.write() as session:
        delivery = Delivery(world.connections["feed"], Raw(body=b"file"))
        (stored,) = store_messages(session, deliveries=[delivery], at=world.clock.now())
    world.drain()
    with world.write() as session:
        messages = intake_retention.repository.MESSAGES
        part = session.scalars(select(messages.c.message_id).where(messages.c.parent_id == stored.message_id)).first()
        session.execute(update(messages).where(messages.c.message_id == part).values(state="blocked"))
    world.clock.advance(YEARS)
    assert keep_house(world, "messages") == 1
    assert world.message(stored.message_id).body == b"file"


def test_each_connection_says_how_long_it_keeps(world: World, feed: Book) -> None:
    world.shop("brief", policy={"retention_days": 1})
    world.send(order_document("1"))
    world.send(order_document("2"), to="brief")
    world.clock.advance(timedelta(days=2).total_seconds())
    assert keep_house(world, "messages") == 1, "the plugin's manifest says 90 days for the other"
    with world.read() as session:
        tasks = {task.of: task.days for task in tasks_of(session, world.runtime.services, at=world.clock.now())}
    assert (tasks["shop"], tasks["brief"]) == (90, 1)


def test_the_key_of_a_finished_job_outlives_it(world: World) -> None:
    def asked(kind: str, key: str) -> int:
        with world.write() as session:
            enqueue(session, [NewJob(kind=kind, idem_key=key, lane=key, subject_id="x", args={"sku": "A"})])
        return len([job for job in world.jobs(kind=kind) if job.idem_key == key and job.state == "ready"])

    world.drain()
    world.clock.advance(YEARS)
    keep_house(world, "jobs")
    assert asked(REPLAN, "once") == 1
    assert asked("proof.watch", "moment") == 1
    world.drain()
    world.clock.advance(YEARS)
    assert keep_house(world, "jobs") == 2
    (kept,) = [job for job in world.jobs() if job.idem_key == "once"]
    assert (kept.state, kept.args, kept.error) == ("done", {}, None)
    assert world.jobs(kind="proof.watch") == [], "what only looks anew need not be known for ever"
    assert asked(REPLAN, "once") == 0, "the same cause is the same work, however long ago it was"
    assert keep_house(world, "jobs") == 0


def test_open_jobs_are_left_and_found_when_they_have_ended(world: World) -> None:
    world.drain()
    world.clock.advance(YEARS)
    keep_house(world, "jobs")
    with world.write() as session:
        enqueue(session, [NewJob(kind=REPLAN, idem_key=key, lane=key, args={"n": 1}) for key in ("parked", "ready")])
        session.execute(update(JobRow).where(JobRow.idem_key == "parked").values(state="parked", error="why"))
    world.clock.advance(YEARS)
    assert keep_house(world, "jobs") == 0
    parked, _ = (job for job in world.jobs(kind=REPLAN) if job.args == {"n": 1})
    assert (parked.state, parked.args, parked.error) == ("parked", {"n": 1}, "why")
    with world.write() as session:
        retry_job(session, job_id=parked.job_id, actor="tester", at=world.clock.now())
        session.execute(update(JobRow).values(state="done", finished_at=world.clock.now()))
    assert keep_house(world, "jobs") == 0, "they have only just ended"
    world.clock.advance(YEARS)
    assert keep_house(world, "jobs") == 2


def test_an_answer_goes_and_the_call_is_never_made_again(world: World) -> None:
    world.stock(W1_A=10)
    carrier = world.double("carrier", "fake_carrier", "carrier")
    world.send(order_document("1"), order_document("2"))
    first = world.ship(packed(world, "1"))
    carrier.after.append(Uncertain("sent, no answer came"))
    second = world.ship(packed(world, "2"))
    assert world.effects() == [("shipment.label", "confirmed"), ("shipment.label", "in_doubt")]
    world.clock.advance(YEARS)
    assert keep_house(world, "effects", dry=True) == keep_house(world, "effects") == 1
    assert keep_house(world, "effects") == 0
    row = world.shipment(first)
    job = Job(1, "shipment.label", "l", {}, first, None, 1, 0, None)
    with world.write() as session:
        call = Call(job, world.connections["carrier"].connection_id, None)
        effect = session.get_one(EffectRow, row.reference)
        intent = Intent(row.reference, effect.kind, effect.connection_id, first, effect.request_hash)
        begin_calls(session, [(intent, call)], at=world.clock.now(), call_seconds=60)
    assert isinstance(call.refusal, NeedsAck), "what was answered is not known any more, but that it was is"
    assert str(effect.remote_id) in call.refusal.message
    world.later(1)
    assert (world.shipment(second).state, len(carrier.sent)) == ("label_ready", 2), "what was in doubt was asked for"


def packed(world: World, external_id: str) -> str:
    (work,) = world.work(external_id)
    world.pack(work.fulfilment_order_id)
    return work.fulfilment_order_id


def test_timelines_of_settled_orders_lose_details_and_still_add_up(world: World, feed: Book) -> None:
    order = canonical_order(external_id="1", ship_to=order_document()["ship_to"], payment_state="paid")
    parts = (LineQuantity(line_external_id="1", quantity=order.lines[0].quantity),)
    shipment = ChannelShipment(external_id="S-1", state="success", lines=parts)
    back = ReturnFact(order_id="1", external_id="R-1", lines=(parts[0].model_copy(update={"quantity": 1}),))
    tell(world, feed, OrderFact(kind="order", order_id="1", order=order))
    tell(world, feed, OrderFact(kind="order", order_id="2", order=order.model_copy(update={"external_id": "2"})))
    for fact in (ShipmentFact(order_id="1", shipment=shipment), back):
        tell(world, feed, fact)
    before, open_one = world.lines("1"), details(world, "2")
    assert before["1"]["external_shipped"] == 2
    world.clock.advance(YEARS)
    assert keep_house(world, "events", dry=True) == keep_house(world, "events") > 0
    assert details(world, "1") <= {"order.accepted", "order.shipped_by_channel", "return.requested", "return.counted"}
    assert details(world, "2") == open_one, "its order has not been shipped"
    told = world.timeline("1")
    for fact in (ShipmentFact(order_id="1", shipment=shipment), back):
        tell(world, feed, fact)
    assert (world.lines("1"), world.timeline("1"), world.folded("1")) == (before, told, True)


def details(world: World, external_id: str) -> set[str]:
    """Kinds of an order's events that still say more than that they happened."""
    with world.read() as session:
        return {row.kind for row in world.events(session, external_id) if row.data}


def test_the_proof_outlives_the_census(world: World, feed: Book) -> None:
    connection_id = world.connections["feed"].connection_id
    nothing = Comparison(0, 0, 0, (), (), (), (), (), {}, {})
    gap = Comparison(1, 0, 0, ("1",), (), (), (), (), {}, {})
    for day, found in ((1, nothing), (2, nothing), (3, gap)):
        with world.write() as session:
            store_run(
                session, connection_id=connection_id, day=date(2026, 3, day), turn=1, count=None, found=found,
                fetched=0, at=world.clock.now(),
            )  # fmt: skip
    world.clock.advance(YEARS)
    assert keep_house(world, "census", dry=True) == keep_house(world, "census") == 2
    with world.read() as session:
        assert last_proven_day(session, connection_id=connection_id) == date(2026, 3, 2)
        (left,) = list_runs(session, connection_id=connection_id, day=None, after=None, limit=9)
    assert left.day == date(2026, 3, 2)


def test_codes_of_settled_orders_are_not_asked_about_any_more(world: World) -> None:
    nowhere = {**order_document()["ship_to"], "country": "Utopia"}
    world.send(order_document("1", ship_to=nowhere), order_document("2", ship_to=nowhere))
    world.send(event("order.cancelled", order_id="1"))
    assert world.order("1").lifecycle == "cancelled"
    world.clock.advance(YEARS)
    assert keep_house(world, "codes") == 1
    with world.read() as session:
        assert session.scalars(select(UnknownCodeRow.order_id)).all() == [world.order("2").order_id]


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Steps of two rows."""
    monkeypatch.setattr(intake_retention, "LOOKED_AT", 2)
    monkeypatch.setattr(jobs_retention, "LOOKED_AT", 2)
    return


@pytest.mark.usefixtures("short_steps")
def test_it_is_done_every_night_in_steps_that_are_jobs_of_their_own(world: World) -> None:
    sent = world.send(*(order_document(str(number)) for number in range(7)))
    with world.write() as session:
        keep_schedules(session, [Schedule(RETENTION, RETENTION, "40 1 * * *")], at=world.clock.now())
    world.clock.advance(YEARS)
    with world.write() as session:
        assert enqueue_due(session, at=world.clock.now()) == 1
    world.drain()
    assert {world.message(entry.message_id).body for entry in sent} == {b""}
    steps = [job for job in world.jobs(kind=RETENTION) if job.args.get("kind") == "messages"]
    assert (len(steps), {job.state for job in steps}) == (4, {"done"})
    with world.read() as session:
        total, ran_at = swept_rows(session)["messages"]
    assert (total, ran_at) == (7, world.clock.now())
    figures = Metrics(world.database, world.clock).text().decode()
    assert 'orderhub_retention_rows{kind="messages"} 7.0' in figures
    assert 'orderhub_retention_last_run_seconds{kind="messages"}' in figures


def test_what_looks_anew_are_kinds_of_work(small_world: World) -> None:
    assert set(small_world.runtime.work.queues) >= LOOK_ANEW
    with small_world.read() as session:
        assert session.scalars(select(OrderEventRow.order_id)).all() == []
