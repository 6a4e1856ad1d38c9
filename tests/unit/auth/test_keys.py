"""Keys are made once, verified often and revoked for ever."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from hub.audit.tables import AuditEntryRow
from hub.auth.service import keys
from hub.auth.service.keys import KeyRing, create_key, prefix_of, revoke_key, verify
from hub.auth.tables import ApiKeyRow
from hub.kit.db import Database
from hub.kit.errors import HubError
from hub.sdk.testing.kit import FakeClock


def make(database: Database, clock: FakeClock, **options: object) -> tuple[str, str]:
    with database.write() as session:
        row, token = create_key(session, name="ops", scopes=["orders:write"], clock=clock, **options)  # type: ignore[arg-type]
        return row.api_key_id, token


def test_a_key_is_shown_once_and_kept_as_a_digest(database: Database, clock: FakeClock) -> None:
    key_id, token = make(database, clock)
    assert token.startswith("ohk_")
    assert len(token) > 40
    with database.read() as session:
        row = session.get_one(ApiKeyRow, key_id)
        secret = token.split("_", 2)[2]
        assert row.prefix == token.split("_", 2)[1]
        assert all(secret not in str(value) for value in vars(row).values())
        [entry] = session.scalars(select(AuditEntryRow)).all()
        assert entry.action == "api_key.created"
        assert token not in str(entry.diff)


def test_a_token_stands_for_its_principal(database: Database, clock: FakeClock) -> None:
    key_id, token = make(database, clock)
    with database.read() as session:
        principal = verify(session, token, at=clock.now())
    assert principal is not None
    assert (principal.id, principal.actor) == (key_id, "key:ops")
    assert principal.may("orders:read")
    assert not principal.may("stock:read")


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1] + "?", lambda token: token + "x", str.upper, lambda token: ""]
)
def test_a_changed_token_stands_for_nobody(database: Database, clock: FakeClock, change: object) -> None:
    _, token = make(database, clock)
    with database.read() as session:
        assert verify(session, change(token), at=clock.now()) is None  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "ohk", "ohk__x", "abc_def_ghi", "ohk_ä_x", "ohk_a_" + "x" * 300])
def test_what_is_not_of_our_form_is_not_looked_up(text: str) -> None:
    assert prefix_of(text) is None


def test_a_secret_may_hold_underscores() -> None:
    assert prefix_of("ohk_0123456789_a_b-c") == "0123456789"


def test_a_key_ends_when_it_was_said_to(database: Database, clock: FakeClock) -> None:
    _, token = make(database, clock, expires_at=clock.now() + timedelta(hours=1))
    ring = KeyRing(database, clock)
    assert ring.verify(token) is not None
    clock.advance(3600)
    assert ring.remembered(token) is None
    assert ring.verify(token) is None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"name": " "}, "invalid_name"), ({"name": "x" * 81}, "invalid_name"), ({"scopes": []}, "invalid_scope"),
        ({"scopes": ["orders"]}, "invalid_scope"), ({"expires_at": "now"}, "invalid_expiry"),
        ({"location": ""}, "invalid_location"), ({"location": "x" * 41}, "invalid_location"),
    ],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(
    database: Database, clock: FakeClock, options: dict[str, object], code: str
) -> None:
    if options.get("expires_at") == "now":
        options = {"expires_at": clock.now()}
    values = {"name": "ops", "scopes": ["orders:read"], **options}
    with database.write() as session, pytest.raises(HubError) as raised:
        create_key(session, clock=clock, **values)  # type: ignore[arg-type]
    assert raised.value.code == code


def test_a_revoked_key_is_dead_for_ever(database: Database, clock: FakeClock) -> None:
    key_id, token = make(database, clock)
    ring = KeyRing(database, clock)
    assert ring.verify(token) is not None
    with database.write() as session:
        revoke_key(session, api_key_id=key_id, clock=clock)
    assert ring.verify(token) is not None, "remembered until it is forgotten or too old"
    ring.forget()
    assert ring.verify(token) is None
    with database.write() as session, pytest.raises(HubError) as raised:
        revoke_key(session, api_key_id=key_id, clock=clock)
    assert raised.value.code == "already_revoked"
    with database.write() as session, pytest.raises(HubError) as raised:
        revoke_key(session, api_key_id="00000000-0000-7000-8000-000000000000", clock=clock)
    assert raised.value.status == 404


def test_the_hot_path_asks_the_database_once(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = make(database, clock)
    ring = KeyRing(database, clock)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    now = 100.0
    monkeypatch.setattr(keys, "monotonic", lambda: now)
    for _ in range(5):
        assert ring.verify(token) is not None
    assert sum("FROM api_keys" in statement for statement in statements) == 1
    now += keys.CACHE_SECONDS + 1
    assert ring.remembered(token) is None
    assert ring.verify(token) is not None
    assert sum("FROM api_keys" in statement for statement in statements) == 2


def test_the_memory_holds_no_token_and_is_bounded(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "CACHE_SIZE", 2)
    ring = KeyRing(database, clock)
    tokens = [make(database, clock)[1] for _ in range(3)]
    for token in tokens:
        assert ring.verify(token) is not None
    assert len(ring._known) == 1
    assert not set(ring._known) & set(tokens)


def test_when_a_key_was_used_is_written_now_and_then_and_never_while_verifying(
    database: Database, clock: FakeClock
) -> None:
    key_id, token = make(database, clock)
    ring = KeyRing(database, clock)

    def used() -> object:
        with database.read() as session:
            return session.get_one(ApiKeyRow, key_id).last_used_at

    with database.write():  # verifying must not wait for the write lock
        ring.verify(token)
    assert ring.uses_are_due
    ring.write_uses()
    first = clock.now()
    assert used() == first
    clock.advance(60)
    ring.forget()
    ring.verify(token)
    assert not ring.uses_are_due
    clock.advance(300)
    ring.forget()
    ring.verify(token)
    ring.write_uses()
    assert used() == clock.now()
