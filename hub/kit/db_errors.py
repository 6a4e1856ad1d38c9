"""Which errors of a database are no fault of what was asked: the same may work a moment later."""

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_UNIQUE_VIOLATION = "23505"
"""SQLSTATE of PostgreSQL, appendix A of its manual."""
_PASSING = (OperationalError, InterfaceError, PoolTimeout, sqlite3.OperationalError)


def will_pass(error: Exception) -> bool:
    """Whether the database was away, had no connection free, or gave up a wait (for a lock, for us)."""
    cut_off = isinstance(error, DBAPIError) and error.connection_invalidated
    return cut_off or isinstance(error, _PASSING)


def met_another(error: Exception) -> bool:
    """Whether a row was not stored because one with its key is there: asked again, the work finds that row."""
    if not isinstance(error, IntegrityError):
        return False
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION
