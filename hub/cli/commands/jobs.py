"""`hub jobs`: the work."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from hub.cli.bootstrap import connect_doorbell, open_runtime, reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.options import INSTANT, limit_option
from hub.cli.output import emit, json_option, page, say, shown
from hub.cli.tables import console, print_facts, print_table, progress
from hub.connections.service.adapters import load, load_by_name
from hub.flows.runtime import Runtime
from hub.jobs.rules.advice import advice_on
from hub.jobs.service.bulk_retry import Chosen, count_parked, retry_parked
from hub.jobs.service.figures import blocked, effects_in_doubt, queues
from hub.jobs.service.listing import Wanted, list_jobs
from hub.jobs.service.retry import get_job, retry_job, skip_job
from hub.jobs.tables import JobRow
from hub.kit.clock import sleep

STATES = ("ready", "leased", "parked", "done", "skipped")
_COLUMNS = ("job_id", "kind", "state", "subject_id", "attempts", "due_at", "error_class", "error")
_ALL = (
    *_COLUMNS,
    "queue",
    "lane",
    "connection_id",
    "crashes",
    "created_at",
    "finished_at",
    "correlation_id",
    "plugin",
    "plugin_version",
)


_TOP = ("queue", "ready", "oldest_seconds", "running", "retrying", "parked")


@click.group()
def jobs() -> None:
    """See the work, and try again what was parked."""


@jobs.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these; the open ones, if left out.")
@click.option("--kind", help="Only open ones of this kind, e.g. carrier.label.")
@click.option("--connection", metavar="NAME", help="Only open calls to this connection.")
@click.option("--class", "error_class", metavar="NAME", help="Only open ones with this error, e.g. Rejected.")
@click.option("--plugin", metavar="NAME", help="Only open ones that failed with this plugin.")
@click.option("--since", type=INSTANT, help="Only open ones that stopped (parked) or are due (others) then or later.")
@click.option("--until", type=INSTANT, help="Only open ones that stopped (parked) or are due (others) before.")
@click.option("--subject", metavar="ID", help="All jobs about this order, message or shipment.")
@limit_option
@click.option("--after", type=int, metavar="ID", help="Go on below this job.")
@json_option
def list_command(
    state: str | None, kind: str | None, connection: str | None, error_class: str | None, plugin: str | None,
    since: datetime | None, until: datetime | None, subject: str | None, limit: int, after: int | None, as_json: bool,
) -> None:  # fmt: skip
    """List jobs, newest first. `hub jobs show ID` says what to do about one that failed."""
    with reading() as (_, session):
        wanted = Wanted(
            kind=kind, connection_id=_connection_id(session, connection), error_class=error_class, plugin=plugin,
            since=since, until=until,
        )  # fmt: skip
        found = list_jobs(
            session, states=(state,) if state else None, subject_id=subject, wanted=wanted, after=after, limit=limit + 1
        )
        documents = [_document(row) for row in page(found, limit, lambda row: str(row.job_id))]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There are no such jobs.")


@jobs.command()
@click.argument("job_id", type=int, metavar="ID")
@json_option
def show(job_id: int, as_json: bool) -> None:
    """Show one job: what it was asked to do, what went wrong, and what to do about it."""
    with reading() as (_, session):
        row = get_job(session, job_id)
        document = {**_document(row), "args": row.args}
    if as_json:
        emit(document)
        return
    print_facts({name: value for name, value in document.items() if value is not None})


@jobs.command()
@click.argument("job_ids", type=int, nargs=-1, metavar="[ID]...")
@click.option("--parked", is_flag=True, help="All parked jobs; not needed beside what follows.")
@click.option("--class", "error_class", metavar="NAME", help="Parked jobs with this error, e.g. Rejected.")
@click.option("--kind", help="Parked jobs of this kind.")
@click.option("--connection", metavar="NAME", help="Parked calls to this connection.")
@click.option("--plugin", metavar="NAME", help="Parked jobs that failed with this plugin.")
@click.option("--plugin-version", metavar="VERSION", help="Parked jobs that failed with this version.")
@click.option("--since", type=INSTANT, help="Parked jobs that stopped then or later.")
@click.option("--until", type=INSTANT, help="Parked jobs that stopped before.")
@click.option("--dry-run", is_flag=True, help="Only count them.")
@json_option
def retry(
    job_ids: tuple[int, ...], parked: bool, error_class: str | None, kind: str | None, connection: str | None,
    plugin: str | None, plugin_version: str | None, since: datetime | None, until: datetime | None, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Try parked jobs again with all their attempts. What was surely done is not done twice."""
    chosen = Chosen(
        error_class=error_class, kind=kind, plugin=plugin, plugin_version=plugin_version, since=since, until=until
    )
    many = parked or connection is not None or chosen != Chosen()
    if bool(job_ids) == many or (dry_run and not many):
        raise click.UsageError("Name jobs by their ids, or choose parked ones by --class, --connection, or --parked.")
    if many:
        _retry_many(chosen, connection, dry_run, as_json)
        return
    with writing() as (runtime, session):
        at = runtime.clock.now()
        documents = [_document(retry_job(session, job_id=job_id, actor=actor(), at=at)) for job_id in job_ids]
    if as_json:
        emit(documents)
        return
    say(f"{len(documents)} jobs are tried again.")
    tell_about_work(runtime)


