"""One request is followed from its arrival over its jobs to the calls they make: by its id, by its trace, by spans."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, update

from hub.inventory.tables import LocationRow
from hub.jobs.tables import JobRow
from hub.kit.crypto import generate_key
from hub.kit.settings import Settings
from tests.integration.api.calling import Hub, event, order
from tests.integration.flows.test_telling_channels import Receiver, receiver

__all__ = ["receiver"]
TRACES = {f"order-{name}": f"00-{name * 32}-{name * 16}-01" for name in "abc"}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    keys = SecretStr(generate_key())
    return Settings(data_dir=tmp_path, database_url=database_url, secret_keys=keys, allow_private_locations=True)


@pytest.fixture
def partner(hub: Hub, receiver: Receiver) -> Receiver:
    """Both warehouses are somebody else's, who is told of work over HTTP."""
    notify = {"url": receiver.url, "signed_as": "portal"}
    with hub.runtime.database.write() as session:
        session.execute(update(LocationRow).values(handling="outside", notify=notify))
        session.execute(delete(JobRow))  # of setting it up
    return receiver


def arrive(hub: Hub, *names: str) -> None:
    """One request for each: over both doors, with and without a key that makes it repeatable."""
    for number, name in enumerate(names):
        headers = {"x-correlation-id": f"cause-of-{name}", "traceparent": TRACES[name]}
        if number % 2:
            answer = hub("POST", "/v1/orders", {"connection": "portal", "orders": [order(name)]}, **headers)
        else:
            body = event("order.upserted", order(name))
            answer = hub.client.post(
                "/hooks/portal", content=body, headers={**hub.signed(body, f"m-{name}"), **headers}
            )
        assert (answer.status_code, answer.headers["x-correlation-id"]) == (202, headers["x-correlation-id"])


def told(partner: Receiver) -> dict[str, tuple[str | None, str | None]]:
    """Correlation id and trace of the call about each order."""
    return {
        json.loads(body)["ship_to"]["lines"][0].split()[1]: (
            headers.get("x-correlation-id"), headers.get("traceparent"),
        )
        for headers, body in partner.posted
    }  # fmt: skip


def test_each_call_carries_the_id_and_the_trace_of_its_own_request(hub: Hub, partner: Receiver) -> None:
    arrive(hub, *TRACES)
    hub.work()  # one batch for all three
    assert told(partner) == {name: (f"cause-of-{name}", trace) for name, trace in TRACES.items()}


def test_every_job_belongs_to_a_request(hub: Hub, partner: Receiver) -> None:
    arrive(hub, *TRACES)
    hub.work()
    with hub.runtime.database.read() as session:
        jobs = session.query(JobRow).all()
        lost = [(job.kind, job.lane) for job in jobs if job.correlation_id is None or job.traceparent is None]
    assert (len(jobs), lost) == (9, [])


def test_an_unusable_trace_is_not_handed_on(hub: Hub, partner: Receiver) -> None:
    for number, header in enumerate(
        ("nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff" + TRACES["order-a"][2:])
    ):
        hub.post_orders(order(f"x-{number}"), traceparent=header)
    assert [trace for _, trace in told(partner).values()] == [None, None, None]
