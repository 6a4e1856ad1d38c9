"""Rate sheets in CSV: one row for a service, a zone and a weight break; turned into settings.

Columns: service_code, service_name, zone_label, country_codes (with commas; empty: everywhere that `domicile` and
`international` allow), min_weight, max_weight, max_length, max_width, max_height, rate, currency, transit_days (`3` or
`2-5`), and optionally weight_unit (KG, G, LB, OZ) and dimension_unit (CM, MM, M, IN). A column that is missing or empty
states nothing.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from hub.canonical.facts import ParseWarning
from hub.sdk.errors import Malformed
from plugins.carriers.rate_card.settings import RateCardSettings

REQUIRED = ("service_code", "zone_label", "country_codes", "currency")
GRAMS = {"KG": Decimal(1000), "G": Decimal(1), "LB": Decimal("453.59237"), "OZ": Decimal("28.349523125")}
MILLIMETRES = {"CM": Decimal(10), "MM": Decimal(1), "IN": Decimal("25.4"), "M": Decimal(1000)}
FLAGS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
TRANSIT = re.compile(r"^(\d{1,3})(?:\s*-\s*(\d{1,3}))?$")
HEAVIEST = 1_000_000
"""Grams up to which a row without a weight break is taken to hold."""
LEAST_BREAK = 10
"""A first break that begins at 0.01 kg or less means from nothing."""


@dataclass(frozen=True, slots=True)
class SheetRate:
    """One row: weights in grams, sides in millimetres, the rate as stated; None where the row states nothing."""

    row: int
    service_code: str
    service_name: str
    zone_label: str
    countries: tuple[str, ...]
    min_grams: int | None
    max_grams: int | None
    max_sides_mm: tuple[int, ...]
    rate: Decimal | None
    currency: str
    transit_days: tuple[int, int] | None
    domicile: bool | None
    international: bool | None


@dataclass(frozen=True, slots=True)
class RateSheet:
    """Settings made of a sheet, and what people should know about it."""

    settings: RateCardSettings
    warnings: tuple[ParseWarning, ...]


def rates_from_csv(text: str) -> list[SheetRate]:
    """Every row of a sheet, in its order; `Malformed` names the row and the column that cannot be read."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise Malformed(f"the sheet lacks the column {missing[0]!r}", code="column_missing", path=f"row 1/{missing[0]}")
    return [_read(record, line) for line, record in enumerate(reader, start=2)]


def _read(record: Mapping[str | None, Any], line: int) -> SheetRate:
    if None in record:
        raise Malformed(
            "more cells than columns: quote cells that hold commas", code="row_too_long", path=f"row {line}"
        )
    cells = {str(name): (value or "").strip() for name, value in record.items()}
    for name in ("service_code", "zone_label", "currency"):
        if not cells[name]:
            raise _bad(line, name, "is empty")
    if not re.fullmatch(r"[A-Z]{3}", cells["currency"]):
        raise _bad(line, "currency", f"{cells['currency']!r} is no ISO 4217 code")
    weight = _factor(cells, line, "weight_unit", GRAMS, "KG")
    length = _factor(cells, line, "dimension_unit", MILLIMETRES, "CM")
    sides = [_measure(cells, line, name, length) for name in ("max_length", "max_width", "max_height")]
    return SheetRate(
        row=line,
        service_code=cells["service_code"],
        service_name=cells.get("service_name") or cells["service_code"],
        zone_label=cells["zone_label"],
        countries=_countries(cells["country_codes"], line),
        min_grams=_measure(cells, line, "min_weight", weight),
        max_grams=_measure(cells, line, "max_weight", weight),
        max_sides_mm=tuple(sorted((side for side in sides if side), reverse=True)),
        rate=_number(cells, line, "rate"),
        currency=cells["currency"],
        transit_days=_transit(cells.get("transit_days", ""), line),
        domicile=_flag(cells, line, "domicile"),
        international=_flag(cells, line, "international"),
    )


def _bad(line: int, column: str, what: str) -> Malformed:
    return Malformed(f"row {line}: {column} {what}", code="cell_unreadable", path=f"row {line}/{column}")


def _number(cells: Mapping[str, str], line: int, column: str) -> Decimal | None:
    text = cells.get(column, "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise _bad(line, column, f"{text!r} is no number") from error
    if not value.is_finite() or value < 0:
        raise _bad(line, column, f"{text!r} must be zero or more")
    return value


def _measure(cells: Mapping[str, str], line: int, column: str, factor: Decimal) -> int | None:
    value = _number(cells, line, column)
    return None if value is None else int((value * factor).to_integral_value(rounding=ROUND_FLOOR))


def _factor(cells: Mapping[str, str], line: int, column: str, units: Mapping[str, Decimal], usual: str) -> Decimal:
    unit = (cells.get(column) or usual).upper()
    if unit not in units:
        raise _bad(line, column, f"{unit!r} is not one of {', '.join(units)}")
    return units[unit]


def _countries(text: str, line: int) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in text.split(",") if code.strip())
    for code in codes:
        if not re.fullmatch(r"[A-Z]{2}", code):
            raise _bad(line, "country_codes", f"{code!r} is no ISO 3166-1 code")
    return codes


