"""The compact document of a fact: one set of keys for all kinds, null where nobody said, exact text for money."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from hub.canonical.facts import (
    AddressChangeFact,
    CancellationFact,
    CustomerFact,
    Fact,
    FulfilmentOrderFact,
    OrderFact,
    OtherFact,
    ParseWarning,
    PaymentFact,
    ProductFact,
    RefundFact,
    ReturnFact,
    ShipmentFact,
    StockFact,
)
from hub.canonical.money import Money
from hub.canonical.order import (
    ChannelShipment,
    LineQuantity,
    Order,
    OrderLine,
    PaymentState,
    Refund,
    StatedTotals,
    Transaction,
)
from hub.canonical.party import Address, Party
from hub.intake.rules.summary import instant_text, price_text, summarise

KEYS = {
    "kind", "external_id", "order_id", "number", "placed_at", "currency", "grand_total", "tax_total", "shipping_total",
    "discount_total", "paid", "cancelled", "test", "ship_to", "lines", "warnings",
}  # fmt: skip
AT = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
ADDRESS = Address(
    name="Ada Byron", country="US", region="Kentucky", region_code="KY", city="Louisville", postal_code="40202"
)
MOVE = Transaction(external_id="5", kind="capture", state="success", amount=Money.of("10.00", "USD"), test=True)
ROW = LineQuantity(line_external_id="11", quantity=Decimal("1.5"), amount=Money.of("9.99", "USD"), restock="return")


def order_of(**fields: object) -> OrderFact:
    order = Order.model_validate({"external_id": "1", "number": "#1", "currency": "USD"} | fields)
    return OrderFact(kind="order", external_id="1", order_id="1", order=order)


FACTS: list[Fact] = [
    order_of(),
    CancellationFact(external_id="1", order_id="1", reason="fraud"),
    RefundFact(external_id="2", order_id="1", refund=Refund(external_id="2", lines=(ROW,))),
    PaymentFact(external_id="5", order_id="1", transaction=MOVE),
    ShipmentFact(external_id="8", order_id="1", shipment=ChannelShipment(external_id="8", state="success")),
    FulfilmentOrderFact(external_id="9", order_id="1", status="open", lines=(ROW,)),
    ReturnFact(external_id="3", order_id="1", lines=(ROW,)),
    AddressChangeFact(order_id="1", ship_to=ADDRESS),
    StockFact(sku="MUG", location_ref="4", available=Decimal(7)),
    ProductFact(external_id="6", name="Mug", price=Money.of("9.99", "USD")),
    CustomerFact(external_id="7", party=Party(name="Ada Byron", email="ada@example.com"), addresses=(ADDRESS,)),
    OtherFact(document="location", raw={"name": "East"}),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.kind)
def test_every_kind_has_the_common_keys_and_is_json(fact: Fact) -> None:
    document = summarise(fact)
    assert set(document) >= KEYS
    assert document["kind"] == fact.kind
    assert json.loads(json.dumps(document)) == document


def test_what_an_order_does_not_say_is_null() -> None:
    document = summarise(order_of())
    silent = ("grand_total", "tax_total", "shipping_total", "discount_total", "paid", "cancelled", "test", "ship_to")
    assert [document[name] for name in silent] == [None] * len(silent)


def test_an_order_in_full() -> None:
    usd = Money(minor=20625, currency="USD")
    line = OrderLine(
        external_id="11", sku="MUG", name="Mug", quantity=Decimal(1), quantity_ordered=Decimal(3),
        unit_price=Decimal("68.75"), total=usd, properties={"engraving": "Zoë"},
    )  # fmt: skip
    document = summarise(order_of(
        placed_at=AT, placed_at_offset="-05:00", lines=(line,), totals=StatedTotals(grand=usd), cancelled=False,
        ship_to=ADDRESS, payment_state="partially_paid", test=True, raw={"fulfilled": "partial"},
    ))  # fmt: skip
    assert document["placed_at"] == "2026-03-01T10:00:00-05:00"
    assert (document["grand_total"], document["paid"], document["cancelled"], document["test"]) == (
        "206.25",
        "partial",
        False,
        True,
    )
    assert document["ship_to"]["region"] == "KY"
    assert (document["fulfilled"], document["units"]) == ("partial", 3)
    assert document["lines"] == [{
        "external_id": "11", "sku": "MUG", "name": "Mug", "quantity": 3, "unit_price": "68.75", "total": "206.25",
        "quantity_wanted": 1, "properties": {"engraving": "Zoë"},
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "paid"),
    [("paid", True), ("refunded", True), ("authorized", False), ("deposit_paid", "partial"), ("unknown", None)],
)
def test_paid(state: PaymentState, paid: bool | str | None) -> None:
    assert summarise(order_of(payment_state=state))["paid"] == paid


def test_a_draft_says_its_state_and_what_it_became() -> None:
    order = Order(external_id="9", raw={"draft_status": "completed", "completed_order_id": "1"})
    document = summarise(OrderFact(kind="draft", external_id="9", order_id="9", order=order))
    assert (document["kind"], document["draft_status"], document["completed_order_id"]) == ("draft", "completed", "1")


def test_a_refund_and_a_payment_have_their_own_amounts() -> None:
    refund = Refund(
        external_id="2", reason="broken", amount=Money.of("9.99", "USD"), lines=(ROW,), transactions=(MOVE,)
    )
    document = summarise(RefundFact(external_id="2", order_id="1", refund=refund))
    assert (document["amount"], document["currency"], document["grand_total"]) == ("9.99", "USD", None)
    assert (document["lines"][0]["quantity"], document["lines"][0]["restock"]) == (1.5, "return")
    payment = summarise(PaymentFact(external_id="5", order_id="1", transaction=MOVE))
    assert (payment["transaction_kind"], payment["status"], payment["amount"], payment["test"]) == (
        "capture",
        "success",
        "10.00",
        True,
    )


def test_a_fulfilment_order_keeps_the_sources_offset() -> None:
    fact = FulfilmentOrderFact(
        external_id="9", status="scheduled", fulfil_at=AT, fulfil_at_offset="-05:00", location_ref="4"
    )
    document = summarise(fact)
    assert (document["fulfil_at"], document["location"]) == ("2026-03-01T10:00:00-05:00", "4")


def test_warnings_are_told() -> None:
    fact = OtherFact(document="x", warnings=(ParseWarning(code="odd", message="it is odd", path="/a"),))
    assert summarise(fact)["warnings"] == [{"code": "odd", "message": "it is odd", "path": "/a"}]


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        ("10", "USD", "10.00"), ("10.5", "USD", "10.50"), ("0.12345", "USD", "0.12345"), ("1000.00", "JPY", "1000"),
        ("1.5", "KWD", "1.500"), ("100", None, "100"), ("1E+2", "USD", "100.00"),
    ],
)  # fmt: skip
def test_unit_prices_have_the_currencys_decimals_at_least(price: str, currency: str | None, text: str) -> None:
    assert price_text(Decimal(price), currency) == text


@pytest.mark.parametrize(
    ("offset", "text"),
    [(None, "2026-03-01T15:00:00Z"), ("+00:00", "2026-03-01T15:00:00Z"), ("+05:30", "2026-03-01T20:30:00+05:30")],
)
def test_times_keep_their_offset(offset: str | None, text: str) -> None:
    assert instant_text(AT, offset) == text
