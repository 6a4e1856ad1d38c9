"""Tolerant readers over a decoded document: what matters is refused with a path, the rest is left out with a warning.

Numbers arrive as `int` or `Decimal` (the document is decoded with `parse_float=Decimal`), so no amount ever is a float.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.canonical.facts import ParseWarning, Unknown
from hub.canonical.money import Money, MoneyError, exponent
from hub.sdk.errors import Malformed

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL and lone surrogates: legal in JSON text, refused by databases and by UTF-8."""

GID = re.compile(r"^gid://shopify/(?P<type>[A-Za-z]+)/(?P<id>[^?/]+)")
CURRENCY = re.compile(r"^[A-Z]{3}$")
NOISE = Decimal("0.000001")
"""Binary noise of amounts that were floats at the source (`3.9800000000000004`)."""
MAX_QUANTITY = Decimal(10) ** 9
MAX_ID = 200


@dataclass(slots=True)
class Remarks:
    """What reading one document brought up besides its facts."""

    warnings: list[ParseWarning] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)

    def warn(self, code: str, message: str, path: str) -> None:
        """Note something odd about a good document."""
        self.warnings.append(ParseWarning(code=code, message=message, path=path))

    def unknown(self, name: str, value: str) -> None:
        """Note a code of the source that has no canonical meaning."""
        self.unknowns.append(Unknown(field=name, value=value))


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON object with its place in the document (a JSON pointer) and the remarks that reading it collects."""

    data: dict[str, Any]
    path: str
    remarks: Remarks

    def at(self, name: str) -> str:
        """The JSON pointer of a field."""
        return f"{self.path}/{name}"

    def has(self, *names: str) -> bool:
        """Whether the source states any of the fields, null included."""
        return any(name in self.data for name in names)

    def filled(self, name: str) -> bool:
        """Whether the field has a value other than null, empty text or an empty list."""
        return self.data.get(name) not in (None, "", [], {})

    def text(self, *names: str) -> str | None:
        """The first of the fields with text in it; numbers become text, empty text is no text."""
        for name in names:
            value = self.data.get(name)
            if isinstance(value, str):
                cleaned = UNSTORABLE.sub("", value).strip()
                if cleaned:
                    return cleaned
            elif isinstance(value, int | Decimal) and not isinstance(value, bool):
                return str(value)
            elif value is not None:
                self._odd(name, "text")
        return None

    def identity(self, *names: str) -> str | None:
        """The first of the fields that holds an id: digits, or the last part of a global id."""
        for name in names:
            value = self.data.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return str(value)[:MAX_ID]
            if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value() and value > 0:
                return f"{value:f}".split(".", 1)[0][:MAX_ID]
            if isinstance(value, str) and (cleaned := UNSTORABLE.sub("", value).strip()):
                match = GID.match(cleaned)
                return (match["id"] if match else cleaned)[:MAX_ID]
        return None

    def flag(self, name: str) -> bool | None:
        """A boolean, or None where the source has none."""
        value = self.data.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._odd(name, "true or false")
        return None

    def decimal(self, name: str) -> Decimal | None:
        """A finite number, also where it is written as text; `Malformed` for anything else."""
        value = self.data.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            try:
                number = Decimal(value.strip() if isinstance(value, str) else value)
            except InvalidOperation:
                number = Decimal("NaN")
            if number.is_finite() and abs(number) < Decimal(10) ** 18:
                return number
        raise Malformed(f"{name} is not a number", code="number_unreadable", path=self.at(name))

    def quantity(self, name: str) -> Decimal | None:
        """A quantity of at most three decimals, not negative; `Malformed` for anything else."""
        number = self.decimal(name)
        if number is None:
            return None
        if number < 0 or number > MAX_QUANTITY or number != round(number, 3):
            raise Malformed(f"{name} is not a quantity", code="quantity_unreadable", path=self.at(name))
        return Decimal(int(number)) if number == number.to_integral_value() else round(number, 3)

    def money(self, currency: str | None, *names: str) -> Money | None:
        """The first of the fields that states an amount, as a plain amount or as a money set (`shop_money`).

        None where the source states none, or states an amount whose currency nobody says. Shopify's `*_set` fields hold
        the shop's and the buyer's currency; the shop's is taken.
        """
        for name in names:
            value = self.data.get(name)
            if isinstance(value, dict):
                found = Node(value, self.at(name), self.remarks).bag("shop_money", currency)
                if found is not None:
                    return found
            elif value not in (None, "") and currency is not None:
                return to_money(self.decimal(name), currency, self.at(name))
        return None

    def bag(self, side: str, currency: str | None) -> Money | None:
        """One side of a money set (`shop_money` or `presentment_money`), or the object itself where it is an amount."""
        inner = self.child(side) if side in self.data else self if "amount" in self.data else None
        if inner is None:
            return None
        stated = inner.currency("currency_code", "currency") or currency
        amount = inner.decimal("amount")
        if amount is not None and side == "shop_money" and currency not in (None, stated):
            raise Malformed(f"{stated} beside the shop's {currency}", code="currency_mismatch", path=inner.path)
        return None if amount is None or stated is None else to_money(amount, stated, inner.at("amount"))

    def currency(self, *names: str) -> str | None:
        """The first of the fields that holds a three-letter currency code of ISO 4217."""
        for name in names:
            value = self.data.get(name)
            if isinstance(value, str) and CURRENCY.match(value.strip().upper()):
                code = value.strip().upper()
                try:
                    exponent(code)
                except MoneyError:
                    self.remarks.warn("currency_unknown", f"{code} is not an ISO 4217 currency", self.at(name))
                    continue
                return code
            if value not in (None, ""):
                self._odd(name, "a currency code")
        return None

    def instant(self, *names: str) -> datetime | None:
        """The first of the fields that holds a time with an offset, in UTC."""
        found = self._stamp(*names)
        return None if found is None else found.astimezone(UTC)

    def offset(self, *names: str) -> str | None:
        """The source's own offset of the time that `instant` reads, as `+00:00`."""
        found = self._stamp(*names)
        return None if found is None else found.strftime("%z")[:3] + ":" + found.strftime("%z")[3:5]

    def _stamp(self, *names: str) -> datetime | None:
        for name in names:
            value = self.data.get(name)
            if value in (None, ""):
                continue
            try:
                found = datetime.fromisoformat(value) if isinstance(value, str) else None
                if found is not None and found.tzinfo is not None and found.astimezone(UTC).year > 1:
                    return found
            except (ValueError, OverflowError):
                self.remarks.warn("time_unreadable", f"{name} is not a time", self.at(name))
                continue
            self.remarks.warn("time_unreadable", f"{name} is not a time with an offset", self.at(name))
        return None

    def child(self, name: str) -> "Node | None":
        """An inner object; None where there is none or an empty one."""
        value = self.data.get(name)
        if isinstance(value, dict):
            return Node(value, self.at(name), self.remarks) if value else None
        if value is not None and value != []:
            self._odd(name, "an object")
        return None

    def children(self, name: str) -> Iterator["Node"]:
        """The objects of a list, or of a GraphQL connection; anything else in it is left out with a warning."""
        for place, value in self.entries(name):
            if isinstance(value, dict):
                yield Node(value, place, self.remarks)
            elif value is not None:
                self.remarks.warn("unexpected_type", f"{name} holds something else than objects", place)

    def entries(self, name: str) -> Iterator[tuple[str, Any]]:
        """Place and value of everything in a list."""
        value = self.data.get(name)
        if isinstance(value, list):
            for index, inner in enumerate(value):
                yield f"{self.at(name)}/{index}", inner
        elif value is not None and value != {}:
            self._odd(name, "a list")

    def texts(self, name: str) -> Iterator[str]:
        """The texts of a list."""
        for place, value in self.entries(name):
            if text := Node({"value": value}, place, self.remarks).text("value"):
                yield text

    def tags(self) -> tuple[str, ...]:
        """`tags`: a list in answers, one text with commas in webhooks."""
        if isinstance(self.data.get("tags"), list):
            return tuple(self.texts("tags"))
        return tuple(dict.fromkeys(part for tag in (self.text("tags") or "").split(",") if (part := tag.strip())))

    def _odd(self, name: str, wanted: str) -> None:
        self.remarks.warn("unexpected_type", f"{name} is not {wanted}", self.at(name))


def to_money(amount: Decimal | None, currency: str, path: str) -> Money | None:
    """Exact money of an amount, less the binary noise of a float; `Malformed` where it has too many digits."""
    if amount is None:
        return None
    try:
        step = Decimal(1).scaleb(-exponent(currency))
        rounded = amount.quantize(step)
        return Money.of(rounded if abs(amount - rounded) <= NOISE else amount, currency)
    except (MoneyError, InvalidOperation) as error:
        raise Malformed(f"{amount} is not an amount of {currency}", code="amount_unreadable", path=path) from error


def total_of(amounts: list[Money]) -> Money | None:
    """The sum of amounts in one currency; None for none, or for several currencies."""
    currencies = {amount.currency for amount in amounts}
    if len(currencies) != 1:
        return None
    return Money(minor=sum(amount.minor for amount in amounts), currency=currencies.pop())


def revision_of(instant: datetime | None) -> str | None:
    """A source's time of change as text that sorts like the time."""
    return None if instant is None else f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
