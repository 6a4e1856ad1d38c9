"""A backup of a hub that works: what the sender was told is taken is in it, however much flows in meanwhile."""

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import text

from hub.kit.db import Database
from hub.kit.settings import Settings
from tests.e2e.command_line import SECRET, Hub, post
from tests.servers import PostgresServer

CLIENTS = 3
WAIT_SECONDS = 60


@dataclass
class Sender:
    """Sends orders until it is stopped, and keeps its own book of those that were taken."""

    url: str
    key: str
    taken: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    failures: list[Exception] = field(default_factory=list)

    def send(self, client: int) -> None:
        number = 0
        try:
            while not self.over.is_set():
                number += 1
                name = f"{client}-{number}"
                assert post(f"{self.url}/v1/orders", self.key, {"connection": "shop", "orders": [order(name)]}) == 202
                self.taken.append(name)
        except Exception as error:
            self.failures.append(error)

    def wait_for(self, count: int) -> set[str]:
        """At least so many were taken; which."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.taken) < count:
            assert not self.failures
            assert time.monotonic() < deadline, len(self.taken)
            time.sleep(0.01)
        return set(self.taken)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self.send, args=(client,)) for client in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


def order(name: str) -> dict[str, object]:
    line = {"id": "1", "sku": "MUG", "quantity": "2", "total": "4.00"}
    placed_at = datetime.now(UTC).isoformat()
    return {
        "id": name, "number": name, "placed_at": placed_at, "currency": "EUR", "lines": [line], "grand_total": "4.00",
        "payment": {"state": "paid"},
    }  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.broker])])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Hub, Hub]]:
    """A hub, and where it will be restored: other folders, and on PostgreSQL another database."""
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    if request.param == "sqlite":
        yield Hub(folders[0]), Hub(folders[1])
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    broker = {"ORDERHUB_BROKER_URL": str(request.getfixturevalue("redis_url")), "ORDERHUB_SWEEP_SECONDS": "0.2"}
    urls = [{"ORDERHUB_DATABASE_URL": server.create_database(f"load_{folder.name}")} for folder in folders]
    yield Hub(folders[0], {**urls[0], **broker}), Hub(folders[1], urls[1])
    for folder in folders:
        server.drop_database(f"load_{folder.name}")


def ask(hub: Hub, statement: str) -> list[str]:
    settings = Settings(data_dir=hub.data, database_url=hub.settings.get("ORDERHUB_DATABASE_URL"))
    database = Database(settings.resolved_database_url)
    with database.read() as session:
        found = [str(value) for value in session.scalars(text(statement))]
    database.dispose()
    return found


def test_everything_acknowledged_before_the_backup_began_is_in_it(places: tuple[Hub, Hub]) -> None:
    here, there = places
    key = here.ok("init", "--api-key", "test").strip()
    shop = ("--kind", "channel", "--plugin", "webhook", "--account", "a", "--mode", "live")
    here.ok("connection", "add", "shop", *shop, "--settings", json.dumps({"secret": SECRET}))
    file = here.folder / "hub.backup"
    with ExitStack() as running:
        url = running.enter_context(here.serving())
        if "ORDERHUB_BROKER_URL" in here.settings:
            running.enter_context(here.running("worker"))
            here.wait_until_said("worker", "runs")
        sender = running.enter_context(Sender(url, key))
        before = sender.wait_for(30)
        told = here.process("db", "backup", str(file), "--json")
        assert told.returncode == 0, told.stderr
        during = sender.wait_for(len(sender.taken) + 20)
    assert not sender.failures
    assert len(before) < len(during), "orders flowed in meanwhile"

    there.data.mkdir()
    shutil.copy(here.data / "secret.key", there.data / "secret.key")
    restored = there.process("db", "restore", str(file), "--json")
    assert restored.returncode == 0, restored.stderr
    facts = json.loads(restored.stdout)
    assert (facts["paused"], facts["sealed"]) == (["shop"], [])
    assert facts["rows"] == json.loads(told.stdout)["rows"]

    messages = Counter(ask(there, "SELECT external_id FROM inbound_messages"))
    assert before - set(messages) == set(), "what was acknowledged is there"
    assert set(messages) <= set(sender.taken), "what is there was sent"
    assert max(messages.values()) == 1
    torn = "SELECT message_id FROM inbound_messages m WHERE state = 'applied' AND NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = m.order_id)"
    assert ask(there, torn) == [], "no transaction is in it by halves"
    assert int(facts["rows"]["inbound_messages"]) == len(messages)

    there.ok("worker", "--until-done")
    orders = Counter(ask(there, "SELECT external_id FROM orders"))
    assert orders == messages, "the restored hub goes on where the backup was taken"
    held = ask(there, "SELECT DISTINCT o.external_id FROM orders o JOIN order_holds h ON h.order_id = o.order_id WHERE h.reason_code = 'restored' AND h.released_at IS NULL")  # fmt: skip
    assert set(held) == set(orders), "and nothing of it goes out by itself"
    assert [case["kind"] for case in there.json("cases", "list", "--kind", "restored")] == ["restored"]


def test_a_restore_refuses_what_would_lose_something(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    assert "hub init" in hub.refused("db", "backup", "x")
    hub.ok("init", "--api-key", "test")
    shown = hub.ok("db", "backup", "hub.backup")
    assert "rows" in shown
    assert "--overwrite" in hub.refused("db", "backup", "hub.backup")
    assert "api_keys" in hub.refused("db", "restore", "hub.backup")
    with hub.serving():
        assert "stop that one" in hub.refused("db", "restore", "hub.backup", "--overwrite")
    hub.ok("init", "--api-key", "later")
    said = hub.ok("db", "restore", "hub.backup", "--overwrite")
    assert "hub cases list --kind restored" in said
    assert [row["name"] for row in hub.json("keys", "list")] == ["test"]
    (hub.data / "secret.key").rename(hub.data / "elsewhere")
    assert "key" in hub.refused("db", "restore", "hub.backup", "--overwrite")


def test_what_is_old_is_counted_and_let_go(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.ok("init")
    assert "answers" in hub.ok("retention", "show")
    assert {row["kind"] for row in hub.json("retention", "show")} >= {"jobs", "effects", "events", "census", "answers"}
    assert hub.json("retention", "run", "--dry-run")["rows"] == 0
    assert "Nothing was changed" in hub.ok("retention", "run", "--dry-run", "--kind", "jobs")
    assert "Done" in hub.ok("retention", "run")
