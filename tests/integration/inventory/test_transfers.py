"""Stock on its way between locations: nothing is lost that is not named, nothing is promised twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from hub.inventory.rules.transfers import Arrival, StockTransfer, TransferLine
from hub.inventory.service.query import list_movements, verify_projection
from hub.inventory.service.reserve import reserve
from hub.inventory.service.transfers import (
    cancel_transfer,
    create_transfer,
    get_transfer,
    list_transfers,
    receive_transfer,
    ship_transfer,
)
from hub.kit.db import Database
from hub.kit.errors import HubError, InvalidInput, StateConflict
from tests.integration.inventory.building import AT, level, need, set_up, stock


def make(database: Database, key: str = "k-1", *, source: str = "N", target: str = "S", **skus: str) -> StockTransfer:
    lines = [TransferLine(sku, Decimal(quantity)) for sku, quantity in skus.items()]
    with database.write() as session:
        return create_transfer(
            session, source=source, target=target, lines=lines, reason="nearer", actor="test", at=AT, key=key
        )


def step(database: Database, use: Callable[..., StockTransfer], transfer: StockTransfer, **more: Any) -> StockTransfer:
    with database.write() as session:
        return use(session, transfer_id=transfer.transfer_id, at=AT, actor="test", **more)


def figures(database: Database, key: str) -> tuple[Decimal, Decimal, Decimal]:
    found = level(database, key)
    return found.on_hand, found.reserved, found.inbound


def ledger(database: Database, key: str) -> list[tuple[str, Decimal]]:
    location, sku = key.split("_")
    with database.read() as session:
        return [(line.kind, line.on_hand_delta) for line in list_movements(session, location=location, sku=sku)]


def sound(database: Database) -> bool:
    with database.read() as session:
        return verify_projection(session) == []


def test_from_a_draft_to_the_other_shelf_in_parts_with_a_loss_named(
    database: Database, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    set_up(database)
    stock(database, N_A=10)
    draft = make(database, A="6")
    assert (draft.state, figures(database, "N_A")) == ("draft", (10, 6, 0))
    shipped = step(database, ship_transfer, draft)
    assert (shipped.state, figures(database, "N_A"), figures(database, "S_A")) == ("in_transit", (4, 0, 0), (0, 0, 6))
    part = step(database, receive_transfer, draft, arrivals=[Arrival("A", Decimal(2))])
    assert (part.state, part.lines[0].open, figures(database, "S_A")) == ("in_transit", 4, (2, 0, 4))
    whole = step(database, receive_transfer, draft, arrivals=[Arrival("A", Decimal(3), lost=Decimal(1))])
    assert (whole.state, whole.lines[0].received, whole.lines[0].lost) == ("received", 5, 1)
    assert figures(database, "S_A") == (5, 0, 0)
    assert ledger(database, "S_A") == [("lost", -1), ("transferred_in", 4), ("transferred_in", 2)]
    assert ledger(database, "N_A")[0] == ("transferred_out", -6)
    assert sound(database)
    states = [event["state"] for event in published("inventory.transfer_changed")]
    assert states == ["draft", "in_transit", "in_transit", "received"]


def test_what_a_draft_holds_is_promised_to_nobody_else(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    draft = make(database, A="4")
    with database.write() as session:
        assert reserve(session, demands=[need("N_A", 2)], at=AT, actor="test").granted == frozenset()
    with pytest.raises(StateConflict) as refused:
        make(database, "k-2", A="3")
    assert refused.value.code == "transfer_short"
    assert "2 of 'A' are missing" in refused.value.extra["errors"][0]["detail"]
    cancelled = step(database, cancel_transfer, draft, reason="not needed")
    assert (cancelled.state, figures(database, "N_A")) == ("cancelled", (5, 0, 0))
    assert sound(database)


def test_what_comes_back_is_on_the_shelf_again(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    draft = make(database, A="4")
    step(database, ship_transfer, draft)
    step(database, receive_transfer, draft, arrivals=[Arrival("A", Decimal(1))])
    step(database, cancel_transfer, draft, reason="the road is closed")
    assert (figures(database, "N_A"), figures(database, "S_A")) == ((4, 0, 0), (1, 0, 0))
    assert sound(database)
    for use, more in ((ship_transfer, {}), (receive_transfer, {"arrivals": None}), (cancel_transfer, {"reason": "x"})):
        with pytest.raises(StateConflict, match="is cancelled"):
            step(database, use, draft, **more)


def test_asked_twice_it_is_made_once(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    first = make(database, A="4")
    assert make(database, A="4") == first
    assert level(database, "N_A").reserved == 4
    with pytest.raises(StateConflict) as refused:
        make(database, A="3")
    assert refused.value.code == "transfer_differs"


def test_all_that_is_wrong_is_told_at_once(database: Database) -> None:
    set_up(database)
    lines = [TransferLine("A", Decimal(0)), TransferLine("X", Decimal(1)), TransferLine("X", Decimal(1))]
    with database.write() as session, pytest.raises(InvalidInput) as refused:
        create_transfer(
            session, source="N", target="Q", lines=lines, reason="r", actor="test", at=AT, key="k", expected_at=None
        )
    found = {(fault["index"], fault["field"]) for fault in refused.value.extra["errors"]}
    assert {(0, "quantity"), (2, "sku"), (0, "target"), (1, "sku")} <= found


def test_more_than_is_under_way_cannot_arrive(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    draft = make(database, A="4")
    step(database, ship_transfer, draft)
    arrivals = [Arrival("A", Decimal(4), lost=Decimal(1)), Arrival("B", Decimal(1))]
    with pytest.raises(InvalidInput) as refused:
        step(database, receive_transfer, draft, arrivals=arrivals)
    assert [fault["field"] for fault in refused.value.extra["errors"]] == ["received", "sku"]
    assert figures(database, "S_A") == (0, 0, 4)


def test_two_who_receive_at_once_receive_it_once(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    draft = make(database, A="4")
    step(database, ship_transfer, draft)

    def once(_: int) -> str:
        try:
            return step(database, receive_transfer, draft, arrivals=None).state
        except HubError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(once, range(4))) == ["received", *["transfer_state"] * 3]
    assert figures(database, "S_A") == (4, 0, 0)
    assert sound(database)


def test_transfers_are_listed_by_state_and_place(database: Database) -> None:
    set_up(database, locations=("N", "S", "W"))
    stock(database, N_A=5, S_A=5)
    first, second = make(database, "1", A="1"), make(database, "2", source="S", target="W", A="1")
    step(database, ship_transfer, first)
    with database.read() as session:
        assert [one.transfer_id for one in list_transfers(session, state="draft")] == [second.transfer_id]
        assert [one.transfer_id for one in list_transfers(session, location="S")] == [
            second.transfer_id, first.transfer_id,
        ]  # fmt: skip
        assert list_transfers(session, before=first.transfer_id) == []
        assert get_transfer(session, transfer_id=first.transfer_id).shipped_at == AT
