"""One order from the rows that state it. Pure; nothing is computed where the file says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact
from typing import Any

from hub.canonical.facts import OrderFact, ParseWarning, Unknown
from hub.canonical.money import Money, MoneyError, exponent
from hub.canonical.order import Charge, Discount, Order, OrderLine, StatedTotals, Tax
from hub.canonical.party import Address, Party
from hub.sdk.readers.countries import country_code
from plugins.channels.spreadsheet.fields import LINE_FIELDS, ORDER_FIELDS
from plugins.channels.spreadsheet.values import CellFault, Reading, RowValues, Scalar, Unreadable, convert

PAYMENT_WORDS = {
    "paid": "paid", "bezahlt": "paid", "payé": "paid", "已付款": "paid", "已支付": "paid",
    "unpaid": "unpaid", "open": "unpaid", "offen": "unpaid", "未付款": "unpaid", "未支付": "unpaid",
    "authorized": "authorized", "partially paid": "partially_paid", "deposit paid": "deposit_paid",
    "cod": "cod_due", "cash on delivery": "cod_due", "nachnahme": "cod_due", "货到付款": "cod_due",
    "on account": "on_credit", "on credit": "on_credit", "invoice": "on_credit", "rechnung": "on_credit",
    "月结": "on_credit",
    "refunded": "refunded", "partially refunded": "partially_refunded", "voided": "voided",
}  # fmt: skip
TOTALS = (
    ("subtotal", "subtotal"), ("shipping_total", "shipping"), ("discount_total", "discount"), ("tax_total", "tax"),
    ("grand_total", "grand"),
)  # fmt: skip
MAX_QUANTITY, QUANTITY_STEP = Decimal(10) ** 12, Decimal("0.001")
MAX_PRICE, PRICE_STEP = Decimal(10) ** 14, Decimal("0.000001")
EXACT = Context(prec=80, traps=[Inexact])
"""Wide enough for any quantity times any price."""
MAX_ID = 255
NO_CURRENCY = 'has no currency: map a column, or set defaults to {"currency": "EUR"}'
TAG_SEPARATORS = str.maketrans({";": ",", "|": ",", "，": ",", "；": ","})


@dataclass(slots=True)
class _Stated:
    """What all rows of an order say together; `rows` tells which row said it first."""

    how: Reading
    first_row: int
    values: dict[str, Scalar] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    currency: str | None = None

    def place(self, name: str) -> str:
        return self.how.layout.place(self.rows.get(name, self.first_row), name)

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def instant(self, name: str) -> datetime | None:
        value = self.values.get(name)
        return value.astimezone(UTC) if isinstance(value, datetime) else None

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        return value if isinstance(value, bool) else None

    def money(self, name: str) -> Money | None:
        value = self.values.get(name)
        return to_money(value, self.currency, name, self.place(name)) if isinstance(value, Decimal) else None


def build_order(
    external_id: str, rows: Sequence[RowValues], how: Reading, modified: str | None
) -> tuple[OrderFact, list[Unknown]]:
    """The order of these rows; raises `Unreadable` with the cell that spoils it. `modified` is the file's own time."""
    stated = _agreed(rows, how)
    _expect_id(external_id, stated.place("order_number"))
    unknowns: list[Unknown] = []
    lines, warnings = _lines(rows, stated)
    placed_at = stated.values.get("placed_at")
    updated_at = stated.instant("updated_at")
    totals = StatedTotals(**{name: stated.money(source) for source, name in TOTALS})
    totals, discount = _positive_discount(totals)
    payment_raw = stated.text("payment_state")
    revision = updated_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if updated_at else modified
    order = Order(
        external_id=external_id,
        number=stated.text("order_number") or external_id,
        revision=revision,
        placed_at=stated.instant("placed_at"),
        placed_at_offset=_offset(placed_at) if isinstance(placed_at, datetime) else None,
        updated_at=updated_at,
        currency=stated.currency,
        buyer=_party(stated),
        ship_to=_address(stated, "ship", unknowns),
        bill_to=_address(stated, "bill", unknowns),
        lines=lines,
        charges=_shipping(totals),
        discounts=() if discount is None or _has_line_discounts(lines) else (Discount(amount=discount),),
        taxes=_header_tax(totals, lines, how.settings.prices_include_tax),
        taxes_included=how.settings.prices_include_tax,
        totals=totals,
        payment_state=_payment_state(payment_raw, how, unknowns),  # type: ignore[arg-type]
        payment_state_raw=payment_raw,
        payment_method=stated.text("payment_method"),
        cancelled=stated.flag("cancelled"),
        cancel_reason=stated.text("cancel_reason"),
        test=stated.flag("test"),
        delivery={  # type: ignore[arg-type]
            "service": stated.text("service"),
            "ship_by": stated.instant("ship_by"),
            "deliver_by": stated.instant("deliver_by"),
        },
        notes={"buyer": stated.text("note_buyer"), "seller": stated.text("note_seller")},  # type: ignore[arg-type]
        tags=_tags(stated.text("tags")),
        source_name=stated.text("source_name"),
    )
    return OrderFact(
        kind="order",
        external_id=external_id,
        order_id=external_id,
        number=order.number,
        occurred_at=order.updated_at or order.placed_at,
        revision=revision,
        order=order,
        warnings=warnings,
    ), unknowns


