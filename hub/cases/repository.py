"""All SQL of cases."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Table, bindparam, select, text, update
from sqlalchemy.orm import Session

from hub.cases.rules.cases import MAX_SUBJECT, MAX_TITLE, Case, NewCase
from hub.cases.tables import CaseRow
from hub.kit.bulk import among
from hub.kit.ids import new_id
from hub.kit.types import UtcDateTime

CASES: Table = CaseRow.__table__  # type: ignore[assignment]

_COLUMNS = (
    "case_id", "kind", "dedupe_key", "subject_kind", "subject_id", "title", "what_to_do", "detail", "occurrences",
)  # fmt: skip
_TYPES = {"case_id": "uuid", "detail": "jsonb", "occurrences": "integer"}
_SOURCES = {
    "postgresql": "json_to_recordset(CAST(:rows AS json)) AS r("
    + ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in _COLUMNS)
    + ")",
    "sqlite": "(SELECT {} FROM json_each(:rows)) AS r".format(  # noqa: S608  names of columns
        ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _COLUMNS)
    ),
}
_OPEN = """
    INSERT INTO cases ({columns}, state, opened_at)
    SELECT {picked}, 'open', :at FROM {source} WHERE true ORDER BY r.dedupe_key
    ON CONFLICT (dedupe_key) WHERE state = 'open'
    DO UPDATE SET occurrences = cases.occurrences + excluded.occurrences"""
_KEYS = {
    "postgresql": "SELECT value FROM json_array_elements_text(CAST(:keys AS json))",
    "sqlite": "SELECT value FROM json_each(:keys)",
}
_RESOLVE_KEYS = """
    UPDATE cases SET state = 'resolved', resolved_at = :at, resolved_by = :actor, resolution = :resolution
    WHERE state = 'open' AND dedupe_key IN ({keys})"""


def open_cases(session: Session, *, cases: Sequence[tuple[NewCase, int]], at: datetime) -> None:
    """Open cases that are not open yet, count the others up; dedupe keys must be distinct. One statement."""
    rows = [
        {
            "case_id": new_id(), "kind": case.kind, "dedupe_key": case.dedupe_key, "subject_kind": case.subject_kind,
            "subject_id": case.subject_id[:MAX_SUBJECT], "title": case.title[:MAX_TITLE], "what_to_do": case.what_to_do,
            "detail": dict(case.detail), "occurrences": times,
        }
        for case, times in cases
    ]  # fmt: skip
    sql = _OPEN.format(
        columns=", ".join(_COLUMNS),
        picked=", ".join(f"r.{name}" for name in _COLUMNS),
        source=_SOURCES[_dialect(session)],
    )
    session.execute(_with_instant(sql), {"rows": orjson.dumps(rows, default=str).decode(), "at": at})


def resolve_open(session: Session, *, dedupe_keys: Collection[str], actor: str, resolution: str, at: datetime) -> int:
    """Resolve whichever of these are open; returns how many were. One statement."""
    sql = _RESOLVE_KEYS.format(keys=_KEYS[_dialect(session)])
    keys = orjson.dumps(sorted(set(dedupe_keys))).decode()
    parameters = {"keys": keys, "actor": actor, "resolution": resolution, "at": at}
    return int(session.execute(_with_instant(sql), parameters).rowcount)  # type: ignore[attr-defined]


def resolve_case(session: Session, *, case_id: str, actor: str, resolution: str, at: datetime) -> bool:
    """Resolve one case if it is open; whether it was."""
    statement = (
        update(CASES)
        .where(CASES.c.case_id == case_id, CASES.c.state == "open")
        .values(state="resolved", resolved_at=at, resolved_by=actor, resolution=resolution)
        .returning(CASES.c.case_id)
    )
    return session.execute(statement).first() is not None


def get_case(session: Session, *, case_id: str) -> Case | None:
    """One case."""
    row = session.execute(select(*CASES.c).where(CASES.c.case_id == case_id)).first()
    return None if row is None else Case(**row._mapping)


def subjects_with_case(session: Session, *, subject_kind: str, subject_ids: Collection[str]) -> set[str]:
    """Those of the subjects about which a case is open."""
    statement = select(CASES.c.subject_id).where(
        CASES.c.subject_kind == subject_kind, among(session, CASES.c.subject_id, subject_ids), CASES.c.state == "open"
    )
    return set(session.scalars(statement)) if subject_ids else set()


def list_cases(
    session: Session, *, state: str | None, kind: str | None, subject: tuple[str, str] | None, before: str | None,
    limit: int,
) -> list[Case]:  # fmt: skip
    """Cases, newest first; `subject` is (kind, id)."""
    statement = select(*CASES.c).order_by(CASES.c.case_id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(CASES.c.state == state)
    if kind is not None:
        statement = statement.where(CASES.c.kind == kind)
    if subject is not None:
        statement = statement.where(CASES.c.subject_kind == subject[0], CASES.c.subject_id == subject[1])
    if before is not None:
        statement = statement.where(CASES.c.case_id < before)
    return [Case(**row._mapping) for row in session.execute(statement)]


def _dialect(session: Session) -> str:
    return session.connection().dialect.name


def _with_instant(sql: str) -> Any:
    return text(sql).bindparams(bindparam("at", type_=UtcDateTime()))
