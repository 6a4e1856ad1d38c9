"""The reference page of the figures that `/metrics` gives."""

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from docs.model_text import cell


def metrics() -> Iterator[str]:
    """Every figure with its labels."""
    gauges = importlib.import_module("hub.api.gauges")
    yield "`GET /metrics` answers in Prometheus' text form. Labels grow with the set-up (queues, connections, classes"
    yield "of errors), never with the orders. [Watch the hub](../how-to/watch-the-hub.md) has rules for alarms."
    yield from ["", "## Gauges", ""]
    yield "Read from the database, so every process of the hub gives the same; an answer serves for"
    yield f"{gauges.KEPT_SECONDS:.0f} seconds."
    yield from _rows(gauges.GAUGES)
    yield from ["", "## Counters", "", "Of the process that is asked, since its start: add them up over all."]
    yield from _rows(importlib.import_module("hub.api.metrics").COUNTERS)


def _rows(found: Iterable[Any]) -> Iterator[str]:
    yield from ["", "| name | labels | meaning |", "|---|---|---|"]
    for one in found:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        yield f"| `{one.name}` | {labels} | {cell(one.help)} |"
