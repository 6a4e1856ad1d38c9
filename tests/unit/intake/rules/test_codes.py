"""Which codes nobody knows the meaning of, and facts with the meanings that somebody gave."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hub.canonical.facts import AddressChangeFact, Fact, OrderFact, PaymentFact, RefundFact, ShipmentFact, Unknown
from hub.canonical.money import Money
from hub.canonical.order import ChannelShipment, OrderLine, Refund, Tax, Transaction
from hub.canonical.party import Address
from hub.intake.rules.codes import codes_of, with_meanings
from tests.order_documents import canonical_order

PLACE = Address(city="Amaurot", country_raw="Utopia")
PAID = Transaction(
    external_id="1", kind="unknown", state="success", amount=Money(minor=1, currency="EUR"), raw_code="vk"
)
SENT = ChannelShipment(external_id="1", state="unknown", raw_code="beamed", carrier="Owl Post")


def order(**changes: Any) -> OrderFact:
    return OrderFact(kind="order", order=canonical_order().model_copy(update=changes))


@pytest.mark.parametrize(
    ("fact", "code", "meaning", "place"),
    [
        (order(ship_to=PLACE), ("country", "Utopia"), "DE", "order.ship_to.country"),
        (order(bill_to=PLACE), ("country", "Utopia"), "DE", "order.bill_to.country"),
        (AddressChangeFact(ship_to=PLACE), ("country", "Utopia"), "DE", "ship_to.country"),
        (
            order(payment_state="unknown", payment_state_raw="bezahlt"), ("payment_state", "bezahlt"), "paid",
            "order.payment_state",
        ),
        (order(transactions=(PAID,)), ("transaction_kind", "vk"), "sale", "order.transactions.0.kind"),
        (PaymentFact(transaction=PAID), ("transaction_kind", "vk"), "sale", "transaction.kind"),
        (
            PaymentFact(transaction=PAID.model_copy(update={"kind": "sale", "state": "unknown"})),
            ("transaction_state", "vk"), "success", "transaction.state",
        ),
        (
            RefundFact(refund=Refund(external_id="1", transactions=(PAID,))), ("transaction_kind", "vk"), "refund",
            "refund.transactions.0.kind",
        ),
        (ShipmentFact(shipment=SENT), ("shipment_state", "beamed"), "success", "shipment.state"),
        (order(shipments=(SENT,)), ("shipment_state", "beamed"), "success", "order.shipments.0.state"),
    ],
)  # fmt: skip
def test_a_code_is_found_in_its_fact_and_gets_its_meaning(
    fact: Fact, code: tuple[str, str], meaning: str, place: str
) -> None:
    assert codes_of([fact], []) == [code]
    known = with_meanings(fact, {code: meaning})
    assert value_at(known, place) == meaning
    assert codes_of([known], []) == []
    assert with_meanings(fact, {("country", "Elsewhere"): "FR"}) is fact


def test_names_that_a_plugin_reports_are_replaced_where_they_stand() -> None:
    taxed = canonical_order().lines[0].model_copy(update={"taxes": (Tax(title="USt 19"),)})
    fact = order(shipments=(SENT,), lines=(taxed,))
    reported = [Unknown(field="carrier", value="Owl Post"), Unknown(field="tax", value="USt 19")]
    assert codes_of([fact], reported) == [
        ("shipment_state", "beamed"), ("carrier", "Owl Post"), ("tax", "USt 19"),
    ]  # fmt: skip
    known = with_meanings(fact, {("carrier", "Owl Post"): "owl", ("tax", "USt 19"): "VAT 19 %"})
    assert isinstance(known, OrderFact)
    assert isinstance(known.order.lines[0], OrderLine)
    assert (known.order.shipments[0].carrier, known.order.lines[0].taxes[0].title) == ("owl", "VAT 19 %")


def test_a_code_is_told_once_and_parts_of_a_document_tell_theirs() -> None:
    fact = order(ship_to=PLACE, bill_to=PLACE)
    reported = [Unknown(field="ship_country", value="Utopia"), Unknown(field="type", value="odd")]
    assert codes_of([fact], reported) == [("country", "Utopia"), ("type", "odd")]
    assert codes_of([fact, order()], reported) == [("type", "odd")]


def test_what_is_known_or_said_by_nobody_is_no_code() -> None:
    known = Address(country="DE", country_raw="Alemania")
    both = PAID.model_copy(update={"state": "unknown", "raw_code": "vk/odd"})
    clean = order(
        ship_to=known, bill_to=Address(), payment_state="paid", payment_state_raw="bezahlt", transactions=(both,)
    )
    assert codes_of([clean], []) == []


def test_an_absurdly_long_value_is_known_by_how_it_begins() -> None:
    place = Address(country_raw="U\x00" + "x" * 500)
    fact = AddressChangeFact(ship_to=place, occurred_at=datetime(2026, 1, 1, tzinfo=UTC))
    (code,) = codes_of([fact], [])
    assert (code[1][:2], len(code[1])) == ("U\ufffd", 200)
    known = with_meanings(fact, {code: "DE"})
    assert known.ship_to.country == "DE"


def value_at(value: Any, place: str) -> Any:
    for name in place.split("."):
        value = value[int(name)] if name.isdigit() else getattr(value, name)
    return value
