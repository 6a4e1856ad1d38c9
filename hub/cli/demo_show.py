"""The report for people: tables that fit a terminal of 80 columns, plain text where nobody watches."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.canonical.money import format_minor
from hub.cli.output import note

NARROWEST = 80
SHOWN_PROBLEMS = 5


def show_report(report: Mapping[str, Any], *, embedded: bool) -> None:
    """Print everything on standard output."""
    console = _console()
    console.print()
    _figures(console, report)
    _timelines(console, report["timelines"])
    _cases(console, report["cases"])
    _checks(console, report["checks"])
    _places(console, report, embedded=embedded)
    verdict = "The books are right." if report["ok"] else "The books are NOT right: see the checks above."
    console.print(Text(verdict, style="bold green" if report["ok"] else "bold red"))


def show_server(report: Mapping[str, Any], *, as_json: bool) -> None:
    """Say that the API is up; on standard error where standard output is JSON."""
    server = report["server"]
    lines = (
        f"The API is up at {server['url']} (try {server['docs']}); Ctrl-C stops it.",
        f'curl -H "Authorization: Bearer {server["api_key"]}" {server["url"]}/v1/orders?limit=3',
    )
    for line in lines:
        note(line)


def _console() -> Console:
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=max(NARROWEST, Console().width))


def _figures(console: Console, report: Mapping[str, Any]) -> None:
    orders, parcels, documents = report["orders"], report["parcels"], report["documents"]
    held = ", ".join(f"{count} {_words(reason)}" for reason, count in orders["held"].items()) or "none"
    waiting, waited = orders["waiting_for_stock"], orders["waited_until_more_came"]
    served = f"; {len(set(waited) - set(waiting))} more were served when the lamp came in" if waited else ""
    rows = [
        ("orders sent", f"{orders['sent']} in {orders['deliveries']} deliveries"),
        (
            "accepted",
            f"{orders['accepted']}, each once; {orders['left_out_for_a_faulty_row']} left out for a faulty row",
        ),
        ("approved by itself", f"{orders['auto_approved']} ({orders['auto_approval_rate']:.1%})"),
        ("held, and why", held),
        ("cancelled", f"{orders['cancelled']} ({orders['cancelled_by_the_desk']} by the desk)"),
        ("waiting for stock", (f"{len(waiting)} ({', '.join(waiting)})" if waiting else "none") + served),
        ("split", f"{orders['split_2_ways']} over two warehouses, {orders['split_3_ways']} over three"),
        (
            "shipped",
            f"{orders['shipped']} orders in {parcels['handed_over']} parcels: {_counts(parcels['by_location'])}",
        ),
        ("freight", f"{format_minor(parcels['freight_minor'], 'USD')} USD: {_counts(parcels['by_carrier'])}"),
        (
            "labels",
            f"{parcels['labels_given_back']} given back and bought anew, {parcels['labels_reprinted']} reprinted",
        ),
        ("posted to the ledger", ", ".join(f"{count} {_plural(kind)}" for kind, count in documents.items())),
        ("seconds", f"{report['seconds']['total']:.1f}{_restarts(report['restarts'])}"),
    ]
    _table(console, "The day", ("", ""), rows)
    steps = [(name, f"{value:.1f}") for name, value in report["seconds"].items() if name != "total"]
    _table(console, "Seconds for each step", ("step", "s"), steps, right=(1,))


def _timelines(console: Console, timelines: Iterable[Mapping[str, Any]]) -> None:
    for timeline in timelines:
        rows = [(f"{event['after_seconds']:.1f} s", event["kind"], event["note"]) for event in timeline["events"]]
        _table(console, f"{timeline['title']}: {timeline['number']}", ("after", "what", ""), rows, right=(0,))


def _cases(console: Console, cases: list[Mapping[str, Any]]) -> None:
    rows = [(case["title"], case["what_to_do"]) for case in cases]
    _table(console, f"Waiting for a person: {len(cases)} cases", ("what", "what to do"), rows)


def _checks(console: Console, checks: Iterable[Mapping[str, Any]]) -> None:
    rows: list[tuple[str | Text, ...]] = []
    for check in checks:
        mark = Text("ok", style="green") if check["ok"] else Text("WRONG", style="bold red")
        detail = Text(check["detail"])
        for problem in check["problems"][:SHOWN_PROBLEMS]:
            detail.append(f"\n{problem}", style="red")
        if len(check["problems"]) > SHOWN_PROBLEMS:
            detail.append(f"\nand {len(check['problems']) - SHOWN_PROBLEMS} more", style="red")
        rows.append((mark, check["name"], detail))
    _table(console, "Everybody's own books, compared", ("", "check", "numbers"), rows)


def _places(console: Console, report: Mapping[str, Any], *, embedded: bool) -> None:
    places = report["places"]
    hub = _program()
    split = next((line["number"] for line in report["timelines"]), "ORDER")
    commands = [f"export ORDERHUB_DATA_DIR={places['data']}"] if embedded else []
    commands += [f"{hub} {words} '{split}'" for words in ("orders show", "orders timeline", "routing why")]
    commands += [f"{hub} cases list", f"{hub} demo --serve   (leaves the API up, see /docs)"]
    rows = [
        ("labels (PDF)", places["labels"]), ("ledger (beancount)", places["ledger"]), ("server's log", places["log"]),
        *(("" if index else "look further", command) for index, command in enumerate(commands)),
    ]  # fmt: skip
    _table(console, "Where things are", ("", ""), rows)


def _table(
    console: Console, title: str, heads: tuple[str, ...], rows: Iterable[tuple[str | Text, ...]], *,
    right: tuple[int, ...] = (),
) -> None:  # fmt: skip
    shown = list(rows)
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False,
        show_header=any(heads),
    )  # fmt: skip
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index in right else "left", overflow="fold", no_wrap=index in right)
    for row in shown:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console.print(table)


def _program() -> str:
    """What to type for `hub` here: it may be in an environment that is not on the path."""
    mine = Path(sys.argv[0])
    return "hub" if shutil.which("hub") or mine.name != "hub" else os.path.relpath(mine)


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(found.items()))


def _restarts(times: int) -> str:
    return f"; the server died and was started again {times} times" if times else ""


def _words(code: str) -> str:
    return code.replace("_", " ")


def _plural(kind: str) -> str:
    words = _words(kind)
    return f"{words.removesuffix('y')}ies" if words.endswith("ry") else f"{words}s"
