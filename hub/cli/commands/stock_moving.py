"""`hub stock transfer|count|keep`: stock that moves, is counted, or is kept for a while."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.errors import describe_fault
from hub.cli.options import INSTANT, QUANTITY, TABLE_FILE, after_option, limit_option, read_rows
from hub.cli.output import emit, json_option, note, page
from hub.cli.tables import print_table, progress
from hub.flows.runtime import Runtime
from hub.flows.soft_reservations import keep_for_order
from hub.inventory.rules.counts import Counted, StockCount
from hub.inventory.rules.levels import ZERO, plain
from hub.inventory.rules.soft import SoftLine, SoftReservation
from hub.inventory.rules.transfers import Arrival, StockTransfer, TransferLine
from hub.inventory.service import counting, soft, transfers
from hub.kit.ids import new_id

_TRANSFER = ("transfer_id", "state", "source", "target", "lines", "expected_at", "reason")
_COUNT = ("count_id", "state", "location", "reference", "counted", "lines", "created_at")
_LINE = ("sku", "counted", "expected", "difference", "counted_at", "counted_by")
_KEPT = ("soft_reservation_id", "state", "reference", "lines", "expires_at", "order_id")
lines_option = click.option(
    "--line", "lines", nargs=2, type=(str, QUANTITY), multiple=True, required=True, metavar="SKU QUANTITY",
    help="What and how much; may be given several times.",
)  # fmt: skip
expected_option = click.option("--expected-at", type=INSTANT, help="When the target may count on it.")


@click.group()
def transfer() -> None:
    """Move stock between locations: a draft reserves it, shipped it is under way, received it is there."""


@transfer.command("list")
@click.option("--state", type=click.Choice(("draft", "in_transit", "received", "cancelled")), help="In this state.")
@click.option("--location", metavar="CODE", help="From or to this location.")
@limit_option
@after_option
@json_option
def list_transfers_command(
    state: str | None, location: str | None, limit: int, after: str | None, as_json: bool
) -> None:
    """List transfers, the newest first."""
    with reading() as (_, session):
        found = transfers.list_transfers(session, state=state, location=location, before=after, limit=limit + 1)
        found = page(found, limit, lambda one: one.transfer_id)
    _show(found, _TRANSFER, as_json, empty="There are no transfers: `hub stock transfer create`.")


@transfer.command("create")
@click.argument("source")
@click.argument("target")
@lines_option
@click.option("--reason", required=True, help="Why it goes.")
@click.option("--key", help="Asked again with the same key, it is made once.")
@expected_option
@json_option
def create_transfer_command(
    source: str, target: str, lines: Sequence[tuple[str, Decimal]], reason: str, key: str | None,
    expected_at: datetime | None, as_json: bool,
) -> None:  # fmt: skip
    """Draft a transfer from SOURCE to TARGET; its stock is reserved at once."""
    with writing() as (runtime, session):
        made = transfers.create_transfer(
            session, source=source, target=target, lines=[TransferLine(*line) for line in lines], reason=reason,
            actor=actor(), at=runtime.clock.now(), key=f"cli:{key or new_id()}", expected_at=expected_at,
        )  # fmt: skip
    _show([made], _TRANSFER, as_json)


@transfer.command("ship")
@click.argument("transfer_id")
@expected_option
@json_option
def ship_transfer_command(transfer_id: str, expected_at: datetime | None, as_json: bool) -> None:
    """It has left its source."""
    with writing() as (runtime, session):
        done = transfers.ship_transfer(
            session, transfer_id=transfer_id, at=runtime.clock.now(), actor=actor(), expected_at=expected_at
        )
    _show([done], _TRANSFER, as_json)


@transfer.command("receive")
@click.argument("transfer_id")
@click.option("--line", "lines", nargs=2, type=(str, QUANTITY), multiple=True, metavar="SKU QUANTITY", help="Came in.")
@click.option("--lost", nargs=2, type=(str, QUANTITY), multiple=True, metavar="SKU QUANTITY", help="Will not come.")
@json_option
def receive_transfer_command(
    transfer_id: str, lines: Sequence[tuple[str, Decimal]], lost: Sequence[tuple[str, Decimal]], as_json: bool
) -> None:
    """What came in at its target; without lines all that is still under way."""
    came, missing = dict(lines), dict(lost)
    skus = dict.fromkeys([*came, *missing])
    arrivals = [Arrival(sku, came.get(sku, ZERO), missing.get(sku, ZERO)) for sku in skus]
    with writing() as (runtime, session):
        done = transfers.receive_transfer(
            session, transfer_id=transfer_id, arrivals=arrivals or None, at=runtime.clock.now(), actor=actor()
        )
    _show([done], _TRANSFER, as_json)
    _tell(runtime, as_json)


@transfer.command("cancel")
@click.argument("transfer_id")
@click.option("--reason", required=True, help="Why it does not go, or came back.")
@json_option
def cancel_transfer_command(transfer_id: str, reason: str, as_json: bool) -> None:
    """Give a draft's stock free, or note that what is under way came back to the source."""
    with writing() as (runtime, session):
        done = transfers.cancel_transfer(
            session, transfer_id=transfer_id, at=runtime.clock.now(), actor=actor(), reason=reason
        )
    _show([done], _TRANSFER, as_json)
    _tell(runtime, as_json)


