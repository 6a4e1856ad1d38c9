"""The short form of `make soak`: real processes are killed on all three set-ups, and nobody's books disagree.

`CHAOS_SEED` runs another one; the long form runs many.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.chaos.world.deaths import POINTS
from tests.chaos.world.round import Pace, run_deaths, run_round
from tests.chaos.world.setups import SETUPS, missing
from tests.peers import require_peer

SEED = 7
ORDERS = 24
KILLS = 3
PACE = Pace(pause_between=(0.5, 2.0), settle_seconds=180, pull_every=2)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


@pytest.mark.postgres
@pytest.mark.broker
@pytest.mark.parametrize("setup", SETUPS)
def test_all_books_agree_after_kills(setup: str, tmp_path: Path) -> None:
    reason = missing(setup)
    require_peer(setup, reason is None, reason or "")
    seed = int(os.environ.get("CHAOS_SEED", SEED))
    _say(f"CHAOS_SEED={seed}")
    result = run_round(setup, tmp_path, seed=seed, orders=ORDERS, kills=KILLS, pace=PACE, tell=_say)
    _say(f"{result.done} {result.faults}")
    assert {promise.name: promise.examples for promise in result.promises if promise.broken} == {}
    assert result.errors == []
    assert result.kills >= KILLS
    assert sum(count for name, count in result.faults.items() if name != "requests") > 0
    owed = {promise.name: promise.of for promise in result.promises}
    assert owed["accepted_orders_lost"] > ORDERS / 2  # promises about nothing are kept easily
    assert owed["documents_posted_twice"] > ORDERS
    assert owed["labels_paid_twice"] > 0


@pytest.mark.postgres
@pytest.mark.broker
def test_all_books_agree_after_a_death_at_every_step(tmp_path: Path) -> None:
    """One set-up here: the steps are the hub's own; `make soak ARGS="--steps N"` takes each of the three."""
    setup = SETUPS[-1]
    reason = missing(setup)
    require_peer(setup, reason is None, reason or "")
    seed = int(os.environ.get("CHAOS_SEED", SEED))
    result = run_deaths(setup, tmp_path, seed=seed, each=1, pace=PACE, tell=_say)
    _say(f"{result.done}")
    assert {promise.name: promise.examples for promise in result.promises if promise.broken} == {}
    assert result.errors == []
    assert set(result.done) == set(POINTS)
    assert next(promise.of for promise in result.promises if promise.name == "documents_posted_twice") > result.orders
