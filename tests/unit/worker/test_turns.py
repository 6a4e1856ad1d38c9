"""Who of a process's threads is on a queue: nobody too many, nobody for ever, and no doorbell is lost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from hub.worker import turns
from hub.worker.turns import Turns


@dataclass
class Work:
    """Batches by queue; `during` is called while one runs, and may do what another thread would."""

    batches: dict[str, int]
    during: Callable[[str], None] = lambda queue: None
    ran: list[str] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)

    def run_once(self, queue: str) -> int:
        found = min(1, self.batches.get(queue, 0))
        if found:
            self.batches[queue] -= 1
            self.ran.append(queue)
            self.during(queue)
        return found

    def turns(self, *, threads: int = 4) -> Turns:
        return Turns(
            self.run_once, bell=lambda take: self.rung.append, stopping=lambda: False, own={"intake", "flow"},
            threads=threads,
        )  # fmt: skip


class Clock:
    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turns, "monotonic", lambda: clock.now)
    return clock


def beside(action: Callable[[], None]) -> None:
    """Do it in another thread, and wait for it."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_a_queue_is_drained(clock: Clock) -> None:
    work = Work({"intake": 3})
    work.turns().take("intake")
    assert (work.ran, work.rung) == (["intake"] * 3, [])


def test_a_second_thread_leaves_the_queue_to_the_first_which_looks_again(clock: Clock) -> None:
    work = Work({"intake": 1})
    there = work.turns()

    def more(queue: str) -> None:
        if len(work.ran) == 1:
            beside(lambda: there.take("intake"))
            assert work.ran == ["intake"]
            work.batches["intake"] = 1

    work.during = more
    there.take("intake")
    assert work.ran == ["intake", "intake"]


def test_the_bell_that_rings_after_the_last_look_is_heard(clock: Clock) -> None:
    """The first thread has just found nothing when work comes and the bell rings: it must look once more."""
    work = Work({})
    there = work.turns()
    looks: list[int] = []

    def run_once(queue: str) -> int:
        looks.append(1)
        if len(looks) == 1:
            beside(lambda: there.take("intake"))
        return 0

    there._run_once = run_once
    there.take("intake")
    assert len(looks) == 2


def test_a_batch_that_hangs_keeps_nobody_from_the_queue(clock: Clock) -> None:
    work = Work({"intake": 3})
    there = work.turns()

    def hang(queue: str) -> None:
        if len(work.ran) == 1:
            clock.now += turns.LIVELY_SECONDS
            beside(lambda: there.take("intake"))
            assert len(work.ran) == 3

    work.during = hang
    there.take("intake")
    assert work.batches == {"intake": 0}


def test_what_a_batch_made_is_done_before_the_next_batch_without_a_broker(clock: Clock) -> None:
    work = Work({"intake": 2, "flow": 2})
    there = work.turns()
    work.during = lambda queue: there.ring("flow") if queue == "intake" else None
    there.take("intake")
    assert work.ran == ["intake", "flow", "intake", "flow"]
    assert work.rung == ["flow", "flow"], "other processes hear of it all the same"


def test_a_turn_ends_and_rings_for_the_rest(clock: Clock) -> None:
    work = Work({"intake": 9})
    work.during = lambda queue: setattr(clock, "now", clock.now + turns.TURN_SECONDS)
    work.turns().take("intake")
    assert (len(work.ran), work.rung) == (2, ["intake"])


def test_calls_to_others_leave_one_thread_to_the_hubs_own_work(clock: Clock) -> None:
    work = Work({"outward": 3, "intake": 1})
    there = work.turns(threads=2)

    def slow(queue: str) -> None:
        if queue == "outward" and len(work.ran) == 1:
            beside(lambda: there.take("outward"))
            assert work.ran == ["outward"]
            beside(lambda: there.take("intake"))
            assert work.ran == ["outward", "intake"]

    work.during = slow
    there.take("outward")
    assert (work.batches, work.rung) == ({"outward": 0, "intake": 0}, ["outward"])


def test_an_error_frees_the_queue(clock: Clock) -> None:
    work = Work({"intake": 2, "outward": 2})
    there = work.turns(threads=1)

    def fail(queue: str) -> None:
        raise RuntimeError

    work.during = fail
    for queue in ("intake", "outward"):
        with pytest.raises(RuntimeError):
            there.take(queue)
    work.during = lambda queue: None
    there.take("intake")
    there.take("outward")
    assert work.batches == {"intake": 0, "outward": 0}
