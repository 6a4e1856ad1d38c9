"""Whoever dies or stands still at any step of an order's path leaves nothing lost, doubled or open behind."""

import pytest

from tests.chaos.sweep.conftest import LONG, SEED
from tests.chaos.sweep.figures import figure
from tests.chaos.sweep.steps import Monotonic, Steps
from tests.chaos.sweep.sweeping import CANCELLED, SHIPPED, Route, Sweep, sample
from tests.chaos.sweep.walking import Hub

KILLS, FREEZES = (10_000, 10_000) if LONG else (8, 5)


@pytest.mark.parametrize("route", [SHIPPED, CANCELLED], ids=lambda route: route.name)
def test_every_point_of_the_path(
    hub: Hub, steps: Steps, skew: Monotonic, monkeypatch: pytest.MonkeyPatch, route: Route
) -> None:
    steps.watch(hub.world.database, monkeypatch)
    sweep = Sweep(hub, steps, skew, route)
    passed = sweep.measure()
    lonely = hub.world.database.is_sqlite
    """SQLite has one writer: while it stands still, all wait for it, and nothing can come between."""
    for point in sample(range(1, len(passed) + 1), KILLS, SEED):
        sweep.kill(point)
    apart = [number for number, (_, writing) in enumerate(passed, start=1) if not (lonely and writing)]
    for point in sample(apart, FREEZES, SEED):
        sweep.freeze(point)
    figure(f"{route.name}: points {len(passed)}, swept {sweep.swept}, bad {len(sweep.bad)}")
    assert sweep.bad == []
