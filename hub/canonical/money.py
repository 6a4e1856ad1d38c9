"""Money in integer minor units, and the only arithmetic that may round it."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Annotated, Self

from iso4217 import Currency as IsoCurrency
from pydantic import Field, StringConstraints

from hub.canonical.base import Value

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
UnitPrice = Annotated[Decimal, Field(decimal_places=6, max_digits=20)]
"""A price of one unit; may be finer than the currency's minor unit (B2B, EDI), at most 6 decimals."""

MAX_MINOR = 2**62
_EXACT = Context(prec=100, traps=[InvalidOperation, Inexact])


class MoneyError(ValueError):
    """An amount or a currency that cannot be represented exactly."""


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Decimals of a currency's minor unit by ISO 4217 (Babel's display digits differ, e.g. for IQD)."""
    try:
        digits = IsoCurrency(currency).exponent
    except ValueError as error:
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code") from error
    return 0 if digits is None else int(digits)


def to_minor(amount: Decimal | str | int, currency: str) -> int:
    """Exact minor units of a decimal amount; raises `MoneyError` rather than rounding."""
    try:
        value = Decimal(amount)
        scaled = value.scaleb(exponent(currency), _EXACT)
        whole = scaled.to_integral_value()
    except (InvalidOperation, Inexact) as error:
        raise MoneyError(f"{amount!r} is not a decimal amount") from error
    if scaled != whole:
        raise MoneyError(f"{amount} has more decimals than {currency} allows ({exponent(currency)})")
    if abs(whole) > MAX_MINOR:
        raise MoneyError(f"{amount} {currency} is too large")
    return int(whole)


def round_to_minor(amount: Decimal, currency: str) -> int:
    """Nearest minor unit, halves away from zero: for products such as price x quantity only."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(rounding=ROUND_HALF_UP))


def format_minor(minor: int, currency: str) -> str:
    """Decimal text with exactly the currency's decimals: `12345, "USD"` -> `123.45`."""
    digits = exponent(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


class Money(Value):
    """An amount in minor units of one currency; never a float."""

    minor: Annotated[int, Field(ge=-MAX_MINOR, le=MAX_MINOR)]
    currency: CurrencyCode

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Self:
        """From a decimal amount in major units; raises `MoneyError` where it would have to round."""
        return cls(minor=to_minor(amount, currency), currency=currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        return format_minor(self.minor, self.currency)

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise MoneyError(f"cannot add {other.currency} to {self.currency}")
        return Money(minor=self.minor + other.minor, currency=self.currency)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split minor units over weights by largest remainder, so that the parts always sum to the total.

    Ties go to the earlier position; all-zero weights share evenly. `weights` must not be negative.
    """
    if not weights:
        raise MoneyError("cannot allocate an amount over nothing")
    if any(weight < 0 for weight in weights):
        raise MoneyError("weights must not be negative")
    basis = list(weights) if any(weights) else [1] * len(weights)
    whole, sign = abs(total), -1 if total < 0 else 1
    mass = sum(basis)
    shares = [whole * weight // mass for weight in basis]
    remainders = [whole * weight % mass for weight in basis]
    by_remainder = sorted(range(len(basis)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: whole - sum(shares)]:
        shares[index] += 1
    return [sign * share for share in shares]
