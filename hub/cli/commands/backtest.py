"""`hub routing backtest|report`: what other rules would have done, and how the present ones do."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hub.cli.backtest_reports import html_option, png_option, refuse_missing_plots, write_reports
from hub.cli.bootstrap import open_runtime
from hub.cli.environment import actor
from hub.cli.output import emit, json_option, note, say
from hub.cli.rule_files import read_rules
from hub.cli.tables import print_table, progress
from hub.flows.runtime import Runtime
from hub.kit.rules.compiled import compile_rule_set
from hub.routing.rules.backtest import Comparison, changed_figures, summary
from hub.routing.schemas import BacktestOut
from hub.routing.service.backtest import backtest as run_backtest
from hub.routing.service.rehearsals import rehearse
from hub.routing.service.report import report as run_report
from hub.routing.service.rule_sets import check_rule_set


@click.command()
@click.argument("what", metavar="FILE|VERSION")
@click.option("--last", default=1000, show_default=True, type=click.IntRange(1), help="So many orders, newest first.")
@click.option("--show", default=20, show_default=True, type=click.IntRange(0), help="So many differences in the table.")
@html_option
@png_option
@json_option
def backtest(what: str, last: int, show: int, html: Path | None, png: Path | None, as_json: bool) -> None:
    """See what the rules of FILE (YAML or JSON), or of a VERSION, would have decided about the last orders.

    Each order meets the stock, the capacity, the calendars and the prices that it met then; meanwhile the database
    refuses every write. Of a VERSION the result is kept: the gate that it must pass before it decides looks at it.
    """
    refuse_missing_plots(png)
    with open_runtime() as runtime, progress("Orders", last) as bar:
        found = _measured(runtime, what, last, lambda count: bar.update(bar.task_ids[0], completed=count))
    document = BacktestOut.of(found).model_dump(mode="json")
    write_reports(document, html=html, png=png)
    if as_json:
        emit(document)
        return
    rows = [
        {"figure": name, "before": one, "after": other}
        for name, one, other in changed_figures(found.before, found.after)
    ]
    print_table(rows, ("figure", "before", "after"), empty="")
    shown = [asdict(difference) for difference in found.differences[:show]]
    print_table(
        shown, ("number", "changed", "before", "after", "why"), empty="No order would have been sent otherwise."
    )
    say(summary(found))


@click.command()
@click.option("--last", default=1000, show_default=True, type=click.IntRange(1), help="So many orders, newest first.")
@json_option
def report(last: int, as_json: bool) -> None:
    """Show how routing does: what came of the last orders, whether each has its record and is decided again bit for
    bit as it is stored, how fast, and what waves have saved beside greedy. Nothing is written.
    """
    with open_runtime() as runtime, runtime.database.read_only() as session, progress("Orders", last) as bar:
        found = run_report(
            session, adapters=runtime.adapters, last=last,
            tell=lambda count: bar.update(bar.task_ids[0], completed=count),
        ).to_dict()  # fmt: skip
    if as_json:
        emit(found)
        return
    print_table(list(_flat(found)), ("figure", "value"), empty="")


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[dict[str, Any]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield {"figure": before + name, "value": value}


def _measured(runtime: Runtime, what: str, last: int, tell: Callable[[int], None]) -> Comparison:
    """The result of a version is kept, for the gate that it must pass; a file is only tried."""
    if what.isdigit():
        row, found = rehearse(
            runtime.database, reference=what, adapters=runtime.adapters, last=last, actor=actor(),
            at=runtime.clock.now(), tell=tell,
        )  # fmt: skip
        note(f"Kept as backtest {row.backtest_id}; `hub routing gate {what}` says whether version {what} may go live.")
        return found
    with runtime.database.read_only() as session:
        rules = compile_rule_set(check_rule_set(session, document=read_rules(what), adapters=runtime.adapters))
        return run_backtest(session, rules=rules, adapters=runtime.adapters, last=last, tell=tell)
