"""Shopify: orders by webhook and GraphQL, shipments and stock pushed back."""

from hub.sdk.hooks import hookimpl
from plugins.channels.shopify.adapter import Shopify


@hookimpl
def hub_channels() -> list[type[Shopify]]:
    """Register the channel."""
    return [Shopify]
