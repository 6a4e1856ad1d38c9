"""`hub stock location|atp|buffer|reorder|low`: places, and what may be promised of what is there."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import click
from pydantic import ValidationError

from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.options import JSON_OBJECT, QUANTITY, limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.tables import print_table
from hub.connections.service.adapters import load_by_name
from hub.inventory.rules.levels import ZERO
from hub.inventory.rules.promise import Buffer
from hub.inventory.schemas import LocationIn, LocationOut
from hub.inventory.schemas_promises import stored, worded
from hub.inventory.service import low_stock, promise
from hub.inventory.service.locations import create_location, list_locations
from hub.inventory.service.told import list_told
from hub.kit.errors import InvalidInput

_LOCATION = ("code", "name", "kind", "handling", "rank", "enabled", "capabilities")
_PROMISE = ("sku", "available_to_promise", "locations")
location_option = click.option("--location", default="*", show_default=True, metavar="CODE", help="* is everywhere.")
level_option = click.option("--after", nargs=2, metavar="LOCATION SKU", help="Go on after this level.")
sku_option = click.option("--sku", default="*", show_default=True, help="* is every SKU.")


@click.group()
def location() -> None:
    """See and add the places that stock is kept at."""


@location.command("list")
@limit_option
@click.option("--after", metavar="CODE", help="Go on after this location.")
@json_option
def list_locations_command(limit: int, after: str | None, as_json: bool) -> None:
    """List locations in the order of their codes."""
    with reading() as (_, session):
        rows = page(list_locations(session, after=after, limit=limit + 1), limit, lambda one: one.code)
        found = [LocationOut.of(one).model_dump() for one in rows]
    _print(found, _LOCATION, as_json, empty="There are no locations: `hub stock location add CODE NAME`.")


@location.command("add")
@click.argument("code")
@click.argument("name")
@click.option("--kind", default="warehouse", show_default=True, help="warehouse, store, vendor or virtual.")
@click.option("--handling", default="own", show_default=True, help="own, or outside: told as `notify` says.")
@click.option("--rank", type=int, default=0, show_default=True, help="Plain preference, low first.")
@click.option("--more", type=JSON_OBJECT, default={}, help="Further members: address, latitude, notify, ...")
@json_option
def add_location_command(
    code: str, name: str, kind: str, handling: str, rank: int, more: dict[str, Any], as_json: bool
) -> None:
    """Add the location CODE, called NAME. It takes what `POST /v1/locations` takes, and refuses what that refuses."""
    stated = {**more, "code": code, "name": name, "kind": kind, "handling": handling, "rank": rank}
    try:
        wanted = LocationIn.model_validate(stated)
    except ValidationError as error:
        faults = [
            {"detail": fault["msg"], "pointer": "#/" + "/".join(str(part) for part in fault["loc"])}
            for fault in error.errors()
        ]
        told = "; ".join(f"{fault['pointer']}: {fault['detail']}" for fault in faults)
        raise InvalidInput("invalid_location", f"The location cannot be: {told}", extra={"errors": faults}) from error
    with writing() as (runtime, session):
        made = create_location(session, location=wanted.to_location(wanted.code), at=runtime.clock.now(), actor=actor())
    if as_json:
        emit(LocationOut.of(made).model_dump())
        return
    say(f"Location {made.code} is there; stock comes with `hub stock set {made.code} SKU QUANTITY`.")
    tell_about_work(runtime)


@click.command()
@click.argument("connection")
@click.option("--sku", help="Only this SKU.")
@limit_option
@click.option("--after", metavar="SKU", help="Go on after this SKU.")
@json_option
def atp(connection: str, sku: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """Say what the channel CONNECTION may promise of each SKU, location by location: it is told just these numbers."""
    with reading() as (runtime, session):
        found = promise.list_promises(
            session, connection=load_by_name(session, connection), at=runtime.clock.now(), sku=sku, after=after,
            limit=limit + 1,
        )  # fmt: skip
    documents: list[dict[str, Any]] = [
        {"sku": one.sku, "available_to_promise": one.quantity, "locations": [asdict(part) for part in one.parts]}
        for one in page(found, limit, lambda one: one.sku)
    ]
    if not as_json:
        for document in documents:
            parts = [f"{part['location']} {part['quantity'].normalize():f}" for part in document["locations"]]
            document["locations"] = ", ".join(parts)
    _print(documents, _PROMISE, as_json, empty="There is no stock: `hub stock set` or `hub stock import FILE`.")


@click.command()
@click.argument("connection")
@click.option("--differing", is_flag=True, help="Only where the channel shows another number than it was told.")
@limit_option
@click.option("--after", metavar="SKU", help="Go on after this SKU.")
@json_option
def told(connection: str, differing: bool, limit: int, after: str | None, as_json: bool) -> None:
    """Say what the channel CONNECTION was told of each SKU, and what it was seen to show itself."""
    with reading() as (_, session):
        found = list_told(
            session, connection_id=load_by_name(session, connection).connection_id, after=after,
            limit=limit + 1, differing=differing,
        )  # fmt: skip
    documents = [asdict(one) | {"differs": one.differs} for one in page(found, limit, lambda one: one.sku)]
    empty = "It shows what it was told." if differing else f"{connection} was told of no stock yet."
    _print(documents, ("sku", "available", "told_at", "shown", "seen_at"), as_json, empty=empty)


@click.group()
def buffer() -> None:
    """See and change what is kept back from a channel; the buffer nearest to a level counts."""


@buffer.command("list")
@click.argument("connection")
@limit_option
@level_option
@json_option
def list_buffers_command(connection: str, limit: int, after: tuple[str, str] | None, as_json: bool) -> None:
    """List what is kept back from CONNECTION."""
    with reading() as (_, session):
        channel = load_by_name(session, connection)
        found = promise.list_buffers(session, connection_id=channel.connection_id, after=_level(after), limit=limit + 1)
    documents = [_starred(asdict(one)) for one in page(found, limit, _level_cursor)]
    empty = "Nothing is kept back: `hub stock buffer set CONNECTION --units 2`."
    _print(documents, ("location", "sku", "units", "percent"), as_json, empty=empty)


@buffer.command("set")
@click.argument("connection")
@location_option
@sku_option
@click.option("--units", type=QUANTITY, default=ZERO, help="Kept back at each location.")
@click.option("--percent", type=click.IntRange(0, 100), default=0, help="Of what is free there, rounded up.")
def set_buffer_command(connection: str, location: str, sku: str, units: Decimal, percent: int) -> None:
    """Keep stock back from CONNECTION."""
    with writing() as (runtime, session):
        promise.set_buffers(
            session, connection=load_by_name(session, connection),
            buffers=[Buffer(stored(location), stored(sku), units, percent)], at=runtime.clock.now(), actor=actor(),
        )  # fmt: skip
    say(f"{connection} is told of {units.normalize():f} and {percent} % less.")


@buffer.command("remove")
@click.argument("connection")
@location_option
@sku_option
def remove_buffer_command(connection: str, location: str, sku: str) -> None:
    """Keep that back no longer."""
    with writing() as (runtime, session):
        promise.remove_buffer(
            session, connection=load_by_name(session, connection), location=stored(location), sku=stored(sku),
            at=runtime.clock.now(), actor=actor(),
        )  # fmt: skip
    say("The buffer is gone.")


@click.group()
def reorder() -> None:
    """See and change from which quantity on a level is low; the point nearest to a level counts."""


@reorder.command("list")
@limit_option
@level_option
@json_option
def list_points_command(limit: int, after: tuple[str, str] | None, as_json: bool) -> None:
    """List reorder points."""
    with reading() as (_, session):
        found = low_stock.list_points(session, after=_level(after), limit=limit + 1)
        documents = [_starred(asdict(one)) for one in page(found, limit, _level_cursor)]
    empty = "There are no reorder points: `hub stock reorder set QUANTITY`."
    _print(documents, ("location", "sku", "quantity", "clears_above"), as_json, empty=empty)


@reorder.command("set")
@click.argument("quantity", type=QUANTITY)
@location_option
@sku_option
@click.option("--clears-above", type=QUANTITY, help="Above which it is low no more; not given: above QUANTITY.")
def set_point_command(quantity: Decimal, location: str, sku: str, clears_above: Decimal | None) -> None:
    """Take a level for low at QUANTITY or less that is free."""
    point = low_stock.ReorderPoint(
        stored(location), stored(sku), quantity, quantity if clears_above is None else clears_above
    )
    with writing() as (runtime, session):
        low_stock.set_points(session, points=[point], at=runtime.clock.now(), actor=actor())
    say("Levels are looked at every five minutes: `hub stock low` lists those that are low.")


@reorder.command("remove")
@location_option
@sku_option
def remove_point_command(location: str, sku: str) -> None:
    """Take a reorder point away."""
    with writing() as (runtime, session):
        low_stock.remove_point(
            session, location=stored(location), sku=stored(sku), at=runtime.clock.now(), actor=actor()
        )
    say("The reorder point is gone.")


@click.command()
@click.option("--location", metavar="CODE", help="Only at this location.")
@limit_option
@level_option
@json_option
def low(location: str | None, limit: int, after: tuple[str, str] | None, as_json: bool) -> None:
    """List levels at or below their reorder point that have not recovered since."""
    with reading() as (_, session):
        found = low_stock.list_low(session, location=location, after=after, limit=limit + 1)
        documents = [asdict(one) for one in page(found, limit, _level_cursor)]
    columns = ("location", "sku", "free", "reorder_point", "inbound", "since")
    _print(documents, columns, as_json, empty="Nothing is low.")


def _level(after: tuple[str, str] | None) -> tuple[str, str] | None:
    return None if after is None else (stored(after[0]), stored(after[1]))


def _level_cursor(one: Buffer | low_stock.ReorderPoint | low_stock.LowLevel) -> str:
    return f"{worded(one.location)} {worded(one.sku)}"


def _starred(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "location": worded(document["location"]), "sku": worded(document["sku"])}


def _print(documents: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool, *, empty: str) -> None:
    if as_json:
        emit(documents)
    else:
        print_table(documents, columns, empty=empty)
