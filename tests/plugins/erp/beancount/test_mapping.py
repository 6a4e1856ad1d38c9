"""Documents become balanced entries; what cannot be told is refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.canonical.erp import ErpCharge
from hub.canonical.money import Money
from hub.canonical.party import Party
from hub.sdk.errors import Rejected
from hub.sdk.testing.builders import (
    credit_note,
    delivery,
    erp_document,
    erp_line,
    header_discount,
    invoice,
    payment,
    reference,
    sales_order,
    shipping_charge,
)
from plugins.erp.beancount.mapping import entry_of, quoted, reversal_of
from plugins.erp.beancount.reader import headers, read_entry
from plugins.erp.beancount.settings import BeancountSettings


def settings(**changes) -> BeancountSettings:
    return BeancountSettings.model_validate({"folder": "ledger", **changes})


def legs(document, **changes) -> dict[str, str]:
    entry = read_entry(entry_of(document, settings(**changes))["text"].encode())
    return {posting.account: f"{posting.amount} {posting.currency}" for posting in entry.postings}


def test_an_invoice_is_a_receivable_against_sales_freight_discount_and_tax() -> None:
    assert legs(invoice()) == {
        "Assets:Receivable": "31.40 USD",
        "Income:Sales": "-25.00 USD",
        "Income:Shipping": "-5.00 USD",
        "Income:Discounts": "1.00 USD",
        "Liabilities:SalesTax": "-2.40 USD",
    }


def test_a_credit_note_is_the_reverse() -> None:
    assert legs(credit_note()) == {
        "Assets:Receivable": "-21.59 USD",
        "Income:Sales": "19.99 USD",
        "Liabilities:SalesTax": "1.60 USD",
    }


def test_a_payment_goes_to_the_account_of_its_method() -> None:
    accounts = {"payments": {"PayPal": "Assets:PayPal"}}
    assert legs(payment(method="paypal"), accounts=accounts) == {
        "Assets:PayPal": "27.00 USD",
        "Assets:Receivable": "-27.00 USD",
    }
    assert "Assets:Clearing" in legs(payment(method="voucher"), accounts=accounts)


def test_a_paid_invoice_leaves_nothing_receivable() -> None:
    document = invoice()
    paid = payment().model_copy(update={"total": document.total})
    assert Decimal(legs(document)["Assets:Receivable"].split()[0]) == -Decimal(
        legs(paid)["Assets:Receivable"].split()[0]
    )


def test_a_sales_order_stays_within_equity() -> None:
    assert legs(sales_order()) == {"Equity:Memo:Ordered": "31.00 USD", "Equity:Memo:Contra": "-31.00 USD"}


def test_a_delivery_moves_the_known_cost_and_a_return_moves_it_back() -> None:
    assert legs(delivery()) == {
        "Equity:Memo:Delivered": "27.00 USD",
        "Equity:Memo:Contra": "-27.00 USD",
        "Expenses:CostOfGoods": "8.00 USD",
        "Assets:Inventory": "-8.00 USD",
    }
    back = legs(delivery().model_copy(update={"kind": "return"}))
    assert back["Equity:Memo:Returned"] == "27.00 USD"
    assert back["Assets:Inventory"] == "8.00 USD"


def test_charges_have_accounts_by_kind() -> None:
    duty = ErpCharge(kind="duty", net=Money(minor=300, currency="USD"), tax=Money(minor=0, currency="USD"))
    wrap = ErpCharge(kind="gift_wrap", net=Money(minor=200, currency="USD"), tax=Money(minor=0, currency="USD"))
    found = legs(erp_document(charges=(duty, wrap)), accounts={"charges_by_kind": {"duty": "Liabilities:Customs"}})
    assert found["Liabilities:Customs"] == "-3.00 USD"
    assert found["Income:Charges"] == "-2.00 USD"


def test_the_whole_entry_reads_well() -> None:
    assert entry_of(erp_document("payment", key="k" * 32, payment_method="card"), settings())["text"] == (
        '2026-03-02 * "Ada Example" "Payment PAYMENT-00001 of order #1001" ^HUB-kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n'
        '  kind: "payment"\n'
        '  number: "PAYMENT-00001"\n'
        '  order_id: "order-1"\n'
        '  order_number: "#1001"\n'
        '  location: "EAST"\n'
        '  payment_method: "card"\n'
        "  total: 27.00 USD\n"
        "  Assets:Clearing    27.00 USD\n"
        "  Assets:Receivable  -27.00 USD\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", "1999 JPY"), ("USD", "19.99 USD"), ("KWD", "1.999 KWD"), ("IQD", "1.999 IQD")]
)
def test_currencies_keep_their_decimals(currency, amount) -> None:
    assert (
        legs(erp_document(currency=currency, lines=(erp_line(1, 1999, currency=currency),)))["Assets:Receivable"]
        == amount
    )


def test_an_unbalanced_document_is_refused_with_the_difference() -> None:
    with pytest.raises(Rejected, match=r"total is 27\.01 USD.*make 27\.00.*difference is 0\.01") as caught:
        entry_of(erp_document(total=2701), settings())
    assert caught.value.code == "unbalanced"


@pytest.mark.parametrize("kind", ["sales_order", "delivery", "invoice", "credit_note", "return"])
def test_every_kind_must_balance(kind) -> None:
    with pytest.raises(Rejected):
        entry_of(erp_document(kind, total=1), settings())


def test_a_payment_with_parts_must_balance_too() -> None:
    with pytest.raises(Rejected):
        entry_of(payment().model_copy(update={"charges": (shipping_charge(1),)}), settings())


def test_two_currencies_in_one_document_are_refused() -> None:
    with pytest.raises(Rejected) as caught:
        entry_of(erp_document(lines=(erp_line(1, 100, currency="EUR"),), total=100), settings())
    assert caught.value.code == "mixed_currencies"


@pytest.mark.parametrize("key", ["", "a b", "k" * 65, "key\n", 'k"', "ключ"])
def test_a_key_that_is_no_link_is_refused(key) -> None:
    with pytest.raises(Rejected, match="key must be"):
        entry_of(erp_document().model_copy(update={"key": key}), settings())


def test_a_free_order_is_an_entry_of_zero() -> None:
    assert set(legs(erp_document(lines=(erp_line(1, 0),))).values()) == {"0.00 USD"}


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-03-31"), ("Asia/Shanghai", "2026-04-01"), ("America/New_York", "2026-03-31")]
)
def test_the_day_is_that_of_the_books(zone, day) -> None:
    payload = entry_of(
        invoice().model_copy(update={"issued_at": datetime(2026, 3, 31, 22, 30, tzinfo=UTC)}), settings(timezone=zone)
    )
    assert payload["text"].startswith(day)
    assert payload["month"] == day[:7]


@pytest.mark.parametrize(("payee", "begin"), [("name", '"Acme ""'), ("order", '"#1001"'), ("none", '""')])
def test_the_payee_may_be_kept_out_of_the_books(payee, begin) -> None:
    document = invoice().model_copy(update={"customer": Party(name="Ada", company='Acme "')})
    text = entry_of(document, settings(payee=payee))["text"]
    assert text.split(" * ")[1].startswith(begin.replace('""', '\\""', 1) if payee == "name" else begin)
    assert payee == "name" or "Ada" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("a\n\n b\t c", '"a b c"'),
        ("王小明", '"王小明"'),
        ("x\u202ey\x00", '"xy"'),
        ("", '""'),
    ],
)
def test_text_is_quoted(text, expected) -> None:
    assert quoted(text) == expected


def test_a_void_takes_back_every_leg() -> None:
    document = invoice()
    entry = read_entry(entry_of(document, settings())["text"].encode())
    void = reversal_of(entry, document.key, datetime(2026, 4, 2, tzinfo=UTC).date(), 'customer "cancelled"')
    back = read_entry(void["text"].encode())
    assert back.link == f"VOID-{document.key}"
    assert back.metadata["void_of"] == f"HUB-{document.key}"
    sums = {posting.account: posting.amount for posting in entry.postings}
    assert {posting.account: -posting.amount for posting in back.postings} == sums
    assert void["month"] == "2026-04"


@pytest.mark.parametrize(
    "name", ["receivable", "Assets", "Assets:", "Assets:lower", "Bank:Main", "Assets:A B", "Assets:A:"]
)
def test_account_names_are_checked_where_they_are_set(name) -> None:
    with pytest.raises(ValidationError, match="is not an account name"):
        settings(accounts={"sales": name})


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(ValidationError, match="not a time zone"):
        settings(timezone="Mars/Olympus")


amounts = st.integers(min_value=0, max_value=10**15)
any_text = st.text(max_size=60)


@given(
    nets=st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6),
    freight=amounts,
    discount=amounts,
    name=any_text,
    number=any_text,
    currency=st.sampled_from(["USD", "JPY", "KWD", "EUR"]),
    kind=st.sampled_from(["sales_order", "delivery", "invoice", "credit_note", "return"]),
)
def test_any_balanced_document_is_one_readable_balanced_entry(
    nets, freight, discount, name, number, currency, kind
) -> None:
    lines = tuple(erp_line(index, net, tax, currency=currency, cost=net // 2) for index, (net, tax) in enumerate(nets))
    charges = (shipping_charge(freight, currency=currency), header_discount(discount, currency=currency))
    document = erp_document(kind, lines=lines, charges=charges, currency=currency, customer=name).model_copy(
        update={"number": number, "order_ref": name}
    )
    data = entry_of(document, settings())["text"].encode()
    assert list(headers(data)) == [(f"HUB-{document.key}", 0)]
    assert data.count(b"\n\n") == 1
    assert data.endswith(b"\n\n")
    entry = read_entry(data)
    assert sum(posting.amount for posting in entry.postings) == 0
    assert entry.metadata["total"] == f"{document.total} {currency}"
    assert max(posting.amount for posting in entry.postings) <= max(
        abs(document.total.decimal), *(abs(p.amount) for p in entry.postings)
    )


@given(before=st.integers(0, 10**12), wrong=st.integers(-(10**12), 10**12))
def test_any_wrong_total_is_refused(before, wrong) -> None:
    document = erp_document(lines=(erp_line(1, before),), total=wrong, key=reference(1))
    if before == wrong:
        assert entry_of(document, settings())["total"] == f"{document.total} USD"
    else:
        with pytest.raises(Rejected):
            entry_of(document, settings())
