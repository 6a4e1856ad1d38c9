"""Whoever breaks things: kills, freezes, restarts and wipes at random instants of a seed, and supervises like systemd."""

import random
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.world.haste import Haste
from tests.chaos.world.processes import Process, pause, resident
from tests.chaos.world.setups import LEASE_SECONDS, World

KILLS = frozenset({"kill_api", "kill_worker", "kill_broker", "kill_database", "kill_for_memory"})
EMBEDDED = {"kill_api": 6, "freeze": 1, "graceful": 1, "set_clock": 1, "fill_disk": 1}
SERVED = {
    "kill_api": 3, "kill_worker": 6, "kill_broker": 2, "kill_database": 2, "freeze": 2, "graceful": 1, "wipe_broker": 2,
    "set_clock": 1, "fill_disk": 1,
}  # fmt: skip
DISTURBING = frozenset({"kill_worker", "kill_database", "freeze", "graceful", "set_clock", "fill_disk"})
"""What happens to others within the time makes it say nothing about how fast a dead worker's work is taken up."""
SETTLED_SECONDS = 5.0
TICK = 0.1
CLOCK_STEP = (-20.0, 40.0)
CLOCK_LIMIT = 120.0
"""Seconds by which the clock is set at once, and by which it is wrong at most: signatures are good for five minutes."""
FULL_SECONDS = (0.5, 2.5)
MEMORY_LIMIT = 450 * 1024 * 1024
"""Bytes that a process of the hub may hold until the supervisor kills it, as systemd does."""
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
        self._haste = Haste(world)
        self._dialect = "sqlite" if world.setup == "sqlite" else "postgresql"
        self._full_until = 0.0
        self._disturbed_until = 0.0
        self._ahead = 0.0

    @property
    def kills(self) -> int:
        """Processes that were really killed."""
        return sum(count for name, count in self.done.items() if name in KILLS)

    def may_follow(self, share: float) -> bool:
        """The senders are one kill ahead."""
        return share <= (self.kills + 1) / max(self._wanted, 1)

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
        self._thaw()
        self._mend_disk()
        self._watch_memory()
        for child in self._world.hub.values():
            if not child.alive():
                self.done["restarted"] += 1
                child.restart()
        if self._database_is_up():
            self._haste.hurry()
            self._look()

    def lift(self) -> None:
        """No more faults: everybody runs again."""
        for name in list(self._frozen):
            self._frozen[name] = 0.0
        self._full_until = 0.0
        self.attend()

    def _act(self) -> None:
        weights = EMBEDDED if self._world.setup == "sqlite" else SERVED
        action = self._rng.choices(list(weights), list(weights.values()))[0]
        do: dict[str, Callable[[], bool]] = {
            "kill_api": self._kill_api, "kill_worker": self._kill_worker, "kill_broker": self._kill_broker,
            "kill_database": self._kill_database, "freeze": self._freeze, "graceful": self._graceful,
            "wipe_broker": self._wipe, "set_clock": self._set_clock, "fill_disk": self._fill_disk,
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
            if time.monotonic() > self._disturbed_until:
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
        if not self._database_is_up():
            return False
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

    def _set_clock(self) -> bool:
        """For all processes of the hub at once, as on one machine."""
        step = self._rng.uniform(*CLOCK_STEP)
        self._ahead = max(-CLOCK_LIMIT, min(CLOCK_LIMIT, self._ahead + step))
        draft = self._world.clock.with_suffix(".new")
        draft.write_text(str(self._ahead))
        draft.replace(self._world.clock)
        self._disturbed_until = time.monotonic() + 2 * LEASE_SECONDS + abs(step)
        return True

    def _fill_disk(self) -> bool:
        disk = self._world.disk
        if disk is None or disk.full:
            return False
        disk.fill()
        self._full_until = time.monotonic() + self._rng.uniform(*FULL_SECONDS)
        self._disturbed_until = time.monotonic() + 3 * LEASE_SECONDS
        return True

    def _thaw(self) -> None:
        for name, until in list(self._frozen.items()):
            child = self._world.hub[name]
            if time.monotonic() >= until:
                del self._frozen[name]
                if child.alive() and child.frozen:
                    child.freeze(frozen=False)

    def _mend_disk(self) -> None:
        disk, database = self._world.disk, self._world.database
        if disk is not None and disk.full and time.monotonic() > self._full_until:
            disk.free()
        if database is not None and not database.alive() and not (disk is not None and disk.full):
            self.done["database_restarted"] += 1
            database.crash()
            database.restart()

    def _database_is_up(self) -> bool:
        full = self._world.disk is not None and self._world.disk.full
        return not full and (self._world.database is None or self._world.database.alive())

    def _watch_memory(self) -> None:
        for child in self._world.hub.values():
            if child.alive() and resident(child.pid) > MEMORY_LIMIT:
                child.kill()
                self.done["kill_for_memory"] += 1
                self._watched.clear()

    def _worker(self) -> Process:
        return self._world.hub[self._rng.choice([name for name in self._world.hub if name != "api"])]

    def _undisturbed(self) -> bool:
        """Whether another worker is up and well, so that the time until it takes over is its own."""
        if time.monotonic() < self._disturbed_until:
            return False
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
