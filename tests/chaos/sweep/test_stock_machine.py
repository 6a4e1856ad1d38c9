"""Stock as everybody may move it, in any sequence: promised, sent, moved, counted, kept and given back. What must hold,
holds after every step.
"""

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hub.inventory.repository import lock_levels
from hub.inventory.rules.closing import LineQuantity
from hub.inventory.rules.counts import Counted
from hub.inventory.rules.locations import Location
from hub.inventory.rules.soft import SoftLine
from hub.inventory.rules.transfers import Arrival, TransferLine
from hub.inventory.service.consume import consume
from hub.inventory.service.counting import approve_count, enter_counts, open_count
from hub.inventory.service.locations import create_location
from hub.inventory.service.query import verify_projection
from hub.inventory.service.release import release
from hub.inventory.service.reserve import reserve
from hub.inventory.service.soft import expire_softly, reserve_softly, take_over
from hub.inventory.service.transfers import cancel_transfer, create_transfer, receive_transfer, ship_transfer
from hub.kit.db import Database
from hub.kit.errors import StateConflict
from hub.kit.ids import new_id
from tests.builders import World
from tests.chaos.sweep.test_machines import FEW, PROFILE
from tests.integration.inventory.building import AT, need, stock

HOUR = timedelta(hours=1)


class Shelves(RuleBasedStateMachine):
    """One SKU on two shelves."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.places = [f"P{new_id().replace('-', '')}" for _ in range(2)]
        with self.database.write() as session:
            for place in self.places:
                create_location(session, location=Location(code=place, name="W"), at=AT, actor="test")
        stock(self.database, **{f"{place}_A": 5 for place in self.places})
        self.total = Decimal(10)
        self.under_way = Decimal(0)
        self.held: dict[str, int] = {}
        self.drafts: list[tuple[str, int]] = []
        self.sent: dict[str, Decimal] = {}
        self.at = AT
        self.short_allowed = False

    @rule(place=st.integers(0, 1), quantity=FEW)
    def received(self, place: int, quantity: int) -> None:
        stock(self.database, **{f"{self.places[place]}_A": quantity})
        self.total += quantity

    @rule(place=st.integers(0, 1), quantity=FEW)
    def promised(self, place: int, quantity: int) -> None:
        demand = need(f"{self.places[place]}_A", quantity)
        with self.database.write() as session:
            granted = reserve(session, demands=[demand], at=self.at, actor="test").granted
        self.held |= dict.fromkeys(granted, quantity)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), out=st.booleans())
    def ended(self, data: st.DataObject, out: bool) -> None:
        line = data.draw(st.sampled_from(sorted(self.held)))
        quantity = self.held.pop(line)
        with self.database.write() as session:
            if out:
                consume(session, consumed=[LineQuantity(line, Decimal(quantity))], at=self.at, actor="test")
                self.total -= quantity
            else:
                release(session, fulfilment_order_line_ids=[line], at=self.at, actor="test", reason="cancelled")

    @rule(quantity=FEW, place=st.integers(0, 1))
    def kept(self, quantity: int, place: int) -> None:
        line = SoftLine("A", Decimal(quantity), self.places[place])
        try:
            with self.database.write() as session:
                reserve_softly(
                    session, reference="d", lines=[line], expires_at=self.at + HOUR, at=self.at, actor="test"
                )
        except StateConflict:
            return

    @rule(minutes=st.integers(1, 90))
    def time_passed(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)
        with self.database.write() as session:
            expire_softly(session, at=self.at)
            take_over(session, order_ids=[new_id()], keys=[], at=self.at, actor="test")

    @rule(quantity=FEW, back=st.booleans())
    def drafted(self, quantity: int, back: bool) -> None:
        source, target = self.places[::-1] if back else self.places
        try:
            with self.database.write() as session:
                made = create_transfer(
                    session, source=source, target=target, lines=[TransferLine("A", Decimal(quantity))], reason="r",
                    actor="test", at=self.at, key=new_id(),
                )  # fmt: skip
        except StateConflict:
            return
        self.drafts.append((made.transfer_id, quantity))

    @precondition(lambda self: self.drafts)
    @rule(goes=st.booleans())
    def shipped_or_not(self, goes: bool) -> None:
        transfer_id, quantity = self.drafts.pop()
        with self.database.write() as session:
            if goes:
                ship_transfer(session, transfer_id=transfer_id, at=self.at, actor="test")
                self.sent[transfer_id] = Decimal(quantity)
                self.under_way += quantity
            else:
                cancel_transfer(session, transfer_id=transfer_id, at=self.at, actor="test", reason="no")

    @precondition(lambda self: self.sent)
    @rule(lost=st.booleans(), comes_back=st.booleans())
    def arrived(self, lost: bool, comes_back: bool) -> None:
        transfer_id, quantity = self.sent.popitem()
        self.under_way -= quantity
        with self.database.write() as session:
            if comes_back:
                cancel_transfer(session, transfer_id=transfer_id, at=self.at, actor="test", reason="back")
                return
            gone = Decimal(1) if lost else Decimal(0)
            receive_transfer(
                session, transfer_id=transfer_id, arrivals=[Arrival("A", quantity - gone, gone)], at=self.at,
                actor="test",
            )  # fmt: skip
            self.total -= gone

    @rule(place=st.integers(0, 1), found=st.integers(0, 12))
    def counted(self, place: int, found: int) -> None:
        before = self._on_hand()[place]
        with self.database.write() as session:
            sheet = open_count(
                session, location=self.places[place], skus=["A"], reference="c", at=self.at, actor="test"
            )
            counts = [Counted("A", Decimal(found))]
            enter_counts(session, count_id=sheet.count_id, counted=counts, at=self.at, actor="test")
        with self.database.write() as session:
            approve_count(session, count_id=sheet.count_id, reason="r", at=self.at, actor="test")
        self.total += found - before
        self.short_allowed = True

    @invariant()
    def nothing_is_lost_and_nothing_promised_that_was_not_there(self) -> None:
        with self.database.read() as session:
            assert [drift for drift in verify_projection(session) if drift.location in self.places] == []
        with self.database.write() as session:
            levels = lock_levels(session, keys=[(place, "A") for place in self.places])
        assert sum(level.on_hand for level in levels.values()) == self.total - self.under_way
        assert sum(level.inbound for level in levels.values()) == self.under_way
        for level in levels.values():
            assert level.reserved >= 0
            assert self.short_allowed or level.reserved <= level.on_hand

    def _on_hand(self) -> list[Decimal]:
        with self.database.write() as session:
            levels = lock_levels(session, keys=[(place, "A") for place in self.places])
        return [levels[place, "A"].on_hand for place in self.places]


def test_stock_on_its_way_is_neither_lost_nor_promised_twice(small_world: World) -> None:
    machine = type("Machine", (Shelves,), {"database": small_world.database})
    run_state_machine_as_test(machine, settings=PROFILE)
