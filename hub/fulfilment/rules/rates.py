"""Choose among the offers of all carriers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.canonical.shipping import Rate


@dataclass(frozen=True, slots=True)
class Offer:
    """A rate of one carrier connection."""

    carrier_connection: str
    rate: Rate

    def to_json(self) -> dict[str, Any]:
        """What is kept with the shipment."""
        return {"carrier": self.carrier_connection, **self.rate.model_dump(mode="json", exclude_defaults=True)}


def best_offer(offers: Sequence[Offer], *, preferred: tuple[str | None, str | None]) -> Offer:
    """What the plan chose, if it is still offered; else the cheapest, the faster one of two equal."""
    for offer in offers:
        if (offer.carrier_connection, offer.rate.service) == preferred:
            return offer
    return min(
        offers,
        key=lambda offer: (
            offer.rate.total.minor,
            offer.rate.deliver_by.isoformat() if offer.rate.deliver_by else "~",
            offer.carrier_connection,
            offer.rate.service,
        ),
    )
