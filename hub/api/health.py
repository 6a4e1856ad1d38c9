"""Whether the process lives, and whether it should get work."""

from collections.abc import Callable
from threading import Lock
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.kit.db import Database
from hub.kit.errors import HubError
from hub.kit.schema import check_schema


class HealthOut(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class ReadyOut(BaseModel):
    """What a request would need. `beat` is null where this process has none."""

    ready: bool
    database: bool
    schema_current: bool
    beat: bool | None
    detail: str | None = None


class Readiness:
    """Asks what must work: the schema's version until it fits, from then on only whether the database answers."""

    def __init__(self, database: Database, beat_alive: Callable[[], bool] | None) -> None:
        self._database = database
        self._beat_alive = beat_alive
        self._schema_seen = False
        self._lock = Lock()

    def ask(self) -> ReadyOut:
        """The state now."""
        beat = self._beat_alive() if self._beat_alive is not None else None
        try:
            with self._lock:
                if not self._schema_seen:
                    check_schema(self._database.engine)
                    self._schema_seen = True
            with self._database.read() as session:
                session.execute(text("SELECT 1"))
        except HubError as error:
            return ReadyOut(ready=False, database=True, schema_current=False, beat=beat, detail=error.detail)
        except SQLAlchemyError as error:
            detail = f"The database does not answer ({type(error).__name__})."
            return ReadyOut(ready=False, database=False, schema_current=self._schema_seen, beat=beat, detail=detail)
        stopped = beat is False
        detail_beat = "The beat of this process has stopped: restart it." if stopped else None
        return ReadyOut(ready=not stopped, database=True, schema_current=True, beat=beat, detail=detail_beat)


router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def healthz() -> HealthOut:
    """The process lives; says nothing about what it needs."""
    return HealthOut()


@router.get("/readyz", responses={503: {"model": ReadyOut, "description": "Not now"}})
def readyz(request: Request, response: Response) -> ReadyOut:
    """The database answers, its schema fits this hub, and the beat (where it runs here) goes on. 503 otherwise."""
    readiness: Readiness = request.app.state.readiness
    found = readiness.ask()
    if not found.ready:
        response.status_code = 503
    return found