def _transit(text: str, line: int) -> tuple[int, int] | None:
    if not text:
        return None
    found = TRANSIT.match(text)
    if found is None:
        raise _bad(line, "transit_days", f"{text!r} is neither days nor a range such as 2-5")
    return int(found[1]), int(found[2] or found[1])


def _flag(cells: Mapping[str, str], line: int, column: str) -> bool | None:
    text = cells.get(column, "").lower()
    if text and text not in FLAGS:
        raise _bad(line, column, f"{text!r} is neither true nor false")
    return FLAGS[text] if text else None


def settings_from_rates(
    rates: Sequence[SheetRate],
    *,
    name: str,
    currency: str | None = None,
    time_zone: str = "UTC",
    number_prefix: str = "RC",
    volumetric_divisor: int | None = None,
) -> RateSheet:
    """Settings of a sheet: each service has its own zones, as sheets draw them differently for each.

    `currency` chooses where a sheet has several. Rows without a rate, or in another currency, are left out and named in
    the warnings. `Malformed` where nothing is left, or where the weight breaks have gaps or overlap.
    """
    chosen = currency or _only_currency(rates)
    warnings = [*_warnings(rates, chosen)]
    used = [one for one in rates if one.rate is not None and one.currency == chosen]
    if not used:
        raise Malformed(f"no row has a rate in {chosen}: nothing can be priced", code="no_rates")
    by_service: dict[str, list[SheetRate]] = {}
    for one in used:
        by_service.setdefault(one.service_code, []).append(one)
    written = {
        "name": name,
        "currency": chosen,
        "time_zone": time_zone,
        "number_prefix": number_prefix,
        "volumetric_divisor": volumetric_divisor,
        "services": [_service(code, rows) for code, rows in by_service.items()],
    }
    try:
        settings = RateCardSettings.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{path}: {first['msg']}", code="sheet_inconsistent", path=path) from error
    return RateSheet(settings, tuple(warnings))


def _only_currency(rates: Iterable[SheetRate]) -> str:
    found = sorted({one.currency for one in rates})
    if len(found) != 1:
        listed = ", ".join(found) or "no rows"
        raise Malformed(f"the sheet has {listed}: choose one currency", code="currency_ambiguous", path="currency")
    return found[0]


def _warnings(rates: Iterable[SheetRate], currency: str) -> Iterable[ParseWarning]:
    for one in rates:
        path = f"row {one.row}/rate"
        if one.currency != currency:
            yield ParseWarning(code="other_currency", message=f"left out: priced in {one.currency}", path=path)
        elif one.rate is None:
            yield ParseWarning(code="rate_missing", message="left out: the row states no rate", path=path)
        elif one.rate == 0:
            yield ParseWarning(code="rate_zero", message="the rate is 0: the service will look free", path=path)


def _service(code: str, rows: Sequence[SheetRate]) -> dict[str, Any]:
    ways: dict[tuple[str, tuple[str, ...]], list[SheetRate]] = {}
    for one in rows:
        ways.setdefault((one.zone_label, one.countries), []).append(one)
    named = _zone_names(list(ways))
    heaviest = [one.max_grams for one in rows]
    return {
        "code": code,
        "name": rows[0].service_name[:80],
        "zones": [{"name": named[way], "destinations": _places(members[0])} for way, members in ways.items()],
        "tables": [
            {"zone": named[way], "steps": _steps(members), "transit_days": members[0].transit_days}
            for way, members in ways.items()
        ],
        "max_grams": None if None in heaviest else max(grams for grams in heaviest if grams is not None),
        "max_sides_mm": max((one.max_sides_mm for one in rows), default=()),
    }


def _zone_names(ways: Sequence[tuple[str, tuple[str, ...]]]) -> dict[tuple[str, tuple[str, ...]], str]:
    """Sheets use one label for several lists of countries: the later ones get a number."""
    names: dict[tuple[str, tuple[str, ...]], str] = {}
    for label, countries in ways:
        times = sum(1 for known, _ in names if known == label)
        names[label, countries] = label if not times else f"{label} ({times + 1})"
    return names


def _places(rate: SheetRate) -> list[dict[str, Any]]:
    if rate.countries:
        return [{"country": code} for code in rate.countries]
    kinds = {(True, False): "domestic", (False, True): "international"}
    return [{"country": kinds.get((bool(rate.domicile), bool(rate.international)), "*")}]


def _steps(rows: Sequence[SheetRate]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for one in sorted(rows, key=lambda row: (row.max_grams or HEAVIEST, row.row)):
        begin = one.min_grams or 0
        steps.append(
            {
                "over_grams": 0 if not steps and begin <= LEAST_BREAK else begin,
                "up_to_grams": one.max_grams or HEAVIEST,
                "price": str(one.rate),
            }
        )
    return steps
