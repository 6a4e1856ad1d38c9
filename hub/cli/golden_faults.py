"""What breaks golden orders, for people."""

from collections.abc import Sequence

from hub.cli.output import say
from hub.routing.schemas_golden import BrokenOut


def print_broken(broken: Sequence[BrokenOut]) -> None:
    """What is not as golden orders want it, each with what to do."""
    for fault in broken:
        say(f"{fault.golden} ({fault.path}): {fault.reason}.")
        if fault.suggestion:
            say(f"  To do: {fault.suggestion}.")
