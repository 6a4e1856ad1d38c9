"""Sixty-four writers want the same piece: nobody is promised what is not there."""

import threading
from decimal import Decimal

from hub.inventory.rules.levels import StockLimits
from hub.inventory.service.change import set_limits
from hub.inventory.service.reserve import reserve
from tests.builders import World
from tests.chaos.sweep.figures import figure
from tests.integration.intake.test_concurrency import at_once
from tests.integration.inventory.building import need

WRITERS, TURNS, ON_HAND, SAFETY, ALLOWANCE = 64, 3, 100, 10, 20


def rush(world: World) -> int:
    """Each writer asks for one piece a few times; how many were granted."""
    world.stock(W1_A=ON_HAND)
    limits = StockLimits("W1", "A", safety=Decimal(SAFETY), oversell_allowance=Decimal(ALLOWANCE))
    with world.write() as session:
        set_limits(session, entries=[limits], at=world.clock.now(), actor="test")
    granted: list[int] = []
    places = threading.BoundedSemaphore(12)

    def ask() -> None:
        for _ in range(TURNS):
            with places, world.write() as session:
                result = reserve(session, demands=[need("W1_A")], at=world.clock.now(), actor="router")
            granted.append(len(result.granted))

    at_once(*[ask] * WRITERS)
    return sum(granted)


def test_no_reservation_beyond_the_allowance(world: World) -> None:
    granted = rush(world)
    figure(f"writers {WRITERS}, asked {WRITERS * TURNS}, granted {granted} of {ON_HAND - SAFETY + ALLOWANCE}, "
          f"drift {len(world.drift())}")  # fmt: skip
    assert granted == ON_HAND - SAFETY + ALLOWANCE
    assert (world.level("W1_A").reserved, world.drift()) == (granted, [])
