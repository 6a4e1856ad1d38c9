"""`/v1/documents`, `/v1/invoices` and `/v1/jobs`."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from hub.audit.tables import AuditEntryRow
from hub.connections.service.manage import add_connection
from hub.jobs.service import bulk_retry
from hub.jobs.service.connection_health import pause
from hub.jobs.tables import JobRow
from hub.sdk.errors import Rejected
from plugins.carriers.rate_card.adapter import RateCard
from tests.integration.api.calling import Hub, order


def with_ledger(hub: Hub) -> None:
    runtime = hub.runtime
    with runtime.database.write() as session:
        add_connection(
            session, adapters=runtime.adapters, secrets=runtime.secrets, name="books", kind="erp", plugin="beancount",
            account="books", mode="live", at=runtime.clock.now(),
            settings={"folder": str(runtime.settings.data_dir / "ledger"), "operating_currencies": ["USD"]},
        )  # fmt: skip


def test_documents_and_invoices(hub: Hub) -> None:
    with_ledger(hub)
    (hub.runtime.settings.data_dir / "ledger").mkdir()
    first, second = hub.post_orders(order("A"), order("B"))
    hub("POST", f"/v1/shipments/{hub.shipped(first)}/hand-over")
    hub.work()
    [invoice] = hub("GET", f"/v1/invoices?order_id={first}").json()["items"]
    assert (invoice["kind"], invoice["total_minor"], invoice["currency"]) == ("invoice", 1000, "USD")
    full = hub("GET", f"/v1/invoices/{invoice['number']}").json()
    assert hub("GET", f"/v1/invoices/{invoice['invoice_id']}").json() == full
    assert full["body"]
    kinds = {item["kind"] for item in hub("GET", f"/v1/documents?order_id={first}").json()["items"]}
    assert {"sales_order", "delivery", "invoice"} <= kinds
    assert hub("GET", "/v1/documents?state=refused").json()["items"] == []
    posted = hub("GET", "/v1/documents?state=posted&limit=2").json()
    assert len(posted["items"]) == 2
    rest = hub("GET", f"/v1/documents?state=posted&cursor={posted['next_cursor']}").json()["items"]
    ids = [item["document_id"] for item in posted["items"] + rest]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids) >= 4
    one = hub("GET", f"/v1/documents/{ids[0]}").json()
    assert (one["remote_id"] is not None, one["body"]["currency"]) == (True, "USD")
    assert hub("GET", f"/v1/invoices?order_id={second}").json()["items"] == []
    shown = hub("GET", f"/v1/orders/{first}").json()
    assert ({item["number"] for item in shown["invoices"]}, {item["kind"] for item in shown["documents"]}) == (
        {invoice["number"]},
        kinds,
    )


def test_no_such_paper(hub: Hub) -> None:
    assert hub("GET", "/v1/documents/nonsense").json()["code"] == "document_not_found"
    assert hub("GET", "/v1/invoices/nonsense").json()["code"] == "invoice_not_found"
    assert hub("GET", "/v1/documents?state=lost").status_code == 422
    assert hub("GET", "/v1/documents?cursor=x").json()["code"] == "bad_cursor"
    assert hub("GET", "/v1/invoices", token=hub.key("orders:read")).status_code == 403


@pytest.fixture
def parked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A label purchase that the carrier refused; it would sell one now."""

    def refuse(self: object, outgoing: object, key: str) -> object:
        raise Rejected("no such street", code="address")

    with monkeypatch.context() as patch:
        patch.setattr(RateCard, "send", refuse)
        [order_id] = hub.post_orders(order("A"))
        shipment = hub.shipped(order_id)
    [job] = hub("GET", "/v1/jobs?state=parked").json()["items"]
    assert (job["kind"], job["subject_id"], job["error_class"]) == ("shipment.label", shipment, "Rejected")
    return dict(job)


