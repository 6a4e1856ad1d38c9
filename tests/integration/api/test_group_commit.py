"""The writer behind the doors."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hub.api.group_commit import Busy, GroupCommitWriter
from hub.connections.service.adapters import ConnectionInfo, load_by_name
from hub.flows.runtime import Runtime
from hub.intake.service.store import PROCESS, Delivery
from hub.intake.tables import InboundMessageRow
from hub.jobs.tables import JobRow
from hub.kit.db import Database
from hub.sdk.values import Raw
from tests.integration.api.calling import set_up


@pytest.fixture
def info(runtime: Runtime) -> ConnectionInfo:
    set_up(runtime)
    with runtime.database.read() as session:
        return load_by_name(session, "portal")


def delivery(info: ConnectionInfo, event_id: str, body: bytes = b"{}") -> Delivery:
    return Delivery(
        info, Raw(body=body, kind="order", external_id=event_id, event_id=event_id), correlation_id=event_id
    )


def counted(database: Database) -> tuple[int, int]:
    with database.read() as session:
        messages = session.scalar(select(func.count()).select_from(InboundMessageRow)) or 0
        return messages, session.scalar(select(func.count()).where(JobRow.kind == PROCESS)) or 0


class Commits:
    """The write transactions of a database, and an error to raise in the next of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.count = 0
        self.fail: Exception | None = None

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self._database.write() as session:
            if self.fail is not None:
                raise self.fail
            yield session
        self.count += 1


def run(writer: GroupCommitWriter, *requests: list[Delivery]) -> list[object]:
    async def main() -> list[object]:
        writer.start()
        answers = await asyncio.gather(*[writer.store(request) for request in requests], return_exceptions=True)
        await writer.stop()
        return list(answers)

    return asyncio.run(main())


def test_many_requests_are_few_commits(runtime: Runtime, info: ConnectionInfo) -> None:
    commits = Commits(runtime.database)
    writer = GroupCommitWriter(commits, runtime.clock)  # type: ignore[arg-type]
    answers = run(writer, *[[delivery(info, f"e{number}")] for number in range(200)])
    assert len({entry[0].message_id for entry in answers}) == 200  # type: ignore[index]
    assert counted(runtime.database) == (200, 200)
    assert commits.count < 20


def test_the_same_delivery_of_many_requests_is_one_message(runtime: Runtime, info: ConnectionInfo) -> None:
    answers = run(GroupCommitWriter(runtime.database, runtime.clock), *[[delivery(info, "same")] for _ in range(50)])
    assert len({entry[0].message_id for entry in answers}) == 1  # type: ignore[index]
    assert sum(not entry[0].duplicate for entry in answers) == 1  # type: ignore[index]
    assert counted(runtime.database) == (1, 1)


def test_one_bad_delivery_harms_no_other(runtime: Runtime, info: ConnectionInfo) -> None:
    bad = Delivery(info, Raw(body="no bytes", event_id="bad"))  # type: ignore[arg-type]
    good = [[delivery(info, f"e{number}")] for number in range(20)]
    answers = run(GroupCommitWriter(runtime.database, runtime.clock), *good[:7], [bad], *good[7:])
    assert [index for index, answer in enumerate(answers) if isinstance(answer, Exception)] == [7]
    assert not isinstance(answers[7], Busy)
    assert counted(runtime.database) == (20, 20)


def test_a_database_that_is_away_refuses_with_busy(runtime: Runtime, info: ConnectionInfo) -> None:
    commits = Commits(runtime.database)
    commits.fail = OperationalError("insert", {}, Exception("connection refused"))
    writer = GroupCommitWriter(commits, runtime.clock)  # type: ignore[arg-type]
    answers = run(writer, [delivery(info, "a")], [delivery(info, "b")])
    assert all(isinstance(answer, Busy) for answer in answers)
    assert counted(runtime.database) == (0, 0)


def test_a_lost_doorbell_is_no_failure(runtime: Runtime, info: ConnectionInfo) -> None:
    def broken(queue: str) -> None:
        raise RuntimeError(queue)

    runtime.ring = broken
    [answer] = run(GroupCommitWriter(runtime.database, runtime.clock), [delivery(info, "a")])
    assert answer[0].duplicate is False  # type: ignore[index]
    assert counted(runtime.database) == (1, 1)


def test_more_than_the_bound_is_refused_at_once(runtime: Runtime, info: ConnectionInfo) -> None:
    async def main() -> list[object]:
        writer = GroupCommitWriter(runtime.database, runtime.clock, max_waiting=3)
        with runtime.database.write():  # nothing can be stored meanwhile
            writer.start()
            waiting = [asyncio.ensure_future(writer.store([delivery(info, f"e{number}")])) for number in range(40)]
            refused = [task for task in (await asyncio.wait(waiting, timeout=0.2))[0] if task.exception()]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        await writer.stop()
        assert len(refused) >= 30
        return list(answers)

    answers = asyncio.run(main())
    kept = sum(not isinstance(answer, Exception) for answer in answers)
    assert all(isinstance(answer, Busy) for answer in answers if isinstance(answer, Exception))
    assert counted(runtime.database) == (kept, kept)


def test_stopping_stores_what_waits_and_takes_no_more(runtime: Runtime, info: ConnectionInfo) -> None:
    async def main() -> None:
        writer = GroupCommitWriter(runtime.database, runtime.clock)
        writer.start()
        waiting = asyncio.ensure_future(writer.store([delivery(info, "a")]))
        await asyncio.sleep(0)
        await writer.stop()
        assert (await waiting)[0].duplicate is False
        with pytest.raises(Busy):
            await writer.store([delivery(info, "b")])

    asyncio.run(main())
    assert counted(runtime.database) == (1, 1)
