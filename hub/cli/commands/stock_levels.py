"""`hub stock list|set|import`: what is on the shelves."""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import click

from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.errors import describe_fault
from hub.cli.options import QUANTITY, TABLE_FILE, limit_option, read_rows
from hub.cli.output import emit, json_option, note, say
from hub.cli.tables import print_table, progress
from hub.inventory.rules.levels import Level, StockEntry
from hub.inventory.service.change import stocktake
from hub.inventory.service.importing import import_stock
from hub.inventory.service.query import list_levels

_COLUMNS = ("location", "sku", "on_hand", "reserved", "safety", "available", "inbound", "updated_at")


@click.command("list")
@click.option("--location", metavar="CODE", help="Only at this location.")
@click.option("--sku", help="Only this SKU.")
@click.option("--low", is_flag=True, help="Only those of which nothing is available.")
@limit_option
@click.option("--after", nargs=2, metavar="LOCATION SKU", help="Go on after this level.")
@json_option
def list_command(
    location: str | None, sku: str | None, low: bool, limit: int, after: tuple[str, str] | None, as_json: bool
) -> None:
    """List levels in the order of location and SKU: available is on hand, less reserved and safety stock."""
    with reading() as (_, session):
        levels, following = list_levels(session, location=location, sku=sku, low=low, after=after, limit=limit)
    _show(levels, as_json)
    if following is not None:
        note(f"There are more: --after {' '.join(following)}")


@click.command("set")
@click.argument("location")
@click.argument("sku")
@click.argument("quantity", type=QUANTITY)
@click.option("--reference", help="Kept with the movement, e.g. the number of the stocktake.")
@json_option
def set_command(location: str, sku: str, quantity: Decimal, reference: str | None, as_json: bool) -> None:
    """Set what was counted of SKU at LOCATION. Orders that waited for it are planned again."""
    with writing() as (runtime, session):
        levels = stocktake(
            session, entries=[StockEntry(location, sku, quantity, reference)], at=runtime.clock.now(), actor=actor()
        )
    _show(levels, as_json)
    if not as_json:
        tell_about_work(runtime)


@click.command("import")
@click.argument("file", type=TABLE_FILE)
@click.option("--skip-faulty", is_flag=True, help="Store the good rows and report the others.")
@json_option
def import_command(file: Path, skip_faulty: bool, as_json: bool) -> None:
    """Set levels from FILE: CSV or a workbook with a header, or a JSON list of objects.

    Columns: location, sku, on_hand (a count), safety, oversell_allowance, inbound. Every fault is told with its row and
    column, and nothing is stored unless --skip-faulty is given.
    """
    rows = read_rows(file)
    with progress("Rows", None), writing() as (runtime, session):
        done = import_stock(session, rows=rows, at=runtime.clock.now(), actor=actor(), skip_faulty=skip_faulty)
    faults = [fault.as_problem() for fault in done.faults]
    if as_json:
        emit({"levels": len(done.levels), "faults": faults})
        return
    for fault in faults:
        note(f"left out: {describe_fault(fault)}")
    say(f"{len(done.levels)} levels set, {len(faults)} rows left out.")
    tell_about_work(runtime)


def _show(levels: Iterable[Level], as_json: bool) -> None:
    documents = [{**asdict(level), "available": level.available} for level in levels]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There is no stock: `hub stock set` or `hub stock import FILE`.")
