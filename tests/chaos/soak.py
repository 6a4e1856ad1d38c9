"""`make soak`: rounds of chaos until so many orders were sent and so many processes killed, then one figure a promise.

A round is a hub of its own on private servers; what a finished round found is kept in the state folder, and a soak that
was interrupted goes on after it. Ends with status 1 where a promise was broken.
"""

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from bench.machine import machine
from bench.report import Figure, not_measured, write_json
from tests.chaos.world.deaths import POINTS
from tests.chaos.world.round import Pace, Round, Stuck, Tell, run_deaths, run_round
from tests.chaos.world.setups import SETUPS, missing
from tests.chaos.world.verdict import percentile, recovery_limit

ORDERS_A_ROUND = 2_000
DEATHS_A_ROUND = 25
"""At each step."""
RANDOMLY = Pace(pause_between=(0.5, 3.0), settle_seconds=900, pull_every=10)
AT_STEPS = Pace(pause_between=(0.0, 0.0), settle_seconds=600, pull_every=10)
ROOT = Path(__file__).resolve().parents[2]


@click.command()
@click.option("--setup", "setups", multiple=True, type=click.Choice(SETUPS), help="Only this set-up; several times.")
@click.option("--orders", default=500, show_default=True, type=click.IntRange(1), help="Orders to send, a set-up.")
@click.option("--kills", default=20, show_default=True, type=click.IntRange(1), help="Processes to kill, a set-up.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    help=f"Instead, on an honest network: end processes N times at each of the {len(POINTS)} boundaries between steps.",
)
@click.option("--parallel", default=1, show_default=True, type=click.IntRange(1, 16), help="Rounds at a time.")
@click.option("--seed", type=int, help="Draws all that is drawn. Without it a new one is drawn, and printed.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the run there.")
@click.option(
    "--markdown", "text_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the report there."
)
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Folder to go on from.  [var/soak]")
def main(
    setups: tuple[str, ...], orders: int, kills: int, steps: int | None, parallel: int, seed: int | None, json_file: Path | None,
    text_file: Path | None, state: Path | None,
) -> None:  # fmt: skip
    """Break running hubs between sides that lie, compare the books of all sides, and say what was promised and kept."""
    console = Console()
    folder = state or ROOT / "var" / "soak"
    seed = _seed(folder, seed)
    console.print(f"seed {seed}, state in {folder}", highlight=False)
    facts = {**machine(), "seed": seed}
    figures: list[Figure] = []
    for setup in setups or SETUPS:
        reason = missing(setup)
        if reason:
            figures.append(not_measured(f"{setup}: run", "rounds", None, reason))
            continue
        if steps is None:
            rounds = _random_rounds(setup, seed=seed, orders=orders, kills=kills)
        else:
            rounds = _step_rounds(setup, seed=seed, steps=steps)
        figures.extend(figures_of(setup, _done(rounds, folder, console, parallel)))
    report = markdown(facts, figures)
    console.print(report, markup=False, highlight=False)
    if json_file is not None:
        write_json(json_file, facts, figures)
    if text_file is not None:
        text_file.write_text(report, "utf-8")
    sys.exit(0 if all(figure.reached for figure in figures) else 1)


