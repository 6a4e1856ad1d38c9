"""`hub jobs` and `hub schedules` as people in operations use them."""

import sqlite3
from contextlib import closing

from tests.e2e.command_line import Hub
from tests.e2e.test_cli import STOPPED


def test_schedules_are_seen_run_and_stopped(hub: Hub) -> None:
    assert "`hub worker` makes them" in hub.ok("schedules", "list")
    hub.ok("worker", "--until-done")
    known = [one["schedule_id"] for one in hub.json("schedules", "list")]
    assert known == ["housekeeping", "proof.watch", "retention", "stock.watch", "wait.watch"]
    assert "nosuch" in hub.refused("schedules", "run", "nosuch")
    outcome = hub.run("schedules", "run", "proof.watch")
    assert "as soon as a worker is free" in outcome.stdout
    assert "hub worker --until-done" in outcome.stderr
    assert "under way" in hub.refused("schedules", "run", "proof.watch")
    hub.ok("worker", "--until-done")
    assert "proof.watch rests" in hub.ok("schedules", "disable", "proof.watch")
    watch = hub.json("schedules", "list")[1]
    assert (watch["outcome"], watch["enabled"], watch["next_run_at"]) == ("done", False, None)
    assert "proof.watch runs next at" in hub.ok("schedules", "enable", "proof.watch")
    assert "proof.watch" in hub.ok("schedules", "list", "--after", "housekeeping")


def test_a_failed_job_is_found_and_says_what_to_do(hub: Hub) -> None:
    [file] = hub.data.glob("*.sqlite3")
    with closing(sqlite3.connect(file)) as database, database:
        database.executemany(
            "INSERT INTO jobs (queue, kind, lane, idem_key, args, state, due_at, created_at, error_class, plugin) "
            "VALUES ('bulk', 'house.keeping', ?, ?, '{}', 'parked', ?, ?, ?, 'card')",
            [(name, name, STOPPED, STOPPED, name) for name in ("Rejected", "AuthFailed")],
        )
    (found,) = hub.json("jobs", "list", "--class", "AuthFailed", "--plugin", "card", "--until", "2026-02-01")
    assert hub.json("jobs", "list", "--class", "AuthFailed", "--since", "2026-02-01") == []
    assert "hub connection check" in hub.json("jobs", "show", str(found["job_id"]))["advice"]
    assert "hub connection check" in " ".join(hub.ok("jobs", "show", str(found["job_id"])).split())
    assert "no job '7'" in hub.refused("jobs", "show", "7")


def test_a_connection_is_paused_and_resumed(hub: Hub) -> None:
    hub.ok("connection", "add", "portal", "--kind", "channel", "--plugin", "webhook", "--account", "portal")
    assert "stays queued" in hub.ok("connection", "pause", "portal", "--reason", "stocktaking")
    assert hub.json("jobs", "top")["blocked"] == [{"connection": "portal", "reason": "paused"}]
    assert "goes on" in hub.ok("connection", "resume", "portal")
    assert "neither paused nor blocked" in hub.refused("connection", "resume", "portal")
