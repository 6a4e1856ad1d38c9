import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.facts import (
    AddressChangeFact,
    CancellationFact,
    OrderFact,
    OtherFact,
    ParseResult,
    PaymentFact,
    ProductFact,
    RefundFact,
    StockFact,
)
from hub.canonical.money import Money, exponent, format_minor
from hub.canonical.order import Charge, Discount, LineQuantity, Order, Tax
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw
from plugins.channels import webhook
from plugins.channels.webhook.events import documents, read

LINE = {"id": "1", "sku": "MUG", "name": "Blue mug", "quantity": 2, "unit_price": "12.50", "total": "25.00"}


def order(**changes: Any) -> dict[str, Any]:
    return {"id": "A-1001", "currency": "EUR", "lines": [LINE], **changes}


def line(**changes: Any) -> dict[str, Any]:
    return {**LINE, **changes}


def event(kind: str, data: Any, **envelope: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, **envelope}


def parsed(document: Any, kind: str | None = None) -> ParseResult:
    return read(Raw(body=json.dumps(document).encode(), kind=kind))


def parsed_order(document: Any) -> Order:
    (fact,) = parsed(document).facts
    assert isinstance(fact, OrderFact)
    return fact.order


def refusal(document: Any, kind: str | None = None) -> Malformed:
    with pytest.raises(Malformed) as caught:
        parsed(document, kind)
    return caught.value


