"""When a connection is left alone, for how long, and what lets it be called again."""

from dataclasses import dataclass

OPEN_AFTER = 5
WINDOW = 20
FIRST_BLOCK_SECONDS = 30.0
LONGEST_BLOCK_SECONDS = 600.0
RETRIES_SAVED = 10.0
"""Retries that a connection may owe at most; each success earns a tenth of one."""
EARNED_BY_SUCCESS = 0.1


@dataclass(frozen=True, slots=True)
class Circuit:
    """What the last calls of a connection say. `recent` has a bit for each of them, the newest lowest, 1 for a failure;
    `opened` counts how often it opened since it was last closed.
    """

    failures_in_row: int = 0
    recent: int = 0
    opened: int = 0

    def after(self, *, failed: bool, probe: bool) -> "Circuit":
        """One call more. While it is open only the probe says anything: other answers are to calls made before."""
        if self.opened and not probe:
            return self
        if self.opened and not failed:
            return CLOSED
        recent = (self.recent << 1 | failed) & ((1 << WINDOW) - 1)
        in_row = self.failures_in_row + 1 if failed else 0
        opens = failed and (bool(self.opened) or in_row >= OPEN_AFTER or recent.bit_count() * 2 >= WINDOW)
        return Circuit(in_row, recent, self.opened + opens)


CLOSED = Circuit()
"""A connection about which nothing bad is known."""


def block_seconds(opened: int) -> float:
    """How long nobody calls, by how often it opened: 30 seconds, doubling to 10 minutes."""
    return min(LONGEST_BLOCK_SECONDS, FIRST_BLOCK_SECONDS * 2.0 ** min(opened - 1, 10))
