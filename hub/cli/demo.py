"""`hub demo`: a whole trading day on sample data, and the proof that its books are right."""

from pathlib import Path
from typing import Any

import click

from hub.cli.demo_run import run_demo
from hub.cli.demo_server import Server
from hub.cli.demo_show import show_report, show_server
from hub.cli.environment import load_settings
from hub.cli.output import emit, json_option
from hub.kit.settings import Settings

DATA_DIR = Path("var/demo")


@click.command()
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), default=DATA_DIR, show_default=True,
    help="Folder for the database, labels and ledger; an earlier demo in it is thrown away.",
)  # fmt: skip
@click.option("--serve", is_flag=True, help="Leave the API up at the end, until Ctrl-C.")
@json_option
def demo(data_dir: Path, serve: bool, as_json: bool) -> None:
    """Run a whole trading day on sample data and show what happened.

    A shop, a dealer portal and two trading partners send 318 orders to a hub of its own; three warehouses ship
    them, two carriers move them, a ledger books them. At the end everybody's own books are compared: exit status 1
    if an order was lost, doubled or oversold. Takes a minute and needs nothing; ORDERHUB_DATABASE_URL (an empty
    database) and ORDERHUB_BROKER_URL are honoured.
    """
    settings = load_settings().model_copy(update={"data_dir": data_dir})

    def afterwards(report: dict[str, Any], server: Server) -> None:
        _tell(report, settings, as_json=as_json)
        if serve:
            show_server(report, as_json=as_json)
            server.wait()

    try:
        report = run_demo(settings, quiet=False, afterwards=afterwards)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130 if not serve else 0) from None
    if not report["ok"]:
        raise click.exceptions.Exit(1)


def _tell(report: dict[str, Any], settings: Settings, *, as_json: bool) -> None:
    if as_json:
        emit(report)
    else:
        show_report(report, embedded=settings.database_url is None)
