"""Each protection is switched off once, and the sweep finds the damage: where it finds none, it proves nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hub.fulfilment import subscribers
from hub.jobs import repository
from hub.jobs.service.lease import Lease
from hub.kit.ids import new_id
from hub.orders.rules import identity
from tests.builders import World
from tests.chaos.sweep.figures import figure
from tests.chaos.sweep.steps import Monotonic, Steps
from tests.chaos.sweep.sweeping import SHIPPED, Sweep
from tests.chaos.sweep.test_arrival import documents, furnish, store
from tests.chaos.sweep.walking import Hub

COMPLETE = "UPDATE jobs SET state="
CALL = "call shipment.label"


@pytest.fixture
def sweep(small_hub: Hub, steps: Steps, skew: Monotonic, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    steps.watch(small_hub.world.database, monkeypatch)
    return Sweep(small_hub, steps, skew, SHIPPED)


def point_of(sweep: Sweep, name: str) -> int:
    """The first step of the path that begins like this."""
    return next(number for number, (step, _) in enumerate(sweep.measure(), start=1) if step.startswith(name))


def found(what: str, sweep: Sweep) -> str:
    """What the sweep found without a protection."""
    figure(f"without {what}: {sweep.bad}")
    (damage,) = sweep.bad
    return damage


def test_without_the_intent_row_a_label_is_bought_twice(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = point_of(sweep, CALL) + 1
    sweep.kill(answered)
    assert (sweep.bad, sweep.steps.where) == ([], "answer of Book.take")

    def blind(session: Session, intents: Sequence[Any], *, at: datetime, call_seconds: float) -> list[Any]:
        for intent, call in intents:
            call.effect_key, call.mode = intent.key, "send"
        return [call for _, call in intents]

    monkeypatch.setattr(subscribers, "begin", blind)
    sweep.kill(answered)
    assert "'labels bought': (2, 1)" in found("the intent row", sweep)


def test_without_the_lease_two_workers_send_the_same(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    call = point_of(sweep, CALL)
    sweep.freeze(call)
    assert (sweep.bad, sweep.steps.where) == ([], CALL)
    monkeypatch.setattr(Lease, "begin", lambda lease, job_id: None)
    sweep.freeze(call)
    assert "'labels bought': (2, 1)" in found("the lease", sweep)


def test_without_one_transaction_an_order_is_lost(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    completed = point_of(sweep, "UPDATE jobs SET state=") + 1
    sweep.kill(completed)
    assert sweep.bad == []
    complete = repository.complete

    def at_once(session: Session, **values: Any) -> set[int]:
        done = complete(session, **values)
        driver: Any = session.connection().connection.driver_connection
        driver.execute("COMMIT")
        driver.execute("BEGIN IMMEDIATE")
        return done

    monkeypatch.setattr(repository, "complete", at_once)
    sweep.kill(completed)
    assert "NoResultFound" in found("one transaction", sweep)


def test_without_the_lease_token_work_is_done_twice(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [step for step, _ in sweep.measure()]
    begun = [
        number
        for number, step in enumerate(steps, start=1)
        if steps[number : number + 1] and steps[number].startswith(COMPLETE)
    ]

    def anyones(session: Session, *, job_ids: Sequence[int], **_: Any) -> set[int]:
        session.execute(update(repository.JOBS).where(repository.JOBS.c.job_id.in_(job_ids)).values(state="done"))
        return set(job_ids)

    monkeypatch.setattr(repository, "complete", anyones)
    for point in begun:
        sweep.freeze(point)
        if sweep.bad:
            break
    assert found("the lease token", sweep)


def test_without_the_unique_key_a_message_is_taken_twice(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    call = point_of(sweep, CALL)
    sweep.kill(call)
    assert sweep.bad == []
    monkeypatch.setattr("hub.intake.service.store.dedupe_key", lambda *_, **__: new_id())
    sweep.kill(call)
    assert "'messages': (" in found("the unique key", sweep)


def test_without_the_version_guard_an_old_state_undoes_a_new_one(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(small_world)

    def wanted(name: str) -> int:
        told = documents(name)
        for fact in ("create", "edit", "create"):
            store(small_world, [(name, told[fact])])
            small_world.drain()
        return small_world.lines(name)["1"]["ordered_source"]

    assert wanted("guarded") == 3
    monkeypatch.setattr(identity, "newer", lambda candidate, stored: True)
    assert wanted("unguarded") == 2
    figure("without the version guard: a late copy of the first state put 3 pieces back to 2")
