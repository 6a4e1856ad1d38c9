"""The counters of a line: whatever happens in whatever sequence, what the tables demand holds."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.orders.rules.counters import (
    Deltas,
    LineState,
    add_up,
    cancel_line,
    change_shipping,
    fold,
    opening,
    restate_cancelled,
    revise_line,
)
from hub.orders.tables import COUNTERS
from tests.builders import canonical_order

UNITS = st.integers(0, 5)
ZERO = Decimal(0)


class OneLine(RuleBasedStateMachine):
    """A line as its source and the warehouse move it; every change is a sum of deltas, as in the tables."""

    @initialize(quantity=st.integers(1, 5), ordered=UNITS, ships=st.booleans(), outside=UNITS)
    def accepted(self, quantity: int, ordered: int, ships: bool, outside: int) -> None:
        shipment = {
            "external_id": "S", "state": "success", "lines": [{"line_external_id": "1", "quantity": str(outside)}],
        }  # fmt: skip
        entry = {"external_id": "1", "quantity": str(quantity), "requires_shipping": ships}
        entry |= {"quantity_ordered": str(ordered)} if ordered else {}
        order = canonical_order(lines=[entry], shipments=[shipment] if outside else [])
        self.events: list[dict[str, dict[str, int]]] = []
        self.counters = dict.fromkeys(COUNTERS, ZERO)
        self.ships, self.cancelled, self.wanted = ships, False, quantity
        self.apply(opening(order)["1"])

    def apply(self, deltas: Deltas) -> None:
        self.events.append({"1": {name: int(amount * 1000) for name, amount in deltas.items()}})
        for name, amount in deltas.items():
            self.counters[name] += amount

    def state(self) -> LineState:
        return LineState("1", "1", self.ships, self.counters)

    @rule(wanted=UNITS)
    def revised(self, wanted: int) -> None:
        before = self.counters["allocated"] + self.counters["external_shipped"]
        if self.cancelled:
            self.apply(restate_cancelled(self.state(), Decimal(wanted)))
            return
        deltas, reduction = revise_line(self.state(), Decimal(wanted))
        self.apply(deltas)
        left = self.counters["ordered"] - self.counters["cancelled"]
        assert (left == wanted) == (reduction is None)
        assert left >= min(before, left), "what is bound is never cancelled"
        if reduction is not None:
            assert reduction.bound == left > reduction.wanted
            waits = ("unallocated", "backordered") if self.ships else ("not_stocked",)
            assert [self.counters[name] for name in waits] == [ZERO] * len(waits), "what waits is cut, not asked about"

    @precondition(lambda self: self.counters["unallocated"] + self.counters["backordered"] > 0)
    @rule(data=st.data())
    def on_backorder(self, data: st.DataObject) -> None:
        waits = self.counters["unallocated"] + self.counters["backordered"]
        moved = Decimal(data.draw(st.integers(0, int(waits)))) - self.counters["backordered"]
        self.apply({"unallocated": -moved, "backordered": moved})

    @rule(ships=st.booleans())
    def needs_sending(self, ships: bool) -> None:
        state, deltas = change_shipping(self.state(), ships)
        self.apply(deltas)
        self.ships = ships
        assert state.counters == self.counters

    @rule()
    def cancelled_by_source(self) -> None:
        self.apply(cancel_line(self.state()))
        self.cancelled = self.cancelled or self.counters["allocated"] == 0
        assert [self.counters[name] for name in ("unallocated", "backordered", "not_stocked")] == [ZERO] * 3

    @precondition(lambda self: self.counters["unallocated"] > 0)
    @rule(data=st.data())
    def allocated(self, data: st.DataObject) -> None:
        units = Decimal(data.draw(st.integers(1, int(self.counters["unallocated"]))))
        self.apply({"unallocated": -units, "allocated": units, "released": units})

    @precondition(lambda self: self.counters["released"] > self.counters["picked"])
    @rule(data=st.data())
    def picked(self, data: st.DataObject) -> None:
        rest = int(self.counters["released"] - self.counters["picked"])
        short = Decimal(data.draw(st.integers(0, rest)))
        found = Decimal(data.draw(st.integers(0, rest - int(short))))
        self.apply({"picked": found, "short": short, "released": -short, "allocated": -short, "unallocated": short})

    @precondition(lambda self: self.counters["picked"] > self.counters["packed"])
    @rule()
    def packed(self) -> None:
        self.apply({"packed": self.counters["picked"] - self.counters["packed"]})

    @precondition(lambda self: self.counters["packed"] > self.counters["shipped"])
    @rule(data=st.data())
    def shipped(self, data: st.DataObject) -> None:
        self.apply(
            {"shipped": Decimal(data.draw(st.integers(1, int(self.counters["packed"] - self.counters["shipped"]))))}
        )

    @invariant()
    def what_the_tables_demand(self) -> None:
        now = self.counters
        places = ("cancelled", "external_shipped", "not_stocked", "allocated", "backordered", "unallocated")
        assert sum(now[name] for name in places) == now["ordered"]
        assert now["shipped"] <= now["packed"] <= now["picked"] <= now["released"] <= now["allocated"]
        assert min(now[name] for name in COUNTERS) >= 0

    @invariant()
    def the_timeline_is_the_line(self) -> None:
        told = fold(self.events).get("1", {})
        assert {name: told.get(name, 0) for name in COUNTERS} == {
            name: int(value * 1000) for name, value in self.counters.items()
        }


TestOneLine = OneLine.TestCase
TestOneLine.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_every_unit_of_a_new_order_is_somewhere(quantity: int, ordered: int, outside: int, cancelled: bool) -> None:
    shipment = {"external_id": "S", "state": "success", "lines": [{"line_external_id": "1", "quantity": str(outside)}]}
    order = canonical_order(
        lines=[{"external_id": "1", "quantity": str(quantity), "quantity_ordered": str(ordered)}],
        shipments=[shipment], cancelled=cancelled,
    )  # fmt: skip
    deltas = opening(order)["1"]
    places = ("cancelled", "external_shipped", "not_stocked", "unallocated")
    assert sum(deltas.get(name, ZERO) for name in places) == deltas["ordered"] == max(quantity, ordered)
    assert not (cancelled and deltas.get("unallocated"))


def test_a_shipment_of_the_channel_that_failed_shipped_nothing() -> None:
    shipment = {"external_id": "S", "state": "failure", "lines": [{"line_external_id": "1", "quantity": "1"}]}
    deltas = opening(canonical_order(shipments=[shipment]))["1"]
    assert (deltas.get("external_shipped"), deltas["unallocated"]) == (None, 2)


def test_changes_add_up() -> None:
    assert add_up({"a": Decimal(1)}, {}, {"a": Decimal(2), "b": Decimal(-1)}) == {"a": 3, "b": -1}
