"""Small rate cards and requests for the tests; everything else by argument."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from hub.canonical.party import Address
from hub.canonical.shipping import Parcel, RateRequest
from plugins.carriers.rate_card.settings import RateCardSettings
from tests.peers import REPOSITORY

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
README = REPOSITORY / "plugins" / "carriers" / "rate_card" / "README.md"


def table(zone: str = "home", **changes: Any) -> dict[str, Any]:
    steps = [{"up_to_grams": 1000, "price": "5.00"}, {"up_to_grams": 2000, "price": "7.50"}]
    return {"zone": zone, "steps": steps, "transit_days": [1, 2], **changes}


def service(code: str = "STD", **changes: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Service {code}", "tables": [table()], **changes}


def card(**changes: Any) -> dict[str, Any]:
    zones = [{"name": "home", "destinations": [{"country": "US"}]}]
    return {"name": "Test Carrier", "currency": "USD", "zones": zones, "services": [service()], **changes}


def settings(**changes: Any) -> RateCardSettings:
    return RateCardSettings.model_validate(card(**changes))


def place(country: str | None = "US", postal_code: str | None = "10001", **changes: Any) -> Address:
    return Address(name="Ada Example", lines=("1 Sample Street",), country=country, postal_code=postal_code, **changes)


def box(grams: int = 800, sides: tuple[int | None, int | None, int | None] = (None, None, None)) -> Parcel:
    return Parcel(reference="box-1", grams=grams, length_mm=sides[0], width_mm=sides[1], height_mm=sides[2])


def asked(
    *boxes: Parcel, to: Address | None = None, origin: Address | None = None, at: datetime = MONDAY
) -> RateRequest:
    return RateRequest(
        ship_from=origin or place(postal_code="07101"), ship_to=to or place(), parcels=boxes or (box(),), ship_at=at
    )


def examples() -> list[dict[str, Any]]:
    """The settings that the README shows."""
    blocks = re.findall(r"```json\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return [json.loads(block) for block in blocks]
