"""Settings of a rate card connection, validated whole: a hole in a table is found before a parcel falls into it."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, time
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, StringConstraints, model_validator

from hub.canonical.money import CurrencyCode, MoneyError, exponent, to_minor
from plugins.carriers.rate_card.card import Card, compile_service, compile_surcharge
from plugins.carriers.rate_card.deadlines import Calendar, weekday_numbers
from plugins.carriers.rate_card.parts import AmountSurcharge, Part, Service, Surcharges, Zone
from plugins.carriers.rate_card.zones import compile_zones

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class RateCardSettings(Part):
    """One carrier whose prices are tables and whose tracking numbers are our own."""

    name: str = Field(min_length=1, max_length=60, description="The carrier's name, printed on labels.")
    currency: CurrencyCode = Field(description="ISO 4217 code of all prices.")
    time_zone: str = Field("UTC", description="IANA time zone of cut-offs and deliveries, e.g. America/New_York.")
    zones: tuple[Zone, ...] = Field((), description="Price zones; the first one that fits a parcel's way wins.")
    services: tuple[Service, ...] = Field(min_length=1, description="What the carrier offers.")
    surcharges: tuple[Surcharges, ...] = Field((), description="Added to the table price, in this order.")
    volumetric_divisor: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Cubic millimetres for one gram (5000 is the usual 5000 cm3/kg); empty: actual weight only."
    )
    working_days: tuple[Weekday, ...] = Field(
        ("mon", "tue", "wed", "thu", "fri"),
        min_length=1,
        description="Days on which the carrier collects and delivers.",
    )
    holidays: tuple[date, ...] = Field((), description="Dates without collection and delivery.")
    number_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,4}$")] = Field(
        "RC", description="Begins the tracking numbers; choose one that no other connection uses."
    )
    tracking_url: str | None = Field(None, description="Link for a parcel with {number} in it; printed as a QR code.")
    zpl_font: Annotated[str, StringConstraints(pattern=r"^[A-Z]:[A-Za-z0-9_]{1,16}\.[A-Za-z]{3}$")] | None = Field(
        None, description="Font file on the label printer for names that are not Latin, e.g. E:SIMSUN.TTF."
    )
    webhook_secret: SecretStr | None = Field(None, description="Secret (whsec_...) that signs reported scans.")
    webhook_secret_previous: SecretStr | None = Field(None, description="The secret before, accepted while rotating.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = self._currency_problems() + self._service_problems()
        problems += self._surcharge_problems() + self._time_zone_problems()
        if self.tracking_url is not None and "{number}" not in self.tracking_url:
            problems.append("tracking_url: needs {number} where the tracking number goes")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _currency_problems(self) -> list[str]:
        try:
            exponent(self.currency)
        except MoneyError as error:
            return [f"currency: {error}"]
        prices = [
            (f"services[{at}].tables[{place}].steps[{row}].price", step.price)
            for at, service in enumerate(self.services)
            for place, table in enumerate(service.tables)
            for row, step in enumerate(table.steps)
        ]
        prices += [
            (f"services[{at}].tables[{place}].additional.price", table.additional.price)
            for at, service in enumerate(self.services)
            for place, table in enumerate(service.tables)
            if table.additional is not None
        ]
        prices += [
            (f"surcharges[{at}].amount", rule.amount)
            for at, rule in enumerate(self.surcharges)
            if isinstance(rule, AmountSurcharge)
        ]
        problems = []
        for path, price in prices:
            try:
                to_minor(price, self.currency)
            except MoneyError as error:
                problems.append(f"{path}: {error}")
        return problems

    def _service_problems(self) -> list[str]:
        problems = [f"services: code {code!r} is there twice" for code in _repeated(one.code for one in self.services)]
        for at, service in enumerate(self.services):
            names = {zone.name for zone in service.zones or self.zones}
            problems += [
                f"services[{at}].tables[{place}].zone: {table.zone!r} is not among the zones"
                for place, table in enumerate(service.tables)
                if table.zone not in names
            ]
        return problems

    def _surcharge_problems(self) -> list[str]:
        services = {service.code for service in self.services}
        zones = {zone.name for zone in self.zones} | {zone.name for one in self.services for zone in one.zones}
        problems = [
            f"surcharges: code {code!r} is there twice" for code in _repeated(one.code for one in self.surcharges)
        ]
        for at, rule in enumerate(self.surcharges):
            problems += [
                f"surcharges[{at}].services: {code!r} is no service" for code in rule.services if code not in services
            ]
            problems += [f"surcharges[{at}].zones: {name!r} is no zone" for name in rule.zones if name not in zones]
        return problems

    def _time_zone_problems(self) -> list[str]:
        named = [("time_zone", self.time_zone)]
        named += [(f"services[{at}].time_zone", one.time_zone) for at, one in enumerate(self.services) if one.time_zone]
        return [f"{path}: {name!r} is no IANA time zone" for path, name in named if not _is_time_zone(name)]

    @cached_property
    def card(self) -> Card:
        """The compiled card; made on first use and kept with these settings."""
        surcharges = [compile_surcharge(rule, self.currency) for rule in self.surcharges]
        return Card(
            currency=self.currency,
            zones=compile_zones(self.zones),
            services=tuple(
                compile_service(service, self.currency, self._calendar(service), self.volumetric_divisor, surcharges)
                for service in self.services
            ),
        )

    def _calendar(self, service: Service) -> Calendar:
        return Calendar(
            zone=ZoneInfo(service.time_zone or self.time_zone),
            cutoff=time.fromisoformat(service.cutoff) if service.cutoff else None,
            deliver_by=time.fromisoformat(service.deliver_by),
            working=weekday_numbers(self.working_days),
            holidays=frozenset(self.holidays),
        )


def _repeated(codes: Iterable[str]) -> list[str]:
    return [code for code, times in Counter(codes).items() if times > 1]


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
