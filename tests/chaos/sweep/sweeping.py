"""Stop one order's path at a step, let others finish it, and compare the books with those of an order left in peace."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from hub.kit.db_errors import will_pass
from hub.kit.errors import HubError
from tests.chaos.sweep.steps import Killed, Monotonic, Steps
from tests.chaos.sweep.walking import LEASE, Documents, Hub, audit, finish, mark, told_cancelled, told_order, walk


@dataclass(frozen=True, slots=True)
class Route:
    """One way an order may go."""

    name: str
    ships: bool
    expected: dict[str, Any]
    """What must be in the books of an order that nobody disturbs."""
    needless: tuple[dict[str, Any], ...] = ()
    """What may be in them as well: who stood still may find that there is nothing left to do."""

    def documents(self, name: str) -> Documents:
        """What the channel says of an order."""
        return (told_order(name),) if self.ships else (told_order(name), *told_cancelled(name))


SHIPPED = Route("shipped", True, {"labels bought": 1, "labels given back": 0, "documents posted": 4, "notices": 1})
CANCELLED = Route(
    "cancelled", False, {"labels bought": 1, "labels given back": 1, "notices": 0},
    needless=({"labels bought": 0, "labels given back": 0},),
)  # fmt: skip


@dataclass(slots=True)
class Sweep:
    """Walks an order for each point; all of them in one database, so that a point costs one order."""

    hub: Hub
    steps: Steps
    skew: Monotonic
    route: Route
    bad: list[str] = field(default_factory=list)
    swept: int = 0
    golden: dict[str, Any] = field(default_factory=dict)

    def measure(self) -> Sequence[tuple[str, bool]]:
        """The steps of a path that nobody disturbs; its end is what all others are compared with."""
        for name in ("first-0", "first-1"):  # what is only made once is made by the first, and read anew by the second
            self._walk_in_peace(name)
        since = mark(self.hub)
        with self.steps.taken():
            self._walk_in_peace("peace-0")
        passed = list(self.steps.passed)
        self.golden = audit(self.hub, "peace-0", since)
        found = {name: self.golden[name] for name in self.route.expected}
        assert found == self.route.expected, self.golden
        assert self.golden["left"] == ([], [], [])
        return passed

    def kill(self, point: int) -> None:
        """The process dies at the step; another finishes."""

        def die(name: str) -> None:
            raise Killed

        def disturbed(name: str) -> None:
            with pytest.raises(Killed):
                self._walk_in_peace(name)

        self._disturb("kill", point, die, disturbed)

    def freeze(self, point: int) -> None:
        """The process stands still for longer than a lease, others finish, and then it goes on as if nothing was."""

        def stand(name: str) -> None:
            self.hub.world.clock.advance(LEASE + 1)
            self.skew.ahead += LEASE + 1
            _bear(lambda: self._finish(name))

        self._disturb("freeze", point, stand, lambda name: _bear(lambda: self._walk_in_peace(name)))

    def _disturb(
        self, how: str, point: int, act: Callable[[str], None], walk_on: Callable[[str], None]
    ) -> None:  # fmt: skip
        self.swept += 1
        name, since = f"{how}-{point}-{self.swept}", mark(self.hub)
        try:
            with self.steps.taken(point, lambda: act(name)):
                walk_on(name)
            self._finish(name)
            end = audit(self.hub, name, since)
        except (HubError, SQLAlchemyError) as error:  # somebody is refused what is right
            self.bad.append(f"{how} at {point} ({self.steps.where}): {error!r}")
            return
        wrong = min((_differences(end, {**self.golden, **other}) for other in ({}, *self.route.needless)), key=len)
        if wrong:
            self.bad.append(f"{how} at {point} ({self.steps.where}): {wrong}")

    def _finish(self, name: str) -> None:
        finish(self.hub.second, name, self.route.documents(name), ships=self.route.ships)

    def _walk_in_peace(self, name: str) -> None:
        walk(self.hub.world, name, self.route.documents(name), ships=self.route.ships)


def _differences(end: dict[str, Any], golden: dict[str, Any]) -> dict[str, Any]:
    return {key: (end[key], golden[key]) for key in end if end[key] != golden[key]}


def _bear(work: Callable[[], None]) -> None:
    """Whoever works beside another may be told to come again later, as a person or as a worker's loop is."""
    try:
        work()
    except (HubError, NoResultFound):  # it is not so far yet, or no longer
        return
    except Exception as error:
        if not will_pass(error):
            raise


def sample(points: Sequence[int], count: int, seed: int) -> list[int]:
    """As many of the points, spread over the whole path, others for another seed."""
    if count >= len(points):
        return list(points)
    width = len(points) / count
    chance = random.Random(seed)
    return sorted({points[int((index + chance.random()) * width)] for index in range(count)})
