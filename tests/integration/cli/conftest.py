"""A hub in this process for the tests here."""

from tests.builders import small_world, world
from tests.emptied import database_url, emptied_postgres_url, shared_postgres_url

__all__ = ["database_url", "emptied_postgres_url", "shared_postgres_url", "small_world", "world"]
