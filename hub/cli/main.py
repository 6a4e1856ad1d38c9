"""`hub`: the command line. Commands are imported when they are called (`hub.cli.lazy`)."""

import gc
from typing import Any

import click

from hub.cli.errors import DEBUG, told
from hub.cli.lazy import JSON_WANTED, LazyGroup

_COMMANDS = "hub.cli.commands"
PLACES = {
    "demo": ("hub.cli.demo:demo", "Run a whole trading day on sample data and show what happened."),
    "init": (f"{_COMMANDS}.init:init", "Make the data folder, the key file, the database and a first API key."),
    "serve": (f"{_COMMANDS}.serve:serve", "Run the API, and the worker inside it where no broker is set."),
    "worker": (f"{_COMMANDS}.worker:worker", "Run the work that is due."),
    "beat": (f"{_COMMANDS}.worker:beat", "Ring for work that is due, and start what is scheduled."),
    "db": (f"{_COMMANDS}.db:db", "Bring the database's tables up or down; back it up, restore it."),
    "plugin": (f"{_COMMANDS}.plugin:plugin", "See which plugins are installed; rehearse an upgrade."),
    "parse": (f"{_COMMANDS}.parse:parse", "Show what a plugin reads in files; needs no database."),
    "connection": (f"{_COMMANDS}.connection:connection", "Connect shops, carriers and ledgers."),
    "products": (f"{_COMMANDS}.products:products", "See and change the catalogue."),
    "stock": (f"{_COMMANDS}.stock:stock", "See and change what is on the shelves."),
    "orders": (f"{_COMMANDS}.orders:orders", "See, hold, release and cancel orders."),
    "routing": (f"{_COMMANDS}.routing:routing", "See why an order goes where it goes; change the rules."),
    "mapping": (f"{_COMMANDS}.mapping:mapping", "Say what unknown SKUs and codes mean."),
    "cases": (f"{_COMMANDS}.cases:cases", "See and resolve what waits for a person."),
    "jobs": (f"{_COMMANDS}.jobs:jobs", "See the work, and try again what was parked."),
    "schedules": (f"{_COMMANDS}.schedules:schedules", "See what comes again; run it now, or let it rest."),
    "effects": (f"{_COMMANDS}.effects:effects", "Say what became of calls whose answer was lost."),
    "replay": (f"{_COMMANDS}.replay:replay", "Read kept messages again, after a plugin was mended."),
    "proof": (f"{_COMMANDS}.proof:proof", "See whether anything of a channel is missing."),
    "retention": (f"{_COMMANDS}.retention:retention", "See how long what is kept, and let go what is old."),
    "keys": (f"{_COMMANDS}.keys:keys", "Make and revoke API keys."),
}


class HubGroup(LazyGroup):
    """The outermost group: no error leaves it as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see `hub.cli.errors`."""
        with told(ctx, as_json=bool(ctx.meta.get(JSON_WANTED))):
            return super().invoke(ctx)


@click.group(cls=HubGroup, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="orderhub", prog_name="hub")
@click.pass_context
def main(ctx: click.Context, debug: bool) -> None:
    """Every order, from every channel, exactly once, into every system, and you can see why.

    Settings are ORDERHUB_* environment variables; without any, the hub keeps SQLite and all files in the folder `var`.
    Most commands take --json: one document on standard output, errors too.
    """
    ctx.meta[DEBUG] = debug


def run() -> None:
    """The script `hub`: as `main`, without looking for garbage in what is only imported, which takes longer than that.

    `LazyGroup` turns the collector on again when the command is there.
    """
    gc.disable()
    main()
