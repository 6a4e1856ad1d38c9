"""`hub routing`: why an order goes where it goes, and the rules that decide it."""

from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import click
import yaml
from sqlalchemy.orm import Session

from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.options import TABLE_FILE, limit_option
from hub.cli.output import emit, json_option, say
from hub.cli.tables import print_table, progress
from hub.flows.runtime import Runtime
from hub.kit.errors import HubError, InvalidInput, NotFound
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.orders.service.holding import find_order
from hub.routing import repository
from hub.routing.rules.backtest import changed_figures, summary
from hub.routing.rules.explain import explain, explain_location
from hub.routing.schemas import BacktestOut
from hub.routing.service.backtest import backtest as run_backtest
from hub.routing.service.rule_sets import activate_rule_set, check_rule_set, create_rule_set
from hub.routing.tables import RuleSetRow

_COLUMNS = ("version", "state", "comment", "author", "created_at", "activated_at")


@click.group()
def routing() -> None:
    """See why an order goes where it goes; change the rules that decide it."""


@routing.command()
@click.argument("order")
@click.argument("location", required=False)
@json_option
def why(order: str, location: str | None, as_json: bool) -> None:
    """Say why ORDER (number or id) is sent from where it is sent; with LOCATION, why from there or why not."""
    with reading() as (_, session):
        row = find_order(session, order)
        decision = repository.latest_decision(session, row.order_id)
        if decision is None:
            raise HubError(
                404,
                "no_decision",
                f"Nothing was planned for order {order!r} yet: `hub orders show {quote(order)}` says why.",
            )
        lines = explain(decision.body) if location is None else explain_location(decision.body, location)
        document = {
            "order_id": row.order_id, "number": row.number, "decided_at": decision.decided_at,
            "outcome": decision.outcome, "rule_set_id": decision.rule_set_id, "explanation": lines,
            "decision": decision.body,
        }  # fmt: skip
    if as_json:
        emit(document)
        return
    for line in lines:
        say(line)


@routing.command("list")
@limit_option
@json_option
def list_command(limit: int, as_json: bool) -> None:
    """List the versions of the rules, newest first."""
    with reading() as (_, session):
        documents = [_document(row) for row in repository.rule_sets(session, before=None, limit=limit)]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="No rules: every location may send, the nearest first.")


@routing.command()
@click.argument("what", metavar="FILE|VERSION")
@click.option("--comment", default="", help="Why, for those who look it up later.")
@json_option
def activate(what: str, comment: str, as_json: bool) -> None:
    """Let the rules of FILE (YAML or JSON) decide from now on, or an earlier VERSION again.

    A file that has any fault is refused whole, with every fault and a suggestion; what decided before stays as it is.
    """
    with writing() as (runtime, session):
        at = runtime.clock.now()
        reference = what
        if not what.isdigit():
            row = create_rule_set(
                session, document=_read(what), adapters=runtime.adapters, author=actor(), comment=comment, at=at
            )
            reference = row.rule_set_id
        document = _document(activate_rule_set(session, reference=reference, actor=actor(), at=at))
    if as_json:
        emit(document)
        return
    say(f"Rule set version {document['version']} decides from now on.")


@routing.command()
@click.argument("what", metavar="FILE|VERSION")
@click.option("--last", default=1000, show_default=True, type=click.IntRange(1), help="So many orders, newest first.")
@click.option("--show", default=20, show_default=True, type=click.IntRange(0), help="So many differences in the table.")
@json_option
def backtest(what: str, last: int, show: int, as_json: bool) -> None:
    """See what the rules of FILE (YAML or JSON), or of a VERSION, would have decided about the last orders.

    Each order meets the stock, the capacity, the calendars and the prices that it met then. Nothing is written.
    """
    with reading() as (runtime, session), progress("Orders", last) as bar:
        rules = _candidate(session, runtime, what)
        found = run_backtest(
            session, rules=rules, adapters=runtime.adapters, last=last,
            tell=lambda count: bar.update(bar.task_ids[0], completed=count),
        )  # fmt: skip
    if as_json:
        emit(BacktestOut.of(found).model_dump(mode="json"))
        return
    rows = [
        {"figure": name, "before": one, "after": other}
        for name, one, other in changed_figures(found.before, found.after)
    ]
    print_table(rows, ("figure", "before", "after"), empty="")
    shown = [asdict(difference) for difference in found.differences[:show]]
    print_table(shown, ("number", "before", "after"), empty="No order would have been sent otherwise.")
    say(summary(found))


def _candidate(session: Session, runtime: Runtime, what: str) -> CompiledRuleSet:
    if what.isdigit():
        row = repository.rule_set(session, what)
        if row is None:
            raise NotFound("rule_set", what)
        return compile_rule_set(read_rule_set(row.body))
    return compile_rule_set(check_rule_set(session, document=_read(what), adapters=runtime.adapters))


def _read(name: str) -> dict[str, Any]:
    path: Path = TABLE_FILE.convert(name, None, None)
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidInput("not_utf8", f"{path} is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidInput("not_yaml", f"{path}{place}: {getattr(error, 'problem', None) or 'is not YAML'}.") from error
    if not isinstance(found, dict):
        raise InvalidInput("not_a_rule_set", f"{path} must hold an object with the sections review, sourcing, courier.")
    return found


def _document(row: RuleSetRow) -> dict[str, Any]:
    return {"rule_set_id": row.rule_set_id, "content_hash": row.content_hash} | {
        name: getattr(row, name) for name in _COLUMNS
    }
