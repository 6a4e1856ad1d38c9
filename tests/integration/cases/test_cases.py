from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.query import get, list_cases
from hub.cases.service.resolve import resolve, resolve_by_key
from hub.kit.db import Database
from hub.kit.errors import NotFound, StateConflict

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def case(key: str = "unknown_sku:shop:X", **changes: object) -> NewCase:
    plain = NewCase(
        kind="unknown_sku", dedupe_key=key, subject_kind="sku", subject_id="X", title="SKU X is unknown",
        what_to_do="Map it to a product.", detail={"sku": "X", "orders": [1, 2], "nested": {"deep": True}},
    )  # fmt: skip
    return replace(plain, **changes)


def test_one_open_case_for_each_key_and_repeats_are_counted(database: Database) -> None:
    with database.write() as session:
        open_cases(session, cases=[case(), case("other"), case(title="later text")], at=AT)
    with database.write() as session:
        open_cases(session, cases=[case(), case("third")], at=LATER)
    with database.read() as session:
        found = {item.dedupe_key: item for item in list_cases(session)}
    assert {key: item.occurrences for key, item in found.items()} == {"unknown_sku:shop:X": 3, "other": 1, "third": 1}
    first = found["unknown_sku:shop:X"]
    assert (first.title, first.opened_at, first.state) == ("SKU X is unknown", AT, "open")
    assert first.detail == {"sku": "X", "orders": [1, 2], "nested": {"deep": True}}


def test_a_resolved_key_opens_anew(database: Database) -> None:
    with database.write() as session:
        open_cases(session, cases=[case(), case("other")], at=AT)
        assert resolve_by_key(
            session, dedupe_keys=["unknown_sku:shop:X", "none"], actor="hub", resolution="mapped", at=LATER
        ) == 1  # fmt: skip
        assert resolve_by_key(session, dedupe_keys=["unknown_sku:shop:X"], actor="hub", resolution="x", at=LATER) == 0
        open_cases(session, cases=[case()], at=LATER)
    with database.read() as session:
        same_key = [item for item in list_cases(session) if item.dedupe_key == "unknown_sku:shop:X"]
    assert [(item.state, item.occurrences, item.resolution) for item in same_key] == [
        ("open", 1, None),
        ("resolved", 1, "mapped"),
    ]
    assert same_key[1].resolved_at == LATER


def test_a_person_resolves_once(database: Database) -> None:
    with database.write() as session:
        open_cases(session, cases=[case()], at=AT)
        (stored,) = list_cases(session)
        done = resolve(session, case_id=stored.case_id, actor="ada", resolution="renamed at source", at=LATER)
        assert (done.state, done.resolved_by, done.resolution) == ("resolved", "ada", "renamed at source")
        with pytest.raises(StateConflict, match="ada resolved this case"):
            resolve(session, case_id=stored.case_id, actor="bob", resolution="again", at=LATER)
        assert get(session, case_id=stored.case_id).resolved_by == "ada"


@pytest.mark.parametrize("case_id", ["no id at all", "01a20448-fd0a-7d3f-99a7-1e1fe12c1a01"])
def test_an_unknown_case_is_not_found(database: Database, case_id: str) -> None:
    with database.read() as session, pytest.raises(NotFound):
        get(session, case_id=case_id)


def test_filters_and_keyset(database: Database) -> None:
    with database.write() as session:
        open_cases(session, cases=[case(f"k{number}", subject_id=f"S{number % 2}") for number in range(6)], at=AT)
        open_cases(session, cases=[case("dead", kind="job_parked", subject_kind="job", subject_id="7")], at=AT)
        resolve_by_key(session, dedupe_keys=["k0"], actor="hub", resolution="gone", at=LATER)
    with database.read() as session:
        assert [item.dedupe_key for item in list_cases(session, kind="job_parked")] == ["dead"]
        assert [item.dedupe_key for item in list_cases(session, state="resolved")] == ["k0"]
        assert {item.dedupe_key for item in list_cases(session, subject=("sku", "S1"))} == {"k1", "k3", "k5"}
        everything = list_cases(session)
        first = list_cases(session, limit=3)
        second = list_cases(session, limit=10, before=first[-1].case_id)
    assert len(everything) == 7
    assert first + second == everything
    assert [item.case_id for item in everything] == sorted((item.case_id for item in everything), reverse=True)


def test_a_key_that_is_too_long_still_dedupes(database: Database) -> None:
    long, other = "x" * 300, "x" * 299 + "y"
    with database.write() as session:
        open_cases(session, cases=[case(long), case(long), case(other)], at=AT)
        assert sorted(item.occurrences for item in list_cases(session)) == [1, 2]
        assert resolve_by_key(session, dedupe_keys=[long], actor="hub", resolution="gone", at=AT) == 1


def test_any_number_of_cases_is_one_statement(database: Database) -> None:
    statements: list[str] = []

    def note(*args: object) -> None:
        statements.append(str(args[2]))

    with database.write() as session:
        session.connection()
        event.listen(database.engine, "before_cursor_execute", note)
        open_cases(session, cases=[case(f"k{number}") for number in range(500)], at=AT)
        event.remove(database.engine, "before_cursor_execute", note)
    assert len(statements) == 1
