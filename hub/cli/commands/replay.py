"""`hub replay`: read kept messages again with the plugins as they are now."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import click

from hub.cli.bootstrap import connect_doorbell, open_runtime, tell_about_work
from hub.cli.differences import print_groups, told
from hub.cli.environment import actor
from hub.cli.options import INSTANT
from hub.cli.output import emit, json_option, say
from hub.cli.tables import advance, print_table, progress
from hub.connections.service.adapters import load_by_name
from hub.flows import replay as flow
from hub.flows.runtime import Runtime
from hub.intake.rules.tally import Tally
from hub.intake.service.selecting import Selection, select_messages

CHUNK = 100
"""Messages a transaction: a long replay must not keep a running server from writing."""
STATES = ("received", "parsed", "applied", "parked", "blocked", "duplicate", "superseded", "rejected")


@click.command()
@click.option("--plugin", help="Messages that this plugin read.")
@click.option("--plugin-version", metavar="VERSION", help="Messages that this version read last.")
@click.option("--state", type=click.Choice(STATES), help="Messages in this state, e.g. blocked.")
@click.option("--connection", metavar="NAME", help="Messages of this connection.")
@click.option("--error-class", help="Messages refused with this error, e.g. Malformed.")
@click.option("--since", type=INSTANT, help="Messages that came then or later.")
@click.option("--until", type=INSTANT, help="Messages that came before.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="At most so many, oldest first."
)
@click.option("--dry-run", is_flag=True, help="Show what would change and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@json_option
def replay(
    plugin: str | None, plugin_version: str | None, state: str | None, connection: str | None, error_class: str | None,
    since: datetime | None, until: datetime | None, limit: int, dry_run: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Read kept messages again: first show the difference to what was read last, then queue them.

    What a message says that is applied already changes nothing, so a message may be replayed any number of times; an
    order of which later messages told stays as they left it. What may be personal is shown as ***.
    """
    selection = Selection(
        plugin=plugin, plugin_version=plugin_version, state=state, error_class=error_class, since=since, until=until
    )
    if connection is None and selection == Selection():
        raise click.UsageError("Say which messages: --plugin, --state, --connection, --error-class or --since.")
    with open_runtime() as runtime:
        connect_doorbell(runtime)
        message_ids = _selected(runtime, selection, connection, limit)
        tally = Tally()
        differences = _previewed(runtime, message_ids, tally)
        if not as_json:
            _show(differences, tally)
        replayed = (
            0 if dry_run or not _agreed(message_ids, asked=not (yes or as_json)) else _replayed(runtime, message_ids)
        )
        if as_json:
            emit({"dry_run": dry_run, "replayed": replayed, **_document(differences, tally)})
        elif replayed:
            say(f"{replayed} messages are queued to be read again.")
            tell_about_work(runtime)
        elif differences:
            say("Nothing was changed.")


def _selected(runtime: Runtime, selection: Selection, connection: str | None, limit: int) -> list[str]:
    with runtime.database.read() as session:
        if connection is not None:
            selection = replace(selection, connection_id=load_by_name(session, connection).connection_id)
        return select_messages(session, selection, limit=limit)


def _previewed(runtime: Runtime, message_ids: Sequence[str], tally: Tally) -> list[flow.Difference]:
    found: list[flow.Difference] = []
    with progress("comparing", len(message_ids)) as bar:
        for chunk in advance(bar, _chunks(message_ids), by=CHUNK):
            with runtime.database.read() as session:
                found.extend(flow.preview(session, runtime.services, chunk))
    for difference in found:
        tally.add(difference.message_id, difference.reading, difference.changes)
    return found


def _replayed(runtime: Runtime, message_ids: Sequence[str]) -> int:
    count = 0
    with progress("queuing", len(message_ids)) as bar:
        for chunk in advance(bar, _chunks(message_ids), by=CHUNK):
            with runtime.database.write() as session:
                count += flow.replay(session, runtime.services, chunk, actor())
    return count


def _agreed(message_ids: Sequence[str], *, asked: bool) -> bool:
    """Whether to go on; only a person at a terminal is asked."""
    if not message_ids or not asked or not sys.stdin.isatty():
        return bool(message_ids)
    return click.confirm(f"Replay these {len(message_ids)} messages?", err=True)


def _show(differences: Sequence[flow.Difference], tally: Tally) -> None:
    rows = [
        {
            "message": difference.message_id, "name": difference.name, "was": difference.before,
            "would_be": difference.outcome.replace("_", " "), "reading": difference.reading.replace("_", " "),
            "changes": [told(change) for change in difference.changes] or difference.fields or None,
            "error": difference.error,
        }
        for difference in differences
    ]  # fmt: skip
    print_table(rows, ("message", "name", "was", "would_be", "reading", "changes", "error"), empty="No message fits.")
    for outcome, count in Counter(difference.outcome for difference in differences).most_common():
        say(f"{count} {outcome.replace('_', ' ')}")
    if tally.groups:
        say("")
        print_groups(tally)


def _document(differences: Sequence[flow.Difference], tally: Tally) -> dict[str, Any]:
    return {
        "selected": len(differences),
        "outcomes": dict(Counter(difference.outcome for difference in differences)),
        "summary": tally.document(),
        "differences": [asdict(difference) for difference in differences],
    }


def _chunks(message_ids: Sequence[str]) -> list[Sequence[str]]:
    return [message_ids[start : start + CHUNK] for start in range(0, len(message_ids), CHUNK)]
