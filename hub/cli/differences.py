"""How differences between two readings are shown to people."""

from collections.abc import Mapping

from hub.cli.output import shown
from hub.cli.tables import print_table
from hub.intake.rules.differences import Change
from hub.intake.rules.tally import Tally

_COLUMNS = ("path", "kind", "messages", "places", "example", "before", "after")


def told(change: Change) -> str:
    """One difference in a line."""
    return f"{change.path}: {shown(change.before)} -> {shown(change.after)}"


def print_groups(tally: Tally, reasons: Mapping[tuple[str, str], str] | None = None) -> None:
    """Each kind of difference in a row, with an example; `reasons` are of those that are explained."""
    rows = [
        {
            "path": group.path, "kind": group.kind, "messages": group.messages, "places": group.places,
            "example": group.examples[0]["message_id"], "before": group.examples[0]["before"],
            "after": group.examples[0]["after"], "explained": (reasons or {}).get((group.path, group.kind)),
        }
        for group in tally.groups
    ]  # fmt: skip
    print_table(rows, _COLUMNS if reasons is None else (*_COLUMNS, "explained"), empty="No difference.")
