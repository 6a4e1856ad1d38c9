"""The axes of an order: which way they may go, and what they are derived from."""

from itertools import product

import pytest

from hub.canonical.order import Transaction
from hub.orders.rules.identity import email_key, lookalike_key, newer, normal_phone, phone_key
from hub.orders.rules.lifecycle import APPROVED, LIFECYCLE, REVIEW, allowed
from hub.orders.rules.payment import derive, opening
from tests.builders import canonical_order

USD = "USD"


def moved(kind: str, amount: int, state: str = "success") -> Transaction:
    values = {"external_id": f"{kind}-{amount}", "kind": kind, "state": state}
    return Transaction.model_validate({**values, "amount": {"minor": amount, "currency": USD}})


@pytest.mark.parametrize("table", [LIFECYCLE, REVIEW])
def test_an_axis_goes_only_where_its_table_says(table: dict[str, frozenset[str]]) -> None:
    for before, after in product(table, table):
        assert allowed(table, before, after) == (before == after or after in table[before])
    assert {state for targets in table.values() for state in targets} <= set(table)


def test_what_was_cancelled_stays_so_and_what_was_completed_may_be_opened() -> None:
    assert [after for after in LIFECYCLE if allowed(LIFECYCLE, "cancelled", after)] == ["cancelled"]
    assert allowed(LIFECYCLE, "completed", "open")
    assert set(REVIEW) >= APPROVED


@pytest.mark.parametrize(
    ("transactions", "stated", "expected"),
    [
        ([], None, "unpaid"),
        ([], "paid", "paid"),
        ([], "partially_paid", "deposit_paid"),
        ([], "unknown", "unpaid"),
        ([("sale", 100)], "unpaid", "paid"),
        ([("capture", 60)], "paid", "deposit_paid"),
        ([("capture", 60), ("capture", 40)], None, "paid"),
        ([("authorization", 100)], None, "authorized"),
        ([("authorization", 100), ("capture", 100)], None, "paid"),
        ([("sale", 100, "failure")], None, "unpaid"),
        ([("sale", 100, "pending")], None, "unpaid"),
        ([("cod", 100, "pending")], None, "cod_due"),
        ([("sale", 100), ("refund", 30)], None, "partially_refunded"),
        ([("sale", 100), ("refund", 30), ("refund", 70)], None, "refunded"),
        ([("refund", 30)], "paid", "partially_refunded"),
        ([("refund", 100)], "paid", "refunded"),
        ([("void", 100)], "paid", "paid"),
    ],
)
def test_the_payment_is_what_its_transactions_say(
    transactions: list[tuple[str, int] | tuple[str, int, str]], stated: str | None, expected: str
) -> None:
    assert derive([moved(*entry) for entry in transactions], total_minor=100, stated=stated) == expected  # type: ignore[arg-type]


def test_money_in_another_currency_pays_nothing() -> None:
    foreign = {"external_id": "t", "kind": "sale", "state": "success", "amount": {"minor": 9, "currency": "EUR"}}
    assert opening(canonical_order(transactions=[foreign], totals={"grand": {"minor": 9, "currency": USD}})) == "unpaid"


@pytest.mark.parametrize(
    ("candidate", "stored", "expected"),
    [("9", "10", False), ("10", "9", True), ("2", "2", True), ("b", "a", True), ("a", "b", False), (None, "9", True),
     ("1", None, True), ("2026-03-02T09:00:00Z", "2026-03-02T08:59:59Z", True)],
)  # fmt: skip
def test_numbers_compare_as_numbers(candidate: str | None, stored: str | None, expected: bool) -> None:
    assert newer(candidate, stored) is expected


ADDRESS = {"name": "Ada", "lines": ["1 Road"], "postal_code": "1", "country": "US"}


def test_the_same_goods_to_the_same_person_look_alike() -> None:
    one = lookalike_key(canonical_order(external_id="1", ship_to=ADDRESS))
    assert one == lookalike_key(canonical_order(external_id="2", ship_to={**ADDRESS, "name": "ADA"}))
    others = [
        canonical_order(ship_to={**ADDRESS, "lines": ["2 Road"]}),
        canonical_order(ship_to=ADDRESS, lines=[{"external_id": "1", "sku": "A", "quantity": "3"}]),
        canonical_order(ship_to=ADDRESS, totals={"grand": {"minor": 1, "currency": USD}}),
    ]
    assert one not in [lookalike_key(other) for other in others]


@pytest.mark.parametrize("address", [None, {**ADDRESS, "name": None}, {**ADDRESS, "lines": []}])
def test_too_little_is_known_to_look_alike(address: dict[str, object] | None) -> None:
    assert lookalike_key(canonical_order(ship_to=address)) is None


def test_an_order_is_found_however_its_phone_and_mail_were_written() -> None:
    order = canonical_order(
        buyer={"email": " Ada@Example.COM ", "phones": ["(212) 555-0123"]}, ship_to={"phone": "+1 212-555-0123"}
    )
    assert (email_key(order), phone_key(order)) == ("ada@example.com", "+12125550123")
    assert phone_key(canonical_order(buyer={"phones": ["212 555"]})) == "212555"
    assert (normal_phone("no digits"), phone_key(canonical_order())) == (None, None)
