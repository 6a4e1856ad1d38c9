"""`hub routing golden`: orders of which it is known what rules must make of them."""

from collections.abc import Sequence

import click
from sqlalchemy.orm import Session

from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.golden_faults import print_broken
from hub.cli.options import after_option, limit_option
from hub.cli.output import emit, json_option, note, page, say
from hub.cli.rule_files import read_rules
from hub.cli.tables import print_table
from hub.flows.runtime import Runtime
from hub.kit.rules.compiled import compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.routing import repository_golden
from hub.routing.rules.golden import MEMBER, Expectation
from hub.routing.schemas_golden import BrokenOut, GoldenOut, GoldenSaved, GoldenSummary
from hub.routing.service.gate import find_rule_set
from hub.routing.service.golden_made import make_golden
from hub.routing.service.golden_orders import add_golden, delete_golden, find_golden
from hub.routing.service.golden_runs import Ran, broken_now, keep_run, run_golden_orders
from hub.routing.service.rule_sets import check_rule_set
from hub.routing.service.written import write_yaml
from hub.routing.tables import GoldenOrderRow

_COLUMNS = ("name", "about", "expect", "author", "changed_at")
about_option = click.option("--about", default="", help="What it stands for.")


@click.group()
def golden() -> None:
    """Orders of which it is known what rules must make of them: they run whenever rules are saved."""


@golden.command()
@click.argument("file")
@click.option("--replace", "replaces", is_flag=True, help="Replace those of the same name.")
@json_option
def add(file: str, replaces: bool, as_json: bool) -> None:
    """Keep the golden order of FILE (YAML or JSON), or all that it lists as golden_orders.

    What its world leaves out of `now`, `locations` and prices is taken from the hub as it is, and stays so.
    """
    document = read_rules(file)
    listed = document.get(MEMBER)
    documents, path = (listed, f"/{MEMBER}") if isinstance(listed, list) else ([document], "")
    with writing() as (runtime, session):
        rows = add_golden(
            session, documents=documents, replace=replaces, adapters=runtime.adapters, author=actor(),
            at=runtime.clock.now(), path=path,
        )  # fmt: skip
        saved = _judged(session, runtime, rows)
    _print_saved(saved, as_json)


@golden.command()
@click.argument("order")
@click.argument("name")
@about_option
@click.option(
    "--expect", "members", multiple=True, type=click.Choice(list(Expectation.model_fields)),
    help="What must come of it; several times. None given: review, holds, tags, outcome, reason, locations, services.",
)  # fmt: skip
@json_option
def make(order: str, name: str, about: str, members: Sequence[str], as_json: bool) -> None:
    """Keep what was decided about ORDER (number or id) as the golden order NAME, with everything as it was then.

    Names, streets, phones and mail are left out; postal code, city and country stay, because routing reads them.
    """
    with writing() as (runtime, session):
        row = make_golden(
            session, order=order, name=name, about=about, members=members, adapters=runtime.adapters, author=actor(),
            at=runtime.clock.now(),
        )  # fmt: skip
        saved = _judged(session, runtime, [row])
    _print_saved(saved, as_json)


@golden.command("list")
@limit_option
@after_option
@json_option
def list_command(limit: int, after: str | None, as_json: bool) -> None:
    """List golden orders by name."""
    with reading() as (_, session):
        found = repository_golden.golden_orders(session, after=after, limit=limit + 1)
        rows = [GoldenSummary.of(row).model_dump() for row in page(found, limit, lambda row: row.name)]
    if as_json:
        emit(rows)
        return
    shown = [{**row, "expect": ", ".join(row["expect"])} for row in rows]
    print_table(shown, _COLUMNS, empty="No golden orders: `hub routing golden make ORDER NAME` keeps one.")


@golden.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Print the golden order NAME as YAML that `hub routing golden add` reads again."""
    with reading() as (_, session):
        found = GoldenOut.of(find_golden(session, name))
    if as_json:
        emit(found.model_dump())
        return
    say(write_yaml(found.document).decode().rstrip())


@golden.command()
@click.argument("name")
@json_option
def delete(name: str, as_json: bool) -> None:
    """Forget the golden order NAME; the audit trail keeps what it expected."""
    with writing() as (runtime, session):
        delete_golden(session, name=name, version=None, actor=actor(), at=runtime.clock.now())
    if as_json:
        emit({"name": name})
        return
    say(f"{name} is run no more.")


@golden.command()
@click.argument("what", metavar="[FILE|VERSION]", default="active")
@json_option
def run(what: str, as_json: bool) -> None:
    """Run all golden orders against the rules of FILE, or of a VERSION (else of the active one).

    What comes of a VERSION is kept, for the gate that it must pass; a FILE is only tried. The exit status is 1 where a
    golden order is broken.
    """
    ran = _of_version(what) if what == "active" or what.isdigit() else _of_file(what)
    if as_json:
        emit({"orders": ran.orders, "broken": [fault.to_dict() for fault in ran.broken]})
    else:
        print_broken([BrokenOut.model_validate(fault) for fault in ran.broken])
        say(f"{len(ran.names)} of {ran.orders} golden orders are broken.")
    if ran.broken:
        raise SystemExit(1)


def _of_version(reference: str) -> Ran:
    with writing() as (runtime, session):
        row, at = find_rule_set(session, reference), runtime.clock.now()
        rules = compile_rule_set(read_rule_set(row.body))
        ran = run_golden_orders(session, rules=rules, adapters=runtime.adapters, at=at)
        keep_run(session, row, ran, actor=actor(), at=at)
    note(f"Kept; `hub routing gate {row.version}` says whether version {row.version} may go live.")
    return ran


def _of_file(file: str) -> Ran:
    """With the golden orders of the file, which are not kept either."""
    document = read_rules(file)
    with writing() as (runtime, session):
        at = runtime.clock.now()
        rules = check_rule_set(session, document=document, adapters=runtime.adapters)
        add_golden(
            session, documents=document.get(MEMBER, []), replace=True, adapters=runtime.adapters, author=actor(), at=at
        )
        ran = run_golden_orders(session, rules=compile_rule_set(rules), adapters=runtime.adapters, at=at)
        session.rollback()
    return ran


def _judged(session: Session, runtime: Runtime, rows: Sequence[GoldenOrderRow]) -> list[GoldenSaved]:
    at = runtime.clock.now()
    return [
        GoldenSaved.judged(row, broken_now(session, row=row, adapters=runtime.adapters, at=at)) for row in rows
    ]  # fmt: skip


def _print_saved(saved: Sequence[GoldenSaved], as_json: bool) -> None:
    if as_json:
        emit([one.model_dump() for one in saved])
        return
    for one in saved:
        say(f"{one.name} is run whenever rules are saved: it expects {', '.join(one.expect)}.")
        print_broken(one.broken)
