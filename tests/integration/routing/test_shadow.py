"""A version is asked about live orders, and decides nothing."""

from typing import Any

import pytest

from hub.flows.retention import begin, step, tasks_of
from hub.kit.errors import StateConflict
from hub.routing import repository_shadow
from hub.routing.service import shadow as service
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
from hub.routing.service.shadow import find_shadow, start_shadow, stop_shadow
from hub.routing.tables import ShadowDisagreementRow, ShadowRow
from tests.builders import World, order_document

WEST = {"sourcing": [{"id": "west", "name": "West", "then": [{"action": "only", "locations": ["W2"]}]}]}


def draft(world: World, document: dict[str, Any]) -> str:
    with world.write() as session:
        row = create_rule_set(
            session, document=document, adapters=world.runtime.adapters, author="a", comment="", at=world.clock.now()
        )
        return str(row.version)


def shadowed(world: World, document: dict[str, Any] = WEST) -> str:
    reference = draft(world, document)
    with world.write() as session:
        start_shadow(session, reference=reference, actor="ann", at=world.clock.now())
    return reference


def counts(world: World, reference: str) -> tuple[int, int, int]:
    row = found(world, reference)
    return row.agreed, row.disagreed, row.failed


def found(world: World, reference: str) -> ShadowRow:
    with world.read() as session:
        return find_shadow(session, reference)[1]


def disagreements(world: World, reference: str) -> list[ShadowDisagreementRow]:
    with world.read() as session:
        shadow_id = find_shadow(session, reference)[1].shadow_id
        return repository_shadow.disagreements(session, shadow_id, before=None, limit=10)


def send(world: World, *numbers: str) -> None:
    world.send(*(order_document(number) for number in numbers))


def test_only_disagreements_are_kept(world: World) -> None:
    world.stock(W1_A=5, W2_A=5)
    reference = shadowed(world)
    send(world, "1", "2")
    assert [work.location for number in "12" for work in world.open_work(number)] == ["W1", "W1"]
    assert counts(world, reference) == (0, 2, 0)
    newest, oldest = disagreements(world, reference)
    assert (oldest.number, newest.number, oldest.changed) == ("N-1", "N-2", "location")
    assert (oldest.before, oldest.after) == ("1 from W1", "1 from W2")
    assert oldest.why.endswith("rule:west took out W1")
    assert found(world, reference).spent_micros > 0


def test_one_that_decides_alike_leaves_nothing(world: World) -> None:
    world.stock(W1_A=5)
    reference = shadowed(world, {})
    send(world, "1")
    assert (counts(world, reference), disagreements(world, reference)) == ((1, 0, 0), [])


def test_a_candidate_that_breaks_hurts_no_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.stock(W1_A=5)
    reference = shadowed(world)

    def broken(*_: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(service, "otherwise", broken)
    send(world, "1")
    assert (len(world.open_work("1")), counts(world, reference)) == (1, (0, 0, 1))
    assert found(world, reference).last_error == "order N-1: ValueError"


def test_one_at_a_time(world: World) -> None:
    first, second = shadowed(world), draft(world, {})
    with pytest.raises(StateConflict, match=f"shadow stop {first}"):
        start(world, second)
    with pytest.raises(StateConflict, match="is not shadowed"), world.write() as session:
        stop_shadow(session, reference=second, actor="ann", at=world.clock.now())
    with world.write() as session:
        stop_shadow(session, reference=first, actor="bob", at=world.clock.now())
    start(world, second)
    assert (found(world, first).ended_by, found(world, second).state) == ("bob", "running")


def start(world: World, reference: str) -> None:
    with world.write() as session:
        start_shadow(session, reference=reference, actor="ann", at=world.clock.now())


def test_who_was_stopped_is_asked_no_more(world: World) -> None:
    world.stock(W1_A=5, W2_A=5)
    reference = shadowed(world)
    world.store(order_document("1"))
    world.drain("intake", "flow")
    with world.write() as session:
        stop_shadow(session, reference=reference, actor="ann", at=world.clock.now())
    world.drain()
    assert counts(world, reference) == (0, 0, 0)


def test_it_ends_when_the_version_decides(world: World) -> None:
    world.stock(W1_A=5, W2_A=5)
    reference = shadowed(world)
    with world.write() as session:
        activate_rule_set(session, reference=reference, actor="ann", at=world.clock.now())
    send(world, "1")
    row = found(world, reference)
    assert (row.state, row.ended_by, row.agreed + row.disagreed) == ("ended", "active", 0)
    with pytest.raises(StateConflict, match="is active"):
        start(world, reference)
    assert shadowed(world, {}) == "2"


def test_old_disagreements_go_and_the_counts_stay(world: World) -> None:
    world.stock(W1_A=5, W2_A=5)
    reference = shadowed(world)
    send(world, "1")
    world.clock.advance(91 * 86400)
    send(world, "2")
    at = world.clock.now()
    with world.write() as session:
        [task] = [task for task in tasks_of(session, world.runtime.services, at=at) if task.kind == "shadows"]
        for dry, gone in ((True, 1), (False, 1), (False, 0)):
            assert step(session, world.runtime.services, task, begin(session, task), at=at, dry=dry).count == gone
    assert ([row.number for row in disagreements(world, reference)], counts(world, reference)) == (["N-2"], (0, 2, 0))
