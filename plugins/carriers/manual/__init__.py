"""A carrier that the hub cannot talk to: a person books the parcel and types the tracking number."""

from collections.abc import Iterable
from typing import Any

from hub.sdk.adapters import Carrier
from hub.sdk.hooks import hookimpl
from plugins.carriers.manual.adapter import Manual


@hookimpl
def hub_carriers() -> Iterable[type[Carrier[Any]]]:
    """Register the adapter."""
    return [Manual]
