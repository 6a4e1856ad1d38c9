"""`hub plugin rehearse`: whether another version of a plugin reads what is stored as it was read."""

import tomllib
from pathlib import Path

import click
import yaml
from pydantic import ValidationError

from hub.cli.bootstrap import open_runtime
from hub.cli.differences import print_groups
from hub.cli.options import TABLE_FILE
from hub.cli.output import emit, json_option, note, say
from hub.cli.rehearsal import Report, rehearse
from hub.cli.tables import print_table
from hub.intake.rules.explained import Explanation, Explanations
from hub.kit.errors import InvalidInput


@click.command("rehearse")
@click.argument("plugin")
@click.option(
    "--last", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Compare so many messages."
)
@click.option(
    "--candidate", metavar="PATH|VERSION",
    help="A package's folder, a project, a .py file or a wheel; the installed version, if left out.",
)  # fmt: skip
@click.option("--explain", "explain_file", type=TABLE_FILE, help="YAML or TOML: differences that are as they must be.")
@click.option(
    "--deadline", type=click.FloatRange(0.1, 600), default=10.0, show_default=True, help="Seconds for each message."
)
@json_option
@click.pass_context
def rehearse_command(
    ctx: click.Context, plugin: str, last: int, candidate: str | None, explain_file: Path | None, deadline: float,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare what a candidate version of PLUGIN makes of the last messages with what is stored.

    The candidate runs in a process of its own, without the database, without secrets and without the network's client.
    Nothing is written. Exits with 1 where a difference is not explained, or where the candidate refuses, crashes, hangs
    or answers nonsense.
    """
    explanations = read_explanations(explain_file) if explain_file else []
    with open_runtime() as runtime:
        report = rehearse(
            runtime, plugin, last=last, candidate=candidate, explanations=explanations, deadline=deadline
        )  # fmt: skip
    if as_json:
        emit(report.document())
    else:
        _show(report)
    if report.refused:
        ctx.exit(1)


def read_explanations(path: Path) -> list[Explanation]:
    """The explanations of a file; `InvalidInput` names every entry that does not fit."""
    try:
        text = path.read_text("utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise InvalidInput("bad_explanations", f"{path} cannot be read: {error}") from error
    try:
        return Explanations.model_validate(found).explained
    except ValidationError as error:
        listed = "; ".join(f"{'/'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput("bad_explanations", f"{path} does not explain differences: {listed}") from error


def _show(report: Report) -> None:
    say(f"{report.plugin}: candidate {report.candidate}, installed {report.installed}")
    for outcome, count in report.tally.outcomes.most_common():
        say(f"{count} {outcome.replace('_', ' ')}")
    groups = report.tally.groups
    if groups:
        reasons = {(group.path, group.kind): reason for group in groups if (reason := report.reason(group))}
        print_groups(report.tally, reasons)
    rows = [
        {"failure": one.kind, "error": one.detail, "messages": one.count, "example": one.ids[0]}
        for one in report.failures.values()
    ]
    if rows:
        print_table(rows, ("failure", "error", "messages", "example"), empty="")
    for entry in report.unused:
        note(f"There is no such difference (any more): {entry.path} ({entry.kind or 'any kind'}).")
    if report.refused:
        failed = sum(one.count for one in report.failures.values())
        note(f"Refused: {len(report.unexplained)} unexplained kinds of differences, {failed} failures.")
    else:
        say("Accepted: every difference is explained." if groups else "Accepted: there is no difference.")
