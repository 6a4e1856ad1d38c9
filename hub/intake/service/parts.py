"""What was read in messages before: kept with them, or with the messages that their parts became."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.intake import repository
from hub.intake.service.parse import FACT_TYPE, Parsed

AT_ONCE = 500


def read_before(session: Session, parsed: Sequence[Parsed]) -> list[list[dict[str, Any]] | None]:
    """Canonical documents of each message's last reading; None where it could not be read yet."""
    return [_read(session, entry.message) for entry in parsed]


def part_key(message: Row[Any], index: int) -> str:
    """The delivery id of a part: each reading of the whole has parts of its own."""
    return f"{message.message_id}:{message.attempts}:{index}"


def _read(session: Session, message: Row[Any]) -> list[dict[str, Any]] | None:
    if message.facts is not None:
        return list(message.facts)
    if message.content_type == FACT_TYPE and message.state not in ("received", "blocked"):
        return [orjson.loads(message.body)]
    return _parts(session, message) if message.state == "parsed" else None


def _parts(session: Session, message: Row[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        start = len(found)
        keys = [f"event:{part_key(message, index)}" for index in range(start, start + AT_ONCE)]
        bodies = repository.bodies_by_dedupe_key(session, message.account, keys)
        found.extend(orjson.loads(bodies[key]) for key in keys if key in bodies)
        if len(bodies) < AT_ONCE:
            return found
