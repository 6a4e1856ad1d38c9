"""Whoever lets the hub's processes die at each boundary between two steps, as often at each, and starts them again."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.chaos.world.child import DEATH
from tests.chaos.world.deaths import POINTS
from tests.chaos.world.haste import Haste
from tests.chaos.world.nursery import Forked
from tests.chaos.world.processes import Process, pause
from tests.chaos.world.setups import World

BOOK = "deaths"
TICK = 0.05
MOST_PASSED = 3
"""A process comes to its step at most so often before it dies there."""
AHEAD = 40
"""The senders are so many deaths ahead, at most a third of all: the last steps to die at need work too."""
IDLE_SECONDS = 3.0
"""If nobody died for so long, there is too little to do."""
GIVE_UP_SECONDS = 120.0
"""If nobody died for so long, all that could die has."""


class Executioner:
    """Makes processes that die as they are told, and counts the deaths that they wrote down."""

    def __init__(self, world: World, *, seed: int, each: int) -> None:
        self._world, self._rng, self._each = world, random.Random(f"{seed}:deaths"), each
        self._book = world.folder / BOOK
        self._quick = {name: child for name, child in world.hub.items() if isinstance(child, Forked)}
        self._haste = Haste(world)
        self._over = False
        self._last_death = time.monotonic()
        self.done: Counter[str] = Counter()
        self.recoveries: list[float] = []

    @property
    def kills(self) -> int:
        """Processes that killed themselves at a step."""
        return sum(self.done[point] for point in POINTS)

    def may_follow(self, share: float) -> bool:
        """As deaths go on, or where there is too little to do."""
        idle = time.monotonic() - self._last_death > IDLE_SECONDS
        deaths = self._each * len(POINTS)
        return self._over or idle or share <= (self.kills + min(AHEAD, deaths // 3)) / deaths

    def run(self, *, until: Callable[[], bool], pause_between: tuple[float, float]) -> None:
        """Until there were enough deaths at every step, or nobody dies any more."""
        for child in self._quick.values():
            child.kill()
        while self._wanted() and time.monotonic() - self._last_death < GIVE_UP_SECONDS:
            self.attend()
            pause(TICK)
        self._over = True
        while not until():
            self.attend()
            pause(TICK)

    def attend(self) -> None:
        """Start whoever is dead, with a step to die at."""
        self._haste.hurry()
        for child in self._world.hub.values():
            if child.alive():
                continue
            self._count()
            if child.name in self._quick:
                self._quick[child.name].environment |= self._sentence()
            child.restart()

    def lift(self) -> None:
        """Nobody dies any more; whoever is sentenced is ended and starts again."""
        self._over = True
        for child in self._quick.values():
            child.kill()
        self.attend()

    def _wanted(self) -> list[str]:
        return [point for point in POINTS if self.done[point] < self._each]

    def _sentence(self) -> dict[str, str]:
        wanted = self._wanted()
        if self._over or not wanted:
            return {DEATH: ""}
        fewest = min(self.done[point] for point in wanted)
        point = self._rng.choice([point for point in wanted if self.done[point] == fewest])
        spec = {"at": point, "others": wanted, "after": self._rng.randint(1, MOST_PASSED), "book": str(self._book)}
        return {DEATH: json.dumps(spec)}

    def _count(self) -> None:
        if self._book.exists():
            before, self.done = self.kills, Counter(self._book.read_text().split())
            if self.kills > before:
                self._last_death = time.monotonic()


def forked(name: str, arguments: Sequence[str], folder: Path, given: Mapping[str, str]) -> Process:
    """A process of the hub that lives and dies quickly."""
    return Forked(name, arguments, folder, given)
