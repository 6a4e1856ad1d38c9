"""Amounts of documents: any order, shipped in any parts, is invoiced to the last minor unit."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.billing.rules.amounts import order_amounts, share, split_tax
from hub.billing.rules.documents import Heading, ShippedQuantity, credit_note, delivery, invoice, payment, sales_order
from hub.canonical.erp import ErpDocument
from hub.canonical.money import Money
from hub.canonical.order import Order
from tests.builders import canonical_order

HEADING = Heading("k" * 32, "N-1", "ref", "N-1", datetime(2026, 3, 2, tzinfo=UTC))
MINOR = st.integers(0, 10**7)


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Orders with and without taxes on lines, charges with taxes and discounts, a total that may not add up."""
    with_tax, tax_total = draw(st.booleans()), draw(st.none() | MINOR)
    lines = []
    for number in range(draw(st.integers(1, 4))):
        entry: dict[str, Any] = {
            "external_id": str(number),
            "sku": f"S{number}",
            "quantity": str(draw(st.integers(1, 7))),
        }
        entry |= (
            {"total": usd(draw(MINOR))} if draw(st.booleans()) else {"unit_price": str(Decimal(draw(MINOR)) / 1000)}
        )
        lines.append(entry | ({"taxes": [{"amount": usd(draw(MINOR))}]} if with_tax else {}))
    charges = [
        {"kind": "shipping", "amount": usd(draw(MINOR)), "taxes": [{"amount": usd(draw(st.integers(0, 500)))}],
         "discounts": [{"amount": usd(draw(st.integers(0, 500)))}]}
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    totals = {"grand": usd(draw(MINOR))} if draw(st.booleans()) else {}
    totals |= {} if tax_total is None else {"tax": usd(tax_total)}
    discounts = [{"amount": usd(draw(MINOR))}] if draw(st.booleans()) else []
    return canonical_order(
        lines=lines, charges=charges, totals=totals, discounts=discounts, taxes_included=draw(st.booleans())
    )


def balanced(document: ErpDocument) -> bool:
    parts = [*document.lines, *document.charges]
    return sum(part.net.minor + part.tax.minor for part in parts) == document.total.minor


@given(orders())
def test_a_sales_order_is_the_sources_own_total(order: Order) -> None:
    document = sales_order(order, HEADING)
    assert balanced(document)
    if order.totals.grand is not None:
        assert document.total == order.totals.grand


@given(orders(), st.data())
def test_partial_shipments_add_up_exactly(order: Order, data: st.DataObject) -> None:
    shipped = {line.external_id: Decimal(0) for line in order.lines}
    total = nets = taxes = 0
    first = True
    while left := [line for line in order.lines if shipped[line.external_id] < line.quantity]:
        units = {}
        for line in data.draw(st.lists(st.sampled_from(left), min_size=1, unique_by=lambda entry: entry.external_id)):
            before = shipped[line.external_id]
            count = data.draw(st.integers(1, int(line.quantity - before)))
            units[line.external_id] = ShippedQuantity(before, before + count)
            shipped[line.external_id] += count
        document = invoice(order, HEADING, units, with_charges=first)
        assert balanced(document)
        assert balanced(delivery(order, HEADING, units, location="W", tracking_numbers=["T"]))
        first = False
        total += document.total.minor
        nets += sum(part.net.minor for part in (*document.lines, *document.charges))
        taxes += sum(part.tax.minor for part in (*document.lines, *document.charges))
    whole = sales_order(order, HEADING)
    assert total == whole.total.minor == nets + taxes
    assert taxes == order_amounts(order).tax


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_consecutive_shares_are_the_whole(amount: int, steps: list[int]) -> None:
    before, parts = Decimal(0), []
    for step in steps:
        parts.append(share(amount, of=Decimal(sum(steps)), before=before, upto=before + step))
        before += step
    assert sum(parts) == amount


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**9))
def test_net_and_tax_of_a_part_are_the_part(total: int, tax: int, grand: int) -> None:
    assert sum(split_tax(total, tax=tax, grand=grand)) == total


@pytest.mark.parametrize(
    ("grand", "kind", "amount"), [(1500, "discount", -500), (1600, "difference", -400), (2100, "difference", 100)]
)
def test_what_the_parts_do_not_reach_is_a_charge_of_its_own(grand: int, kind: str, amount: int) -> None:
    order = canonical_order(discounts=[{"amount": usd(500)}], totals={"grand": usd(grand)})
    (charge,) = order_amounts(order).charges
    assert (charge.kind, charge.net, charge.tax) == (kind, amount, 0)


def test_tax_that_only_the_order_states_is_shared_out_over_its_lines() -> None:
    lines = [{"external_id": str(n), "quantity": "1", "total": usd(total)} for n, total in enumerate((1000, 500, 0))]
    order = canonical_order(lines=lines, totals={"tax": usd(100), "grand": usd(1600)})
    amounts = order_amounts(order)
    assert [line.tax for line in amounts.lines] == [67, 33, 0]
    assert (amounts.total, amounts.charges) == (1600, ())


def test_tax_that_is_included_is_taken_out_of_the_net() -> None:
    lines = [{"external_id": "1", "quantity": "1", "total": usd(1190), "taxes": [{"amount": usd(190)}]}]
    amounts = order_amounts(canonical_order(lines=lines, taxes_included=True))
    assert [(line.net, line.tax) for line in amounts.lines] == [(1000, 190)]
    assert amounts.total == 1190


def test_money_back_and_money_in() -> None:
    lines = [{"external_id": "1", "quantity": "1", "total": usd(1000), "taxes": [{"amount": usd(200)}]}]
    order = canonical_order(lines=lines, totals={"grand": usd(1200)}, payment_method="card")
    note = credit_note(order, HEADING, Money(minor=600, currency="USD"))
    assert [(charge.kind, charge.net.minor, charge.tax.minor) for charge in note.charges] == [("refund", 500, 100)]
    paid = payment(order, HEADING, Money(minor=-600, currency="USD"), method="paypal")
    assert (paid.total.minor, paid.payment_method, json.loads(paid.model_dump_json())["kind"]) == (
        -600,
        "paypal",
        "payment",
    )
