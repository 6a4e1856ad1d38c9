from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.inventory.rules.changes import plan_adjustments, plan_counts, plan_receipts, plan_transfers
from hub.inventory.rules.levels import Level, StockEntry, Transfer, plain, quantity_fault

N, S = ("N", "A"), ("S", "A")
amounts = st.decimals(min_value=-20, max_value=20, places=3)


def level(key: tuple[str, str] = N, **figures: int) -> Level:
    return Level(*key, **{name: Decimal(value) for name, value in figures.items()})


def test_available_and_short() -> None:
    assert level(on_hand=5, reserved=2, safety=1).available == 2
    assert level(on_hand=1, reserved=4, safety=1).available == -4
    assert level(on_hand=1, reserved=4, oversell_allowance=2).available == -1
    assert level(on_hand=1, reserved=4, safety=1, oversell_allowance=1).short == 2
    assert level(on_hand=4, reserved=4, safety=1).short == 0


@given(st.lists(amounts, max_size=8), st.integers(min_value=-5, max_value=30))
def test_adjustments_are_the_sum_of_their_ledger_and_never_go_below_zero(found: list[Decimal], on_hand: int) -> None:
    before = level(on_hand=on_hand)
    plan = plan_adjustments({N: before}, [StockEntry(*N, quantity) for quantity in found])
    after = plan.levels[N]
    assert after.on_hand == before.on_hand + sum(delta.on_hand for delta in plan.deltas)
    assert after.on_hand >= min(0, on_hand)
    assert len(plan.deltas) + len(plan.faults) == len(found)


@given(st.integers(min_value=-5, max_value=30), st.decimals(min_value=0, max_value=30, places=3))
def test_a_count_is_the_truth(on_hand: int, counted: Decimal) -> None:
    plan = plan_counts({N: level(on_hand=on_hand, reserved=9)}, [StockEntry(*N, counted)])
    assert plan.levels[N].on_hand == counted
    assert [delta.on_hand for delta in plan.deltas] == [counted - on_hand]


def test_a_level_counted_twice_is_a_fault() -> None:
    plan = plan_counts({N: level()}, [StockEntry(*N, Decimal(1)), StockEntry(*N, Decimal(2))])
    assert [(fault.index, fault.field) for fault in plan.faults] == [(1, "sku")]


def test_a_receipt_lowers_what_was_announced_not_below_zero() -> None:
    plan = plan_receipts({N: level(inbound=3)}, [StockEntry(*N, Decimal(2)), StockEntry(*N, Decimal(2))])
    assert (plan.levels[N].on_hand, plan.levels[N].inbound) == (4, 0)


@given(st.lists(st.tuples(st.booleans(), st.decimals(min_value="0.001", max_value=9, places=3)), max_size=6))
def test_transfers_keep_the_sum_and_what_is_reserved(steps: list[tuple[bool, Decimal]]) -> None:
    before = {N: level(on_hand=9, reserved=4), S: level(S, on_hand=2)}
    transfers = [Transfer("A", *(("N", "S") if there else ("S", "N")), quantity) for there, quantity in steps]
    plan = plan_transfers(before, transfers)
    assert plan.levels[N].on_hand + plan.levels[S].on_hand == 11
    assert plan.levels[N].on_hand >= 4
    assert plan.levels[S].on_hand >= 0
    assert len(plan.deltas) == 2 * (len(transfers) - len(plan.faults))


@pytest.mark.parametrize(
    ("quantity", "fine"), [("0", True), ("0.001", True), ("0.0001", False), ("-1", False), ("1e9", True),
                           ("1000000000.001", False), ("NaN", False), ("Infinity", False)],
)  # fmt: skip
def test_which_quantities_can_be_stored(quantity: str, fine: bool) -> None:
    assert (quantity_fault(Decimal(quantity), least=Decimal(0)) is None) is fine


@pytest.mark.parametrize(("quantity", "text"), [("12.000", "12"), ("1200", "1200"), ("0.500", "0.5"), ("0.000", "0")])
def test_plain(quantity: str, text: str) -> None:
    assert plain(Decimal(quantity)) == text
