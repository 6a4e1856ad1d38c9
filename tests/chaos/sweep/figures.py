"""One line for each promise: `pytest -rP tests/chaos/sweep` shows them."""

import sys


def figure(text: str) -> None:
    """Say it where pytest keeps it."""
    sys.stdout.write(f"{text}\n")