@click.group()
def count() -> None:
    """Count the stock of a location on a sheet; what moves meanwhile is accounted for."""


@count.command("list")
@click.option("--state", type=click.Choice(("open", "approved", "cancelled")), help="In this state.")
@click.option("--location", metavar="CODE", help="Of this location.")
@limit_option
@after_option
@json_option
def list_counts_command(state: str | None, location: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List sheets, the newest first."""
    with reading() as (_, session):
        found = counting.list_counts(session, state=state, location=location, before=after, limit=limit + 1)
        found = page(found, limit, lambda one: one.count_id)
    _show(found, _COUNT, as_json, empty="There are no sheets: `hub stock count open LOCATION`.")


@count.command("open")
@click.argument("location")
@click.option("--sku", "skus", multiple=True, help="Only these SKUs; none given: all that it ever had.")
@click.option("--reference", required=True, help="Kept with the movements, e.g. the number of the stocktake.")
@json_option
def open_count_command(location: str, skus: Sequence[str], reference: str, as_json: bool) -> None:
    """Open a sheet for LOCATION."""
    with writing() as (runtime, session):
        made = counting.open_count(
            session, location=location, skus=list(skus) or None, reference=reference, at=runtime.clock.now(),
            actor=actor(),
        )  # fmt: skip
    _show([made], _COUNT, as_json)


@count.command("show")
@click.argument("count_id")
@limit_option
@click.option("--after", metavar="SKU", help="Go on after this SKU.")
@json_option
def show_count_command(count_id: str, limit: int, after: str | None, as_json: bool) -> None:
    """List the lines of a sheet: what was counted, and what the ledger said at that moment."""
    with reading() as (_, session):
        counting.get_count(session, count_id=count_id)
        found = page(
            counting.list_lines(session, count_id=count_id, after=after, limit=limit + 1), limit, lambda line: line.sku
        )
    documents = [{**asdict(line), "difference": line.difference} for line in found]
    _print(documents, _LINE, as_json, empty="The sheet has no lines: enter counts.")


@count.command("enter")
@click.argument("count_id")
@lines_option
@json_option
def enter_counts_command(count_id: str, lines: Sequence[tuple[str, Decimal]], as_json: bool) -> None:
    """Enter what was counted just now."""
    with writing() as (runtime, session):
        done = counting.enter_counts(
            session, count_id=count_id, counted=[Counted(*line) for line in lines], at=runtime.clock.now(),
            actor=actor(),
        )  # fmt: skip
    _show([done], _COUNT, as_json)


@count.command("import")
@click.argument("count_id")
@click.argument("file", type=TABLE_FILE)
@click.option("--skip-faulty", is_flag=True, help="Store the good rows and report the others.")
@json_option
def import_counts_command(count_id: str, file: Path, skip_faulty: bool, as_json: bool) -> None:
    """Enter counts from FILE: CSV or a workbook with a header, or a JSON list of objects.

    Columns: sku, counted, and where wanted location and counted_at. Every fault is told with its row and column.
    """
    rows = read_rows(file)
    with progress("Rows", None), writing() as (runtime, session):
        done, faults = counting.import_counts(
            session, count_id=count_id, rows=rows, at=runtime.clock.now(), actor=actor(), skip_faulty=skip_faulty
        )
    told = [fault.as_problem() for fault in faults]
    if as_json:
        emit({**asdict(done), "faults": told})
        return
    for fault in told:
        note(f"left out: {describe_fault(fault)}")
    _show([done], _COUNT, as_json)


@count.command("approve")
@click.argument("count_id")
@click.option("--reason", required=True, help="Kept with every movement.")
@json_option
def approve_count_command(count_id: str, reason: str, as_json: bool) -> None:
    """Correct the ledger by what was counted; lines without a count stay as they are."""
    with writing() as (runtime, session):
        done = counting.approve_count(session, count_id=count_id, reason=reason, at=runtime.clock.now(), actor=actor())
    _show([done], _COUNT, as_json)
    _tell(runtime, as_json)


@count.command("cancel")
@click.argument("count_id")
@json_option
def cancel_count_command(count_id: str, as_json: bool) -> None:
    """Throw a sheet away."""
    with writing() as (runtime, session):
        done = counting.cancel_count(session, count_id=count_id, at=runtime.clock.now(), actor=actor())
    _show([done], _COUNT, as_json)


@click.group()
def keep() -> None:
    """Keep stock for a while for what is no order yet: a phone draft, a cart."""


@keep.command("list")
@click.option("--state", type=click.Choice(("held", "converted", "released", "expired")), help="In this state.")
@limit_option
@after_option
@json_option
def list_kept_command(state: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List what is kept, the newest first."""
    with reading() as (_, session):
        found = soft.list_soft(session, state=state, before=after, limit=limit + 1)
        found = page(found, limit, lambda one: one.soft_reservation_id)
    _show(found, _KEPT, as_json, empty="Nothing is kept: `hub stock keep create REFERENCE --line SKU 1`.")


@keep.command("create")
@click.argument("reference")
@lines_option
@click.option("--location", metavar="CODE", help="Only there; not given: the hub picks.")
@click.option("--minutes", type=click.IntRange(1, 43_200), default=60, show_default=True, help="For how long.")
@json_option
def keep_command(
    reference: str, lines: Sequence[tuple[str, Decimal]], location: str | None, minutes: int, as_json: bool
) -> None:
    """Keep stock for REFERENCE, all lines or none."""
    with writing() as (runtime, session):
        at = runtime.clock.now()
        made = soft.reserve_softly(
            session, reference=reference, lines=[SoftLine(*line, location) for line in lines],
            expires_at=at + timedelta(minutes=minutes), at=at, actor=actor(),
        )  # fmt: skip
    _show([made], _KEPT, as_json)


@keep.command("extend")
@click.argument("reservation_id")
@click.option("--minutes", type=click.IntRange(1, 43_200), default=60, show_default=True, help="From now on.")
@json_option
def extend_command(reservation_id: str, minutes: int, as_json: bool) -> None:
    """Keep it for longer, or for less long."""
    with writing() as (runtime, session):
        at = runtime.clock.now()
        done = soft.extend_softly(
            session, soft_id=reservation_id, expires_at=at + timedelta(minutes=minutes), at=at, actor=actor()
        )
    _show([done], _KEPT, as_json)


@keep.command("release")
@click.argument("reservation_id")
@json_option
def release_command(reservation_id: str, as_json: bool) -> None:
    """Give it free before its time."""
    with writing() as (runtime, session):
        done = soft.release_softly(session, soft_id=reservation_id, at=runtime.clock.now(), actor=actor())
    _show([done], _KEPT, as_json)
    _tell(runtime, as_json)


@keep.command("order")
@click.argument("reservation_id")
@click.argument("order")
@json_option
def order_command(reservation_id: str, order: str, as_json: bool) -> None:
    """Say which ORDER (number or id) it becomes: planning that order takes the stock over."""
    with writing() as (runtime, session):
        done = keep_for_order(session, soft_id=reservation_id, order=order, at=runtime.clock.now(), actor=actor())
    _show([done], _KEPT, as_json)
    _tell(runtime, as_json)


def _show(
    found: Sequence[StockTransfer | StockCount | SoftReservation], columns: Sequence[str], as_json: bool, *,
    empty: str = "",
) -> None:  # fmt: skip
    documents = [asdict(one) for one in found]
    for document in documents if not as_json else ():
        if isinstance(document["lines"], tuple):
            document["lines"] = ", ".join(f"{plain(line['quantity'])} {line['sku']}" for line in document["lines"])
    _print(documents, columns, as_json, empty=empty)


def _print(documents: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str) -> None:
    if as_json:
        emit(documents)
    else:
        print_table(documents, columns, empty=empty)


def _tell(runtime: Runtime, as_json: bool) -> None:
    if not as_json:
        tell_about_work(runtime)
