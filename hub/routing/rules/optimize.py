"""The strategy `wave`: one option for each order, at the least cost, under stock and capacity, as an integer program.

Solved by HiGHS (extra `optimize`) on one thread with a fixed seed, from greedy's plan on, with a bound on the search
that counts nodes and a second one in seconds; the best plan found within both is the answer.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hub.sdk.hooks import WaveAnswer, WaveRequest

MISSING = "the extra `optimize` is not installed: pip install 'orderhub[optimize]'"
NODES = 20_000
"""Bound on the search: the same on every machine, unlike seconds."""
OPTIONS: dict[str, Any] = {
    "output_flag": False, "threads": 1, "random_seed": 1, "mip_max_nodes": NODES, "mip_rel_gap": 0.0,
    "mip_abs_gap": 0.5,
}  # fmt: skip
"""Costs are whole minor units: a gap of half a unit is none."""
HALF = 0.5


def solve(request: WaveRequest) -> WaveAnswer:
    """The cheapest choice that was found in time; abstains where the solver is missing or found none."""
    highspy = _solver()
    if highspy is None:
        return WaveAnswer(None, MISSING)
    starts, total = [], 0
    for choices in request.options:
        starts.append(total)
        total += len(choices)
    solver = _model(highspy, request, starts, total)
    solver.setSolution(len(starts), starts, [1.0] * len(starts))
    if solver.run() == highspy.HighsStatus.kError:
        return WaveAnswer(None, "the solver failed")
    values = solver.getSolution().col_value
    status = solver.getModelStatus()
    chosen = tuple(
        next((number for number in range(len(choices)) if values and values[start + number] > HALF), -1)
        for start, choices in zip(starts, request.options, strict=True)
    )
    if -1 in chosen:
        return WaveAnswer(None, f"no plan was found in {request.seconds:g} s")
    best = status == highspy.HighsModelStatus.kOptimal
    return WaveAnswer(chosen, "the least cost" if best else f"the best plan found in {request.seconds:g} s")


@cache
def _solver() -> Any:
    """HiGHS, imported with its first wave: it brings numpy, which no other command should wait for."""
    return import_module("highspy") if find_spec("highspy") else None


def _model(highspy: Any, request: WaveRequest, starts: list[int], total: int) -> Any:
    """A column an option (taken or not), a row an order (exactly one), a row each stock and each day."""
    solver = highspy.Highs()
    for name, value in OPTIONS.items():
        solver.setOptionValue(name, value)
    solver.setOptionValue("time_limit", request.seconds)
    costs = [float(option.cost_minor) for choices in request.options for option in choices]
    solver.addVars(total, [0.0] * total, [1.0] * total)
    columns = list(range(total))
    solver.changeColsCost(total, columns, costs)
    solver.changeColsIntegrality(total, columns, [highspy.HighsVarType.kInteger] * total)
    limits: dict[tuple[str, tuple[str, str]], dict[int, float]] = {}
    for start, choices in zip(starts, request.options, strict=True):
        own = list(range(start, start + len(choices)))
        solver.addRow(1.0, 1.0, len(own), own, [1.0] * len(own))
        for column, option in zip(own, choices, strict=True):
            for key, quantity in option.takes.items():
                limits.setdefault(("stock", key), {})[column] = float(quantity)
            for key in option.days:
                if key in request.room:
                    limits.setdefault(("room", key), {})[column] = 1.0
    for (kind, key), row in limits.items():
        bound = request.stock[key] if kind == "stock" else request.room[key]
        solver.addRow(-highspy.kHighsInf, float(bound), len(row), list(row), list(row.values()))
    return solver
