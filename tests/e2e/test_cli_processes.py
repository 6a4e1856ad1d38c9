"""`hub serve`, `hub worker` and `hub beat` as processes: they ring, answer, share the data folder and stop well."""

import json

import pytest

from tests.e2e.command_line import SECRET, Hub, connect_folder, post


def test_a_beat_without_a_broker_is_refused(hub: Hub) -> None:
    assert "ORDERHUB_BROKER_URL" in hub.refused("beat")
    assert "ORDERHUB_BROKER_URL" in hub.refused("worker", "--no-beat")
    assert "no queue nosuch" in hub.refused("worker", "--queues", "nosuch", status=2)


@pytest.mark.broker
def test_a_command_rings_a_worker_in_another_process(hub: Hub, redis_url: str) -> None:
    connect_folder(hub)
    remote = Hub(hub.folder, {"ORDERHUB_BROKER_URL": redis_url, "ORDERHUB_SWEEP_SECONDS": "0.2"})
    with remote.running("worker", "--no-beat", "--queues", "outward,intake,flow", "--threads", "1"):
        outcome = remote.process("connection", "pull", "files")
        assert outcome.returncode == 0, outcome.stderr
        assert "worker" not in outcome.stderr, "somebody is there to do it"
        assert [order["number"] for order in hub.wait_for(("orders", "list"))] == ["S-1"]
    with remote.running("beat"):
        remote.wait_until_said("beat", "The beat runs")


def test_serve_takes_orders_lets_the_command_line_read_and_stops_well(hub: Hub) -> None:
    key = hub.ok("init", "--api-key", "test").strip()
    settings = json.dumps({"secret": SECRET})
    hub.ok("connection", "add", "shop", "--kind", "channel", "--plugin", "webhook", "--account", "a",
           "--settings", settings)  # fmt: skip
    with hub.serving() as url:
        log = (hub.folder / "serve.log").read_text()
        assert url in log
        assert "/docs" in log
        for other in (("serve",), ("worker", "--until-done")):
            assert "PostgreSQL" in hub.refused(*other)
        assert "stop it" in hub.refused("db", "downgrade", "base", "--yes")
        line = {"id": "1", "sku": "MUG", "quantity": "2", "total": "4.00"}
        order = {"id": "1", "number": "W-1", "currency": "EUR", "lines": [line], "grand_total": "4.00"}
        assert post(f"{url}/v1/orders", key, {"connection": "shop", "orders": [order]}) == 202
        (found,) = hub.wait_for(("orders", "list", "--number", "W-1"))
        assert found["grand_total"] == "4.00"
        hub.ok("orders", "hold", "W-1", "--message", "beside a running server")
    assert "Listening" not in (hub.folder / "serve.log").read_text()
    with hub.serving("--no-worker"):
        assert "hub worker" in (hub.folder / "serve.log").read_text()


def test_a_port_that_is_taken_is_named(hub: Hub) -> None:
    with hub.serving() as url:
        port = url.rsplit(":", 1)[1]
        other = Hub(hub.folder / "other")
        other.folder.mkdir()
        other.ok("init")
        assert f"Cannot listen on 127.0.0.1:{port}" in other.refused("serve", "--port", port)
