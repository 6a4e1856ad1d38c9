"""Field types of what goes over the wire."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints


def plain_decimal(value: Decimal) -> str:
    """Digits without trailing zeros and without an exponent: `2.500` -> `2.5`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


WireDecimal = Annotated[Decimal, PlainSerializer(plain_decimal, return_type=str)]
"""A decimal that leaves as text: JSON numbers are rounded by many readers."""
WireQuantity = Annotated[
    Decimal, Field(ge=0, decimal_places=3, max_digits=15), PlainSerializer(plain_decimal, return_type=str)
]
"""A quantity with at most three decimals; arrives as text or number, leaves as text."""
IdText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""An id of ours."""


class In(BaseModel):
    """The base of bodies: what it does not know is refused, with the place of it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Out(BaseModel):
    """The base of answers; read from rows by attribute."""

    model_config = ConfigDict(from_attributes=True)
