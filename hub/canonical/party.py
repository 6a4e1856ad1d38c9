"""Who: addresses and parties as a channel states them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from hub.canonical.base import Value

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class MaskedToken(Value):
    """A platform's token for a receiver whose clear text must not be stored (e.g. Taobao `oaid`)."""

    token: str
    platform: str
    expires_at: datetime | None = None


class Address(Value):
    """A postal address: free lines plus the parts that could be read; `country` is ISO 3166-1 alpha-2.

    `country` is None where the source gave none or one that is not a country; `country_raw` keeps its text.
    `phone` is the source's text; `phone_e164` only where it is surely valid.
    """

    name: str | None = None
    company: str | None = None
    lines: tuple[str, ...] = ()
    city: str | None = None
    district: str | None = None
    region: str | None = None
    region_code: str | None = None
    postal_code: str | None = None
    country: CountryCode | None = None
    country_raw: str | None = None
    phone: str | None = None
    phone_e164: str | None = None
    email: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    masked: MaskedToken | None = None


class Party(Value):
    """A buyer, payer or agent."""

    external_id: str | None = None
    name: str | None = None
    company: str | None = None
    email: str | None = None
    phones: tuple[str, ...] = ()
    tax_id: str | None = None
    locale: str | None = None
    groups: tuple[str, ...] = ()
    """Customer groups or tiers, as the source names them."""
