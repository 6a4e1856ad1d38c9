"""Data folders for tests that run `hub`: one a test."""

from pathlib import Path

import pytest

from tests.e2e.command_line import Hub
from tests.e2e.installation import Installation, install


@pytest.fixture
def fresh(tmp_path: Path) -> Hub:
    """Nothing is there yet."""
    return Hub(tmp_path)


@pytest.fixture
def hub(fresh: Hub) -> Hub:
    """After `hub init`."""
    fresh.ok("init")
    return fresh


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel, installed once."""
    return install(tmp_path_factory.mktemp("packaging"))
