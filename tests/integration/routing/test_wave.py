"""Orders that wait together are planned together where the rules say so, and their decisions are computed again."""

from typing import Any

import pytest

from hub.flows.retention import begin, step, tasks_of
from hub.kit.errors import InvalidInput
from hub.kit.ids import new_id
from hub.routing.repository_waves import newest_waves
from hub.routing.rules import optimize
from hub.routing.rules.decision import WaveResult
from hub.routing.schemas_waves import WaveOut
from hub.routing.service.backtest import newest
from hub.routing.service.report import report
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
from hub.routing.service.waves import keep_waves
from tests.builders import CARD, World, line, order_document

RULES: dict[str, Any] = {
    "sourcing": [
        {"id": "cheapest", "name": "Cheapest", "then": [{"action": "rank", "by": [{"ranker": "rank"}]}]},
        {"id": "together", "name": "Together", "then": [{"action": "strategy", "use": "wave", "late_minor": 700}]},
    ]
}


@pytest.fixture
def wave(world: World) -> World:
    """W1 has one A, and one B; W2 has A only: whoever needs B with his A should get the A of W1."""
    world.carrier(settings=CARD)
    with world.write() as session:
        row = create_rule_set(
            session, document=RULES, adapters=world.runtime.adapters, author="a", comment="", at=world.clock.now()
        )
        activate_rule_set(session, reference=row.rule_set_id, actor="a", at=world.clock.now())
    world.stock(W1_A=1, W1_B=1, W2_A=5)
    return world


def send_both(world: World) -> None:
    world.store(order_document("1", line("1", "A")), order_document("2", line("1", "A"), line("2", "B")))
    world.drain()


def test_a_batch_is_a_wave_and_saves_a_parcel(wave: World) -> None:
    send_both(wave)
    assert [[row.location for row in wave.open_work(number)] for number in ("1", "2")] == [["W2"], ["W1"]]
    with wave.database.read_only() as session:
        told = {row.body["number"]: row.body["strategy"] for page in newest(session, 10) for row in page}
        found = report(session, adapters=wave.runtime.adapters, last=10, tell=lambda _: None).to_dict()
        (kept,) = [WaveOut.of(row) for row in newest_waves(session, before=None, limit=10)]
    assert (kept.digest, kept.orders, kept.currency) == (told["N-1"]["wave"], 2, "USD")
    assert (kept.greedy_minor, kept.cost_minor, kept.saved_minor, kept.sent_more) == (1500, 1000, 500, 0)
    assert not kept.fell_back
    assert told["N-1"]["wave"] == told["N-2"]["wave"]
    assert (told["N-1"]["greedy"], sorted(told["N-2"]["greedy"])) == (["W1"], ["W1", "W2"])
    assert found["waves"] | {"by_greedy": {}} == {
        "waves": 1, "orders": 2, "moved": 2, "greedy_minor": {"USD": 1500}, "saved_minor": {"USD": 500},
        "by_greedy": {},
    }  # fmt: skip
    assert (found["reproduced_permille"], found["recorded_permille"], found["decided"]) == (1000, 1000, 2)


def test_without_the_solver_greedy_decides_and_says_why(wave: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimize, "_solver", lambda: None)
    send_both(wave)
    assert sorted(row.location for row in wave.open_work("2")) == ["W1", "W2"]
    with wave.database.read_only() as session:
        found = report(session, adapters=wave.runtime.adapters, last=10, tell=lambda _: None).to_dict()
        (kept,) = [WaveOut.of(row) for row in newest_waves(session, before=None, limit=10)]
    assert (kept.fell_back, kept.reason, kept.saved_minor) == (True, optimize.MISSING, 0)
    assert found["waves"]["by_greedy"] == {f"greedy decided: {optimize.MISSING}": 2}
    assert found["reproduced_permille"] == 1000


def test_a_strategy_that_nobody_has_is_refused(world: World) -> None:
    document = {"sourcing": [{"id": "x", "name": "x", "then": [{"action": "strategy", "use": "wav"}]}]}
    with world.read() as session, pytest.raises(InvalidInput) as refused:
        create_rule_set(
            session, document=document, adapters=world.runtime.adapters, author="a", comment="", at=world.clock.now()
        )
    assert "wave" in str(refused.value.extra)


def test_old_waves_go(wave: World) -> None:
    with wave.write() as session:
        result = WaveResult("digest", "wave", 2, "EUR", 900, 800, 0, "", None)  # type: ignore[arg-type]
        keep_waves(session, waves=[(result, 5)], rule_set_id=new_id(), at=wave.clock.now())
    wave.clock.advance(91 * 86400)
    at = wave.clock.now()
    with wave.write() as session:
        [task] = [task for task in tasks_of(session, wave.runtime.services, at=at) if task.kind == "waves"]
        for dry, gone in ((True, 1), (False, 1), (False, 0)):
            assert step(session, wave.runtime.services, task, begin(session, task), at=at, dry=dry).count == gone