def _seed(folder: Path, given: int | None) -> int:
    """The seed of the run that the state folder holds, where none is given."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "seed"
    if given is None:
        given = int(file.read_text()) if file.exists() else random.SystemRandom().randrange(1_000_000)
    file.write_text(f"{given}\n")
    return given


@dataclass(frozen=True, slots=True)
class Planned:
    """A round that is to be run, or was run before: its name says all that it depends on."""

    name: str
    words: str
    seed: int
    run: Callable[[Path, Tell], Round]


def _random_rounds(setup: str, *, seed: int, orders: int, kills: int) -> list[Planned]:
    count = -(-orders // ORDERS_A_ROUND)
    planned = []
    for number in range(count):
        size, deaths = _share(orders, number, count), _share(kills, number, count)
        run = partial(_run_random, setup, seed + number, size, deaths)
        words = f"{setup}: round {number + 1} of {count}, {size} orders, {deaths} kills"
        planned.append(Planned(f"{setup}-{seed}-{number}-{size}-{deaths}", words, seed + number, run))
    return planned


def _run_random(setup: str, seed: int, orders: int, kills: int, place: Path, tell: Tell) -> Round:
    return run_round(setup, place, seed=seed, orders=orders, kills=kills, pace=RANDOMLY, tell=tell, own_disk=True)


def _step_rounds(setup: str, *, seed: int, steps: int) -> list[Planned]:
    count = -(-steps // DEATHS_A_ROUND)
    planned = []
    for number in range(count):
        each = _share(steps, number, count)
        run = partial(_run_deaths, setup, seed + number, each)
        words = f"{setup}: round {number + 1} of {count}, {each} deaths at each of {len(POINTS)} steps"
        planned.append(Planned(f"{setup}-steps-{seed}-{number}-{each}", words, seed + number, run))
    return planned


def _run_deaths(setup: str, seed: int, each: int, place: Path, tell: Tell) -> Round:
    return run_deaths(setup, place, seed=seed, each=each, pace=AT_STEPS, tell=tell)


def _done(planned: Sequence[Planned], folder: Path, console: Console, parallel: int) -> list[dict[str, Any]]:
    """What came of the rounds: of those that the state folder holds already, and of those that are left."""

    def do(entry: Planned) -> dict[str, Any]:
        file = folder / f"{entry.name}.json"
        if file.exists():
            console.print(f"{entry.words}: was done before", highlight=False)
        else:
            console.print(entry.words, highlight=False)
            file.write_bytes(orjson.dumps(_result(entry, folder / entry.name, console), option=orjson.OPT_INDENT_2))
        found: dict[str, Any] = orjson.loads(file.read_bytes())
        return found

    with ThreadPoolExecutor(parallel) as pool:  # a round's processes end with the thread that started them
        return list(pool.map(do, planned))


def _result(entry: Planned, place: Path, console: Console) -> dict[str, Any]:
    shutil.rmtree(place, ignore_errors=True)
    try:
        return entry.run(place, lambda text: console.print(text, markup=False, highlight=False)).as_document()
    except Stuck as error:
        return {"seed": entry.seed, "stuck": str(error)}


def _share(total: int, number: int, count: int) -> int:
    return total * (number + 1) // count - total * number // count


def figures_of(setup: str, rounds: Sequence[dict[str, Any]]) -> list[Figure]:
    """One figure a promise; a round that got stuck broke the promise to become quiet."""
    stuck = [entry["stuck"] for entry in rounds if "stuck" in entry]
    whole = [entry for entry in rounds if "stuck" not in entry]
    kills = sum(entry["kills"] for entry in whole)
    acts, faults = Counter[str](), Counter[str]()
    for entry in whole:
        acts.update(entry["done"])
        faults.update(entry["faults"])
    requests = faults.pop("requests", 0)
    told = f"{sum(entry['orders'] for entry in whole)} orders, {kills} kills"
    figures = [
        Figure(f"{setup}: kills", kills, "processes", 1, reached=kills > 0, note=_counts(acts)),
        *_faults(setup, faults, requests),
        Figure(f"{setup}: stuck", len(stuck), "rounds", 0, reached=not stuck, note="; ".join(stuck)[:1000]),
    ]  # fmt: skip
    totals: dict[str, list[Any]] = {}
    for entry in whole:
        for promise in entry["promises"]:
            kept = totals.setdefault(promise["name"], [0, 0, []])
            kept[0] += promise["broken"]
            kept[1] += promise["of"]
            kept[2] += promise["examples"]
    for name, (broken, of, examples) in totals.items():
        note = f"of {of}, in {told}" + (f": {'; '.join(examples)[:800]}" if examples else "")
        figures.append(Figure(f"{setup}: {name}", broken, "", 0, reached=broken == 0, note=note))
    times = [value for entry in whole for value in entry["recoveries"]]
    return [*figures, *_waits(setup, whole, times)]


def _faults(setup: str, faults: Counter[str], requests: int) -> list[Figure]:
    """None where the network was to be honest."""
    if not requests:
        return []
    note = f"in {requests} requests: {_counts(faults)}"
    return [Figure(f"{setup}: faults", sum(faults.values()), "of the network", 1, reached=bool(faults), note=note)]


def _waits(setup: str, whole: Sequence[dict[str, Any]], times: Sequence[float]) -> list[Figure]:
    limit, found = recovery_limit(), percentile(times, 0.95)
    waiting = [text for entry in whole for text in entry["waiting_for_a_person"]]
    person = Figure(
        f"{setup}: waiting_for_a_person", len(waiting), "jobs", None, reached=True,
        note=f"paid calls whose outcome a plugin of class `none` cannot ask for: {'; '.join(waiting)[:300]}",
    )  # fmt: skip
    if found is None:
        return [person]
    note = f"{len(times)} jobs of killed workers were taken up again, where nothing else was broken; the longest took {max(times):.1f} s"
    return [person, Figure(f"{setup}: recovery_p95", round(found, 2), "s", limit, reached=found <= limit, note=note)]


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))


def markdown(facts: dict[str, Any], figures: Sequence[Figure]) -> str:
    """The report for people."""
    lines = [
        "# OrderHub: promises kept while it was broken",
        "",
        "| promise | figure | target | kept | |",
        "|---|---|---|---|---|",
    ]
    for figure in figures:
        target = "-" if figure.target is None else f"{figure.target:g}"
        value = "-" if figure.value is None else f"{figure.value:g} {figure.unit}".strip()
        note = figure.note.replace("|", "/").replace("\n", " ")
        lines.append(f"| {figure.name} | {value} | {target} | {'yes' if figure.reached else 'NO'} | {note} |")
    return "\n".join([*lines, "", ", ".join(f"{name} {value}" for name, value in facts.items()), ""])


if __name__ == "__main__":
    main()
