"""Lists never scan: each filter is answered by an index, as SQLite's own plan of the very statement says."""

import re

import pytest
from sqlalchemy import event

from tests.integration.api.calling import Hub

NOBODY = "00000000-0000-7000-8000-000000000000"
LISTS = [
    ("orders", "number=N-A"),
    ("orders", "external_id=A"),
    ("orders", "connection=portal"),
    ("orders", "lifecycle=open"),
    ("orders", "review=queued"),
    ("orders", "email=a@b.example"),
    ("orders", "phone=123"),
    ("orders", "sku=MUG"),
    ("orders", "hold=manual"),
    ("orders", "tracking_number=1"),
    ("orders", "placed_from=2026-01-01T00:00:00Z&placed_to=2026-02-01T00:00:00Z"),
    ("messages", "state=blocked"),
    ("messages", "error_class=Malformed"),
    ("messages", "connection=portal"),
    ("messages", "plugin=webhook"),
    ("messages", "external_id=A"),
    ("fulfilment-orders", "location=W1"),
    ("fulfilment-orders", "state=released"),
    ("fulfilment-orders", f"order_id={NOBODY}"),
    ("shipments", "state=label_ready"),
    ("shipments", "location=W1"),
    ("shipments", f"order_id={NOBODY}"),
    ("shipments", f"fulfilment_order_id={NOBODY}"),
    ("shipments", "tracking_number=1"),
    ("documents", "state=refused"),
    ("documents", f"order_id={NOBODY}"),
    ("invoices", f"order_id={NOBODY}"),
    ("jobs", "state=parked"),
    ("jobs", "kind=intake.process"),
    ("jobs", "error_class=Rejected&plugin=webhook&since=2026-01-01T00:00:00Z"),
    ("jobs", f"subject={NOBODY}"),
    ("cases", "state=open"),
    ("stock", "sku=MUG"),
    ("connections/portal/proof", "day=2026-01-01"),
    ("mappings/unknown", "field=sku"),
    ("mappings/unknown", "field=sku&connection=portal"),
]
TABLES = {
    "orders": "orders",
    "messages": "inbound_messages",
    "fulfilment-orders": "fulfilment_orders",
    "shipments": "shipments",
    "documents": "erp_documents",
    "invoices": "invoices",
    "jobs": "jobs",
    "cases": "cases",
    "stock": "stock_levels",
    "connections/portal/proof": "census_runs",
    "mappings/unknown": "order_holds",
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_every_filter_searches(hub: Hub) -> None:
    engine = hub.runtime.database.engine
    seen: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append((statement, parameters))

    scans = []
    for name, query in LISTS:
        seen.clear()
        event.listen(engine, "before_cursor_execute", note)
        answer = hub("GET", f"/v1/{name}?{query}")
        event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code == 200, answer.text
        table = TABLES[name]
        asked = [entry for entry in seen if re.search(rf"FROM {table}\s", entry[0])]
        assert asked, (name, query, [statement for statement, _ in seen])
        with engine.connect() as connection:
            for statement, parameters in asked:
                plan = [
                    str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                ]
                scans += [(name, query, step) for step in plan if step.startswith(f"SCAN {table}")]
    assert not scans, "\n".join(map(str, scans))


LARGE = "orders|order_holds|jobs|inbound_messages|shipments|effects|order_events"


def test_a_scrape_searches(hub: Hub) -> None:
    engine = hub.runtime.database.engine
    seen: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    assert hub.client.get("/metrics").status_code == 200
    assert hub.client.get("/metrics").status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    scans = []
    with engine.connect() as connection:
        for statement, parameters in seen:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            scans += [(step, statement) for *_, step in plan if re.fullmatch(rf"SCAN ({LARGE})", str(step))]
    assert scans == []
    assert len(seen) < 25, "two scrapes are one question"