def _agreed(rows: Sequence[RowValues], how: Reading) -> _Stated:
    """Header values of all rows; two rows that say different things cannot both be right."""
    stated = _Stated(how, rows[0].row.number)
    for values in rows:
        for name, value in values.order.items():
            if name not in stated.values:
                stated.values[name] = value
                stated.rows[name] = values.row.number
            elif stated.values[name] != value:
                message = f"{name} differs from row {stated.rows[name]} of the same order"
                raise Unreadable(CellFault("conflict", message, how.layout.place(values.row.number, name)))
    for name, value in _defaults(how, ORDER_FIELDS, stated.text("currency")).items():
        stated.values.setdefault(name, value)
    stated.currency = stated.text("currency")
    if stated.currency is not None:
        _expect_currency(stated.currency, stated.place("currency"))
    return stated


def _defaults(how: Reading, names: frozenset[str], currency: str | None) -> dict[str, Scalar]:
    defaults: dict[str, Scalar] = {}
    for name, text in how.settings.defaults.items():
        if name not in names:
            continue
        try:
            value = convert(text, name, how, currency or how.settings.defaults.get("currency"))
        except ValueError as error:
            raise Unreadable(CellFault("bad_default", f"{name} {error}", f"setting defaults.{name}")) from error
        if value is not None:
            defaults[name] = value
    return defaults


def _lines(rows: Sequence[RowValues], stated: _Stated) -> tuple[tuple[OrderLine, ...], tuple[ParseWarning, ...]]:
    lines: list[OrderLine] = []
    warnings: list[ParseWarning] = []
    seen: dict[Any, RowValues] = {}
    told: set[tuple[str, str]] = set()
    defaults = _defaults(stated.how, LINE_FIELDS, stated.currency)
    for values in rows:
        repeated = _repeats(values, seen, stated.how)
        if repeated is not None:
            message = f"the row repeats row {repeated} and was left out"
            warnings.append(ParseWarning(code="duplicate_row", message=message, path=f"row {values.row.number}"))
            continue
        for warning in values.warnings:
            # A column of formulas is told once an order, not once a row.
            if (warning.code, warning.message) not in told:
                told.add((warning.code, warning.message))
                warnings.append(warning)
        lines.append(_line(values, defaults, stated, len(lines) + 1))
    return tuple(lines), tuple(warnings)


def _repeats(values: RowValues, seen: dict[Any, RowValues], how: Reading) -> int | None:
    """The number of the row that this one repeats, where it is to be left out."""
    identity = values.line.get("line_id")
    key = identity if identity is not None else values.row.values
    earlier = seen.setdefault(key, values)
    if earlier is values:
        return None
    number = values.row.number
    if identity is not None:
        if earlier.row.values == values.row.values:
            return earlier.row.number
        message = f"line_id is that of row {earlier.row.number} too, but the rows differ"
        raise Unreadable(CellFault("duplicate_line", message, how.layout.place(number, "line_id")))
    if how.settings.duplicate_rows == "fault":
        message = f"the row repeats row {earlier.row.number}: is it ordered twice (duplicate_rows: keep) or not (drop)?"
        raise Unreadable(CellFault("duplicate_row", message, f"row {number}"))
    return earlier.row.number if how.settings.duplicate_rows == "drop" else None


