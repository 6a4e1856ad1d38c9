"""Upgrade rehearsal: what another version of a plugin makes of what is stored. Nothing is written."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository as billing_repository
from hub.billing.tables import ErpDocumentRow
from hub.canonical.facts import Fact, Fault, Unknown
from hub.canonical.shipping import TrackingEvent
from hub.connections import repository as connections_repository
from hub.connections.service.adapters import ConnectionInfo, describe
from hub.flows.replay import compare_readings
from hub.flows.translate_codes import translate_codes
from hub.intake import repository
from hub.intake.rules.codes import codes_of
from hub.intake.rules.differences import Change
from hub.intake.service.parse import FACT_TYPE, Parsed
from hub.intake.service.parts import read_before
from hub.sdk.errors import Malformed

MOST_CONNECTIONS = 500
_FACTS: TypeAdapter[tuple[Fact, ...]] = TypeAdapter(tuple[Fact, ...])
_FAULTS: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Fault, ...])
_UNKNOWNS: TypeAdapter[tuple[Unknown, ...]] = TypeAdapter(tuple[Unknown, ...])
_SCANS: TypeAdapter[tuple[TrackingEvent, ...]] = TypeAdapter(tuple[TrackingEvent, ...])


def connections_of(session: Session, plugin: str) -> dict[str, ConnectionInfo]:
    """The connections of a plugin by id, also those that are switched off."""
    rows = connections_repository.listed(session, kind=None, after=None, limit=MOST_CONNECTIONS)
    return {row.connection_id: describe(row) for row in rows if row.plugin == plugin}


def last_messages(session: Session, connections: Mapping[str, ConnectionInfo], *, limit: int) -> list[str]:
    """Ids of the last messages that the plugin has read; parts of larger documents are compared with the whole."""
    return repository.last_read(session, connections, but_not=FACT_TYPE, limit=limit)


def last_documents(
    session: Session, connections: Mapping[str, ConnectionInfo], *, limit: int
) -> list[ErpDocumentRow]:  # fmt: skip
    """The last documents of the books that the plugin's ledgers are to hold."""
    return billing_repository.last_documents(session, connections, limit=limit)


def reading_of(message: Row[Any], connection: ConnectionInfo, answer: Mapping[str, Any], version: str) -> Parsed:
    """A candidate's answer as this hub's own values; `ValueError` where it does not fit the canonical model."""
    parsed = Parsed(message, connection, version)
    refused = answer.get("refused")
    if refused is not None:
        parsed.error = Malformed(str(refused["message"]), code=str(refused["code"]), path=refused["path"])
        return parsed
    try:
        parsed.scans = _SCANS.validate_json(orjson.dumps(_without_kind(answer.get("scans", ()))))
        parsed.facts = _FACTS.validate_json(orjson.dumps(answer.get("facts", ())))
        parsed.faults = _FAULTS.validate_json(orjson.dumps(answer.get("faults", ())))
        unknowns = _UNKNOWNS.validate_json(orjson.dumps(answer.get("unknowns", ())))
    except ValidationError as error:
        raise ValueError(f"it does not fit the canonical model in {error.error_count()} places") from error
    parsed.unknowns = codes_of(parsed.facts, unknowns)
    if not parsed.facts and parsed.faults:
        first = parsed.faults[0]
        parsed.error = Malformed(first.message, code=first.code, path=first.path)
    return parsed


def compare_with_stored(session: Session, parsed: Sequence[Parsed]) -> list[tuple[str, tuple[Change, ...]]]:
    """How each reading differs from the stored one, with the meanings that people gave to the codes of sources."""
    translate_codes(session, parsed)
    before = read_before(session, parsed)
    return [compare_readings(facts, entry) for facts, entry in zip(before, parsed, strict=True)]


def _without_kind(scans: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in scan.items() if name != "kind"} for scan in scans]
