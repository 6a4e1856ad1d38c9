"""The database session of a request: one, function scoped, so that it commits before the answer goes out."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from hub.kit.db import Database


def get_session(request: Request) -> Iterator[Session]:
    """A transaction that may write; commits when the route function has returned, rolls back when it raised."""
    database: Database = request.app.state.database
    with database.write() as session:
        yield session


def read_session(request: Request) -> Iterator[Session]:
    """A transaction that only reads; takes no write lock."""
    database: Database = request.app.state.database
    with database.read() as session:
        yield session


def read_only_session(request: Request) -> Iterator[Session]:
    """A transaction in which the database refuses to write."""
    database: Database = request.app.state.database
    with database.read_only() as session:
        yield session


WriteSession = Annotated[Session, Depends(get_session, scope="function")]
ReadSession = Annotated[Session, Depends(read_session, scope="function")]
ReadOnlySession = Annotated[Session, Depends(read_only_session, scope="function")]
