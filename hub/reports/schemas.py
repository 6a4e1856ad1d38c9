"""The mapping inbox on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from hub.kit.web_types import In, Out

ConnectionName = Annotated[str, Field(min_length=1, max_length=60)]
FieldName = Annotated[str, Field(min_length=1, max_length=80)]
Meaning = Annotated[str, Field(min_length=1, max_length=200)]


class SuggestionOut(Out):
    """What the value probably means, and how alike the texts are (0 to 1)."""

    meaning: str
    confidence: float


class MissingMeaningOut(Out):
    """A value of a connection whose meaning is missing, and what waits for it.

    `amounts` are the totals of the orders in minor units by currency; `messages` counts documents without an order.
    """

    connection: str
    field: str
    value: str
    name: str | None = Field(description="What the source calls the goods of a SKU.")
    orders: int
    messages: int
    amounts: dict[str, int]
    since: datetime
    ignored: bool
    suggestion: SuggestionOut | None


class MappingIn(In):
    """What a value of a connection means, or that it is to be ignored."""

    model_config = ConfigDict(str_strip_whitespace=False)  # a source's value may begin or end with a blank

    connection: ConnectionName
    field: FieldName = Field(description="As listed: `sku`, `country`, `payment_state`, ...")
    value: Meaning = Field(description="As listed, character for character.")
    meaning: Meaning | None = Field(None, description="A product's SKU, or a code that the hub knows.")
    ignore: bool = Field(False, description="It needs no meaning: list it no more.")

    @model_validator(mode="after")
    def _says_one(self) -> "MappingIn":
        if (self.meaning is None) != self.ignore:
            raise ValueError("give either `meaning`, or `ignore` as true")
        return self


class MappingOut(Out):
    """What was decided, and how many open orders and documents without an order waited; with a meaning they go on."""

    connection: str
    field: str
    value: str
    meaning: str | None
    ignored: bool
    orders: int
    messages: int
