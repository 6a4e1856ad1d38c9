"""`hub parse`: what a plugin reads in files."""

import click
import orjson

from hub.cli.environment import load_settings
from hub.cli.options import JSON_OBJECT
from hub.cli.output import json_option, note, say
from hub.cli.parsing import Report, open_reader, placed, read_input
from hub.cli.tables import print_table


@click.command()
@click.argument("plugin")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--settings", type=JSON_OBJECT, default="{}", help="Settings of the plugin, as JSON or @file; may be left out."
)
@json_option
@click.pass_context
def parse(ctx: click.Context, plugin: str, files: tuple[str, ...], settings: dict[str, object], as_json: bool) -> None:
    """Show the facts that PLUGIN reads in each FILE (`-`: standard input). Stores nothing and calls nobody.

    Works for channels (orders and the like), carriers (tracking) and ledgers (stock, products). Exits with 1 where a
    whole file was refused; the others are shown all the same. Settings that are not given are taken as empty: reading
    needs neither secrets nor addresses.
    """
    read = open_reader(plugin, settings, modules=load_settings().plugin_modules)
    reports = [read(read_input(name)) for name in files]
    if as_json:
        click.echo(orjson.dumps([report.document() for report in reports], option=orjson.OPT_INDENT_2).decode())
    else:
        for report in reports:
            _say(report)
    refused = [report for report in reports if report.refused is not None]
    for report in refused:
        note(report.line())
    if refused:
        ctx.exit(1)


def _say(report: Report) -> None:
    if report.refused is None:
        say(f"{report.file}: {len(report.documents)} documents, {len(report.faults)} faults")
    else:
        say(f"{report.file}: refused")
    rows = [
        {
            "kind": document["kind"], "number": document["number"] or document["external_id"],
            "order": document["order_id"], "placed_at": document["placed_at"], "lines": len(document["lines"]),
            "total": document["grand_total"], "currency": document["currency"], "paid": document["paid"],
            "country": (document["ship_to"] or {}).get("country"), "warnings": len(document["warnings"]),
        }
        for document in report.documents
    ]  # fmt: skip
    if rows:
        print_table(rows, tuple(rows[0]), empty="")
    for document in report.documents:
        for warning in document["warnings"]:
            say(f"  warning {placed(warning)}")
    for fault in report.faults:
        say(f"  fault {placed(fault)}")
