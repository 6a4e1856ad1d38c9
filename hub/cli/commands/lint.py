"""`hub routing lint`: rules that cannot do what they are written for."""

import click
from sqlalchemy.orm import Session

from hub.cli.bootstrap import reading
from hub.cli.output import emit, json_option, say
from hub.cli.rule_files import read_rules
from hub.flows.runtime import Runtime
from hub.kit.rules.lint import LintReport
from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.routing.schemas import LintOut
from hub.routing.service.gate import find_rule_set
from hub.routing.service.lint import lint_rules
from hub.routing.service.rule_sets import check_rule_set


@click.command()
@click.argument("what", metavar="FILE|VERSION")
@click.option("--last", default=500, show_default=True, type=click.IntRange(0, 5000), help="So many orders to look at.")
@json_option
def lint(what: str, last: int, as_json: bool) -> None:
    """Find rules of FILE (YAML or JSON), or of a VERSION, that cannot do what they are written for.

    Dead, shadowed by rules before them, contradictory, never matching, or naming locations or services that are gone.
    The exit status is 1 where there is a fault. Nothing is written.
    """
    with reading() as (runtime, session):
        rules = _rules(session, runtime, what)
        report = lint_rules(session, rules=rules, adapters=runtime.adapters, at=runtime.clock.now(), last=last)
    if as_json:
        emit(LintOut.model_validate(report).model_dump(mode="json"))
    else:
        _show(report)
    if report.findings:
        raise SystemExit(1)


def _show(report: LintReport) -> None:
    for finding in report.findings:
        place = f", line {finding.line}, column {finding.column}" if finding.line else ""
        say(f"{finding.kind}: rule {finding.rule} ({finding.path}{place}): {finding.reason}.")
        if finding.suggestion:
            say(f"  To do: {finding.suggestion}.")
        if finding.order or finding.witness:
            shown = ", ".join(f"{name} = {value!r}" for name, value in (finding.witness or {}).items())
            say(f"  Shown by{f' order {finding.order}' if finding.order else ''}: {shown or 'any order'}")
    for hint in report.hints:
        say(f"hint: rule {hint.rule} ({hint.path}) {hint.reason}.")
    for part in report.not_analysed:
        say(f"not analysed: rule {part.rule} ({part.path}): {part.reason}.")
    say(f"{len(report.findings)} faults in {report.rules} rules, looked at with {report.orders} orders.")


def _rules(session: Session, runtime: Runtime, what: str) -> RuleSet:
    if what.isdigit():
        return read_rule_set(find_rule_set(session, what).body)
    return check_rule_set(session, document=read_rules(what), adapters=runtime.adapters)
