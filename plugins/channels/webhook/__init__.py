"""The hub's own canonical JSON over signed webhooks: see README.md."""

from collections.abc import Iterable

from hub.sdk.hooks import hookimpl
from plugins.channels.webhook.adapter import Webhook


@hookimpl
def hub_channels() -> Iterable[type[Webhook]]:
    """Register the channel."""
    return [Webhook]
