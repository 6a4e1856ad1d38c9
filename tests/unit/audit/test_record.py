"""The audit trail on a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.audit import repository
from hub.audit.service.record import record
from hub.audit.tables import AuditEntryRow
from hub.kit.db import Base, Database
from hub.kit.log import correlated

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")
    Base.metadata.create_all(made.engine, tables=[AuditEntryRow.metadata.tables["audit_entries"]])
    yield made
    made.dispose()


def entries(database: Database, subject_id: str, before: str | None = None) -> list[AuditEntryRow]:
    with database.read() as session:
        found = repository.of_subject(
            session, subject_kind="connection", subject_id=subject_id, before=before, limit=10
        )
        session.expunge_all()
        return list(found)


def test_an_entry_holds_who_what_and_the_changed_fields(database: Database) -> None:
    with correlated("c-5"), database.write() as session:
        assert record(
            session,
            actor="key:ops",
            action="connection.changed",
            subject_kind="connection",
            subject_id="c1",
            before={"mode": "observe", "api_key": "old"},
            after={"mode": "live", "api_key": "new"},
            at=NOON,
        )
    [entry] = entries(database, "c1")
    assert (entry.actor, entry.action, entry.at, entry.correlation_id) == ("key:ops", "connection.changed", NOON, "c-5")
    assert entry.diff == {
        "mode": {"before": "observe", "after": "live"},
        "api_key": {"before": "***", "after": "***"},
    }


def test_a_change_of_nothing_leaves_no_entry_but_an_act_without_fields_does(database: Database) -> None:
    with database.write() as session:
        same = {"mode": "live"}
        assert not record(
            session, actor="hub", action="connection.changed", subject_kind="connection", subject_id="c1",
            before=same, after=same, at=NOON,
        )  # fmt: skip
        assert record(
            session, actor="hub", action="connection.checked", subject_kind="connection", subject_id="c1", at=NOON
        )
    assert [entry.action for entry in entries(database, "c1")] == ["connection.checked"]


def test_what_is_rolled_back_was_not_done(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            record(session, actor="hub", action="x.done", subject_kind="connection", subject_id="c1", at=NOON)
            raise RuntimeError("later")

    with pytest.raises(RuntimeError):
        fail()
    assert entries(database, "c1") == []


def test_entries_come_latest_first_and_page_by_page(database: Database) -> None:
    with database.write() as session:
        for number in range(4):
            record(session, actor="hub", action=f"step.{number}", subject_kind="connection", subject_id="c1", at=NOON)
        record(session, actor="hub", action="other", subject_kind="connection", subject_id="c2", at=NOON)
    found = entries(database, "c1")
    assert [entry.action for entry in found] == ["step.3", "step.2", "step.1", "step.0"]
    assert [entry.action for entry in entries(database, "c1", found[1].audit_entry_id)] == ["step.1", "step.0"]
