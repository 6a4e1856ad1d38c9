"""`hub products`: the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from hub.catalog.rules.products import NewProduct
from hub.catalog.service.importing import import_products
from hub.catalog.service.query import list_products
from hub.catalog.service.upsert import UpsertResult, upsert_products
from hub.cli.bootstrap import reading, writing
from hub.cli.errors import describe_fault
from hub.cli.options import TABLE_FILE, limit_option, read_rows
from hub.cli.output import emit, json_option, note, page, say
from hub.cli.tables import print_table, progress

_COLUMNS = ("sku", "name", "grams", "stocked", "active", "requires")


@click.group()
def products() -> None:
    """See and change the catalogue: what is sold, by the SKU that the hub uses."""


@products.command("list")
@click.argument("prefix", required=False)
@limit_option
@click.option("--after", metavar="SKU", help="Go on after this SKU.")
@json_option
def list_command(prefix: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List products whose SKU begins with PREFIX, in the order of their SKUs."""
    with reading() as (_, session):
        found = list_products(session, q=prefix, after=after, limit=limit + 1)
        documents = [asdict(product) for product in page(found, limit, lambda product: product.sku)]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There are no products: `hub products import FILE` or `hub products add`.")


@products.command()
@click.argument("sku")
@click.argument("name")
@click.option("--grams", type=click.IntRange(0), default=0, show_default=True, help="Weight of one.")
@json_option
def add(sku: str, name: str, grams: int, as_json: bool) -> None:
    """Add the product SKU, or overwrite it."""
    with writing() as (runtime, session):
        result = upsert_products(session, products=[NewProduct(sku, name, grams)], at=runtime.clock.now())
    _tell(result, as_json)


@products.command("import")
@click.argument("file", type=TABLE_FILE)
@click.option("--skip-faulty", is_flag=True, help="Store the good rows and report the others.")
@json_option
def import_command(file: Path, skip_faulty: bool, as_json: bool) -> None:
    """Add and change products from FILE: CSV with a header, or a JSON list of objects.

    Columns: sku, name, grams, length_mm, width_mm, height_mm, stocked, requires, components, active. Every fault is
    told with its row and column, and nothing is stored unless --skip-faulty is given.
    """
    rows = read_rows(file)
    with progress("Rows", None), writing() as (runtime, session):
        done = import_products(session, rows=rows, at=runtime.clock.now(), skip_faulty=skip_faulty)
    faults = [fault.as_problem() for fault in done.faults]
    if not as_json:
        for fault in faults:
            note(f"left out: {describe_fault(fault)}")
    _tell(done.result, as_json, faults)


def _tell(result: UpsertResult, as_json: bool, faults: Sequence[Mapping[str, object]] = ()) -> None:
    if as_json:
        emit({**asdict(result), "faults": list(faults)})
        return
    counts = asdict(result)
    say(", ".join(f"{len(skus)} {what}" for what, skus in counts.items()))
