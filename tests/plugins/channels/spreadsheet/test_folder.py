import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.sdk.errors import Malformed, Rejected
from hub.sdk.testing.kit import START, FakeClock, MemoryLog, open_adapter
from hub.sdk.values import Raw, Window
from plugins.channels.spreadsheet.adapter import Spreadsheet

CSV = b"Order No,SKU,Qty\n%s,MUG,1\n"
DAY = Window(since=START - timedelta(days=1), until=START)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def drop(inbox: Path) -> Callable[..., Path]:
    def put(name: str, minutes: float, body: bytes = CSV % b"A") -> Path:
        path = inbox / name
        path.write_bytes(body)
        at = (START - timedelta(minutes=minutes)).timestamp()
        os.utime(path, (at, at))
        return path

    return put


def channel(
    inbox: Path | None, clock: FakeClock | None = None, log: MemoryLog | None = None, **settings: Any
) -> Spreadsheet:
    return open_adapter(Spreadsheet, {"folder": inbox, **settings}, clock=clock, log=log)


def everything(adapter: Spreadsheet, limit: int, window: Window = DAY) -> list[Raw]:
    found: list[Raw] = []
    while True:
        page = adapter.list_changes(window, limit)
        assert len(page.documents) <= limit
        found.extend(page.documents)
        if page.next_page is None:
            return found
        window = replace(window, page=page.next_page)


def test_whole_files_come_oldest_first_with_name_and_digest(inbox: Path, drop: Callable[..., Path]) -> None:
    drop("b.csv", 30)
    drop("a.csv", 10, CSV % b"B")
    drop("c.csv", 30)
    found = everything(channel(inbox), 10)
    assert [raw.name for raw in found] == ["b.csv", "c.csv", "a.csv"]
    assert found[2].body == CSV % b"B"
    assert (found[2].external_id, found[2].revision) == ("a.csv", hashlib.sha256(CSV % b"B").hexdigest())
    assert found[2].headers == {"last-modified": "2026-03-02T08:50:00.000000Z"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_killed_run_goes_on_where_it_was(inbox: Path, drop: Callable[..., Path], limit: int) -> None:
    names = [f"{number}.csv" for number in range(7)]
    for name in names:
        drop(name, 60)
    first = channel(inbox).list_changes(DAY, limit)
    drop("late.csv", 5)
    rest = everything(channel(inbox), limit, replace(DAY, page=first.next_page)) if first.next_page else []
    assert [raw.name for raw in (*first.documents, *rest)] == [*names, "late.csv"][: len(first.documents) + len(rest)]
    assert {raw.name for raw in (*first.documents, *rest)} >= set(names)


def test_a_file_that_is_still_written_waits_and_is_not_lost(inbox: Path, drop: Callable[..., Path]) -> None:
    drop("growing.csv", 0.2)
    clock = FakeClock()
    adapter = channel(inbox, clock, settle_seconds=30)
    assert everything(adapter, 10) == []
    clock.advance(60)
    following = Window(since=START, until=clock.now())
    assert [raw.name for raw in everything(adapter, 10, following)] == ["growing.csv"]


def test_a_copy_with_an_old_date_is_not_overlooked(inbox: Path, drop: Callable[..., Path]) -> None:
    path = drop("old.csv", 60 * 24 * 365)
    arrived = path.stat().st_ctime
    now = max(START.timestamp(), arrived) + 3600
    clock = FakeClock()
    clock.set(START + timedelta(seconds=now - START.timestamp()))
    window = Window(since=clock.now() - timedelta(days=max(2.0, (now - arrived) / 86400 + 1)), until=clock.now())
    assert [raw.name for raw in everything(channel(inbox, clock), 10, window)] == ["old.csv"]


def test_a_file_outside_the_window_is_not_read_again(inbox: Path, drop: Callable[..., Path]) -> None:
    drop("new.csv", -600)
    assert everything(channel(inbox), 10) == []


def test_links_folders_and_other_names_are_left_alone(inbox: Path, drop: Callable[..., Path], tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CSV % b"STOLEN")
    drop("good.csv", 5)
    drop("notes.md", 5)
    drop(".hidden.csv", 5)
    (inbox / "link.csv").symlink_to(secret)
    (inbox / "inside.csv").symlink_to(inbox / "good.csv")
    (inbox / "folder.csv").mkdir()
    os.mkfifo(inbox / "pipe.csv")
    log = MemoryLog()
    assert [raw.name for raw in everything(channel(inbox, log=log), 10)] == ["good.csv"]
    assert {fields["name"] for _, event, fields in log.entries if event == "spreadsheet.not_taken"} == {
        "link.csv", "inside.csv", "pipe.csv",
    }  # fmt: skip


def test_a_file_that_turns_into_a_link_while_it_is_listed_is_not_followed(
    inbox: Path, drop: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CSV % b"STOLEN")
    victim = drop("orders.csv", 5)
    opened = os.open

    def swapped(path: Any, flags: int) -> int:
        victim.unlink()
        victim.symlink_to(secret)
        return opened(path, flags)

    monkeypatch.setattr("plugins.channels.spreadsheet.client.os.open", swapped)
    (raw,) = everything(channel(inbox), 10)
    assert b"STOLEN" not in raw.body
    assert "x-refused" in raw.headers


def test_a_file_that_changes_while_it_is_read_waits(
    inbox: Path, drop: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop("orders.csv", 5)
    opened = os.open

    def written(name: Any, flags: int) -> int:
        path.write_bytes(CSV % b"MORE" * 2)
        return opened(name, flags)

    monkeypatch.setattr("plugins.channels.spreadsheet.client.os.open", written)
    assert everything(channel(inbox), 10) == []


def test_a_file_that_is_too_large_is_seen_and_refused_by_name(inbox: Path, drop: Callable[..., Path]) -> None:
    drop("huge.csv", 5, b"x" * 3000)
    adapter = channel(inbox, max_file_bytes=2048)
    (raw,) = everything(adapter, 10)
    assert len(raw.body) < 200
    with pytest.raises(Malformed, match="larger than 2 KiB"):
        adapter.parse(raw)


def test_an_edited_file_is_another_revision(inbox: Path, drop: Callable[..., Path]) -> None:
    drop("orders.csv", 30)
    (first,) = everything(channel(inbox), 10)
    drop("orders.csv", 10, CSV % b"B")
    (second,) = everything(channel(inbox), 10)
    assert first.external_id == second.external_id
    assert first.revision != second.revision


def test_check_says_what_to_do(inbox: Path, drop: Callable[..., Path]) -> None:
    drop("orders.csv", 5)
    assert channel(inbox).check().details == {"files": "1"}
    for folder, advice in (
        (None, "set `folder`"),
        (inbox / "missing", "create it"),
        (inbox / "orders.csv", "create it"),
    ):
        health = channel(folder).check()
        assert not health.ok
        assert advice in health.problems[0]
        with pytest.raises(Rejected):
            channel(folder).list_changes(DAY, 1)


def test_a_damaged_position_is_refused(inbox: Path) -> None:
    with pytest.raises(Rejected, match="position"):
        channel(inbox).list_changes(replace(DAY, page="../../etc/passwd"), 1)
