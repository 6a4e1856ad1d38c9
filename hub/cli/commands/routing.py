"""`hub routing`: why an order goes where it goes, and the rules that decide it."""

from pathlib import Path
from shlex import quote
from typing import Any

import click
import yaml

from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.options import TABLE_FILE, limit_option
from hub.cli.output import emit, json_option, say
from hub.cli.tables import print_table
from hub.kit.errors import HubError, InvalidInput
from hub.orders.service.holding import find_order
from hub.routing import repository
from hub.routing.rules.explain import explain, explain_location
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
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