def eur(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def test_an_order_is_read_as_it_is_stated() -> None:
    result = parsed(
        order(
            number="1001",
            revision=7,
            placed_at="2026-03-01T10:00:00+08:00",
            ship_to={"name": "Ada", "lines": ["1 Main St"], "city": "Berlin", "postal_code": "01067", "country": "DE"},
            buyer={"id": "c-7", "email": "ada@example.com", "groups": ["gold"]},
            lines=[line(taxes=[{"title": "VAT", "rate": "0.19", "amount": "3.99", "included": True}], grams=350)],
            charges=[{"kind": "shipping", "amount": "4.90", "code": "DHL"}],
            discount_total="1.00",
            grand_total={"minor": 2890, "currency": "EUR"},
            payment={"state": "paid", "method": "card"},
            delivery={"service": "express", "ship_by": "2026-03-03T18:00:00Z"},
            tags=["vip"],
            extra={"channel_no": 4},
        )
    )
    (fact,) = result.facts
    assert isinstance(fact, OrderFact)
    assert (fact.external_id, fact.order_id, fact.number) == ("A-1001", "A-1001", "1001")
    placed = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    assert fact.occurred_at == placed
    value = fact.order
    assert (value.placed_at, value.placed_at_offset) == (placed, "+08:00")
    assert value.revision == "00000000000000000007"
    assert value.ship_to is not None
    assert (value.ship_to.postal_code, value.ship_to.country, value.ship_to.country_raw) == ("01067", "DE", None)
    assert value.buyer is not None
    assert (value.buyer.external_id, value.buyer.groups) == ("c-7", ("gold",))
    (only,) = value.lines
    assert (only.quantity, only.unit_price, only.total, only.grams) == (Decimal(2), Decimal("12.50"), eur(2500), 350)
    assert only.taxes == (Tax(title="VAT", rate=Decimal("0.19"), amount=eur(399), included=True),)
    assert value.charges == (Charge(kind="shipping", amount=eur(490), code="DHL"),)
    assert value.discounts == (Discount(amount=eur(100)),)
    assert (value.totals.grand, value.totals.discount, value.totals.tax) == (eur(2890), eur(100), None)
    assert (value.payment_state, value.payment_method) == ("paid", "card")
    assert value.delivery.ship_by == datetime(2026, 3, 3, 18, 0, tzinfo=UTC)
    assert (value.tags, value.raw) == (("vip",), {"channel_no": 4})


def test_null_is_not_zero_and_nothing_is_invented() -> None:
    value = parsed_order({"id": "A-1", "lines": [{"id": "1", "quantity": "1.5"}], "grand_total": None})
    assert value.totals.grand is None
    assert value.lines[0].total is None
    assert value.lines[0].quantity == Decimal("1.5")
    assert (value.currency, value.placed_at, value.payment_state, value.cancelled, value.test) == (None,) * 5


def test_stated_totals_become_entries_only_where_no_list_says_more() -> None:
    bare = parsed_order(order(shipping_total="4.90", discount_total="2.00", tax_total="3.00", taxes_included=False))
    assert bare.charges == (Charge(kind="shipping", amount=eur(490)),)
    assert bare.discounts == (Discount(amount=eur(200)),)
    assert bare.taxes == (Tax(amount=eur(300), included=False),)
    detailed = parsed_order(
        order(
            shipping_total="4.90",
            discount_total="2.00",
            tax_total="3.00",
            charges=[{"kind": "shipping", "amount": "5.90", "discounts": [{"amount": "1.00"}]}],
            lines=[line(taxes=[{"amount": "3.00"}])],
        )
    )
    assert (len(detailed.charges), detailed.discounts, detailed.taxes) == (1, (), ())
    zero = parsed_order(order(shipping_total="0.00", tax_total="0"))
    assert (zero.charges, zero.taxes, zero.totals.shipping) == ((), (), eur(0))


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (
            "order.cancelled",
            {"order_id": "A-1", "reason": "fraud", "lines": [{"line_id": "1", "quantity": 1}]},
            CancellationFact(
                order_id="A-1", reason="fraud", lines=(LineQuantity(line_external_id="1", quantity=Decimal(1)),)
            ),
        ),
        (
            "order.address_changed",
            {"order_id": "A-1", "ship_to": {"city": "Wien", "country": "Austria"}, "revision": "r2"},
            {"ship_to": {"city": "Wien", "country": "AT", "country_raw": "Austria"}, "revision": "r2"},
        ),
        (
            "stock.changed",
            {"sku": "MUG", "location": "EAST", "available": 5, "observed_at": "2026-03-01T10:00:00Z"},
            StockFact(
                external_id="MUG@EAST",
                sku="MUG",
                location_ref="EAST",
                available=Decimal(5),
                occurred_at=datetime(2026, 3, 1, 10, 0, tzinfo=UTC),
            ),
        ),
        (
            "product.upserted",
            {"sku": "MUG", "name": "Mug", "currency": "JPY", "price": "1200", "grams": 350},
            ProductFact(external_id="MUG", sku="MUG", name="Mug", grams=350, price=Money(minor=1200, currency="JPY")),
        ),
    ],
)
def test_events_are_read_by_their_type(kind: str, data: dict[str, Any], expected: Any) -> None:
    (fact,) = parsed(event(kind, data)).facts
    if isinstance(expected, dict):
        assert isinstance(fact, AddressChangeFact)
        assert fact.model_dump(exclude_defaults=True) == {"order_id": "A-1", **expected}
    else:
        assert fact == expected


def test_refund_and_payment_carry_their_money() -> None:
    refund_data = {
        "order_id": "A-1",
        "id": "R-1",
        "currency": "EUR",
        "amount": "5.00",
        "lines": [{"line_id": "1", "quantity": 1, "amount": "5.00", "restock": "return"}],
        "transactions": [{"id": "t2", "kind": "refund", "amount": "5.00"}],
    }
    (refund,) = parsed(event("order.refunded", refund_data)).facts
    assert isinstance(refund, RefundFact)
    assert (refund.refund.external_id, refund.refund.amount, refund.refund.lines[0].restock) == (
        "R-1",
        eur(500),
        "return",
    )
    assert refund.refund.transactions[0].kind == "refund"
    paid_data = {"order_id": "A-1", "id": "t1", "currency": "EUR", "amount": "25.00", "gateway": "bank"}
    (paid,) = parsed(event("order.paid", paid_data)).facts
    assert isinstance(paid, PaymentFact)
    assert (paid.transaction.kind, paid.transaction.state, paid.transaction.amount) == ("sale", "success", eur(2500))


