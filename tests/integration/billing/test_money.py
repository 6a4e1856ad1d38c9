"""Invoices, payments and credit notes: each once, and together exactly what the order says."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from hub.fulfilment import repository
from hub.jobs.service import lease as leases
from hub.jobs.tables import JobRow
from hub.sdk.errors import Uncertain
from plugins.erp.beancount.totals import ledger_keys, ledger_totals
from tests.builders import World, event, line, order_document


@pytest.fixture
def books(world: World) -> World:
    """Stock, a carrier and a ledger."""
    world.stock(W1_A=50, W1_B=50)
    world.carrier()
    world.ledger()
    return world


def work_lines(world: World, external_id: str) -> tuple[str, dict[str, str]]:
    (work,) = world.open_work(external_id)
    with world.read() as session:
        rows = repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
        return work.fulfilment_order_id, {row.sku: row.fulfilment_order_line_id for row in rows}


def test_partial_shipments_are_invoiced_to_the_last_cent(books: World) -> None:
    """Freight, a discount, tax, and three units that do not divide evenly."""
    document = order_document(
        "1", line("1", "A", 3, total="10.00", unit_price="3.333333"), line("2", "B", 1, "5.00"),
        shipping_total="4.99", discount_total="1.00", tax_total="1.61", grand_total="20.60",
    )  # fmt: skip
    books.send(document)
    work, ids = work_lines(books, "1")
    books.pack(work)
    for contents in ({ids["A"]: 1}, {ids["A"]: 1, ids["B"]: 1}, {ids["A"]: 1}):
        books.hand_over(books.ship(work, contents))
    assert (len(books.invoiced("1")), sum(books.invoiced("1"))) == (3, 2060)
    assert {state for _, state, _ in books.documents("1")} == {"posted"}
    assert set(ledger_keys(books.folder / "books").values()) == {1}
    totals = ledger_totals(books.folder / "books")
    assert totals["Assets:Receivable"]["USD"] == 0
    assert sum(amounts["USD"] for amounts in totals.values()) == 0


def test_numbers_of_invoices_have_no_gaps(books: World) -> None:
    for number in range(3):
        books.send(order_document(str(number)))
        books.deliver(str(number))
    with books.read() as session:
        found = session.connection().exec_driver_sql("select number from invoices order by number").scalars().all()
    assert found == ["INV-0000001", "INV-0000002", "INV-0000003"]


def refund(external_id: str, part: str, amount: str, **more: Any) -> dict[str, Any]:
    return event(
        "order.refunded", order_id=external_id, id=f"R-{part}", amount=amount, currency="USD", **more
    )  # fmt: skip


def test_a_refund_is_a_credit_note_and_money_back_once(books: World) -> None:
    books.send(order_document("1", line("1", "A", 2), payment={"state": "unpaid"}))
    books.send(event("order.paid", order_id="1", id="T-1", amount="20.00", currency="USD"))
    books.deliver("1")
    books.send(refund("1", "1", "5.00"))
    assert books.order("1").payment == "partially_refunded"
    books.send(refund("1", "1", "5.00"), refund("1", "2", "15.00"))
    assert books.order("1").payment == "refunded"
    kinds = [(kind, total) for kind, _, total in books.documents("1")]
    assert kinds == [
        ("credit_note", 500), ("credit_note", 1500), ("delivery", 2000), ("invoice", 2000), ("payment", -1500),
        ("payment", -500), ("payment", 2000), ("sales_order", 2000),
    ]  # fmt: skip
    totals = ledger_totals(books.folder / "books")
    assert (totals["Assets:Receivable"]["USD"], totals["Assets:Clearing"]["USD"]) == (0, 0)


def test_a_refund_of_an_order_that_is_only_said_to_be_paid(books: World) -> None:
    books.send(order_document("1", line("1", "A", 2)))
    books.send(refund("1", "1", "5.00"))
    assert books.order("1").payment == "partially_refunded"


def test_money_that_is_told_twice_is_one_payment(books: World) -> None:
    """Stated by the order, and as an event of its own; in either sequence."""
    paid = {"state": "paid", "method": "card"}
    books.send(order_document("1", payment=paid))
    books.send(event("order.paid", order_id="1", id="T-1", amount="10.00", currency="USD"))
    document = order_document("2", payment={"state": "unpaid"})
    books.send(document)
    books.send(event("order.paid", order_id="2", id="T-2", amount="10.00", currency="USD"))
    books.send({**document, "payment": paid})
    for number in ("1", "2"):
        assert [entry for entry in books.documents(number) if entry[0] == "payment"] == [("payment", "posted", 1000)]


def test_transactions_that_an_order_brings_along_are_its_payments(books: World) -> None:
    captured = {"id": "T-1", "kind": "capture", "amount": "4.00"}
    document = order_document("1", payment={"transactions": [captured]})
    books.send(document)
    assert (books.order("1").payment, books.holds("1")) == ("deposit_paid", ["payment_not_settled"])
    rest = {"id": "T-2", "kind": "capture", "amount": "6.00"}
    books.send({**document, "payment": {"transactions": [captured, rest]}})
    assert (books.order("1").payment, books.holds("1")) == ("paid", [])
    assert [total for kind, _, total in books.documents("1") if kind == "payment"] == [400, 600]


def test_an_order_in_another_currency_is_booked_in_it(books: World) -> None:
    document = order_document("1", line("1", "A", 1, unit_price="1000", total="1000"), currency="JPY")
    books.send({**document, "grand_total": "1000"})
    books.deliver("1")
    assert ledger_totals(books.folder / "books")["Income:Sales"] == {"JPY": Decimal(-1000)}


def test_a_cancelled_order_takes_its_sales_order_out_of_the_books(books: World) -> None:
    books.send(order_document("1", payment={"state": "cod_due"}))
    books.send(event("order.cancelled", order_id="1"))
    assert books.documents("1") == [("sales_order", "cancelled", 1000)]
    totals = ledger_totals(books.folder / "books")
    assert totals["Equity:Memo:Ordered"]["USD"] == 0


def test_a_sales_order_that_is_withdrawn_while_it_is_posted_is_cancelled_there(world: World) -> None:
    book = world.double("erp", "fake_erp", "erp")
    world.stock(W1_A=5)

    def meanwhile() -> None:
        book.on_call = None
        world.store(event("order.cancelled", order_id="1"))
        world.drain("intake", "flow")

    book.on_call = meanwhile
    world.send(order_document("1", payment={"state": "cod_due"}))
    assert (len(book.sent), world.documents("1")) == (1, [("sales_order", "cancelled", 1000)])
    assert "erp.cancelled" in world.timeline("1")


class Killed(BaseException):
    """The worker is gone: nobody catches this."""


@pytest.mark.parametrize("arrived", [True, False])
def test_a_sales_order_withdrawn_after_its_worker_died_in_the_call_does_not_stay(
    world: World, *, arrived: bool
) -> None:
    """Its answer was lost with the worker: what the ledger holds is cancelled there, and may come a moment later."""
    book = world.double("erp", "fake_erp", "erp")
    world.stock(W1_A=5)
    (book.after if arrived else book.before).append(Killed())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        world.send(order_document("1", payment={"state": "cod_due"}))
    world.store(event("order.cancelled", order_id="1"))
    world.drain("intake", "flow")
    assert world.documents("1") == [("sales_order", "cancelled", 1000)]
    world.later(world.runtime.settings.lease_seconds + 1)
    assert (len(book.sent), len(book.voided)) == ((1, 1) if arrived else (0, 0))
    assert world.documents("1") == [("sales_order", "cancelled", 1000)]
    with world.read() as session:
        left = session.scalars(select(JobRow.lane).where(JobRow.state.not_in(("done", "skipped")))).all()
    assert [lane.partition(":")[0] for lane in left] == ([] if arrived else ["withdrawn"])


@pytest.mark.parametrize("waits", [(300,), (300, 7200), (300, 7200, 86_400)])
def test_a_withdrawn_sales_order_that_the_network_delivers_long_after_is_cancelled_there(
    world: World, waits: tuple[int, ...]
) -> None:
    """Nobody waits for it any more, so the ledger is asked again: after minutes, hours, and a day."""
    book = world.double("erp", "fake_erp", "erp")
    world.stock(W1_A=5)
    book.before.append(Killed())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        world.send(order_document("1", payment={"state": "cod_due"}))
    world.store(event("order.cancelled", order_id="1"))
    world.drain("intake", "flow")
    world.later(world.runtime.settings.lease_seconds + 1)
    for seconds in waits[:-1]:
        world.later(seconds)
    (key,) = set(book.asked)
    book.held[key] = {"kind": "sales_order", "key": key, "remote_id": "late"}
    world.later(waits[-1])
    assert book.voided == [key]
    assert (world.documents("1"), world.open_jobs()) == ([("sales_order", "cancelled", 1000)], [])


def test_a_ledger_is_not_asked_for_ever_for_what_never_came(world: World) -> None:
    book = world.double("erp", "fake_erp", "erp")
    world.stock(W1_A=5)
    book.before.append(Killed())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        world.send(order_document("1", payment={"state": "cod_due"}))
    world.store(event("order.cancelled", order_id="1"))
    world.drain("intake", "flow")
    for seconds in (world.runtime.settings.lease_seconds + 1, 300, 7200, 86_400):
        world.later(seconds)
    assert (book.voided, world.open_jobs()) == ([], [])
    assert world.timeline("1").count("erp.cancelled") == 1


def test_an_observed_ledger_gets_nothing(world: World) -> None:
    book = world.double("erp", "fake_erp", "erp", mode="observe")
    world.stock(W1_A=5)
    world.send(order_document("1"))
    assert (book.sent, world.count("erp_documents")) == ([], 0)


def test_a_plugin_that_breaks_over_one_document_holds_up_no_other(small_world: World) -> None:
    book = small_world.double("erp", "fake_erp", "erp")
    small_world.stock(W1_A=5)
    book.after.append(RuntimeError("a bug over one answer"))
    orders = [order_document(number, payment={"state": "cod_due"}) for number in ("1", "2", "3")]
    small_world.send(*orders)
    states = sorted(small_world.documents(number)[0][1] for number in ("1", "2", "3"))
    assert states == ["in_doubt", "posted", "posted"]
    assert [(job.state, job.error_class) for job in small_world.jobs(kind="erp.post", state="parked")] == [
        ("parked", "Bug")
    ]


def test_a_plugin_that_breaks_while_it_looks_for_one_document_holds_up_no_other(small_world: World) -> None:
    book = small_world.double("erp", "fake_erp", "erp")
    small_world.stock(W1_A=5)
    book.before.extend(Uncertain("no answer") for _ in range(2))
    small_world.send(*[order_document(number, payment={"state": "cod_due"}) for number in ("1", "2")])
    book.on_ask.append(KeyError("id"))
    small_world.later(3600)
    states = sorted(small_world.documents(number)[0][1] for number in ("1", "2"))
    assert states == ["in_doubt", "posted"]


def test_a_worker_that_lost_its_lease_in_the_middle_of_a_batch_posts_no_more(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was frozen over the first document: by now another worker may have posted, or cancelled, the others."""
    book = small_world.double("erp", "fake_erp", "erp")
    small_world.stock(W1_A=5)
    real, seconds = leases.monotonic, small_world.runtime.settings.lease_seconds

    def freeze() -> None:
        monkeypatch.setattr(leases, "monotonic", lambda: real() + seconds)

    book.on_call = freeze
    small_world.send(*[order_document(number, payment={"state": "cod_due"}) for number in ("1", "2", "3")])
    assert len(book.sent) == 1
    assert sorted(small_world.documents(number)[0][1] for number in ("1", "2", "3")) == ["pending", "pending", "posted"]
