from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.orders.rules.phase import STAGES, Standing, headline
from hub.orders.tables import COUNTERS

WAITING = {"unallocated": 1}
ALLOCATED = {"allocated": 1}
RELEASED = {"allocated": 1, "released": 1}
PICKED = RELEASED | {"picked": 1}
SHIPPED = PICKED | {"packed": 1, "shipped": 1}
DELIVERED = SHIPPED | {"delivered": 1}


def line(counters: dict[str, int]) -> dict[str, Decimal]:
    return {name: Decimal(counters.get(name, 0)) for name in COUNTERS}


def standing(*lines: dict[str, int], **axes: object) -> Standing:
    given: dict[str, object] = {"lifecycle": "open", "review": "approved", "holds": set(), "parcels": ()} | axes
    return Standing(lines=[line(counters) for counters in lines], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phase", "lines", "axes"),
    [
        ("new", [WAITING], {"review": "pending"}),
        ("in_review", [WAITING], {"review": "queued", "holds": {"phone_invalid"}}),
        ("in_review", [WAITING], {"review": "second_review"}),
        ("held", [RELEASED], {"holds": {"manual"}}),
        ("amending", [PICKED], {"holds": {"cancel_requested", "manual"}}),
        ("blocked", [WAITING], {"parked": True}),
        ("allocated", [ALLOCATED], {}),
        ("released", [RELEASED], {}),
        ("picking", [PICKED], {}),
        ("short", [WAITING | {"short": 1}], {}),
        ("partially_released", [RELEASED, WAITING], {}),
        ("handed_over", [SHIPPED], {"parcels": ["handed_over"]}),
        ("handed_over", [SHIPPED], {"parcels": ["in_transit", "handed_over"]}),
        ("in_transit", [SHIPPED], {"parcels": ["out_for_delivery"]}),
        ("handed_over", [{"external_shipped": 1}], {}),
        ("delivered", [DELIVERED], {"parcels": ["delivered"]}),
        ("delivered", [{"not_stocked": 1}], {"lifecycle": "completed"}),
        ("delivery_failed", [SHIPPED], {"parcels": ["delivery_failed"]}),
        ("partially_lost", [SHIPPED, DELIVERED], {"parcels": ["lost", "delivered"]}),
        ("cancelled", [{"cancelled": 1}], {"lifecycle": "cancelled"}),
        ("rejected", [WAITING], {"review": "rejected"}),
    ],
)
def test_the_phase_of_a_standing(phase: str, lines: list[dict[str, int]], axes: dict[str, object]) -> None:
    assert headline(standing(*lines, **axes)) == phase


def test_one_parcel_of_three_delivered_reads_partially_delivered() -> None:
    found = standing(DELIVERED, SHIPPED, SHIPPED, parcels=["delivered", "in_transit", "in_transit"])
    assert headline(found) == "partially_delivered"


def test_what_has_left_is_not_called_held() -> None:
    assert headline(standing(SHIPPED, holds={"manual"}, parcels=["in_transit"])) == "in_transit"
    assert headline(standing(SHIPPED, RELEASED, holds={"manual"}, parcels=["in_transit"])) == "held"


@given(st.lists(st.sampled_from([WAITING, ALLOCATED, RELEASED, PICKED, SHIPPED, DELIVERED]), min_size=1, max_size=6))
def test_the_least_advanced_line_decides_whether_all_of_it_is_there(lines: list[dict[str, int]]) -> None:
    stages = {"new": WAITING, "allocated": ALLOCATED, "released": RELEASED, "picking": PICKED, "handed_over": SHIPPED}
    phase = headline(standing(*lines))
    same = all(entry == lines[0] for entry in lines)
    assert phase.startswith("partially_") is not same
    assert phase.removeprefix("partially_") in (*STAGES, "new")
    if same:
        assert phase == next((name for name, entry in stages.items() if entry == lines[0]), "delivered")