def test_the_time_of_an_event_is_used_where_its_data_has_none() -> None:
    happened = "2026-03-01T10:00:00+01:00"
    (fact,) = parsed(event("order.cancelled", {"order_id": "A-1"}, timestamp=happened)).facts
    assert fact.occurred_at == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def test_a_draft_is_a_draft() -> None:
    (fact,) = parsed(event("order.drafted", order())).facts
    assert fact.kind == "draft"


def test_unknown_states_are_kept() -> None:
    payment = {"state": "bitcoin", "transactions": [{"id": "t1", "kind": "mined", "state": "hot", "amount": "1.00"}]}
    result = parsed(order(payment=payment))
    (fact,) = result.facts
    assert isinstance(fact, OrderFact)
    assert (fact.order.payment_state, fact.order.payment_state_raw) == ("unknown", "bitcoin")
    only = fact.order.transactions[0]
    assert (only.kind, only.state, only.raw_code) == ("unknown", "unknown", "mined/hot")
    assert {(unknown.field, unknown.value) for unknown in result.unknowns} == {
        ("payment.state", "bitcoin"), ("transaction.kind", "mined"), ("transaction.state", "hot"),
    }  # fmt: skip


def test_an_event_of_another_world_is_other() -> None:
    (fact,) = parsed(event("cart.abandoned", {"x": 1})).facts
    assert isinstance(fact, OtherFact)
    assert fact.document == "cart.abandoned"


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        (order(grand_totl="1"), "/grand_totl", 'did you mean "grand_total"'),
        (order(lines=[LINE, line(id="2", skuu="X")]), "/lines/1/skuu", 'did you mean "sku"'),
        (order(grand_total=25.0), "/grand_total", "must be an amount"),
        (order(grand_total=25), "/grand_total", "must be an amount"),
        (order(grand_total="25,00"), "/grand_total", "must be an amount"),
        (order(grand_total="1.234"), "/grand_total", "more decimals than EUR allows"),
        (order(grand_total={"minor": 5, "currency": "USD"}), "/grand_total/currency", "is in USD"),
        (order(grand_total={"minor": "5", "currency": "EUR"}), "/grand_total/minor", "whole number"),
        ({"id": "1", "lines": [LINE]}, "/lines/0/total", "currency"),
        (order(currency="EUX"), "/currency", "ISO 4217"),
        (order(lines=[line(quantity=-1)]), "/lines/0/quantity", "not negative"),
        (order(lines=[line(quantity=1.5)]), "/lines/0/quantity", "whole number, or decimal text"),
        (order(lines=[line(quantity="1.2345")]), "/lines/0/quantity", "at most 3 decimals"),
        (order(lines=[line(quantity=True)]), "/lines/0/quantity", "not negative"),
        (order(lines=[{"id": "1"}]), "/lines/0/quantity", "is required"),
        (order(lines=[LINE, LINE]), "/lines/1/id", "unique"),
        (order(lines=[line(kind="standart")]), "/lines/0/kind", "'standard'"),
        (order(lines=None), "/lines", "must be a list"),
        (order(id=1001), "/id", "must be text in quotes"),
        (order(id=" "), "/id", ""),
        (order(placed_at="2026-03-01T10:00:00"), "/placed_at", "offset"),
        (order(placed_at="yesterday"), "/placed_at", "must be a time"),
        (order(placed_at=1772442000), "/placed_at", "must be a time"),
        (order(discounts=[{"amount": "-1.00"}]), "/discounts/0/amount", "positive"),
        (order(notes={"buyer": "a\0b"}), "/notes/buyer", "NUL"),
        (event("order.upserted", order(grand_totl="1")), "/data/grand_totl", "grand_total"),
        (event("order.upserted", order(currency="EUX")), "/data/currency", "ISO 4217"),
        (event("order.upsert", order()), "/type", 'did you mean "order.upserted"'),
        (event("order.exploded", {}), "/type", "is not a known type of event"),
        (event("order.cancelled", {"order_id": "1"}, tpye="x"), "/tpye", 'did you mean "type"'),
        (event("order.cancelled", None), "/data", ""),
        ({}, "/id", "is required"),
        ("text", None, ""),
    ],
)  # fmt: skip
def test_every_refusal_names_its_field(document: Any, path: str | None, says: str) -> None:
    for kind in (None, "order", "order.upserted"):
        error = refusal(document, kind)
        assert error.path == path
        assert says in error.message
        assert (path or "the document") in error.message