def _line(values: RowValues, defaults: Mapping[str, Scalar], stated: _Stated, position: int) -> OrderLine:
    source = {**defaults, **values.line}
    number, layout = values.row.number, stated.how.layout
    currency = stated.currency

    def fault(name: str, message: str, code: str = "bad_cell") -> Unreadable:
        return Unreadable(CellFault(code, f"{name} {message}", layout.place(number, name)))

    def money(name: str) -> Money | None:
        value = source.get(name)
        return to_money(value, currency, name, layout.place(number, name)) if isinstance(value, Decimal) else None

    quantity, price = source.get("quantity"), source.get("unit_price")
    if not isinstance(quantity, Decimal):
        raise fault("quantity", "is empty: an empty cell is not 0", "no_quantity")
    if not 0 <= quantity < MAX_QUANTITY or _decimals(quantity) > 3:
        raise fault("quantity", "must be between 0 and 999999999999 with at most 3 decimals")
    if isinstance(price, Decimal) and (_decimals(price) > 6 or abs(price) >= MAX_PRICE):
        raise fault("unit_price", "has more than 6 decimals or is too large")
    if isinstance(price, Decimal) and currency is None:
        raise fault("unit_price", NO_CURRENCY, "no_currency")
    sku, name = source.get("sku"), source.get("name")
    if sku is None and name is None:
        raise fault("sku", "is empty, and so is the name: the line names no product", "no_product")
    discount = money("line_discount")
    line_id = str(source.get("line_id") or position)
    _expect_id(line_id, layout.place(number, "line_id"))
    return OrderLine(
        external_id=line_id,
        sku=sku if isinstance(sku, str) else None,
        name=name if isinstance(name, str) else None,
        quantity=_without_zeros(quantity, QUANTITY_STEP),
        unit=_text(source.get("unit")),
        unit_price=_without_zeros(price, PRICE_STEP) if isinstance(price, Decimal) else None,
        discounts=(Discount(amount=_absolute(discount)),) if discount is not None and discount.minor else (),
        taxes=_line_taxes(money("line_tax"), source.get("line_tax_rate"), stated.how.settings.prices_include_tax),
        total=money("line_total")
        if "line_total" in layout.fields
        else _computed(quantity, price, discount, stated, number),
        grams=_grams(source.get("grams"), layout.place(number, "grams")),
        due_at=due.astimezone(UTC) if isinstance(due := source.get("due_at"), datetime) else None,
        properties=values.properties,
    )


def _computed(quantity: Decimal, price: Scalar, discount: Money | None, stated: _Stated, row: int) -> Money | None:
    """Price x quantity less the discount, only where the file has no column for it, and only where it is exact."""
    if not isinstance(price, Decimal) or stated.currency is None:
        return None
    reduction = Decimal(0) if discount is None else _absolute(discount).decimal
    total = EXACT.subtract(EXACT.multiply(quantity, price), reduction)
    where = stated.how.layout.place(row, "unit_price")
    try:
        return Money.of(total, stated.currency)
    except MoneyError as error:
        message = "times quantity is no exact amount: the file needs a column with the line total"
        raise Unreadable(CellFault("inexact", f"unit_price {message}", where)) from error


def to_money(value: Decimal, currency: str | None, name: str, where: str) -> Money:
    """An exact amount; `Unreadable` where the currency is missing or has fewer decimals."""
    if currency is None:
        raise Unreadable(CellFault("no_currency", f"{name} {NO_CURRENCY}", where))
    try:
        return Money.of(value, currency)
    except MoneyError as error:
        message = f"{name} has more decimals than {currency} allows ({exponent(currency)}), or is too large"
        raise Unreadable(CellFault("inexact", message, where)) from error


def _expect_currency(currency: str, where: str) -> None:
    try:
        exponent(currency)
    except MoneyError as error:
        raise Unreadable(CellFault("bad_cell", "currency is not an ISO 4217 code", where)) from error


