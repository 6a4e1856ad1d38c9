from decimal import Decimal

from hub.inventory.rules.rows import read_stock
from hub.sdk.readers.stated import CellFault, StatedRow, read_stated_csv


def test_a_row_states_a_count_and_limits() -> None:
    faults: list[CellFault] = []
    (row,) = [read_stock(item) for item in read_stated_csv("sku\tlocation\tsafety\ton_hand\n007\tN\t1\t2.5\n", faults)]
    assert faults == []
    assert (row.key, row.on_hand, row.safety, row.inbound) == (("N", "007"), Decimal("2.5"), Decimal(1), None)
    assert row.count is not None
    assert row.limits is not None
    assert row.limits.oversell_allowance is None


def test_a_row_without_a_quantity_says_nothing() -> None:
    faults: list[CellFault] = []
    row = read_stock(StatedRow(4, {"location": "N", "sku": "A", "on_hand": " "}, faults))
    assert [(fault.row, fault.column) for fault in faults] == [(4, "on_hand")]
    assert (row.count, row.limits) == (None, None)


def test_zero_is_a_count() -> None:
    faults: list[CellFault] = []
    row = read_stock(StatedRow(2, {"location": "N", "sku": "A", "on_hand": "0"}, faults))
    assert faults == []
    assert row.count is not None
    assert row.count.quantity == 0
