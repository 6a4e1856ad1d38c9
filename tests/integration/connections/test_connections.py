"""Configured accounts: their secrets stay sealed, their adapters are opened once for each version."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.connections.service.adapters import DatabaseState, load, load_by_name
from hub.connections.service.check import check_connection
from hub.connections.service.manage import change_connection, rotate_secrets
from hub.connections.service.signing import signing_secret
from hub.connections.tables import ConnectionRow
from hub.jobs.service.connection_health import pause
from hub.kit.crypto import SecretBox, generate_key
from hub.kit.errors import HubError, InvalidInput, NotFound, StateConflict
from tests.builders import World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "A" * 32


def change(world: World, version: int, name: str = "sealed", **values: object) -> None:
    with world.write() as session:
        change_connection(
            session, adapters=world.runtime.adapters, secrets=world.runtime.secrets, name=name,
            expected_version=version, values=values, at=world.clock.now(),
        )  # fmt: skip


def info(world: World, name: str = "sealed") -> object:
    with world.read() as session:
        return load_by_name(session, name)


def stored(world: World, name: str = "sealed") -> ConnectionRow:
    with world.read() as session:
        return session.scalars(select(ConnectionRow).where(ConnectionRow.name == name)).one()


def test_secrets_are_sealed_and_settings_are_readable(world: World) -> None:
    added = world.shop("sealed", settings={"secret": SECRET, "tolerance_seconds": 60})
    row = stored(world)
    assert (row.settings, SECRET.encode() in (row.secrets or b"")) == ({"tolerance_seconds": 60}, False)
    assert SECRET not in repr(added)
    adapter = world.runtime.adapters.channel(added)
    assert (adapter.settings.secret.get_secret_value(), adapter.settings.tolerance_seconds) == (SECRET, 60)
    assert signing_secret(world.database, world.runtime.secrets, "sealed") == SECRET


def test_a_change_keeps_the_secrets_that_it_does_not_name(world: World) -> None:
    world.shop("sealed", settings={"secret": SECRET})
    change(world, 1, settings={"tolerance_seconds": 30})
    adapter = world.runtime.adapters.channel(info(world))  # type: ignore[arg-type]
    assert (adapter.settings.secret.get_secret_value(), adapter.settings.tolerance_seconds) == (SECRET, 30)
    change(world, 2, settings={"secret": OTHER})
    assert signing_secret(world.database, world.runtime.secrets, "sealed") == OTHER


def test_an_adapter_is_opened_once_for_each_version(world: World) -> None:
    first = world.shop("sealed")
    assert world.runtime.adapters.channel(first) is world.runtime.adapters.channel(first)
    change(world, 1, settings={"tolerance_seconds": 30})
    assert world.runtime.adapters.channel(info(world)) is not world.runtime.adapters.channel(first)  # type: ignore[arg-type]


def test_what_an_adapter_keeps_may_be_stored_by_two_at_once(world: World) -> None:
    state = DatabaseState(world.database, world.shop("sealed").connection_id)
    together = threading.Barrier(2, timeout=10)

    def store(value: str) -> None:
        for number in range(20):
            together.wait()
            state.put(f"key-{number}", value)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(store, ("one", "two")))
    assert {state.get(f"key-{number}") for number in range(20)} <= {"one", "two"}


def test_a_change_of_what_somebody_else_changed_is_refused(world: World) -> None:
    world.shop("sealed")
    change(world, 1, mode="observe")
    with pytest.raises(StateConflict, match="changed meanwhile"):
        change(world, 1, mode="live")
    assert stored(world).mode == "observe"


def test_settings_that_do_not_fit_are_refused_without_showing_them(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.shop("sealed", settings={"secret": "not-a-key-at-all", "tolerance_seconds": 0})
    assert {fault["path"] for fault in refused.value.extra["errors"]} == {"secret", "tolerance_seconds"}
    assert "not-a-key-at-all" not in str(refused.value)
    with world.read() as session, pytest.raises(NotFound):
        load_by_name(session, "sealed")


@pytest.mark.parametrize(
    ("policy", "paths"),
    [
        ({"reviev": {}}, {"reviev"}),
        ({"review": {"currencies": ["USD", "dollars"], "max_lines": 0}}, {"review/currencies/1", "review/max_lines"}),
        ({"pull_cron": "every hour", "notify_shipments": "perhaps"}, {"pull_cron", "notify_shipments"}),
        ({"stock_cron": "0 0 31 2 *"}, {"stock_cron"}),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(
    small_world: World, policy: dict[str, object], paths: set[str]
) -> None:
    with pytest.raises(InvalidInput) as added:
        small_world.shop("strict", policy=policy)
    with pytest.raises(InvalidInput) as changed:
        change(small_world, 1, "shop", policy=policy)
    for refused in (added, changed):
        assert (refused.value.code, refused.value.status) == ("invalid_policy", 422)
        assert {fault["path"] for fault in refused.value.extra["errors"]} == paths
    assert stored(small_world, "shop").policy == {}


def test_a_policy_is_kept_as_given_and_read_with_its_defaults(small_world: World) -> None:
    added = small_world.shop("strict", policy={"review": {"currencies": ["USD"]}, "pull_cron": None})
    assert added.policy == {"review": {"currencies": ["USD"]}, "pull_cron": None}
    decided = added.decided
    assert (decided.review.currencies, decided.pull_cron, decided.notify_shipments) == ({"USD"}, None, True)
    assert small_world.connections["shop"].decided.pull_cron == "*/5 * * * *"


def test_a_live_channel_that_can_be_pulled_begins_now(small_world: World) -> None:
    """Connecting a shop never ships its history, unless somebody says from when on it counts."""
    now = small_world.clock.now()
    early = now - timedelta(days=30)
    for name, more in {"seen": {"mode": "observe"}, "new": {}, "stated": {"import_from": early}}.items():
        small_world.double("channel", "fake_channel", name, **more)
    begins = {name: stored(small_world, name).import_from for name in ("seen", "new", "stated", "shop")}
    assert begins == {"seen": None, "new": now, "stated": early, "shop": None}, "the shop cannot be pulled"
    small_world.clock.advance(60)
    change(small_world, 1, "seen", mode="live")
    change(small_world, 1, "new", mode="live")
    begins = {name: stored(small_world, name).import_from for name in ("seen", "new")}
    assert begins == {"seen": small_world.clock.now(), "new": now}


def test_a_name_is_used_once_and_a_plugin_must_be_there(world: World) -> None:
    with pytest.raises(StateConflict, match="another name"):
        world.shop("shop")
    with pytest.raises(HubError, match="Did you mean 'webhook'"):
        world.connect("new", "channel", "webhok", {})


def test_keys_are_rotated_without_losing_a_secret(world: World) -> None:
    world.shop("sealed", settings={"secret": SECRET})
    before = stored(world).secrets
    key = generate_key()
    old = world.runtime.settings.resolved_key_file.read_text().strip()
    both = SecretBox([key, old])
    with world.write() as session:
        assert rotate_secrets(session, secrets=both) == 1
    row = stored(world)
    assert (row.secrets != before, row.version) == (True, 2)
    assert SecretBox([key]).open(row.secrets or b"") == {"secret": SECRET}


def test_a_good_check_lets_a_paused_connection_go_on(world: World) -> None:
    book = world.double("channel", "fake_channel", "feed")
    assert book.sent == []
    connection = world.connections["feed"].connection_id
    with world.write() as session:
        pause(session, connection_id=connection, reason="credentials were refused")
    checked = check_connection(world.database, world.runtime.adapters, name="feed")
    assert (checked.health.ok, checked.resumed) == (True, True)
    assert not check_connection(world.database, world.runtime.adapters, name="feed").resumed
    assert not check_connection(world.database, world.runtime.adapters, name="shop").health.ok


def test_what_an_adapter_keeps_is_kept_for_its_connection(world: World) -> None:
    feed, other = (DatabaseState(world.database, world.shop(name).connection_id) for name in ("feed", "other"))
    feed.put("token", "1")
    feed.put("token", "2")
    assert (feed.get("token"), other.get("token"), feed.get("nothing")) == ("2", None, None)


def test_only_what_is_live_and_enabled_may_cause_anything(world: World) -> None:
    now = world.clock.now()
    live = world.shop("sealed", import_from=now)
    assert live.causes_side_effects(now)
    assert not live.causes_side_effects(now.replace(year=2025))
    change(world, 1, enabled=False)
    with world.read() as session:
        (switched_off,) = load(session, [live.connection_id]).values()
    assert not switched_off.causes_side_effects(now)
