"""`hub schedules`: the work that comes again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.options import limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.tables import print_table
from hub.connections.service.adapters import load
from hub.flows.runtime import Runtime
from hub.jobs.rules.advice import advice_on
from hub.jobs.service.schedules import ScheduleView, disable, enable, list_schedules, run_now

_COLUMNS = ("schedule_id", "connection", "cron", "enabled", "next_run_at", "last_run_at", "outcome", "error")
Step = Callable[..., ScheduleView]
schedule_argument = click.argument("schedule_id", metavar="ID")


@click.group()
def schedules() -> None:
    """See what comes again; run it now, or let it rest. Times are in UTC."""


@schedules.command("list")
@limit_option
@click.option("--after", metavar="ID", help="Go on after this schedule.")
@json_option
def list_command(limit: int, after: str | None, as_json: bool) -> None:
    """List schedules with their next run, their last one and what came of it."""
    with reading() as (_, session):
        found = list_schedules(session, after=after, limit=limit + 1)
        documents = _documents(session, page(found, limit, lambda view: view.schedule_id))
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There are no schedules yet: `hub serve` or `hub worker` makes them.")


@schedules.command("run")
@schedule_argument
@json_option
def run_command(schedule_id: str, as_json: bool) -> None:
    """Run it now, beside its times and also where it is disabled; refused while a run is under way."""
    runtime = _change(run_now, schedule_id, as_json, "{0} runs as soon as a worker is free.")
    tell_about_work(runtime)


@schedules.command("enable")
@schedule_argument
@json_option
def enable_command(schedule_id: str, as_json: bool) -> None:
    """Let it run at its times again; what was missed meanwhile is not made up."""
    _change(enable, schedule_id, as_json, "{0} runs next at {1}.")


@schedules.command("disable")
@schedule_argument
@json_option
def disable_command(schedule_id: str, as_json: bool) -> None:
    """Let it rest until it is enabled; a run that is under way goes on."""
    _change(disable, schedule_id, as_json, "{0} rests until `hub schedules enable {0}`.")


def _change(step: Step, schedule_id: str, as_json: bool, told: str) -> Runtime:
    with writing() as (runtime, session):
        view = step(session, schedule_id=schedule_id, actor=actor(), at=runtime.clock.now())
        (document,) = _documents(session, [view])
    if as_json:
        emit(document)
    else:
        say(told.format(schedule_id, _instant(view.next_run_at)))
    return runtime


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "no time"


def _documents(session: Session, views: Sequence[ScheduleView]) -> list[dict[str, Any]]:
    names = load(session, {view.connection_id for view in views if view.connection_id})
    return [
        {
            **asdict(view), "advice": advice_on(view.error_class),
            "connection": names[view.connection_id].name if view.connection_id in names else None,
        }
        for view in views
    ]  # fmt: skip
