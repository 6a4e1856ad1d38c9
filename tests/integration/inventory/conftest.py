"""A database of inventory, and what was published into it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hub.kit.db import Database
from tests.published import listening, published_in

KINDS = (
    "inventory.stock_increased", "inventory.stock_short", "inventory.location_changed", "inventory.transfer_changed",
)  # fmt: skip


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database in which every event of inventory has one subscription."""
    with listening(database_url, KINDS) as database:
        yield database


@pytest.fixture
def published(database: Database) -> Callable[[str], list[dict[str, Any]]]:
    """The data of the events of one kind that were published, oldest first."""
    return published_in(database)
