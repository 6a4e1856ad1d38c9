"""The parts of a rate card as a person writes them: places, services, tables, surcharges.

Weights are grams, sides millimetres, prices decimal text in the card's currency. Every model refuses unknown fields, so
that a misspelt setting is an error rather than a wrong price.
"""

import re
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

ANY = "*"
DOMESTIC = "domestic"
INTERNATIONAL = "international"
POSTCODE_PATTERN = re.compile(r"^[A-Z0-9]+(-[A-Z0-9]+)?$")


def _decimal_text(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError('write the number as text such as "4.50": a binary fraction is not exact')
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_decimal_text),
    Field(ge=0, max_digits=12),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?$"}),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(_decimal_text),
    Field(ge=0, le=1000, decimal_places=4),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d{1,4})?$"}),
]
Code = Annotated[str, StringConstraints(pattern=r"^[^\s].{0,58}[^\s]$|^[^\s]$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Grams = Annotated[int, Field(gt=0, le=100_000_000)]
Millimetres = Annotated[int, Field(gt=0, le=100_000)]


class Part(BaseModel):
    """A frozen piece of settings that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(Part):
    """Where parcels go to or come from: a country, narrowed to regions or postcodes where given."""

    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*|domestic|international)$")] = Field(
        description="ISO 3166-1 code; * for any, domestic for the sender's own country, international for any other."
    )
    regions: tuple[str, ...] = Field(
        (), description="State or province codes such as CA; empty for all of the country."
    )
    postcodes: tuple[str, ...] = Field(
        (), description="Prefixes (94) or ranges of equal length (80000-89999, 0-3), without spaces; empty for all."
    )

    @field_validator("regions")
    @classmethod
    def _upper(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(region.strip().upper() for region in regions)

    @field_validator("postcodes")
    @classmethod
    def _readable(cls, postcodes: tuple[str, ...]) -> tuple[str, ...]:
        written = tuple(text.replace(" ", "").upper() for text in postcodes)
        for text in written:
            if not POSTCODE_PATTERN.match(text):
                raise ValueError(
                    f"{text!r} is no postcode prefix or range: use letters and digits, and one hyphen for a range"
                )
            low, _, high = text.partition("-")
            if high and (len(low) != len(high) or low > high):
                raise ValueError(f"{text!r}: both ends of a range need the same length, the lower one first")
        return written


class Zone(Part):
    """A named price zone. The same name may be listed again, e.g. with other origins."""

    name: Code = Field(description="Name that the tables refer to.")
    destinations: tuple[Place, ...] = Field(min_length=1, description="Any of these places belongs to the zone.")
    origins: tuple[Place, ...] = Field((), description="Only for parcels from these places; empty for all origins.")


class Step(Part):
    """A price for parcels up to a weight."""

    up_to_grams: Grams = Field(description="Heaviest billed weight of this step.")
    price: Amount = Field(description="Price in the card's currency as text, e.g. 6.85.")
    over_grams: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Where the step begins, exclusive; if given it must be where the step before ends."
    )


class Additional(Part):
    """What every started portion of weight beyond the last step adds."""

    grams: Grams = Field(description="Size of a portion.")
    price: Amount = Field(description="Price of a portion.")


class Table(Part):
    """Prices and transit of one service into one zone."""

    zone: Code = Field(description="Name of a zone.")
    steps: tuple[Step, ...] = Field(min_length=1, description="Weight steps, lightest first.")
    additional: Additional | None = Field(
        None, description="Price beyond the last step; none: heavier parcels are refused."
    )
    transit_days: tuple[int, int] | None = Field(None, description="Fewest and most working days, e.g. [2, 4].")

    @field_validator("steps")
    @classmethod
    def _no_gaps(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        for index, (before, step) in enumerate(pairwise(steps), start=1):
            begin = before.up_to_grams if step.over_grams is None else step.over_grams
            if begin > before.up_to_grams:
                raise ValueError(f"steps[{index}]: gap from {before.up_to_grams} g to {begin} g has no price")
            if begin < before.up_to_grams or step.up_to_grams <= before.up_to_grams:
                raise ValueError(
                    f"steps[{index}]: overlaps steps[{index - 1}], which reaches to {before.up_to_grams} g"
                )
        if (steps[0].over_grams or 0) >= steps[0].up_to_grams:
            raise ValueError("steps[0]: must end above where it begins")
        return steps

    @field_validator("transit_days")
    @classmethod
    def _fewest_first(cls, days: tuple[int, int] | None) -> tuple[int, int] | None:
        if days is not None and not 0 <= days[0] <= days[1] <= 120:
            raise ValueError("write the fewest days first, both between 0 and 120")
        return days


class Service(Part):
    """One product of the carrier."""

    code: Code = Field(description="Code that orders and rules refer to.")
    name: str = Field(min_length=1, max_length=80, description="Name printed on the label.")
    tables: tuple[Table, ...] = Field(min_length=1, description="One table for each zone that the service reaches.")
    zones: tuple[Zone, ...] = Field((), description="The service's own zones; empty: those of the card.")
    cutoff: ClockTime | None = Field(
        None, description="Local time until which a parcel still leaves today, e.g. 15:00."
    )
    deliver_by: ClockTime = Field("20:00", description="Local time of the last delivery of a day.")
    time_zone: str | None = Field(None, description="Time zone of cut-off and delivery; empty: that of the card.")
    max_grams: Grams | None = Field(None, description="Heaviest parcel.")
    max_sides_mm: tuple[Millimetres, ...] = Field(
        (), max_length=3, description="Longest allowed sides, longest first; may name fewer than three."
    )
    max_length_plus_girth_mm: Millimetres | None = Field(None, description="Longest side plus twice the other two.")
    volumetric_divisor: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Cubic millimetres for one gram (5000 is the usual 5000 cm3/kg); empty: that of the card."
    )
    label_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,4}$")] | None = Field(
        None, description="Begins the tracking numbers of this service; empty: that of the card."
    )

    @model_validator(mode="after")
    def _one_table_a_zone(self) -> Self:
        names = [table.zone for table in self.tables]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ValueError(f"tables[{index}]: zone {name!r} has a table already")
        return self


class SurchargeRule(Part):
    """What all surcharges have in common."""

    code: Code = Field(description="Code shown with the amount, e.g. fuel.")
    services: tuple[str, ...] = Field((), description="Only these services; empty for all.")
    zones: tuple[str, ...] = Field((), description="Only these zones; empty for all.")


class PercentSurcharge(SurchargeRule):
    """A share of the price such as fuel; one rounding a shipment, half up."""

    kind: Literal["percent"] = Field(description="A share of the price.")
    percent: Percent = Field(description="Percent as text, e.g. 12.5.")
    of: Literal["freight", "subtotal"] = Field(
        "freight", description="Of the table price, or of it and all surcharges listed before this one."
    )


class AmountSurcharge(SurchargeRule):
    """A surcharge that is a fixed amount for a parcel or for a shipment."""

    amount: Amount = Field(description="Amount in the card's currency.")
    per: Literal["parcel", "shipment"] = Field("parcel", description="Charged for each parcel or once.")


class FixedSurcharge(AmountSurcharge):
    """Always charged, e.g. a toll."""

    kind: Literal["fixed"] = Field(description="Always charged.")


class ResidentialSurcharge(AmountSurcharge):
    """Charged where the receiver's address names no company."""

    kind: Literal["residential"] = Field(description="Charged where the receiver names no company.")


class RemoteAreaSurcharge(AmountSurcharge):
    """Charged for listed places, usually by postcode."""

    kind: Literal["remote_area"] = Field(description="Charged for listed places.")
    places: tuple[Place, ...] = Field(min_length=1, description="Where it is charged.")


class OverweightSurcharge(AmountSurcharge):
    """Charged for parcels whose actual weight is above a limit."""

    kind: Literal["overweight"] = Field(description="Charged above a weight.")
    over_grams: Grams = Field(description="Heaviest parcel without the surcharge.")


class OversizeSurcharge(AmountSurcharge):
    """Charged for parcels of which a measured side, or length plus girth, is above a limit."""

    kind: Literal["oversize"] = Field(description="Charged above a size.")
    over_sides_mm: tuple[Millimetres, ...] = Field(
        (), max_length=3, description="Free up to these sides, longest first."
    )
    over_length_plus_girth_mm: Millimetres | None = Field(None, description="Free up to longest side plus girth.")

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if not self.over_sides_mm and self.over_length_plus_girth_mm is None:
            raise ValueError("set over_sides_mm or over_length_plus_girth_mm")
        return self


Surcharges = Annotated[
    PercentSurcharge
    | FixedSurcharge
    | ResidentialSurcharge
    | RemoteAreaSurcharge
    | OverweightSurcharge
    | OversizeSurcharge,
    Field(discriminator="kind"),
]
