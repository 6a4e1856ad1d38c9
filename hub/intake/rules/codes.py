"""Codes of sources that have no canonical meaning yet: where facts keep them, and what they may mean.

Facts keep such a code beside `unknown` (a country's text beside none), so the hub finds them itself, whatever the
plugin; codes that facts do not keep that way are those that a plugin reports.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from hub.canonical.base import Value
from hub.canonical.facts import (
    AddressChangeFact,
    Fact,
    OrderFact,
    PaymentFact,
    RefundFact,
    ShipmentFact,
    Unknown,
)
from hub.canonical.order import (
    ChannelShipment,
    Order,
    PaymentState,
    Tax,
    Transaction,
    TransactionKind,
    TransactionState,
)
from hub.canonical.party import Address
from hub.sdk.readers.countries import CODES

Code = tuple[str, str]
"""A field and the source's value of it."""
V = TypeVar("V", bound=Value)

COUNTRY, PAYMENT, KIND, STATE, SHIPMENT = (
    "country", "payment_state", "transaction_kind", "transaction_state", "shipment_state",
)  # fmt: skip
CARRIER, TAX = "carrier", "tax"
LONGEST_FIELD, LONGEST_VALUE = 80, 200


def _states(literal: Any) -> frozenset[str]:
    return frozenset(get_args(literal)) - {"unknown"}


MEANINGS: Mapping[str, frozenset[str]] = {
    COUNTRY: CODES,
    PAYMENT: _states(PaymentState),
    KIND: _states(TransactionKind),
    STATE: _states(TransactionState),
    SHIPMENT: _states(ChannelShipment.model_fields["state"].annotation),
}
"""What a code of a field may mean."""

ATTRIBUTES: Mapping[str, str] = {
    COUNTRY: "country", PAYMENT: "payment_state", KIND: "kind", STATE: "state", SHIPMENT: "state", CARRIER: "carrier",
    TAX: "title",
}  # fmt: skip
"""Where the canonical value holds what a field's code means."""

NAMES = frozenset({CARRIER, TAX})
"""Fields whose codes mean a name, which may be any text: nothing closed stands behind them."""


def codes_of(facts: Sequence[Fact], reported: Sequence[Unknown]) -> list[Code]:
    """The unknown codes of one document, each once. Parts of a larger document are read again as messages of their
    own, and tell theirs then; a code that a plugin reports of what the facts keep is not told twice.
    """
    found = dict.fromkeys(code for fact in facts for code in unknown_codes(fact))
    values = {value for _, value in found}
    others = [_code(unknown.field, unknown.value) for unknown in reported]
    own = found if len(facts) == 1 else ()
    return list(dict.fromkeys((*own, *(code for code in others if code[1] not in values))))


def unknown_codes(fact: Fact) -> Iterator[Code]:
    """The codes that a fact keeps beside `unknown`."""
    if isinstance(fact, OrderFact):
        yield from _of_order(fact.order)
    elif isinstance(fact, AddressChangeFact):
        yield from _of_address(fact.ship_to)
    elif isinstance(fact, PaymentFact):
        yield from _of_transaction(fact.transaction)
    elif isinstance(fact, RefundFact):
        for transaction in fact.refund.transactions:
            yield from _of_transaction(transaction)
    elif isinstance(fact, ShipmentFact):
        yield from _of_shipment(fact.shipment)


def with_meanings(value: V, meanings: Mapping[Code, str]) -> V:
    """The value with the given meanings in place of what was unknown, at any depth; itself where none applies."""
    changed = {}
    for name in type(value).model_fields:
        before = getattr(value, name)
        after = _inner(before, meanings)
        if after is not before:
            changed[name] = after
    changed.update(_own(value, meanings))
    return value.model_copy(update=changed) if changed else value


def _inner(held: Any, meanings: Mapping[Code, str]) -> Any:
    if isinstance(held, Value):
        return with_meanings(held, meanings)
    if isinstance(held, tuple):
        after = tuple(_inner(entry, meanings) for entry in held)
        return held if all(new is old for new, old in zip(after, held, strict=True)) else after
    return held


def _own(value: Value, meanings: Mapping[Code, str]) -> dict[str, str]:
    """What becomes of the value's own codes, by the name of its attribute."""
    codes: Iterable[Code] = ()
    if isinstance(value, Address):
        codes = _of_address(value)
    elif isinstance(value, Order):
        codes = _of_payment(value)
    elif isinstance(value, Transaction):
        codes = _of_transaction(value)
    elif isinstance(value, ChannelShipment):
        codes = (*_of_shipment(value), _code(CARRIER, value.carrier or ""))
    elif isinstance(value, Tax):
        codes = (_code(TAX, value.title or ""),)
    return {ATTRIBUTES[code[0]]: meanings[code] for code in codes if code in meanings}


def _of_order(order: Order) -> Iterator[Code]:
    for address in (order.ship_to, order.bill_to):
        if address is not None:
            yield from _of_address(address)
    yield from _of_payment(order)
    for transaction in order.transactions:
        yield from _of_transaction(transaction)
    for refund in order.refunds:
        for transaction in refund.transactions:
            yield from _of_transaction(transaction)
    for shipment in order.shipments:
        yield from _of_shipment(shipment)


def _of_address(address: Address) -> Iterator[Code]:
    if address.country is None and address.country_raw:
        yield _code(COUNTRY, address.country_raw)


def _of_payment(order: Order) -> Iterator[Code]:
    if order.payment_state == "unknown" and order.payment_state_raw:
        yield _code(PAYMENT, order.payment_state_raw)


def _of_transaction(transaction: Transaction) -> Iterator[Code]:
    """Of two unknown codes the fact keeps one text, which is neither: it stays as its plugin reports it."""
    unknown = [
        field
        for field, known in ((KIND, transaction.kind != "unknown"), (STATE, transaction.state != "unknown"))
        if not known
    ]
    if len(unknown) == 1 and transaction.raw_code:
        yield _code(unknown[0], transaction.raw_code)


def _of_shipment(shipment: ChannelShipment) -> Iterator[Code]:
    if shipment.state == "unknown" and shipment.raw_code:
        yield _code(SHIPMENT, shipment.raw_code)


def _code(field: str, value: str) -> Code:
    """As it is stored: what is absurdly long is known by how it begins."""
    return field[:LONGEST_FIELD], value.replace("\x00", "\ufffd")[:LONGEST_VALUE]
