"""`hub mapping`: what unknown SKUs and codes mean."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from hub.canonical.money import MoneyError, format_minor
from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.options import limit_option
from hub.cli.output import emit, json_option, note, say
from hub.cli.tables import print_table
from hub.connections.service.adapters import load_by_name
from hub.flows.mapping_inbox import Missing, decide, list_missing
from hub.kit.web_paging import decode_cursor, encode_cursor

_COLUMNS = ("connection", "field", "value", "name", "orders", "messages", "amount", "since", "suggestion")
_LISTING = "mappings:unknown"


@click.group()
def mapping() -> None:
    """See which SKUs and codes of channels are unknown, and say what they mean."""


@mapping.command("list")
@click.option("--connection", metavar="NAME", help="Only of this connection.")
@click.option("--field", help="Only this field, e.g. sku or country.")
@click.option("--ignored", is_flag=True, help="What is ignored on purpose instead.")
@limit_option
@click.option("--after", metavar="CURSOR", help="Go on after the last one of another list.")
@json_option
def list_command(
    connection: str | None, field: str | None, ignored: bool, limit: int, after: str | None, as_json: bool
) -> None:
    """List what is unknown, each value once with all that waits for it; that which waits longest first."""
    place = decode_cursor(_LISTING, after, datetime, str, str, str) if after else None
    with reading() as (_, session):
        info = load_by_name(session, connection) if connection else None
        found = list_missing(session, connection=info, field=field, ignored=ignored, after=place, limit=limit + 1)
    shown = found[:limit]
    cursor = encode_cursor(_LISTING, *shown[-1].place) if len(found) > limit else None
    if as_json:
        emit({"items": [asdict(missing) for missing in shown], "next_cursor": cursor})
        return
    print_table([_row(missing) for missing in shown], _COLUMNS, empty="Nothing waits for a meaning.")
    if cursor:
        note(f"There are more: --after {cursor}")


@mapping.command("set")
@click.argument("connection")
@click.argument("field")
@click.argument("value")
@click.argument("meaning")
@json_option
def set_command(connection: str, field: str, value: str, meaning: str, as_json: bool) -> None:
    """Say what VALUE means, as FIELD of CONNECTION; all that waits for it goes on.

    The MEANING of a SKU is the SKU of a product; that of a country, a payment state and so on is the hub's own code.
    """
    _decide(connection, field, value, meaning, as_json)


@mapping.command("ignore")
@click.argument("connection")
@click.argument("field")
@click.argument("value")
@json_option
def ignore_command(connection: str, field: str, value: str, as_json: bool) -> None:
    """Say that VALUE needs no meaning: it is listed no more. Orders that are held stay held."""
    _decide(connection, field, value, None, as_json)


def _decide(connection: str, field: str, value: str, meaning: str | None, as_json: bool) -> None:
    with writing() as (runtime, session):
        orders, messages = decide(
            session, connection=load_by_name(session, connection), field=field, value=value, meaning=meaning,
            by=actor(), at=runtime.clock.now(),
        )  # fmt: skip
    if as_json:
        emit(
            {
                "connection": connection, "field": field, "value": value, "meaning": meaning,
                "ignored": meaning is None, "orders": orders, "messages": messages,
            }
        )  # fmt: skip
        return
    waited = f"{orders} orders and {messages} documents"
    say(f"{waited} stay as they are." if meaning is None else f"{waited} go on.")
    if meaning is not None:
        tell_about_work(runtime)


def _row(missing: Missing) -> dict[str, Any]:
    likely = missing.suggestion
    return {
        **asdict(missing),
        "amount": [_amount(minor, currency) for currency, minor in sorted(missing.amounts.items())],
        "suggestion": f"{likely.meaning} ({likely.confidence:.0%})" if likely else None,
    }


def _amount(minor: int, currency: str) -> str:
    try:
        return format_minor(minor, currency)
    except MoneyError:
        return f"{minor} {currency}"
