"""`hub proof`: whether everything that a channel holds is here."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from hub.cli.bootstrap import reading
from hub.cli.options import INSTANT, limit_option
from hub.cli.output import emit, json_option, note, say
from hub.cli.tables import print_table
from hub.connections.service.adapters import ConnectionInfo, load_kind
from hub.flows.proof import Proof, load_channel, proof_of
from hub.flows.services import Services
from hub.intake.schemas import CensusRunOut, runs_after, runs_cursor
from hub.intake.service.census import list_runs
from hub.intake.tables import CensusRunRow

_FIGURES = ("listed", "missing", "waiting", "unlisted", "late", "extra", "differing")
_CHANNELS = ("connection", "proven_until", "age", "limit", "day", *_FIGURES)
_RUNS = ("day", "ran_at", "complete", *_FIGURES, "fetched", "examples")


@click.command()
@click.option("--connection", "name", metavar="NAME", help="The runs of this channel; else one line a channel.")
@click.option("--day", "instant", type=INSTANT, metavar="DATE", help="Only of this day (UTC).")
@limit_option
@click.option("--after", metavar="CURSOR", help="Go on after the last one of another list of a channel's runs.")
@json_option
def proof(name: str | None, instant: datetime | None, limit: int, after: str | None, as_json: bool) -> None:
    """See up to when it is proven that nothing of a channel is missing, and what each census found.

    Every night a channel that can list its orders is asked for the list of each day that is not proven yet.
    """
    day = instant.date() if instant else None
    if name is None:
        _overview(day, as_json)
    else:
        _one(name, day, limit, after, as_json)


def _overview(day: date | None, as_json: bool) -> None:
    with reading() as (runtime, session):
        found = [_channel(session, runtime.services, info, day) for info in load_kind(session, "channel")]
    if as_json:
        emit({"items": [{**asdict(known), "runs": _documents(runs)} for known, runs in found], "next_cursor": None})
        return
    rows = [_row(known, runs[0] if runs else None) for known, runs in found if known.provable]
    print_table(rows, _CHANNELS, empty="No channel can be proven complete.")
    for known, _ in found:
        if not known.provable or known.too_old:
            say(_sentence(known))


def _one(name: str, day: date | None, limit: int, after: str | None, as_json: bool) -> None:
    with reading() as (runtime, session):
        info = load_channel(session, name)
        known = proof_of(session, runtime.services, info)
        place = runs_after(after)
        runs = list_runs(session, connection_id=info.connection_id, day=day, after=place, limit=limit + 1)
    shown = runs[:limit]
    cursor = runs_cursor(shown[-1]) if len(runs) > limit else None
    if as_json:
        emit({"items": [{**asdict(known), "runs": _documents(shown)}], "next_cursor": cursor})
        return
    if known.provable:
        print_table(_documents(shown), _RUNS, empty="No census ran yet.")
    say(_sentence(known))
    if cursor:
        note(f"There are more: --after {cursor}")


def _channel(
    session: Session, services: Services, info: ConnectionInfo, day: date | None
) -> tuple[Proof, list[CensusRunRow]]:
    runs = list_runs(session, connection_id=info.connection_id, day=day, after=None, limit=1)
    return proof_of(session, services, info), runs


def _row(known: Proof, run: CensusRunRow | None) -> dict[str, Any]:
    figures = {"day": run.day, **{name: getattr(run, name) for name in _FIGURES}} if run else {}
    return {**asdict(known), "age": _hours(known.age_seconds), "limit": _limit(known), **figures}


def _sentence(known: Proof) -> str:
    if not known.provable:
        return f"{known.connection}: {known.reason}"
    until = f"proven complete up to {known.proven_until:%Y-%m-%d %H:%M} UTC" if known.proven_until else "not proven yet"
    return f"{known.connection}: {until}{', which is older than its limit' if known.too_old else ''}"


def _documents(runs: list[CensusRunRow]) -> list[dict[str, Any]]:
    return [CensusRunOut.model_validate(run).model_dump(mode="json") for run in runs]


def _hours(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds // 3600} h"


def _limit(known: Proof) -> str | None:
    return None if known.limit_hours is None else f"{known.limit_hours} h"
