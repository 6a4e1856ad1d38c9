"""What rules and golden orders may name."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from hub.catalog.service.match import own_products
from hub.connections.service.adapters import Adapters, load_kind
from hub.inventory.service.locations import list_locations
from hub.kit.rules.validation import KnownReferences, named_products
from hub.routing.service.hooks import plugin_rankers, plugin_strategies


def known_references(
    session: Session, adapters: Adapters, *, document: Mapping[str, Any] | None = None
) -> KnownReferences:  # fmt: skip
    """What may be named now: locations, their capabilities, services of the carriers, rankers of plugins, and of the
    products that the rules of `document` name those that are in the catalogue.
    """
    locations = list_locations(session)
    services = frozenset(
        f"{carrier.name}/{service.code}"
        for carrier in load_kind(session, "carrier")
        for service in adapters.carrier(carrier).services()
    )
    return KnownReferences(
        locations=frozenset(location.code for location in locations), services=services,
        capabilities=frozenset(name for location in locations for name in location.capabilities),
        products=frozenset(own_products(session, skus=named_products(document or {}))),
        plugin_rankers=frozenset(plugin_rankers(adapters.host)),
        plugin_strategies=frozenset(plugin_strategies(adapters.host)),
    )  # fmt: skip
