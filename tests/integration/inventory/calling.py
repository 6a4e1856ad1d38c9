"""An app of a few routers, called with an API key of the wanted scopes."""

from datetime import UTC, datetime
from types import SimpleNamespace

from fastapi import APIRouter, Depends, FastAPI

from hub.auth.service.keys import create_key
from hub.kit.db import Database
from hub.kit.web import install_web, strict_query
from tests.unit.kit.asgi import Caller

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FixedClock:
    def now(self) -> datetime:
        return NOW


def caller(database: Database, router: APIRouter, *scopes: str, location: str | None = None) -> Caller:
    """Calls to the router's app by who may do the given, everywhere or at one location."""
    app = FastAPI(dependencies=[Depends(strict_query)])
    install_web(app, max_body_bytes=1_000_000)
    app.include_router(router)
    app.state.database = database
    app.state.clock = FixedClock()
    app.state.runtime = SimpleNamespace(clock=FixedClock())
    with database.write() as session:
        _, token = create_key(session, name="tester", scopes=scopes, clock=FixedClock(), location=location)
    return Caller(app, authorization=f"Bearer {token}")
