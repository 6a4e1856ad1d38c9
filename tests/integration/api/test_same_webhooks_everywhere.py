"""The same deliveries, hammered at several processes of one hub at once, make one message and one order each."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from sqlalchemy import func, select

from hub.flows.runtime import Runtime, build_runtime
from hub.intake.tables import InboundMessageRow
from hub.kit.settings import Settings
from hub.orders.tables import OrderRow
from tests.integration.api.calling import QUEUES, Hub, event, order, sign
from tests.integration.api.conftest import serve

DELIVERIES = 30
SENDERS = 8


@pytest.fixture
def doors(hub: Hub, settings: Settings) -> Iterator[list[tuple[Runtime, str]]]:
    """The API of the hub, and where the database takes several serving processes a second one beside it."""
    found = [(hub.runtime, hub.url)]
    with ExitStack() as stack:
        if not hub.runtime.database.is_sqlite:
            second = build_runtime(settings)
            stack.callback(second.close)
            serving = serve(second)
            found.append((second, next(serving)))
            stack.callback(lambda: next(serving, None))
        yield found


def test_one_message_and_one_order_each(hub: Hub, doors: list[tuple[Runtime, str]]) -> None:
    bodies = [(f"msg_{number}", event("order.upserted", order(f"A{number}"))) for number in range(DELIVERIES)]
    answers: list[tuple[str, int, str, bool]] = []
    start = threading.Barrier(SENDERS)

    def send(sender: int) -> None:
        mine = bodies[sender:] + bodies[:sender] if sender % 2 else list(reversed(bodies))
        with httpx.Client(base_url=doors[sender % len(doors)][1], timeout=30) as client:
            start.wait()
            for message_id, body in mine:
                headers = sign(body, message_id, hub.runtime.clock.now())
                answer = client.post("/hooks/portal", content=body, headers=headers)
                [item] = answer.json()["items"]
                answers.append((message_id, answer.status_code, item["message_id"], item["duplicate"]))

    _in_threads(send, SENDERS)
    assert Counter(status for _, status, _, _ in answers) == {202: SENDERS * DELIVERIES}
    assert len({(name, message_id) for name, _, message_id, _ in answers}) == DELIVERIES
    assert sum(not duplicate for _, _, _, duplicate in answers) == DELIVERIES

    def work(worker: int) -> None:
        runtime = doors[worker % len(doors)][0]
        while sum(runtime.runner.drain(queue) for queue in QUEUES):
            pass

    _in_threads(work, 4)
    with hub.runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InboundMessageRow)) == DELIVERIES
        assert session.scalar(select(func.count()).select_from(OrderRow)) == DELIVERIES
        states = set(session.scalars(select(InboundMessageRow.state)))
    assert states == {"applied"}


def test_a_keyed_request_sent_many_times_at_once_is_done_once(hub: Hub, doors: list[tuple[Runtime, str]]) -> None:
    body = {"connection": "portal", "orders": [order("A"), order("B")]}
    headers = {"authorization": f"Bearer {hub.token}", "idempotency-key": "same"}
    answers: list[tuple[int, bytes]] = []
    start = threading.Barrier(SENDERS)

    def send(sender: int) -> None:
        with httpx.Client(base_url=doors[sender % len(doors)][1], timeout=30) as client:
            start.wait()
            answer = client.post("/v1/orders", json=body, headers=headers)
            while answer.status_code == 409:  # the first one is being worked on: as it says, ask again
                assert answer.headers["retry-after"] == "1"
                answer = client.post("/v1/orders", json=body, headers=headers)
            answers.append((answer.status_code, answer.content))

    _in_threads(send, SENDERS)
    assert len(set(answers)) == 1
    assert answers[0][0] == 202
    with hub.runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InboundMessageRow)) == 2


def test_more_requests_at_once_than_there_are_threads(hub: Hub) -> None:
    """Writers that wait for SQLite's one write lock must leave a thread for the one that holds it."""
    [order_id] = hub.post_orders(order("A"))
    statuses: list[int] = []

    def hold(number: int) -> None:
        body = {"reason_code": f"reason_{number}"}
        statuses.append(hub("POST", f"/v1/orders/{order_id}/hold", body, idempotency_key=f"hold-{number}").status_code)

    _in_threads(hold, 60)
    assert Counter(statuses) == {200: 60}
    assert len(hub("GET", f"/v1/orders/{order_id}").json()["open_holds"]) == 60


def _in_threads(work: object, count: int) -> None:
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)  # type: ignore[operator]
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)
