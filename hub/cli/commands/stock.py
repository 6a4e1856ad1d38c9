"""`hub stock`: what is on the shelves."""

import click

from hub.cli.lazy import LazyGroup

_HERE = "hub.cli.commands"
_PLACES = {
    "list": (f"{_HERE}.stock_levels:list_command", "List levels: on hand, reserved, safety, available."),
    "set": (f"{_HERE}.stock_levels:set_command", "Set what was counted of a SKU at a location."),
    "import": (f"{_HERE}.stock_levels:import_command", "Set levels from a table."),
    "location": (f"{_HERE}.stock_promises:location", "See and add the places that stock is kept at."),
    "transfer": (f"{_HERE}.stock_moving:transfer", "Move stock between locations."),
    "count": (f"{_HERE}.stock_moving:count", "Count the stock of a location on a sheet."),
    "keep": (f"{_HERE}.stock_moving:keep", "Keep stock for a while for what is no order yet."),
    "atp": (f"{_HERE}.stock_promises:atp", "Say what a channel may promise of each SKU."),
    "told": (f"{_HERE}.stock_promises:told", "Say what a channel was told, and what it shows itself."),
    "buffer": (f"{_HERE}.stock_promises:buffer", "See and change what is kept back from a channel."),
    "reorder": (f"{_HERE}.stock_promises:reorder", "See and change from which quantity on a level is low."),
    "low": (f"{_HERE}.stock_promises:low", "List levels that are low."),
}


@click.group(cls=LazyGroup, places=_PLACES)
def stock() -> None:
    """See and change what is on the shelves. Every change is a movement that stays in the ledger."""
