"""One serving process a SQLite file."""

from pathlib import Path

import pytest

from hub.cli.serving import AlreadyServed, lock_file, serving_process, sole_serving_process


def test_a_second_serving_process_is_refused_and_told_of_postgresql(tmp_path: Path) -> None:
    database = tmp_path / "hub.sqlite3"
    with (
        sole_serving_process(database, "hub serve"),
        pytest.raises(AlreadyServed) as refusal,
        sole_serving_process(database, "hub serve"),
    ):
        pass
    assert "PostgreSQL" in refusal.value.detail
    assert "hub serve" in refusal.value.detail


def test_who_serves_is_known_only_while_it_serves(tmp_path: Path) -> None:
    database = tmp_path / "hub.sqlite3"
    assert serving_process(database) is None
    with sole_serving_process(database, "hub serve"):
        assert str(serving_process(database)).endswith("hub serve")
    assert lock_file(database).exists()
    assert serving_process(database) is None


def test_a_file_left_behind_does_not_stop_the_next(tmp_path: Path) -> None:
    database = tmp_path / "hub.sqlite3"
    lock_file(database).write_text("process 1, hub serve\n")
    with sole_serving_process(database, "hub worker"):
        assert str(serving_process(database)).endswith("hub worker")


def test_a_server_takes_any_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    locks: list[object] = []
    monkeypatch.setattr("fcntl.flock", lambda file, how: locks.append(file))
    running = []
    with sole_serving_process(None, "hub serve"):
        running.append("one")
        with sole_serving_process(None, "hub serve"):
            running.append("other")
    assert (running, locks) == (["one", "other"], [])
