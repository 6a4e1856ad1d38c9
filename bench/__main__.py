"""`python -m bench`: run the figures one after the other, show them, and keep them as JSON."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench import backlog, claims, engine, flow, hot, idle, latency, lint, migration, routing, slow, webhook
from bench.end_to_end import Incomplete
from bench.machine import machine
from bench.place import JOBS, Missing, Place, place
from bench.report import Figure, not_measured, print_table, write_json


@dataclass(frozen=True, slots=True)
class Family:
    """Figures that one run gives, with their units and targets for the case that it gives none."""

    figures: tuple[tuple[str, str, float | None], ...]
    measure: Callable[[Place], list[Figure]]
    group: str = ""
    """Under this name `--only` takes all families of one subject."""


FAMILIES = (
    Family(
        (("end_to_end_postgresql", "orders/s", 400), ("resident_memory", "MB", flow.MEMORY_MB)),
        flow.end_to_end_postgresql,
    ),
    Family((("end_to_end_sqlite", "orders/s", 300),), flow.end_to_end_sqlite),
    Family((("bulk_intake_raw", "orders/s", None), ("bulk_intake", "orders/s", 3_000)), flow.bulk_intake),
    Family((("webhook_postgresql", "requests/s", 1_000),), webhook.webhook_postgresql),
    Family((("webhook_to_routed", "ms", latency.P99_MS),), latency.webhook_to_routed),
    Family((("job_claims", "jobs/s", None), ("job_claims_full", "x empty", 1 - claims.CHANGE)), claims.job_claims),
    Family((("hot_sku", "reservations/s", hot.TARGET),), hot.hot_sku),
    Family((("backlog", "jobs/s", None),), backlog.backlog),
    Family((("migration_stall", "s", migration.STALL_SECONDS),), migration.migration_stall),
    Family((("slow_platform", "x quick", slow.TIMES),), slow.slow_platform),
    Family((("idle_queries", "queries/s", idle.QUERIES),), idle.idle_queries),
    Family((("statements_per_order", "statements", None),), engine.statements_per_order),
    Family((("full_tables", "x empty", 1.15),), engine.full_tables),
    Family(
        (("routing_plan_p95", "ms", routing.P95_MS), ("routing_plan_rate", "orders/s", routing.RATE)),
        routing.planning,
        "routing",
    ),
    Family(
        (
            ("routing_backtest", "s", routing.BACKTEST_SECONDS),
            ("routing_reproduced", "%", routing.REPRODUCED),
            ("routing_records", "%", routing.RECORDS),
        ),
        routing.history,
        "routing",
    ),
    Family((("routing_waves", "% saved", 0),), routing.waves, "routing"),
    Family(
        (
            ("superstore_backtest", "s", routing.BACKTEST_SECONDS),
            ("superstore_reproduced", "%", routing.REPRODUCED),
            ("superstore_records", "%", routing.RECORDS),
        ),
        routing.superstore_history,
        "routing",
    ),
    Family((("superstore_waves", "% saved", 0),), routing.superstore_waves, "routing"),
    Family((("routing_oversold", "units", 0),), routing.hot_reservations, "routing"),
    Family((("routing_lint", "%", lint.SHARE), ("routing_lint_false", "alarms", 0)), lint.linting, "routing"),
)
GROUPS = tuple(dict.fromkeys(family.group for family in FAMILIES if family.group))
NAMES = tuple(name for family in FAMILIES for name, _, _ in family.figures)


@click.command()
@click.option("--only", multiple=True, type=click.Choice((*NAMES, *GROUPS)), help="Only this figure or group.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the run there.")
@click.option("--list", "as_list", is_flag=True, help="List the figures and end.")
@click.option("--jobs", type=click.IntRange(1_000), default=JOBS, show_default=True, help="How many `backlog` has.")
@click.option("--quick", is_flag=True, help="A small run of each: to see that it works, not how fast it is.")
def main(only: tuple[str, ...], json_file: Path | None, as_list: bool, jobs: int, quick: bool) -> None:
    """Measure the speed of the hub beside its ceilings. A whole run takes about forty minutes."""
    if as_list:
        for name in NAMES:
            click.echo(name)
        return
    console = Console()
    facts = machine()
    figures: list[Figure] = []
    for family in FAMILIES:
        wanted = [name for name, _, _ in family.figures if not only or name in only or family.group in only]
        if wanted:
            figures.extend(figure for figure in _measured(family, wanted[0], jobs, quick) if figure.name in wanted)
    print_table(console, facts, figures)
    if json_file is not None:
        write_json(json_file, facts, figures)
        console.print(f"Written to {json_file}")


def _measured(family: Family, name: str, jobs: int, quick: bool) -> list[Figure]:
    """The figures of a family; what goes wrong is their reason, and never ends the run."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        try:
            with place(quick=quick, jobs=jobs, tell=lambda done: progress.update(task, completed=done)) as here:
                return family.measure(here)
        except (Missing, Incomplete) as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  one broken figure must not cost the others
            traceback.print_exc(file=sys.stderr)
            reason = f"{type(error).__name__}: {error}"
    return [not_measured(figure, unit, target, reason) for figure, unit, target in family.figures]


if __name__ == "__main__":
    main()
