"""`hub routing shadow`: ask a version about live orders before it decides any."""

import click

from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.options import after_option, limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.tables import print_facts, print_table
from hub.routing import repository_shadow
from hub.routing.schemas_shadow import DisagreementOut, ShadowOut
from hub.routing.service.shadow import find_shadow, start_shadow, stop_shadow

_COLUMNS = ("number", "changed", "before", "after", "why")


@click.group()
def shadow() -> None:
    """Ask a version of the rules about live orders, without letting it decide any."""


@shadow.command()
@click.argument("version")
@json_option
def start(version: str, as_json: bool) -> None:
    """Ask VERSION about every order from now on; one version at a time, until it is stopped or decides itself."""
    with writing() as (runtime, session):
        start_shadow(session, reference=version, actor=actor(), at=runtime.clock.now())
        document = ShadowOut.of(*find_shadow(session, version)).model_dump(mode="json")
    if as_json:
        emit(document)
        return
    say(f"Version {document['version']} is asked about live orders; `hub routing shadow show {version}` counts.")


@shadow.command()
@click.argument("version")
@json_option
def stop(version: str, as_json: bool) -> None:
    """Ask VERSION no more; what it said is kept."""
    with writing() as (runtime, session):
        stop_shadow(session, reference=version, actor=actor(), at=runtime.clock.now())
        document = ShadowOut.of(*find_shadow(session, version)).model_dump(mode="json")
    if as_json:
        emit(document)
        return
    say(f"Version {document['version']} is asked no more: {document['disagreed']} disagreements are kept.")


@shadow.command()
@click.argument("version")
@limit_option
@after_option
@json_option
def show(version: str, limit: int, after: str | None, as_json: bool) -> None:
    """Show how often VERSION agreed with what was decided, and its newest disagreements."""
    with reading() as (_, session):
        found = find_shadow(session, version)
        document = ShadowOut.of(*found).model_dump(mode="json")
        stored = repository_shadow.disagreements(session, found[1].shadow_id, before=after, limit=limit + 1)
        rows = [
            DisagreementOut.model_validate(row).model_dump(mode="json")
            for row in page(stored, limit, lambda row: row.disagreement_id)
        ]
    if as_json:
        emit(document | {"disagreements": rows})
        return
    spent = document.pop("micros_per_order")
    print_facts(document | {"ms_per_order": None if spent is None else f"{spent / 1000:.1f}"})
    print_table(rows, _COLUMNS, empty="It decided everything as it was decided.")
