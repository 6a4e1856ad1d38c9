"""The first signal lets a process finish, a second one does not wait for it."""

import signal
import subprocess
import sys

STUBBORN = """
import threading
from hub.cli.signals import StopSignals
stop = StopSignals(lambda: print("finishing", flush=True))
print("ready", flush=True)
stop.wait()
threading.Event().wait({patience})
print("finished", flush=True)
"""


def stubborn(patience: float, *signals: int) -> tuple[int, str, str]:
    """What a process does that takes so long to finish when it is told to stop."""
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN.format(patience=patience)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in signals:
            process.send_signal(number)
            if number == signals[0]:
                assert process.stdout.readline() == "finishing\n"
        said, complained = process.communicate(timeout=20)
        return process.returncode, said, complained


def test_one_signal_lets_it_finish() -> None:
    assert stubborn(0.05, signal.SIGTERM) == (0, "finished\n", "")


def test_a_second_signal_ends_it_at_once_and_says_that_nothing_is_lost() -> None:
    status, said, complained = stubborn(600, signal.SIGTERM, signal.SIGINT)
    assert (status, said) == (128 + signal.SIGINT, "")
    assert "lease" in complained
