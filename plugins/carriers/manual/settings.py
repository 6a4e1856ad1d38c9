"""Settings of a manual carrier connection."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from hub.canonical.money import CurrencyCode, MoneyError, to_minor


def _decimal_text(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError('write the price as text such as "4.50": a binary fraction is not exact')
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_decimal_text),
    Field(ge=0, max_digits=12),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?$"}),
]


class ManualService(BaseModel):
    """One way to send, e.g. a courier that is booked by phone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, StringConstraints(pattern=r"^\S(.{0,58}\S)?$")] = Field(
        description="Code that orders and rules refer to."
    )
    name: str = Field(min_length=1, max_length=80, description="Name that people see.")
    tracking_url: str | None = Field(None, description="Link for a parcel with {number} in it.")
    price: Amount | None = Field(None, description="Flat price of a shipment as text, e.g. 12.00; empty: not known.")
    transit_days: tuple[int, int] | None = Field(None, description="Fewest and most days, for people to see.")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.tracking_url is not None and "{number}" not in self.tracking_url:
            raise ValueError("tracking_url needs {number} where the tracking number goes")
        if self.transit_days is not None and not 0 <= self.transit_days[0] <= self.transit_days[1]:
            raise ValueError("transit_days: write the fewest days first")
        return self


class ManualSettings(BaseModel):
    """A carrier whose tracking numbers people type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=60, description="The carrier's name, as people and labels show it.")
    services: tuple[ManualService, ...] = Field(min_length=1, description="What the carrier offers.")
    currency: CurrencyCode = Field("USD", description="ISO 4217 code of the prices.")
    label: Literal["none", "address"] = Field(
        "none", description="address: print a plain address label (PDF); none: the carrier brings the label."
    )
    webhook_secret: SecretStr | None = Field(None, description="Secret (whsec_...) that signs reported scans.")
    webhook_secret_previous: SecretStr | None = Field(None, description="The secret before, accepted while rotating.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        codes = [service.code for service in self.services]
        problems = [
            f"services[{at}]: code {code!r} is there twice" for at, code in enumerate(codes) if code in codes[:at]
        ]
        for at, service in enumerate(self.services):
            try:
                to_minor(service.price or 0, self.currency)
            except MoneyError as error:
                problems.append(f"services[{at}].price: {error}")
        if problems:
            raise ValueError("; ".join(problems))
        return self
