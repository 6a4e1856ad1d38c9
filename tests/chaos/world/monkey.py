"""Whoever breaks things: kills, freezes, restarts and wipes at random instants of a seed, and supervises like systemd."""

import random
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.world.processes import Child, pause
from tests.chaos.world.setups import LEASE_SECONDS, World

KILLS = frozenset({"kill_api", "kill_worker", "kill_broker", "kill_database"})
EMBEDDED = {"kill_api": 6, "freeze": 1, "graceful": 1}
SERVED = {
    "kill_api": 3, "kill_worker": 6, "kill_broker": 2, "kill_database": 2, "freeze": 2, "graceful": 1, "wipe_broker": 2
}  # fmt: skip
DISTURBING = frozenset({"kill_worker", "kill_database", "freeze", "graceful"})
"""What happens to others within the time makes it say nothing about how fast a dead worker's work is taken up."""
SETTLED_SECONDS = 5.0
TICK = 0.1
HURRY_SECONDS = 1.0
NOW = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "postgresql": "now()",
}
LEASED = "SELECT job_id, lease_token, crashes FROM jobs WHERE state = 'leased'"
LATER = "SELECT job_id, lease_token, crashes, state FROM jobs WHERE job_id IN ({ids})"


class Monkey:
    """Runs in the thread that started the processes: they are bound to its life."""

    def __init__(self, world: World, *, seed: int, kills: int) -> None:
        self._world, self._rng = world, random.Random(f"{seed}:monkey")
        self._wanted = kills
        self.done: Counter[str] = Counter()
        self.recoveries: list[float] = []
        self._frozen: dict[str, float] = {}
        self._watched: list[tuple[float, dict[int, tuple[str, int]]]] = []
        self._hurried = 0.0
        self._dialect = "sqlite" if world.setup == "sqlite" else "postgresql"

    @property
    def kills(self) -> int:
        """Processes that were really killed."""
        return sum(count for name, count in self.done.items() if name in KILLS)

    def run(self, *, until: Callable[[], bool], pause_between: tuple[float, float]) -> None:
        """Break things until enough was killed and whoever sends is through."""
        due = time.monotonic() + self._rng.uniform(*pause_between)
        while self.kills < self._wanted or not until():
            self.attend()
            if time.monotonic() >= due and self.kills < self._wanted:
                self._act()
                due = time.monotonic() + self._rng.uniform(*pause_between)
            pause(TICK)

    def attend(self) -> None:
        """What a supervisor does, what passing time does, and what was to be looked at."""
        for name, until in list(self._frozen.items()):
            child = self._world.hub[name]
            if time.monotonic() >= until:
                del self._frozen[name]
                if child.alive() and child.frozen:
                    child.freeze(frozen=False)
        for child in self._world.hub.values():
            if not child.alive():
                self.done["restarted"] += 1
                child.restart()
        self._hurry()
        self._look()

    def lift(self) -> None:
        """No more faults: everybody runs again."""
        for name in list(self._frozen):
            self._frozen[name] = 0.0
        self.attend()

    def _act(self) -> None:
        weights = EMBEDDED if self._world.setup == "sqlite" else SERVED
        action = self._rng.choices(list(weights), list(weights.values()))[0]
        do: dict[str, Callable[[], bool]] = {
            "kill_api": self._kill_api, "kill_worker": self._kill_worker, "kill_broker": self._kill_broker,
            "kill_database": self._kill_database, "freeze": self._freeze, "graceful": self._graceful,
            "wipe_broker": self._wipe,
        }  # fmt: skip
        if do[action]():
            self.done[action] += 1
            if action in DISTURBING:
                self._watched.clear()
            if action == "kill_worker" and self._undisturbed():
                self._note_leases()

    def _kill_api(self) -> bool:
        """The one process of SQLite is let up first: one that is killed whenever it starts never does anything."""
        child = self._world.hub["api"]
        if self._dialect == "sqlite":
            if not self._world.ready():
                return False
            self._note_leases()
        child.kill()
        return True

    def _kill_worker(self) -> bool:
        child = self._worker()
        if not child.alive():
            return False
        child.kill()
        return True

    def _kill_broker(self) -> bool:
        assert self._world.broker is not None
        self._world.broker.crash()
        self._world.broker.restart()
        return True

    def _kill_database(self) -> bool:
        assert self._world.database is not None
        self._watched.clear()
        self._world.database.crash()
        self._world.database.restart()
        return True

    def _freeze(self) -> bool:
        child = self._world.hub["api"] if self._dialect == "sqlite" else self._worker()
        if not child.alive() or child.frozen:
            return False
        child.freeze(frozen=True)
        self._frozen[child.name] = time.monotonic() + LEASE_SECONDS + self._rng.uniform(1, 4)
        return True

    def _graceful(self) -> bool:
        child = self._rng.choice(list(self._world.hub.values()))
        if not child.alive() or child.frozen:
            return False
        child.ask_to_end()
        return True

    def _wipe(self) -> bool:
        self._world.wipe_broker()
        return True

    def _worker(self) -> Child:
        return self._world.hub[self._rng.choice([name for name in self._world.hub if name != "api"])]

    def _undisturbed(self) -> bool:
        """Whether another worker is up and well, so that the time until it takes over is its own."""
        others = [child for name, child in self._world.hub.items() if name != "api" and child.alive()]
        return any(not child.frozen and child.age() > SETTLED_SECONDS for child in others)

    def _note_leases(self) -> None:
        """What is leased at the moment of a kill; the dead worker's jobs are those that are later leased as crashed."""
        held = {job: (token, crashes) for job, token, crashes in self._world.ask(LEASED)}
        if held:
            self._watched.append((time.monotonic(), held))

    def _look(self) -> None:
        for entry in list(self._watched):
            since, held = entry
            if not held or time.monotonic() - since > 60:
                self._watched.remove(entry)
                continue
            ids = ", ".join(str(job) for job in held)
            for job, token, crashes, state in self._world.ask(LATER.format(ids=ids)):
                before = held[job]
                if crashes > before[1] and token != before[0]:
                    self.recoveries.append(time.monotonic() - since)
                if token != before[0] or state not in ("leased", "ready"):
                    del held[job]

    def _hurry(self) -> None:
        """Time passes faster: what waits for its next try need not wait, and circuits are tried again."""
        if time.monotonic() - self._hurried < HURRY_SECONDS:
            return
        self._hurried = time.monotonic()
        now = NOW[self._dialect]
        try:
            self._world.tell(
                f"UPDATE jobs SET due_at = {now} WHERE state = 'ready' AND attempts > 0 AND due_at > {now} AND lease_token IS NULL"
            )
            self._world.tell(f"UPDATE connection_health SET blocked_until = NULL WHERE blocked_until > {now}")
        except Exception as error:  # SQLite is busy now and then: time passes at the next tick
            self.done["not_hurried"] += 1
            self._last_error = error
