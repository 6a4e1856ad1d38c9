"""`hub routing ...`: the life of a rule set: drafted, compared, let pass, activated, taken back."""

from typing import Any

import click

from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.golden_faults import print_broken
from hub.cli.options import JSON_OBJECT, after_option, limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.rule_differences import print_differences
from hub.cli.rule_files import read_rules
from hub.cli.tables import print_facts, print_table
from hub.kit.rules.rule_set import read_rule_set
from hub.routing import repository, repository_gate
from hub.routing.rules.rule_set_diff import diff_rule_sets
from hub.routing.schemas import RuleSetSummary
from hub.routing.schemas_gate import ActivatedOut, BacktestSummary, DiffOut, GateOut, OverrideOut, StandingOut
from hub.routing.schemas_golden import BrokenOut
from hub.routing.service.gate import current_gate, find_rule_set, let_pass, read_gate, save_gate, stand
from hub.routing.service.golden_orders import with_golden
from hub.routing.service.golden_runs import WhenBroken, broken_by
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set, roll_back
from hub.routing.service.written import write_yaml
from hub.routing.tables import RuleSetRow

_VERSIONS = ("version", "state", "comment", "author", "created_at", "activated_at")
_CHECKS = ("figure", "before", "after", "limit", "holds")
_BACKTESTS = ("backtest_id", "version", "against_version", "orders", "differing", "reproduced", "actor", "ran_at")
_SAID = {
    "rehearsed": "Version {version} passes the gate: `hub routing activate {version}`.",
    "overridden": "Version {version} does not pass, but was let pass: `hub routing activate {version}`.",
    "no_history": "Version {version} passes: there is nothing to rehearse on, no order was decided about yet.",
    None: "Version {version} does not pass. Correct the rules, or let a second person run "
    "`hub routing override {version} --reason ...`.",
}
comment_option = click.option("--comment", default="", help="Why, for those who look it up later.")


@click.command("list")
@limit_option
@click.option("--after", type=int, metavar="VERSION", help="Go on below this version.")
@json_option
def list_versions(limit: int, after: int | None, as_json: bool) -> None:
    """List the versions of the rules, newest first."""
    with reading() as (_, session):
        found = repository.rule_sets(session, before=after, limit=limit + 1)
        documents = [_document(row) for row in page(found, limit, lambda row: str(row.version))]
    if as_json:
        emit(documents)
        return
    print_table(documents, _VERSIONS, empty="No rules: every location may send, the nearest first.")


@click.command()
@click.argument("file")
@comment_option
@click.option(
    "--golden", "broken", type=click.Choice(["refuse", "report"]), default="refuse", show_default=True,
    help="What becomes of rules that break golden orders: refused, or kept, and a second person must let them pass.",
)  # fmt: skip
@json_option
def draft(file: str, comment: str, broken: WhenBroken, as_json: bool) -> None:
    """Keep the rules of FILE (YAML or JSON) as a new version that decides nothing yet.

    All golden orders are run against them; those that FILE has as golden_orders are kept, or replace their likes.
    """
    document = _saved(file, comment, broken)
    if as_json:
        emit(document)
        return
    version = document["version"]
    print_broken([BrokenOut.model_validate(fault) for fault in document["broken"]])
    say(f"Kept as version {version}. `hub routing backtest {version}` shows what it would have decided.")


@click.command()
@click.argument("version")
@click.option("--golden-orders", is_flag=True, help="With the golden orders of the hub beside the rules.")
@json_option
def export(version: str, golden_orders: bool, as_json: bool) -> None:
    """Print the rules of VERSION (number, id or `active`) as YAML that `hub routing draft` reads again."""
    with reading() as (_, session):
        row = find_rule_set(session, version)
        body = with_golden(session, row.body) if golden_orders else row.body
    if as_json:
        emit(body)
        return
    say(write_yaml(body).decode().rstrip())


