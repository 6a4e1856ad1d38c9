"""The lock before SQLite's own: first come, first served, and nobody's turn is lost."""

import threading

import pytest

from hub.kit.db import FairLock

PATIENCE = 10.0


def waiting(lock: FairLock, count: int) -> None:
    """Until so many threads wait."""
    pause = threading.Event()
    for _ in range(2000):
        if len(lock._waiters) == count:
            return
        pause.wait(0.005)
    raise AssertionError(f"{len(lock._waiters)} wait, not {count}")


def test_waiters_are_served_in_the_order_in_which_they_came() -> None:
    lock, served = FairLock(), []

    def serve(number: int) -> None:
        with lock:
            served.append(number)

    threads = []
    with lock:
        for number in range(20):
            thread = threading.Thread(target=serve, args=(number,))
            threads.append(thread)
            thread.start()
            waiting(lock, number + 1)
    for thread in threads:
        thread.join(PATIENCE)
    assert served == list(range(20))


def test_only_one_holds_it() -> None:
    lock, inside, most = FairLock(), [0], [0]

    def enter() -> None:
        for _ in range(50):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert most == [1]


@pytest.mark.parametrize("served_already", [False, True])
def test_a_waiter_that_is_interrupted_takes_nobodys_turn_with_it(
    monkeypatch: pytest.MonkeyPatch, served_already: bool
) -> None:
    lock = FairLock()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if served_already:
                lock.__exit__()
            raise KeyboardInterrupt

    lock.__enter__()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(threading, "Event", Interrupted)
        lock.__enter__()
    if not served_already:
        lock.__exit__()
    done = threading.Event()

    def enter() -> None:
        with lock:
            done.set()

    threading.Thread(target=enter, daemon=True).start()
    assert done.wait(PATIENCE)
