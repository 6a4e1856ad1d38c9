"""`hub cases`: what waits for a person."""

from dataclasses import asdict
from typing import Any, cast

import click

from hub.cases.rules.cases import MAX_RESOLUTION, Case, CaseState
from hub.cases.service import query
from hub.cases.service import resolve as service
from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.options import after_option, limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.tables import print_facts, print_table
from hub.kit.errors import InvalidInput

_COLUMNS = ("case_id", "kind", "title", "occurrences", "opened_at", "what_to_do")


@click.group()
def cases() -> None:
    """See and resolve what waits for a person."""


@cases.command("list")
@click.option(
    "--state", type=click.Choice(("open", "resolved", "all")), default="open", show_default=True, help="Which."
)
@click.option("--kind", help="Only this kind, e.g. unknown_sku.")
@limit_option
@after_option
@json_option
def list_command(state: str, kind: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List cases, newest first."""
    wanted = None if state == "all" else cast("CaseState", state)
    with reading() as (_, session):
        found = query.list_cases(session, state=wanted, kind=kind, before=after, limit=limit + 1)
    documents = [asdict(case) for case in page(found, limit, lambda case: case.case_id)]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="Nothing waits for a person.")


@cases.command()
@click.argument("case_id", metavar="ID")
@json_option
def show(case_id: str, as_json: bool) -> None:
    """Show one case: what happened and what to do."""
    with reading() as (_, session):
        _show(query.get(session, case_id=case_id), as_json)


@cases.command()
@click.argument("case_id", metavar="ID")
@click.option("--resolution", required=True, help="What was done, for those who look it up later.")
@json_option
def resolve(case_id: str, resolution: str, as_json: bool) -> None:
    """Say that a case is done with."""
    if not 0 < len(resolution.strip()) <= MAX_RESOLUTION:
        raise InvalidInput("invalid_resolution", f"The resolution must have 1 to {MAX_RESOLUTION} characters.")
    with writing() as (runtime, session):
        query.get(session, case_id=case_id)
        case = service.resolve(
            session, case_id=case_id, actor=actor(), resolution=resolution.strip(), at=runtime.clock.now()
        )
    _show(case, as_json)


def _show(case: Case, as_json: bool) -> None:
    document: dict[str, Any] = asdict(case)
    if as_json:
        emit(document)
        return
    detail = document.pop("detail")
    print_facts({name: value for name, value in document.items() if value is not None})
    if detail:
        say("")
        print_facts(detail)