def test_retry_a_parked_job(hub: Hub, parked: dict[str, object]) -> None:
    job_id = parked["job_id"]
    assert hub("POST", f"/v1/jobs/{job_id}/retry", token=hub.key("jobs:read")).status_code == 403
    rung: list[str] = []
    hub.runtime.ring = rung.append
    answer = hub("POST", f"/v1/jobs/{job_id}/retry", idempotency_key="retry-1")
    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (200, "ready", 0)
    assert rung == ["outward"]
    hub.work()
    assert hub("POST", f"/v1/jobs/{job_id}/retry", idempotency_key="retry-1").content == answer.content
    assert hub("GET", f"/v1/jobs/{job_id}").json()["state"] == "done"
    assert hub("GET", f"/v1/shipments/{parked['subject_id']}").json()["state"] == "label_ready"
    again = hub("POST", f"/v1/jobs/{job_id}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "job_not_parked")
    with hub.runtime.database.read() as session:
        assert session.scalars(select(AuditEntryRow.action).where(AuditEntryRow.subject_kind == "job")).all() == [
            "job.retried"
        ]


def test_retry_what_was_parked_for_one_reason(
    hub: Hub, parked: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_retry, "AT_ONCE", 1)
    [second] = hub.post_orders(order("B"))
    with monkeypatch.context() as patch:
        patch.setattr(RateCard, "send", lambda self, outgoing, key: {}["bug"])
        hub.shipped(second)
    bug = hub("GET", "/v1/jobs?state=parked").json()["items"][0]
    assert (bug["error_class"], bug["plugin"], bug["plugin_version"]) == (
        "Bug", "rate_card", RateCard.manifest.version,
    )  # fmt: skip
    for wanted, classes in (
        ({}, {"Bug": 1, "Rejected": 1}),
        ({"error_class": "Rejected"}, {"Rejected": 1}),
        ({"connection_id": bug["connection_id"], "plugin": "rate_card"}, {"Bug": 1, "Rejected": 1}),
        ({"plugin": "rate_card", "plugin_version": "0.0.1"}, {}),
        ({"kind": "shipment.void"}, {}),
        ({"since": bug["due_at"]}, {"Bug": 1} if bug["due_at"] > str(parked["due_at"]) else {"Bug": 1, "Rejected": 1}),
        ({"until": parked["due_at"]}, {}),
    ):
        answer = hub("POST", "/v1/jobs/retry", wanted).json()
        assert (answer["dry_run"], answer["by_error_class"], answer["retried"]) == (True, classes, 0), wanted
    assert hub("POST", "/v1/jobs/retry", {}, token=hub.key("jobs:read")).status_code == 403
    steps, cursor = [], None
    while not steps or cursor is not None:
        answer = hub("POST", "/v1/jobs/retry", {"dry_run": False, "cursor": cursor}, idempotency_key=f"many-{cursor}")
        repeated = hub("POST", "/v1/jobs/retry", {"dry_run": False, "cursor": cursor}, idempotency_key=f"many-{cursor}")
        assert repeated.content == answer.content
        cursor = answer.json()["next_cursor"]
        steps.append((answer.json()["matched"], answer.json()["retried"]))
    assert steps == [(2, 1), (1, 1), (0, 0)]
    hub.work()
    assert hub("GET", "/v1/jobs").json()["items"] == []
    assert hub("GET", f"/v1/shipments/{parked['subject_id']}").json()["state"] == "label_ready"
    assert hub("POST", "/v1/jobs/retry", {"cursor": "x"}).json()["code"] == "bad_cursor"


def test_leave_a_parked_job(hub: Hub, parked: dict[str, object]) -> None:
    path = f"/v1/jobs/{parked['job_id']}/skip"
    assert hub("POST", path, {}).json()["errors"][0]["pointer"] == "#/reason"
    assert hub("POST", path, {"reason": "bought at the counter"}).json()["state"] == "skipped"
    assert hub("POST", path, {"reason": "again"}).json()["code"] == "job_not_parked"


def test_find_jobs(hub: Hub) -> None:
    hub("POST", "/v1/orders", {"connection": "portal", "orders": [order("A"), order("B")]})
    everything = hub("GET", "/v1/jobs?kind=intake.process").json()["items"]
    assert [job["state"] for job in everything] == ["ready", "ready"]
    assert len(hub("GET", "/v1/jobs?queue=intake").json()["items"]) == 2
    page = hub("GET", "/v1/jobs?queue=intake&limit=1").json()
    rest = hub("GET", f"/v1/jobs?queue=intake&limit=1&cursor={page['next_cursor']}").json()
    assert page["items"] + rest["items"] == everything
    hub.work()
    assert hub("GET", "/v1/jobs").json()["items"] == []
    subject = everything[0]["subject_id"]
    assert [job["state"] for job in hub("GET", f"/v1/jobs?subject={subject}").json()["items"]] == ["done"]
    assert len(hub("GET", "/v1/jobs?state=done").json()["items"]) > 2
    wide = hub("GET", "/v1/jobs?state=done&kind=intake.process")
    assert (wide.status_code, wide.json()["code"]) == (400, "filter_too_wide")
    for job_id, status in (("1000000", 404), ("0", 422), ("x", 422), (str(2**70), 422)):
        assert hub("GET", f"/v1/jobs/{job_id}").status_code == status


def waiting_call(connection_id: str, at: datetime) -> JobRow:
    """A call that has failed before and waits for its connection."""
    return JobRow(
        queue="outward", kind="shipment.void", lane="void", idem_key="void", connection_id=connection_id, args={},
        due_at=at, created_at=at, attempts=3,
    )  # fmt: skip


def test_gauges(hub: Hub, parked: dict[str, object]) -> None:
    with hub.runtime.database.write() as session:
        at = hub.runtime.clock.now().replace(year=2025)
        session.execute(update(JobRow).where(JobRow.job_id == parked["job_id"]).values(created_at=at))
        session.add(waiting_call(str(parked["connection_id"]), hub.runtime.clock.now() - timedelta(hours=2)))
        pause(session, connection_id=str(parked["connection_id"]), reason="a person said so")
    [order_id] = hub.post_orders(order("B"))
    hub("POST", f"/v1/orders/{order_id}/hold", {"reason_code": "wait"})
    hub("POST", "/v1/orders", {"connection": "portal", "orders": [order("C", typo=1), order("D", sku="UNKNOWN")]})
    hub.work()
    lines = dict(
        line.rsplit(" ", 1) for line in hub.client.get("/metrics").text.splitlines() if not line.startswith("#")
    )
    assert lines['orderhub_jobs{queue="outward",state="parked"}'] == "1.0"
    assert float(lines['orderhub_jobs_oldest_seconds{queue="outward",state="parked"}']) > 86400
    assert lines['orderhub_jobs_retrying{queue="outward"}'] == "1.0"
    [lag] = [float(value) for name, value in lines.items() if name.startswith("orderhub_connection_lag_seconds")]
    assert 7200 <= lag < 7300
    assert [
        (name.split("reason=")[1], value)
        for name, value in lines.items() if name.startswith("orderhub_connection_blocked")
    ] == [('"paused"}', "1.0")]  # fmt: skip
    assert lines['orderhub_messages_open{state="blocked"}'] == "1.0"
    assert lines['orderhub_open_holds{reason="wait"}'] == "1.0"
    assert lines['orderhub_shipments_open{state="rated"}'] == "1.0"
    assert lines["orderhub_effects_in_doubt"] == "0.0"
    assert (lines["orderhub_reviewed_recently"], float(lines["orderhub_auto_approval_ratio"])) == (
        "3.0",
        pytest.approx(2 / 3),
    )
    assert lines['orderhub_messages_stored_total{door="orders",duplicate="no"}'] == "4.0"
    assert lines['orderhub_http_requests_total{method="POST",route="/v1/orders",status="202"}'] == "3.0"
