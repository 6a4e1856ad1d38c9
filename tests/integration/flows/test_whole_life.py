"""From the channel to the warehouse, the carrier and the ledger, in one process."""

from decimal import Decimal

from plugins.erp.beancount.totals import ledger_keys, ledger_totals
from tests.builders import World, line, order_document


def test_an_order_from_its_message_to_the_books(world: World) -> None:
    world.carrier()
    world.ledger()
    world.stock(W1_A=5, W1_B=5)
    world.send(order_document("1", line("1", "A", 2), line("2", "B", 1, "5.50")))
    assert (world.order("1").review, world.holds("1")) == ("auto_approved", [])
    (work,) = world.work("1")
    assert (work.location, work.state, work.carrier_connection, work.service) == ("W1", "released", "card", "STD")
    (shipment,) = world.deliver("1")
    bought = world.shipment(shipment)
    assert (bought.state, bought.cost_minor) == ("handed_over", 500)
    assert len(list((world.folder / "data" / "labels").iterdir())) == 1
    assert world.order("1").lifecycle == "completed"
    assert world.lines("1")["1"] == {
        "ordered": 2, "ordered_source": 2, "allocated": 2, "released": 2, "picked": 2, "packed": 2, "shipped": 2,
    }  # fmt: skip
    assert world.documents("1") == [
        ("delivery", "posted", 2550), ("invoice", "posted", 2550), ("payment", "posted", 2550),
        ("sales_order", "posted", 2550),
    ]  # fmt: skip
    assert set(ledger_keys(world.folder / "books").values()) == {1}
    totals = ledger_totals(world.folder / "books")
    assert totals["Income:Sales"]["USD"] == Decimal("-25.50")
    assert totals["Assets:Receivable"]["USD"] == 0
    assert (world.level("W1_A").on_hand, world.level("W1_A").reserved, world.drift()) == (3, 0, [])
    assert world.folded("1")
    assert (world.cases(), world.open_jobs()) == ([], [])
    assert world.timeline("1") == [
        "order.accepted", "order.reviewed", "order.planned", "erp.posted", "erp.posted", "fulfilment.picked",
        "fulfilment.packed", "shipment.opened", "shipment.labelled", "shipment.handed_over", "order.completed",
        "invoice.issued", "erp.posted", "erp.posted",
    ]  # fmt: skip
