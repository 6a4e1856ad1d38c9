"""A folder of spreadsheets as a channel: see README.md."""

from collections.abc import Iterable

from hub.sdk.hooks import hookimpl
from plugins.channels.spreadsheet.adapter import Spreadsheet


@hookimpl
def hub_channels() -> Iterable[type[Spreadsheet]]:
    """Register the channel."""
    return [Spreadsheet]
