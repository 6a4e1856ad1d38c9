"""`/v1/schedules` and the filters of `/v1/jobs`, as operations use them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from hub.api.gauges import FromDatabase, Kept
from hub.connections.tables import ConnectionRow
from hub.flows.housekeeping import ensure_schedules
from hub.jobs.tables import JobRow, ScheduleRow
from tests.integration.api.calling import Hub, order

FAILED = (
    ("Rejected", "flat", 3), ("Rejected", "card", 2), ("Transient", "flat", 1), ("PlugInsOwn", "flat", 0),
)  # fmt: skip


@pytest.fixture
def start(hub: Hub) -> datetime:
    """The schedules of the hub are there."""
    hub.work()
    now = hub.runtime.clock.now()
    with hub.runtime.database.write() as session:
        ensure_schedules(session, hub.runtime.services, at=now)
    return now


def fail(hub: Hub, at: datetime) -> None:
    """Parked jobs, that many hours ago."""
    with hub.runtime.database.write() as session:
        session.add_all(
            JobRow(
                queue="outward", kind="shipment.label", lane=f"lane-{number}", idem_key=f"key-{number}", args={},
                state="parked", due_at=at - timedelta(hours=hours), created_at=at - timedelta(hours=9), attempts=1,
                error_class=name, error="no", plugin=plugin,
            )
            for number, (name, plugin, hours) in enumerate(FAILED)
        )  # fmt: skip


HOUSE = ["housekeeping", "proof.watch", "retention", "stock.watch", "wait.watch"]
"""The schedules of a hub without connections that have any."""


def test_schedules_are_listed_page_by_page_with_their_last_run(hub: Hub, start: datetime) -> None:
    first = hub("GET", "/v1/schedules?limit=1").json()
    rest = hub("GET", f"/v1/schedules?cursor={first['next_cursor']}").json()
    both = [*first["items"], *rest["items"]]
    assert ([one["schedule_id"] for one in both], rest["next_cursor"]) == (HOUSE, None)
    assert all(datetime.fromisoformat(one["next_run_at"]) > start and one["outcome"] is None for one in both)
    ran = hub("POST", "/v1/schedules/housekeeping/run").json()
    assert (ran["outcome"], ran["runs"]) == ("waiting", 1)
    hub.work()
    done = hub("GET", "/v1/schedules/housekeeping").json()
    assert (done["outcome"], done["job_id"], done["error"], done["advice"]) == ("done", ran["job_id"], None, None)
    assert done["next_run_at"] == both[0]["next_run_at"]


def test_schedules_are_stopped_and_started_by_those_who_may(hub: Hub, start: datetime) -> None:
    rested = hub("POST", "/v1/schedules/proof.watch/disable").json()
    assert (rested["enabled"], rested["next_run_at"]) == (False, None)
    assert hub("POST", "/v1/schedules/proof.watch/enable").json()["enabled"]
    assert hub("POST", "/v1/schedules/nosuch/run").json()["code"] == "schedule_not_found"
    reader = hub.key("jobs:read")
    assert hub("GET", "/v1/schedules", token=reader).status_code == 200
    for step in ("run", "enable", "disable"):
        assert hub("POST", f"/v1/schedules/proof.watch/{step}", token=reader).status_code == 403
    hub("POST", "/v1/schedules/proof.watch/run")
    assert hub("POST", "/v1/schedules/proof.watch/run").json()["code"] == "schedule_running"


def test_failed_jobs_are_found_by_what_went_wrong_and_say_what_to_do(hub: Hub, start: datetime) -> None:
    fail(hub, start)

    def found(query: str) -> list[str]:
        return [job["idem"] for job in _named(hub, query)]

    assert found("error_class=Rejected") == ["lane-1", "lane-0"]
    assert found("plugin=flat&state=parked") == ["lane-3", "lane-2", "lane-0"]
    hour = (start - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert found(f"since={hour}") == ["lane-3", "lane-2", "lane-1"]
    assert found(f"until={hour}") == ["lane-0"]
    assert found(f"error_class=Rejected&plugin=card&since={hour}") == ["lane-1"]
    advice = {job["error_class"]: job["advice"] for job in hub("GET", "/v1/jobs").json()["items"]}
    assert "settle it by hand" in advice["Rejected"]
    assert "the plugin's page" in advice["PlugInsOwn"]
    wide = hub("GET", "/v1/jobs?state=done&error_class=Rejected")
    assert (wide.status_code, "leave out `state`" in wide.json()["detail"]) == (400, True)


def _named(hub: Hub, query: str) -> list[dict[str, str]]:
    return [{"idem": job["lane"]} for job in hub("GET", f"/v1/jobs?{query}").json()["items"]]


def test_metrics_tell_of_lag_failures_and_lateness_in_bounded_labels(hub: Hub, start: datetime) -> None:
    fail(hub, start)
    hub.post_orders(order("A"))
    with hub.runtime.database.write() as session:
        pulled = {"done": (start - timedelta(hours=5)).isoformat()}
        session.execute(update(ConnectionRow).where(ConnectionRow.name == "portal").values(cursor=pulled))
        session.execute(update(ScheduleRow).values(due_at=start - timedelta(days=2)))
    lines = dict(
        line.rsplit(" ", 1) for line in hub.client.get("/metrics").text.splitlines() if not line.startswith("#")
    )
    failing = {name: value for name, value in lines.items() if name.startswith("orderhub_jobs_failing")}
    assert failing == {
        'orderhub_jobs_failing{error_class="Rejected"}': "2.0",
        'orderhub_jobs_failing{error_class="Transient"}': "1.0",
        'orderhub_jobs_failing{error_class="other"}': "1.0",
    }
    assert 18000 <= float(lines['orderhub_connection_cursor_seconds{connection="portal"}']) < 18100
    for name in ("message", "order"):
        assert 0 <= float(lines[f'orderhub_connection_newest_{name}_seconds{{connection="portal"}}']) < 60
    assert float(lines["orderhub_schedule_overdue_seconds"]) > 86400


def test_an_answer_serves_all_who_ask_within_moments(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    collect = FromDatabase.collect

    def counting(self: FromDatabase) -> object:
        asked.append(True)
        return collect(self)

    monkeypatch.setattr(FromDatabase, "collect", counting)
    source = FromDatabase(hub.runtime.database, hub.runtime.clock)
    kept, hasty = Kept(source, seconds=3600), Kept(source, seconds=0)
    assert len({len(list(kept.collect())) for _ in range(3)}) == 1
    assert len(asked) == 1
    for _ in range(2):
        list(hasty.collect())
    assert len(asked) == 3