@click.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what differs between two versions (number, id or `active`), rule by rule, clause by clause."""
    with reading() as (_, session):
        one, other = find_rule_set(session, before), find_rule_set(session, after)
        found = diff_rule_sets(read_rule_set(one.body), read_rule_set(other.body))
        document = DiffOut.of(one, other, found)
    if as_json:
        emit(document.model_dump())
        return
    if not found:
        say(f"Versions {document.before} and {document.after} say the same.")
    print_differences(found)


@click.command()
@click.argument("version", required=False)
@click.option("--set", "changes", type=JSON_OBJECT, help="Thresholds to change, e.g. '{\"minimum_orders\": 200}'.")
@comment_option
@json_option
def gate(version: str | None, changes: dict[str, Any] | None, comment: str, as_json: bool) -> None:
    """Show the thresholds that rules must keep to go live, or how VERSION stands before them; --set changes some."""
    if version is not None and changes is not None:
        raise click.UsageError("Name a VERSION to see how it stands, or --set thresholds, not both.")
    if version is not None:
        _print_standing(version, as_json)
        return
    if changes is not None:
        with writing() as (runtime, session):
            wanted = read_gate({**current_gate(session)[1].model_dump(), **changes})
            save_gate(session, gate=wanted, author=actor(), comment=comment, at=runtime.clock.now())
    with reading() as (_, session):
        found = GateOut.of(repository_gate.current_gate(session)).model_dump()
    if as_json:
        emit(found)
        return
    print_facts({"version": found["version"], **found["thresholds"]})


@click.command()
@click.argument("version")
@click.option("--reason", required=True, help="Why it may go live all the same; kept for ever.")
@json_option
def override(version: str, reason: str, as_json: bool) -> None:
    """Let VERSION pass that somebody else wrote: for the thresholds that it breaks now, and for nothing else.

    Who lets it pass cannot activate it too. Who you are is your user on this machine.
    """
    with writing() as (runtime, session):
        row = let_pass(session, reference=version, reason=reason, actor=actor(), at=runtime.clock.now())
        document = OverrideOut.model_validate(row)
    if as_json:
        emit(document.model_dump())
        return
    say(f"{document.actor} lets version {version} pass. Somebody else activates it: `hub routing activate {version}`.")


@click.command()
@click.argument("what", metavar="FILE|VERSION")
@comment_option
@json_option
def activate(what: str, comment: str, as_json: bool) -> None:
    """Let a VERSION decide from now on that passes the gate; the rules of FILE are kept as a new version first.

    A file that has any fault is refused whole, with every fault and a suggestion. A version that does not pass is
    refused with every threshold that it breaks. What decided before stays as it is.
    """
    reference = what if what.isdigit() else str(_saved(what, comment, "refuse")["version"])
    with writing() as (runtime, session):
        row = activate_rule_set(session, reference=reference, actor=actor(), at=runtime.clock.now())
        found = ActivatedOut.of(session, row)
    _print_active(found, as_json)


@click.command()
@click.option("--reason", default="", help="Why; kept for ever.")
@click.option("--active", type=click.IntRange(1), help="Only while this version is active: two people go back once.")
@json_option
def rollback(reason: str, active: int | None, as_json: bool) -> None:
    """Let the version decide again that was active before; it was active, so no gate is asked."""
    with writing() as (runtime, session):
        row = roll_back(session, actor=actor(), at=runtime.clock.now(), reason=reason, active=active)
        found = ActivatedOut.of(session, row)
    _print_active(found, as_json)


@click.command()
@click.argument("version", required=False)
@limit_option
@after_option
@json_option
def backtests(version: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List the backtests that are kept, of VERSION or of all, newest first."""
    with reading() as (_, session):
        rule_set_id = find_rule_set(session, version).rule_set_id if version else None
        found = repository_gate.backtests(session, rule_set_id=rule_set_id, before=after, limit=limit + 1)
        rows = page(found, limit, lambda row: row.backtest_id)
        wanted = [each for row in rows for each in (row.rule_set_id, row.against_id)]
        versions = repository_gate.versions(session, wanted)
        documents = [BacktestSummary.of(row, versions).model_dump() for row in rows]
    if as_json:
        emit(documents)
        return
    print_table(documents, _BACKTESTS, empty="No backtest is kept: `hub routing backtest VERSION` makes one.")


def _saved(file: str, comment: str, golden: WhenBroken) -> dict[str, Any]:
    with writing() as (runtime, session):
        row = create_rule_set(
            session, document=read_rules(file), adapters=runtime.adapters, author=actor(), comment=comment,
            at=runtime.clock.now(), golden=golden,
        )  # fmt: skip
        return {**RuleSetSummary.model_validate(row).model_dump(), "broken": broken_by(session, row.rule_set_id)}


def _print_standing(version: str, as_json: bool) -> None:
    with reading() as (runtime, session):
        found = StandingOut.of(stand(session, find_rule_set(session, version), at=runtime.clock.now()))
    if as_json:
        emit(found.model_dump())
        return
    print_table([check.model_dump() for check in found.checks], _CHECKS, empty="Nothing is measured.")
    for check in found.checks:
        if not check.holds:
            say(check.detail)
    say("It is active." if found.state == "active" else _SAID[found.basis].format(version=found.version))


def _print_active(found: ActivatedOut, as_json: bool) -> None:
    if as_json:
        emit(found.model_dump())
        return
    replaced = found.activation.replaced_version
    say(
        f"Rule set version {found.version} decides from now on"
        + (f", version {replaced} no more." if replaced else ".")
    )
    if found.activation.reason:
        say(found.activation.reason)


def _document(row: RuleSetRow) -> dict[str, Any]:
    return {"rule_set_id": row.rule_set_id, "content_hash": row.content_hash} | {
        name: getattr(row, name) for name in _VERSIONS
    }
