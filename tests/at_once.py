"""Threads that begin together: for what several workers do at the same moment."""

import threading
from collections.abc import Callable


def at_once(*calls: Callable[[], object]) -> None:
    """Run the calls in threads that begin together; the first error is raised."""
    begun = threading.Barrier(len(calls))
    errors: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        try:
            begun.wait(timeout=20)
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if errors:
        raise errors[0]