def test_all_errors_of_a_document_are_told_and_none_of_its_values() -> None:
    error = refusal(order(ship_to={"name": ["Ada Lovelace"], "zip": "10115 Berlin"}, grand_total="Ada"))
    assert "/ship_to/name" in error.message
    assert "/ship_to/zip" in error.message
    assert "/grand_total" in error.message
    assert "Ada" not in error.message
    assert "10115" not in error.message


def test_a_bad_entry_of_a_list_is_a_fault_and_the_others_stand() -> None:
    bad = order(id="B", grand_total="1.234")
    result = parsed([order(id="A"), bad, 5, event("order.cancelled", {"order_id": "C"})])
    assert [fact.order_id for fact in result.facts] == ["A", "C"]
    assert [(fault.path, fault.external_id) for fault in result.faults] == [("/1/grand_total", "B"), ("/2", None)]


def test_documents_of_a_delivery_are_kept_byte_for_byte() -> None:
    body = '\ufeff [ {"id": "A", "lines": [], "extra": {"weight": 1.10}} ,\n {"type":"stock.changed","data":'
    body += '{"sku":"MUG","location":"E","available":1e2}} ]'
    first, second = documents(body.removeprefix("\ufeff").encode(), "evt_1")
    assert first == Raw(
        body=b'{"id": "A", "lines": [], "extra": {"weight": 1.10}}', kind="order", external_id="A", event_id="evt_1/0"
    )
    assert (second.kind, second.external_id, second.event_id) == ("stock.changed", "MUG@E", "evt_1/1")


def test_a_single_document_has_the_id_of_its_delivery_and_its_revision() -> None:
    (bare,) = documents(json.dumps(order(revision=12)).encode(), "evt_1")
    assert (bare.event_id, bare.external_id, bare.revision) == ("evt_1", "A-1001", "00000000000000000012")
    cancelled = event("order.cancelled", {"order_id": "A-1", "id": "X"})
    (raw,) = documents(json.dumps(cancelled).encode(), None)
    assert (raw.kind, raw.external_id, raw.event_id, raw.revision) == ("order.cancelled", "A-1", None, None)


def test_revisions_grow_as_text() -> None:
    texts = [parsed_order(order(revision=value)).revision for value in (2, "9", 10, "11")]
    assert texts == sorted(texts, key=str)
    stamps = ["2026-03-01T10:00:00+08:00", "2026-03-01T03:00:00Z", "2026-03-01T03:00:00.5Z"]
    times = [parsed_order(order(updated_at=value)).revision for value in stamps]
    assert times == sorted(times, key=str)
    (raw,) = documents(json.dumps(order(updated_at=stamps[2])).encode())
    assert raw.revision == times[2]


@given(
    minor=st.integers(min_value=-(10**14), max_value=10**14),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF", "USD"]),
)
def test_both_forms_of_an_amount_mean_the_same(minor: int, currency: str) -> None:
    text = format_minor(minor, currency)
    written = order(currency=currency, lines=[], grand_total=text, subtotal={"minor": minor, "currency": currency})
    totals = parsed_order(written).totals
    assert totals.grand == totals.subtotal == Money(minor=minor, currency=currency)
    more = text + ("0" if exponent(currency) else ".0")
    assert parsed_order(order(currency=currency, lines=[], grand_total=more)).totals.grand == totals.grand


def test_the_order_in_the_readme_is_read_without_a_fault() -> None:
    text = Path(webhook.__file__ or "").with_name("README.md").read_text("utf-8")
    written = text.split("### An order", maxsplit=1)[1].split("```json", maxsplit=1)[1].split("```", maxsplit=1)[0]
    value = parsed_order(json.loads(written))
    assert (value.totals.grand, value.lines[0].total, len(value.charges)) == (eur(2990), eur(2500), 1)
