"""Back to an earlier state: what was done outside since then is not done again. The others' own books say so."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from hub.cli.commands.backup import store_of
from hub.connections.service.check import check_connection
from hub.connections.tables import ConnectionRow
from hub.flows.after_restore import Settled, settle
from hub.flows.census import CENSUS
from hub.flows.runtime import build_runtime
from hub.fulfilment.service import ship
from hub.jobs.service.effects import Intent, begin
from hub.jobs.service.restored import note_restore
from hub.jobs.service.work import Call, Job
from hub.jobs.tables import ConnectionHealthRow, EffectRow, JobRow
from hub.kit.backup import back_up
from hub.kit.clock import SYSTEM
from hub.kit.ids import new_id
from hub.sdk.errors import Uncertain
from tests.builders import World, order_document, plugins

Back = Callable[[], Settled]


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    return tmp_path / "hub.backup"


def take(world: World, file: Path) -> None:
    """A backup of this moment."""
    world.clock.set(SYSTEM.now())
    back_up(store_of(world.runtime.settings), file, clock=world.clock, overwrite=False, told=lambda *_: None)


def put_back(world: World, file: Path, *, later: float = 0, next_invoice: int | None = None) -> Settled:
    """The state of the backup; the hub goes on in it."""
    settings, taken_at = world.runtime.settings, world.clock.now()
    world.runtime.close()
    world.clock.set(SYSTEM.now() + timedelta(seconds=later))
    with store_of(settings).restored(file) as url:
        made = build_runtime(settings.model_copy(update={"database_url": url}), clock=world.clock, host=plugins())
        settled = settle(made, taken_at=taken_at, next_invoice=next_invoice)
        made.close()
    world.runtime = build_runtime(settings, clock=world.clock, host=plugins())
    world.drain()
    return settled


def resume(world: World, *names: str) -> None:
    """A person runs the checks of connections."""
    for name in names:
        assert check_connection(world.runtime.database, world.runtime.adapters, name=name).health.ok
    world.drain()


def packed(world: World, external_id: str) -> str:
    (work,) = world.work(external_id)
    world.pack(work.fulfilment_order_id)
    return work.fulfilment_order_id


def test_what_went_out_since_is_asked_for_and_not_sent_again(world: World, taken: Path) -> None:
    world.stock(W1_A=10)
    carrier = world.double("carrier", "fake_carrier", "carrier")
    ledger = world.double("erp", "fake_erp", "books")
    ledger.before.extend(Uncertain("away") for _ in range(9))
    carrier.before.append(Uncertain("away"))
    world.send(order_document("1"))
    shipment = world.ship(packed(world, "1"))
    assert (carrier.sent, ledger.sent) == ([], [])
    take(world, taken)
    ledger.before.clear()
    for _ in range(3):
        world.later(3600)
    assert (len(carrier.sent), len(ledger.sent)) == (1, 2), "the label, the sales order and the payment"
    assert world.shipment(shipment).state == "label_ready"
    settled = put_back(world, taken)
    assert (settled.held, settled.paused, settled.sealed) == (1, ("books", "carrier", "shop"), ())
    assert world.shipment(shipment).state == "in_doubt"
    for _ in range(3):
        world.later(3600)
    assert (len(carrier.sent), len(ledger.sent), len(carrier.asked)) == (1, 2, 1), "all of it waits"
    resume(world, "carrier", "books")
    for _ in range(3):
        world.later(3600)
    world.release("1", "restored")
    assert world.shipment(shipment).state == "label_ready"
    assert {state for _, state, _ in world.documents("1")} == {"posted"}
    assert (len(carrier.sent), len(ledger.sent)) == (1, 2), "what the others have was adopted"


def test_what_was_never_tried_before_the_backup_is_asked_for_first(world: World, taken: Path) -> None:
    """The backup has the shipment and no effect of it: its label may have been bought a moment after."""
    world.stock(W1_A=10)
    carrier = world.double("carrier", "fake_carrier", "carrier")
    world.send(order_document("1"))
    work = packed(world, "1")
    with world.write() as session:
        shipment = ship.open_shipment(
            session, reference=work, parcels=None, choice=None, hub_id="hub", label_format="pdf", actor="packer",
            at=world.clock.now(),
        ).shipment_id  # fmt: skip
    take(world, taken)
    world.drain()
    assert len(carrier.sent) == 1
    put_back(world, taken)
    assert world.effects() == []
    resume(world, "carrier")
    world.release("1", "restored")
    assert (world.shipment(shipment).state, len(carrier.sent), len(carrier.asked)) == ("label_ready", 1, 1)


def test_an_order_that_comes_again_waits_for_a_person(world: World, taken: Path) -> None:
    """It had an id that is lost, so neither carrier nor ledger can be asked for what was done under it."""
    world.stock(W1_A=10)
    world.double("carrier", "fake_carrier", "carrier")
    ledger = world.double("erp", "fake_erp", "books")
    take(world, taken)
    lost = order_document("1")
    world.send(lost)
    world.deliver("1")
    posted = len(ledger.sent)
    put_back(world, taken)
    resume(world, "carrier", "books")
    world.clock.set(SYSTEM.now())
    fresh = order_document("2", placed_at=(world.clock.now() + timedelta(seconds=1)).isoformat())
    world.send(lost, fresh)
    assert (world.holds("1"), world.open_work("1"), world.documents("1")) == (["restored"], [], [])
    assert (world.holds("2"), len(world.open_work("2"))) == ([], 1), "it was placed after the restore"
    before = len(ledger.sent)
    world.release("1", "restored")
    assert (len(world.open_work("1")), len(ledger.sent) > before >= posted) == (1, True)


def test_nothing_goes_on_by_itself_and_everything_is_read_again(world: World, taken: Path) -> None:
    world.stock(W1_A=10)
    world.double("carrier", "fake_carrier", "carrier")
    mall = world.double("channel", "fake_channel", "mall")
    world.double("channel", "fake_channel", "watched", mode="observe")
    world.send(order_document("1"), order_document("2"))
    world.deliver("2")
    reached = SYSTEM.now() - timedelta(minutes=3)
    with world.write() as session:
        row = session.get_one(ConnectionRow, world.connections["mall"].connection_id)
        row.cursor = {"since": reached.isoformat(), "until": reached.isoformat(), "page": "token"}
    take(world, taken)
    settled = put_back(world, taken, later=3 * 86_400, next_invoice=500)
    assert (settled.held, settled.paused, settled.days, settled.next_invoice) == (
        1,
        ("carrier", "mall", "shop"),
        6,
        500,
    )
    assert (world.holds("1"), world.holds("2"), world.cases()) == (["restored"], [], ["restored"])
    with world.read() as session:
        row = session.get_one(ConnectionRow, world.connections["mall"].connection_id)
        health = session.get_one(ConnectionHealthRow, row.connection_id)
    assert row.cursor == {"done": (reached - timedelta(hours=1)).isoformat()}
    assert "restored to the state" in str(health.paused_reason)
    asked = [job for job in world.jobs(kind=CENSUS) if job.connection_id == row.connection_id]
    assert [job.state for job in asked] == ["ready"] * 3
    resume(world, "mall")
    assert [job.state for job in world.jobs(kind=CENSUS) if job.connection_id == row.connection_id] != ["ready"] * 3
    assert len(mall.windows) >= 3


def test_a_call_about_something_newer_is_simply_made(world: World) -> None:
    """Asking costs a call, so only what may be older than the restore is asked for."""
    world.clock.set(SYSTEM.now())
    older = new_id()
    with world.write() as session:
        note_restore(session, taken_at=world.clock.now(), restored_at=SYSTEM.now())
    world.clock.set(SYSTEM.now() + timedelta(seconds=1))
    connection_id = world.connections["shop"].connection_id
    calls = []
    with world.write() as session:
        for number, subject in enumerate((older, new_id(), "no id")):
            job = Job(number, "kind", "lane", {}, subject, connection_id, 1, 0, None)
            call = Call(job, connection_id, None)
            begin(
                session, [(Intent(f"key-{number}", "kind", connection_id, subject, "hash"), call)],
                at=world.clock.now(), call_seconds=60,
            )  # fmt: skip
            calls.append(call.mode)
    assert calls == ["find", "send", "find"]


def test_calls_that_had_surely_done_nothing_are_in_doubt_again(world: World) -> None:
    with world.write() as session:
        for state in ("intent", "sent", "refused", "confirmed", "voided"):
            session.add(
                EffectRow(
                    idem_key=state, kind="kind", connection_id=new_id(), subject_id="x", state=state,
                    request_hash="hash", created_at=world.clock.now(),
                )
            )  # fmt: skip
    with world.write() as session:
        assert note_restore(session, taken_at=world.clock.now(), restored_at=world.clock.now()) == 3
    assert sorted(state for _, state in world.effects()) == ["confirmed", "in_doubt", "in_doubt", "in_doubt", "voided"]


def test_what_somebody_was_at_is_done_at_once(world: World) -> None:
    """Whoever held the leases worked in the database that is lost."""
    world.store(order_document("1"))
    with world.write() as session:
        leased = {"state": "leased", "lease_token": "of another", "due_at": world.clock.now() + timedelta(hours=1)}
        session.execute(update(JobRow).values(leased))
        note_restore(session, taken_at=world.clock.now(), restored_at=world.clock.now())
    world.drain()
    assert world.order("1").lifecycle == "open"
