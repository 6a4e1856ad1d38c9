"""A carrier without an API whose prices are tables: own prices, own tracking numbers, own labels."""

from collections.abc import Iterable
from typing import Any

from hub.sdk.adapters import Carrier
from hub.sdk.hooks import hookimpl
from plugins.carriers.rate_card.adapter import RateCard


@hookimpl
def hub_carriers() -> Iterable[type[Carrier[Any]]]:
    """Register the adapter."""
    return [RateCard]
