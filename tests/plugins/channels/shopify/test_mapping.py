"""Orders of Shopify into facts: what the shared documents do not show, by small builders."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.errors import Malformed
from tests.plugins.channels.shopify.documents import canonical, line, money, one, order, parsed

CUT = [line(total_discount="2.00")]


@pytest.mark.parametrize("wrap", [lambda each: each, lambda each: {"order": each}, lambda each: {"orders": [each]}])
def test_an_order_is_known_in_every_wrapping(wrap: Any) -> None:
    told = one(wrap(order()))
    assert (told["kind"], told["order_id"], told["number"], told["grand_total"]) == ("order", "1", "#1001", "20.00")
    assert told["placed_at"] == "2026-03-01T10:00:00-05:00"


def test_one_bad_order_of_a_list_is_a_fault_beside_the_good_ones() -> None:
    bad = order(id=2, line_items=[line(price="ten")])
    result = parsed({"orders": [order(), bad, order(id=3)]})
    assert [fact.external_id for fact in result.facts] == ["1", "3"]
    (fault,) = result.faults
    assert (fault.code, fault.path, fault.external_id) == ("number_unreadable", "/orders/1/line_items/0/price", "2")


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ({"order": {"name": "#1", "line_items": []}}, "order_without_id", "/order/id"),
        (order(total_price="1.234"), "amount_unreadable", "/total_price"),
        (order(line_items=[line(quantity=None)]), "quantity_missing", "/line_items/0/quantity"),
        (order(line_items=[line(quantity=-1)]), "quantity_unreadable", "/line_items/0/quantity"),
        (order(line_items=[line(), line()]), "line_id_doubled", "/line_items/1"),
        (order(line_items=["mug"]), "line_unreadable", "/line_items/0"),
        ({"errors": "Not Found"}, "error_answer", "/errors"),
        ({"shoes": [1]}, "unknown_document", ""),
        (b"{", "not_json", "line 1 column 2"),
        (b"\xff", "not_utf8", "byte 0"),
        (b'{"id": NaN}', "not_json", ""),
        (b"[" * 100_000, "too_deep", ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_code_and_path(document: Any, code: str, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        parsed(document)
    assert (caught.value.code, caught.value.path) == (code, path)


def test_numbers_are_as_good_as_text_and_never_floats() -> None:
    body = (
        b'{"id": 1, "currency": "USD", "financial_status": "paid", "total_price": 0.1, "total_tax": 3.9800000000000004,'
    )
    body += b'"line_items": [{"id": 5, "quantity": 3, "price": 0.1, "total_discount": 0.07}]}'
    told = canonical(body)
    assert (str(told.totals.grand), str(told.totals.tax)) == ("0.10", "3.98")
    assert (told.lines[0].unit_price, str(told.lines[0].total)) == (Decimal("0.1"), "0.23")


@given(
    price=st.integers(0, 10**7),
    quantity=st.integers(1, 50),
    parts=st.lists(st.integers(1, 10**4), max_size=4),
    digits=st.sampled_from([("USD", 2), ("JPY", 0), ("KWD", 3)]),
)
def test_a_line_total_is_price_times_quantity_less_its_allocations(
    price: int, quantity: int, parts: list[int], digits: tuple[str, int]
) -> None:
    currency, places = digits

    def text(minor: int) -> str:
        return str(Decimal(minor).scaleb(-places))

    item = line(price=text(price), quantity=quantity, discount_allocations=[{"amount": text(part)} for part in parts])
    (told,) = canonical(order(currency=currency, total_price="1", total_discounts=None, line_items=[item])).lines
    assert told.total is not None
    assert told.total.minor == price * quantity - sum(parts)


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({}, "20.00"),
        ({"discount_allocations": [{"amount": "3.34"}], "total_discount": "0.00"}, "16.66"),
        ({"discount_allocations": [], "total_discount": "5.00"}, "15.00"),
        ({"discount_allocations": None, "price": None}, None),
    ],
)
def test_a_line_total_needs_its_parts(fields: dict[str, Any], total: str | None) -> None:
    assert one(order(line_items=[line(**fields)]))["lines"][0]["total"] == total


def test_a_line_that_says_nothing_of_discounts_has_no_total() -> None:
    silent = {"id": 11, "quantity": 2, "price": "10.00"}
    assert one(order(line_items=[silent]))["lines"][0]["total"] is None


def test_ordered_and_wanted_quantities_are_told_apart() -> None:
    (told,) = canonical(order(line_items=[line(quantity=3, current_quantity=1, fulfillable_quantity=0)])).lines
    assert (told.quantity, told.quantity_ordered) == (1, 3)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ([{"name": "a", "value": "1"}, {"name": "a", "value": 2}], {"a": "1, 2"}),
        ({"name": "a", "value": 3}, {"a": "3"}),
        ({"a": "1", "b": True}, {"a": "1", "b": "true"}),
        ({}, {}), (None, {}), ([], {}), ("text", {}), (7, {}), ([None, 1], {}), ([{"name": "a", "value": None}], {}),
    ],
)  # fmt: skip
def test_line_properties_of_any_shape(stated: Any, kept: dict[str, str]) -> None:
    assert canonical(order(line_items=[line(properties=stated)])).lines[0].properties == kept


def test_two_currencies_the_shops_is_the_orders() -> None:
    told = canonical(order(
        currency="CAD", presentment_currency="JPY", total_price="20.00",
        total_price_set=money("20.00", "CAD", "2150", "JPY"),
        total_shipping_price_set=money("5.00", "CAD", "538", "JPY"),
    ))  # fmt: skip
    assert (told.currency, told.presentment_currency) == ("CAD", "JPY")
    assert (str(told.totals.grand), str(told.totals.shipping)) == ("20.00", "5.00")
    assert told.raw["presentment_total"] == "2150"


def test_a_set_in_another_shop_currency_is_refused() -> None:
    with pytest.raises(Malformed, match="EUR beside the shop's USD"):
        parsed(order(total_price=None, total_price_set=money("20.00", "EUR", "20.00", "EUR")))


def test_no_currency_no_amounts_unless_the_settings_say_it() -> None:
    document = order(currency=None)
    assert canonical(document).totals.grand is None
    assert str(canonical(document, currency="SEK").totals.grand) == "20.00"


def test_a_yen_order_has_no_decimals() -> None:
    told = one(order(currency="JPY", total_price="2000.00", line_items=[line(price="1000.00")]))
    assert (told["grand_total"], told["lines"][0]["total"]) == ("2000", "2000")


@pytest.mark.parametrize(
    ("status", "paid"),
    [
        ("paid", True), ("partially_refunded", True), ("partially_paid", "partial"), ("pending", False),
        ("authorized", False), ("voided", False), (None, None), ("brand_new", None),
    ],
)  # fmt: skip
def test_paid(status: str | None, paid: bool | str | None) -> None:
    assert one(order(financial_status=status))["paid"] == paid


def test_an_unknown_payment_state_is_kept() -> None:
    result = parsed(order(financial_status="brand_new"))
    assert [(unknown.field, unknown.value) for unknown in result.unknowns] == [("financial_status", "brand_new")]
    assert canonical(order(financial_status="brand_new")).payment_state_raw == "brand_new"


def test_cancelled_by_the_document_or_by_the_topic() -> None:
    by_document = one(order(cancelled_at="2026-03-02T10:00:00Z", cancel_reason="fraud"))
    assert (by_document["cancelled"], by_document["cancel_reason"]) == (True, "fraud")
    assert one(order(), kind="orders/cancelled")["cancelled"] is True
    assert one(order(), kind="orders/updated")["cancelled"] is False
    assert one({"order": {"id": 1, "name": "#1", "total_price": "1", "line_items": []}})["cancelled"] is None


def test_a_deleted_order_is_a_cancellation_and_only_by_its_topic() -> None:
    told = one({"id": 7}, kind="orders/delete")
    assert (told["kind"], told["order_id"], told["cancelled"], told["reason"]) == ("cancellation", "7", True, "deleted")
    with pytest.raises(Malformed):
        parsed({"id": 7})


def test_a_discount_that_no_line_holds_is_the_orders() -> None:
    shipping = [{"id": 3, "title": "Ground", "price": "5.00", "discount_allocations": [{"amount": "1.00"}]}]
    told = canonical(order(
        total_discounts="6.00", discount_codes=[{"code": "SIX", "amount": "6.00"}], shipping_lines=shipping,
        line_items=[line(discount_allocations=[{"amount": "2.00"}])], total_price="19.00",
    ))  # fmt: skip
    assert [(each.code, str(each.amount)) for each in told.discounts] == [("SIX", "3.00")]
    assert str(told.totals.shipping) == "5.00"
    assert not parsed(order(total_price="20.00")).facts[0].warnings


def test_duties_fees_and_tips_are_charges_and_make_the_total_add_up() -> None:
    document = order(
        total_price="36.50", total_tip_received="2.50", original_total_duties_set=money("10.00", "USD", "10.00", "USD"),
        additional_fees=[{"name": "import", "price_set": money("4.00", "USD", "4.00", "USD")}],
    )  # fmt: skip
    told = canonical(document)
    assert [(each.kind, str(each.amount)) for each in told.charges] == [
        ("duty", "10.00"),
        ("fee", "4.00"),
        ("tip", "2.50"),
    ]
    assert not parsed(document).facts[0].warnings


def test_a_tip_that_is_a_line_is_no_charge_too() -> None:
    tip = {
        "id": 12,
        "name": "Tip",
        "quantity": 1,
        "price": "2.50",
        "tip": {"payment_method": "Visa"},
        "total_discount": "0",
    }
    told = canonical(order(total_tip_received="2.50", total_price="22.50", line_items=[line(), tip]))
    assert (told.lines[1].kind, told.charges) == ("service", ())


def test_a_gift_card_line_is_digital() -> None:
    assert canonical(order(line_items=[line(gift_card=True, requires_shipping=False)])).lines[0].kind == "digital"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"total_price": "99.00"}, "totals_do_not_add_up"),
        ({"total_outstanding": "20.00"}, "paid_but_outstanding"),
        ({"total_discounts": "1.00", "line_items": CUT, "total_price": "18.00"}, "discounts_exceed_total"),
        ({"shipping_address": {"country_code": "US", "province_code": "KY", "zip": "10001"}}, "postal_code_mismatch"),
        ({"shipping_address": {"country_code": "CA", "province_code": "ON", "zip": "40202"}}, "postal_code_mismatch"),
        ({"updated_at": "yesterday"}, "time_unreadable"),
        ({"note": {"a": 1}}, "unexpected_type"),
    ],
)  # fmt: skip
def test_oddities_are_warnings_on_a_good_order(fields: dict[str, Any], code: str) -> None:
    told = one(order(**fields))
    assert [warning["code"] for warning in told["warnings"]] == [code]


def test_tax_within_the_price_is_not_added_again() -> None:
    document = order(taxes_included=True, total_tax="3.33", tax_lines=[{"title": "VAT", "rate": 0.2, "price": 3.33}])
    assert not parsed(document).facts[0].warnings
    (tax,) = canonical(document).taxes
    assert (tax.rate, str(tax.amount), tax.included) == (Decimal("0.2"), "3.33", True)


def test_the_same_place_in_the_united_states_is_no_oddity() -> None:
    place = {
        "first_name": "Ada",
        "last_name": "Byron",
        "country_code": "US",
        "province_code": "KY",
        "zip": "40202-1234",
    }
    told = one(order(shipping_address=place | {"phone": "+1 (502) 459-2181"}))
    assert told["ship_to"]["name"] == "Ada Byron"
    assert told["warnings"] == []
    ship_to = canonical(order(shipping_address=place | {"phone": "(502) 459-2181"})).ship_to
    assert ship_to is not None
    assert (ship_to.phone, ship_to.phone_e164) == ("(502) 459-2181", "+15024592181")


def test_a_country_that_is_no_code_is_kept_as_text() -> None:
    ship_to = canonical(order(shipping_address={"country": "Atlantis", "city": "Deep"})).ship_to
    assert ship_to is not None
    assert (ship_to.country, ship_to.country_raw) == (None, "Atlantis")


def test_nobody_bought_and_nothing_ships_is_null() -> None:
    told = canonical(order(customer=None, email="", shipping_address=None, billing_address={}))
    assert (told.buyer, told.ship_to, told.bill_to) == (None, None, None)


def test_tags_of_the_customer_are_groups() -> None:
    told = canonical(order(customer={"id": 1, "tags": "gold, newsletter, gold"}))
    assert told.buyer is not None
    assert told.buyer.groups == ("gold", "newsletter")


def test_a_company_order() -> None:
    told = canonical(order(company={"id": 5, "location_id": 6}, po_number="PO-1"))
    assert (told.raw["company_id"], told.raw["company_location_id"], told.raw["po_number"]) == ("5", "6", "PO-1")


def test_ids_that_are_big_floats_or_global_are_text() -> None:
    assert canonical(order(id=820982911946154500)).external_id == "820982911946154500"
    assert canonical(b'{"id": 450789469.0, "financial_status": "paid"}').external_id == "450789469"


def test_text_that_no_database_takes_is_cleaned() -> None:
    assert canonical(order(note="a\u0000b\ud800c")).notes.buyer == "abc"


def test_times_sort_as_text() -> None:
    early, late = (
        canonical(order(updated_at=text)).revision for text in ("2026-03-01T23:59:59-05:00", "2026-03-02T05:00:00Z")
    )
    assert early is not None
    assert late is not None
    assert early < late