@jobs.command()
@click.option("--interval", type=click.FloatRange(0.5, 3600), default=2.0, show_default=True, help="Seconds.")
@json_option
def top(interval: float, as_json: bool) -> None:
    """Watch the queues: depth, age of the oldest job, running, retries, parked; calls in doubt, blocked connections.

    In a terminal the table is renewed until INT (Ctrl-C) ends it; in a pipe, and with --json, it is shown once.
    """
    with open_runtime() as runtime:
        if as_json:
            emit(_figures(runtime))
            return
        if not sys.stdout.isatty():
            console().print(_table(_figures(runtime)))
            return
        try:
            with Live(_table(_figures(runtime)), console=console(), auto_refresh=False) as live:
                while True:
                    sleep(interval)
                    live.update(_table(_figures(runtime)), refresh=True)
        except KeyboardInterrupt:  # how watching ends
            return


@jobs.command()
@click.argument("job_id", type=int, metavar="ID")
@click.option("--reason", required=True, help="How the matter was settled, for the audit trail.")
@json_option
def skip(job_id: int, reason: str, as_json: bool) -> None:
    """Leave a parked job: it was settled by hand. What waits behind it goes on."""
    with writing() as (runtime, session):
        row = skip_job(session, job_id=job_id, actor=actor(), reason=reason, at=runtime.clock.now())
        document = _document(row)
    if as_json:
        emit(document)
        return
    say(f"Job {job_id} is skipped.")
    tell_about_work(runtime)


def _connection_id(session: Session, name: str | None) -> str | None:
    return None if name is None else load_by_name(session, name).connection_id


def _retry_many(chosen: Chosen, connection: str | None, dry_run: bool, as_json: bool) -> None:
    """One transaction for each few of them, so that a running server goes on writing."""
    retried = 0
    with open_runtime() as runtime:
        connect_doorbell(runtime)
        with runtime.database.read() as session:
            chosen = replace(chosen, connection_id=_connection_id(session, connection))
            matched = count_parked(session, chosen)
        after: int | None = None if dry_run or not matched else 0
        with progress("retrying", sum(matched.values())) as bar:
            while after is not None:
                with runtime.database.write() as session:
                    step = retry_parked(session, chosen, after=after, actor=actor(), at=runtime.clock.now())
                retried, after = retried + step.count, step.last
                bar.advance(bar.task_ids[0], step.count)
        if as_json:
            emit({"dry_run": dry_run, "matched": sum(matched.values()), "by_error_class": matched, "retried": retried})
            return
        rows = [{"error_class": name, "jobs": count} for name, count in matched.items()]
        print_table(rows, ("error_class", "jobs"), empty="No parked job fits.")
        if dry_run:
            say("Nothing was changed: leave out --dry-run to try them again.")
        elif retried:
            say(f"{retried} jobs are tried again.")
            tell_about_work(runtime)


def _figures(runtime: Runtime) -> dict[str, Any]:
    now = runtime.clock.now()
    with runtime.database.read() as session:
        rows = [
            {
                "queue": row.queue, "ready": row.ready, "running": row.running, "retrying": row.retrying,
                "parked": row.parked,
                "oldest_seconds": None if row.oldest is None else max(0, round((now - row.oldest).total_seconds())),
            }
            for row in queues(session)
        ]  # fmt: skip
        stopped = blocked(session, now=now)
        names = load(session, {entry.connection_id for entry in stopped})
        doubt = effects_in_doubt(session)
    shut = [
        {"connection": names[entry.connection_id].name, "reason": entry.reason}
        for entry in stopped if entry.connection_id in names
    ]  # fmt: skip
    return {"at": now, "queues": rows, "in_doubt": doubt, "blocked": shut}


def _table(figures: Mapping[str, Any]) -> Table:
    shut = ", ".join(f"{entry['connection']} ({entry['reason']})" for entry in figures["blocked"]) or "none"
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, caption_justify="left",
        title=Text(f"{shown(figures['at'])} UTC"), title_justify="left",
        caption=Text(f"calls in doubt: {figures['in_doubt']}; blocked connections: {shut}"),
    )  # fmt: skip
    for name in _TOP:
        table.add_column(name.replace("_", " "), justify="left" if name == "queue" else "right")
    for row in figures["queues"]:
        table.add_row(*(Text(shown(row[name])) for name in _TOP))
    return table


def _document(row: JobRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ALL} | {"advice": advice_on(row.error_class)}
