"""Fixtures of the kit's tests."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.unit.kit.peer import Peer


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a test did to the logging of this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server on this machine."""
    started = Peer()
    yield started
    started.close()


@pytest.fixture
def pauses() -> list[float]:
    """How long a client would have waited, each time."""
    return []
