"""`hub retention`: how long what is kept."""

from collections.abc import Sequence
from typing import Any

import click

from hub.cli.bootstrap import open_runtime
from hub.cli.output import emit, json_option, say
from hub.cli.tables import print_table, progress
from hub.flows import retention as flow
from hub.flows.runtime import Runtime
from hub.jobs.service.retention import swept_rows

_KIND = click.option("--kind", type=click.Choice(flow.KINDS), help="Only this kind.")


@click.group()
def retention() -> None:
    """See how long what is kept, and let go what is old; the worker does it every night."""


@retention.command()
@json_option
def show(as_json: bool) -> None:
    """Show how many days each kind is kept, how much has gone so far, and when it was last looked at."""
    with open_runtime() as runtime, runtime.database.read() as session:
        tasks = flow.tasks_of(session, runtime.services, at=runtime.clock.now())
        swept = swept_rows(session)
    rows = [
        {
            "kind": task.kind, "connection": task.of or None, "days": task.days, "older_than": task.before,
            "gone_of_the_kind": swept[task.kind][0] if task.kind in swept else 0,
            "last_run": swept[task.kind][1] if task.kind in swept else None, "personal_data": list(task.personal),
        }
        for task in tasks
    ]  # fmt: skip
    if as_json:
        emit(rows)
        return
    columns = ("kind", "connection", "days", "older_than", "gone_of_the_kind", "last_run", "personal_data")
    print_table(rows, columns, empty="Everything is kept for ever.")


@retention.command()
@_KIND
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@json_option
def run(kind: str | None, dry_run: bool, as_json: bool) -> None:
    """Let go now what is older than its policy, in small steps beside a running server.

    What is open, parked, blocked or in doubt stays, and so does every key without which something could happen twice.
    """
    with open_runtime() as runtime:
        with runtime.database.read() as session:
            tasks = flow.tasks_of(session, runtime.services, at=runtime.clock.now())
        rows = _run(runtime, [task for task in tasks if kind in (None, task.kind)], dry_run)
    if as_json:
        emit({"dry_run": dry_run, "rows": sum(row["rows"] for row in rows), "kinds": rows})
        return
    print_table(rows, ("kind", "connection", "days", "rows"), empty="Everything is kept for ever.")
    say("Nothing was changed: leave out --dry-run to do it." if dry_run else "Done.")


def _run(runtime: Runtime, tasks: Sequence[flow.Task], dry: bool) -> list[dict[str, Any]]:
    rows = []
    with progress("keeping house", len(tasks)) as bar:
        for task in tasks:
            with runtime.database.read() as session:
                come = flow.begin(session, task)
            while come.more:
                with runtime.database.read() if dry else runtime.database.write() as session:
                    come = flow.step(session, runtime.services, task, come, at=runtime.clock.now(), dry=dry)
            rows.append({"kind": task.kind, "connection": task.of or None, "days": task.days, "rows": come.count})
            bar.advance(bar.task_ids[0])
    return rows
