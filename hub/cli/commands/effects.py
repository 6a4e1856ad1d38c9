"""`hub effects`: calls whose answer was lost, and what became of them."""

from typing import Any

import click

from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.options import NAMES, after_option, limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.tables import print_table
from hub.flows.settle_effects import settle_as_done, try_once_more
from hub.jobs.service.doubts import list_doubts
from hub.jobs.tables import EffectRow

_COLUMNS = ("idem_key", "kind", "state", "attempts", "created_at", "error")
_ALL = (*_COLUMNS, "connection_id", "subject_id", "remote_id", "job_id", "confirmed_at")


@click.group()
def effects() -> None:
    """See calls whose answer was lost, and say what became of them."""


@effects.command("list")
@limit_option
@after_option
@json_option
def list_command(limit: int, after: str | None, as_json: bool) -> None:
    """List the calls that may have happened: of these the other side could not be asked, or not yet."""
    with reading() as (_, session):
        found = list_doubts(session, after=after, limit=limit + 1)
        documents = [_document(row) for row in page(found, limit, lambda row: row.idem_key)]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="No call is in doubt.")


@effects.command()
@click.argument("key", metavar="KEY")
@click.option("--number", required=True, help="The other side's own number of it.")
@click.option("--tracking", type=NAMES, default=(), help="Of a label: the tracking numbers of its parcels.")
@click.option("--reason", required=True, help="How it is known, for the audit trail.")
@json_option
def settle(key: str, number: str, tracking: tuple[str, ...], reason: str, as_json: bool) -> None:
    """It is there: the work goes on with these numbers, without another call."""
    with writing() as (runtime, session):
        row = settle_as_done(
            session, key=key, remote_id=number, tracking_numbers=tracking, actor=actor(), reason=reason,
            at=runtime.clock.now(),
        )  # fmt: skip
        document = _document(row)
    if as_json:
        emit(document)
        return
    say(f"{key} is {document['state']} as {number}.")
    tell_about_work(runtime)


@effects.command()
@click.argument("key", metavar="KEY")
@click.option("--reason", required=True, help="Why it is sure, for the audit trail.")
@json_option
def again(key: str, reason: str, as_json: bool) -> None:
    """It is surely not there: the call is made once more."""
    with writing() as (runtime, session):
        row = try_once_more(session, key=key, actor=actor(), reason=reason, at=runtime.clock.now())
        document = _document(row)
    if as_json:
        emit(document)
        return
    say(f"{key} is sent again.")
    tell_about_work(runtime)


def _document(row: EffectRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ALL}
