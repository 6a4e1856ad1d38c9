"""`/v1/routing/rule-sets/{reference}/shadow`: a version is asked about live orders, and decides nothing."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hub.audit.tables import AuditEntryRow
from hub.routing.service import backtest
from tests.integration.api.calling import Hub, order
from tests.integration.api.test_routing import TO_THE_EAST

SHADOW = "/v1/routing/rule-sets/1/shadow"


@pytest.fixture
def drafted(hub: Hub) -> Hub:
    assert hub("POST", "/v1/routing/rule-sets", {"document": TO_THE_EAST}).status_code == 201
    return hub


def test_its_life_over_the_api(drafted: Hub) -> None:
    hub = drafted
    assert hub("GET", SHADOW).json()["code"] == "shadow_not_found"
    started = hub("POST", SHADOW)
    assert (started.status_code, started.json()["state"], started.json()["started_by"]) == (
        201,
        "running",
        "key:tester",
    )
    assert hub("POST", SHADOW).json()["code"] == "shadow_running"
    orders = [hub.post_orders(order(name))[0] for name in "ABC"]
    shown = hub("GET", SHADOW).json()
    assert (shown["version"], shown["agreed"], shown["disagreed"], shown["failed"]) == (1, 0, 3, 0)
    assert shown["micros_per_order"] > 0
    metrics = hub("GET", "/metrics").text
    assert 'orderhub_shadow_decisions{result="disagreed"} 3.0' in metrics
    page = hub("GET", f"{SHADOW}/disagreements?limit=2").json()
    rest = hub("GET", f"{SHADOW}/disagreements?limit=2&cursor={page['next_cursor']}").json()
    items: list[dict[str, Any]] = page["items"] + rest["items"]
    assert ([item["order_id"] for item in items], rest["next_cursor"]) == (orders[::-1], None)
    assert {item["changed"] for item in items} == {"location"}
    assert hub("GET", f"{SHADOW}/disagreements?cursor=abc").json()["code"] == "bad_cursor"
    stopped = hub("POST", f"{SHADOW}/stop").json()
    assert (stopped["state"], stopped["ended_by"]) == ("ended", "key:tester")
    assert hub("POST", f"{SHADOW}/stop").json()["code"] == "not_shadowed"
    assert hub("POST", "/v1/routing/rule-sets/9/shadow").status_code == 404
    with hub.runtime.database.read() as session:
        actions = session.scalars(select(AuditEntryRow.action).where(AuditEntryRow.subject_kind == "rule_set")).all()
    assert {"rule_set.shadow_started", "rule_set.shadow_stopped"} <= set(actions)


def test_a_backtest_over_the_api_cannot_write(drafted: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def meddling(session: Any, *_: Any, **__: Any) -> dict[str, str]:
        try:
            session.execute(text("DELETE FROM orders"))
        except DBAPIError as error:
            refused.append(str(error.orig))
            session.rollback()
        return {}

    drafted.post_orders(order("A"))
    monkeypatch.setattr(backtest, "approvals", meddling)
    drafted("POST", "/v1/routing/rule-sets/1/backtests", {"last": 10})
    [reason] = refused
    assert "readonly" in reason or "read-only" in reason
