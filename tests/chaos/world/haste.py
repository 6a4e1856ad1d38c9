"""Time passes faster for what only waits: the next try need not wait for minutes, and circuits are tried again."""

import time

from tests.chaos.world.setups import World

EVERY_SECONDS = 1.0
NOW = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "postgresql": "now()",
}
SOONER = (
    "UPDATE jobs SET due_at = {now} WHERE state = 'ready' AND attempts > 0 AND due_at > {now} AND lease_token IS NULL",
    "UPDATE jobs SET due_at = {now} WHERE state = 'ready' AND due_at > {now} AND lane LIKE 'withdrawn:%'",
    "UPDATE connection_health SET blocked_until = NULL WHERE blocked_until > {now}",
)


class Haste:
    """Asked at every tick, does something every second."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._now = NOW["sqlite" if world.setup == "sqlite" else "postgresql"]
        self._done_at = 0.0
        self.failed = 0
        """How often the database did not let us."""

    def hurry(self) -> None:
        """Let time pass."""
        if time.monotonic() - self._done_at < EVERY_SECONDS:
            return
        self._done_at = time.monotonic()
        try:
            for sql in SOONER:
                self._world.tell(sql.format(now=self._now))
        except Exception:  # SQLite is busy now and then: time passes at the next tick
            self.failed += 1