def _expect_id(identity: str, where: str) -> None:
    if len(identity) > MAX_ID:
        raise Unreadable(CellFault("bad_cell", f"an id has at most {MAX_ID} characters", where))


def _absolute(money: Money) -> Money:
    """Files write reductions with or without a minus; here they are always positive."""
    return Money(minor=abs(money.minor), currency=money.currency)


def _positive_discount(totals: StatedTotals) -> tuple[StatedTotals, Money | None]:
    if totals.discount is None:
        return totals, None
    positive = _absolute(totals.discount)
    return totals.model_copy(update={"discount": positive}), positive if positive.minor else None


def _has_line_discounts(lines: Sequence[OrderLine]) -> bool:
    return any(line.discounts for line in lines)


def _shipping(totals: StatedTotals) -> tuple[Charge, ...]:
    return (Charge(kind="shipping", amount=totals.shipping),) if totals.shipping and totals.shipping.minor else ()


def _header_tax(totals: StatedTotals, lines: Sequence[OrderLine], included: bool | None) -> tuple[Tax, ...]:
    if totals.tax is None or not totals.tax.minor or any(line.taxes for line in lines):
        return ()
    return (Tax(amount=totals.tax, included=included),)


def _line_taxes(tax: Money | None, rate: Scalar, included: bool | None) -> tuple[Tax, ...]:
    if tax is None and rate is None:
        return ()
    return (Tax(amount=tax, rate=rate if isinstance(rate, Decimal) else None, included=included),)


def _grams(value: Scalar, where: str) -> int | None:
    if not isinstance(value, Decimal):
        return None
    if value != value.to_integral_value() or not 0 <= value < 2**31:
        raise Unreadable(CellFault("bad_cell", "grams must be a whole number that is not negative", where))
    return int(value)


def _payment_state(raw: str | None, how: Reading, unknowns: list[Unknown]) -> str | None:
    if raw is None:
        return None
    words = PAYMENT_WORDS | {word.casefold(): state for word, state in how.settings.payment_states.items()}
    state = words.get(raw.casefold().replace("_", " "))
    if state is None:
        unknowns.append(Unknown(field="payment_state", value=raw))
    return state or "unknown"


def _party(stated: _Stated) -> Party | None:
    phone = stated.text("buyer_phone")
    names = {"external_id": "id", "name": "name", "company": "company", "email": "email", "tax_id": "tax_id"}
    values = {name: stated.text(f"buyer_{source}") for name, source in names.items()}
    groups = _tags(stated.text("buyer_groups"))
    if phone is None and not groups and not any(values.values()):
        return None
    return Party(**values, phones=(phone,) if phone else (), groups=groups)


def _address(stated: _Stated, side: str, unknowns: list[Unknown]) -> Address | None:
    names = ("name", "company", "city", "district", "region", "postal_code", "phone", "email")
    values = {name: stated.text(f"{side}_{name}") for name in names}
    lines = tuple(line for number in (1, 2, 3) if (line := stated.text(f"{side}_line{number}")))
    country = stated.text(f"{side}_country")
    if not lines and not any(values.values()) and f"{side}_country" not in stated.rows:
        return None
    code = country_code(country) if country else None
    if country and code is None:
        unknowns.append(Unknown(field=f"{side}_country", value=country))
    found = {"lines": lines, "country": code, "country_raw": country if country != code else None}
    return Address.model_validate({**values, **found})


def _tags(text: str | None) -> tuple[str, ...]:
    parts = (part.strip() for part in (text or "").translate(TAG_SEPARATORS).split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _offset(instant: datetime) -> str:
    minutes = (instant.utcoffset() or timedelta(0)) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _text(value: Scalar) -> str | None:
    return value if isinstance(value, str) else None


def _without_zeros(value: Decimal, step: Decimal) -> Decimal:
    """The same value without zeros beyond the step (`2.0000` pieces)."""
    digits = value.as_tuple().exponent
    fine = step.as_tuple().exponent
    return value.quantize(step) if isinstance(digits, int) and isinstance(fine, int) and digits < fine else value


def _decimals(value: Decimal) -> int:
    """Decimals that are not just zeros."""
    digits = value.normalize().as_tuple().exponent
    return max(0, -digits) if isinstance(digits, int) else 0
