"""A database of cases."""

from collections.abc import Iterator

import pytest

from hub.kit.db import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()
