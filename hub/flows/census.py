"""The census: ask a channel for its own list of a day, compare, fetch what differs, ask again, and tell what stays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.resolve import resolve_by_key
from hub.connections.service.adapters import ConnectionInfo, load
from hub.connections.tables import ConnectionRow
from hub.flows.ask_channels import ask_each, askable
from hub.flows.fetch_orders import AT_ONCE, fetch_jobs
from hub.flows.services import Services
from hub.intake.rules.census import LAST_DAYS, Comparison, Held, compare, days_to_prove, window_of
from hub.intake.service.census import ids_that_wait, proven_days, store_run
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared
from hub.orders import repository as orders_repository
from hub.sdk.adapters import Channel
from hub.sdk.errors import Transient
from hub.sdk.values import FetchRequest, Window

CENSUS = "channel.census"
CENSUS_DUE = "census.due"
AGAIN_AFTER = timedelta(minutes=10)
"""What was fetched is an order by then; what only just came in is one too."""
TURNS = 3
"""Runs of a day before what stays is told to a person."""
LOOKED_UP = 5000


@dataclass(slots=True)
class _Question:
    connection: ConnectionInfo
    day: date
    window: Window
    ours: list[str]


@dataclass(slots=True)
class _Answer:
    listed: dict[str, Money | None]
    count: int | None
    extra: list[str]


class CensusDue:
    """Handler of `census.due`: the days of a connection that are over and not proven are asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """One job a day, so that a day that fails holds up no other."""
        now = self._services.clock.now()
        for connection_id, connection in load(session, {job.connection_id or "" for job in jobs}).items():
            if not connection.enabled or connection.decided.census_cron is None:
                continue
            known_since = session.get_one(ConnectionRow, connection_id).created_at
            week = (now - timedelta(days=LAST_DAYS + 1)).date()
            proven = proven_days(session, connection_id=connection_id, since=week)
            days = days_to_prove(now, known_since=known_since, proven=proven)
            enqueue(session, [census_job(connection_id, day, cause=now.isoformat()) for day in days])


class AskCensus:
    """Handler of `channel.census`; each job is one day of one connection."""

    kind = CENSUS
    queue = "outward"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """What the hub holds of the day, to ask for what the list does not name."""
        prepared = Prepared()
        for job, connection, _ in askable(
            session, self._services, jobs, prepared, capability="census", refusal="cannot be asked for its list"
        ):
            day = date.fromisoformat(job.args["day"])
            since, until = window_of(day)
            ours = orders_repository.placed_between(session, account=connection.account, since=since, until=until)
            question = _Question(connection, day, Window(since, until), ours)
            prepared.calls.append(Call(job, connection.connection_id, question))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """The whole list of each day; a list that was not read to its end is none."""
        return ask_each(self._services, calls, _ask)

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """The result is a row; what differs is fetched, and the day is asked for again."""
        at = self._services.clock.now()
        for outcome in outcomes:
            question: _Question = outcome.call.data
            answer: _Answer = outcome.result
            found = _compared(session, question, answer)
            channel = self._services.adapters.channel(question.connection)
            wanted = [*found.missing, *found.differing] if channel.offers("fetch") else []
            turn = int(outcome.call.job.args.get("turn", 1))
            run_id = store_run(
                session, connection_id=question.connection.connection_id, day=question.day, turn=turn,
                count=answer.count, found=found, fetched=len(wanted), at=at,
            )  # fmt: skip
            enqueue(session, fetch_jobs(question.connection.connection_id, wanted, cause=run_id))
            self._go_on(session, question, found, turn, run_id, at)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The day stays unproven: the next schedule asks again, and the age of the proof tells."""

    def _go_on(
        self, session: Session, question: _Question, found: Comparison, turn: int, run_id: str, at: datetime
    ) -> None:
        connection, day = question.connection, question.day
        if found.clean:
            gone = [_key(connection, day)]
            resolve_by_key(session, dedupe_keys=gone, actor="census", resolution="Both sides hold the same.", at=at)
        elif turn < TURNS:
            again = census_job(connection.connection_id, day, cause=run_id, turn=turn + 1, due_at=at + AGAIN_AFTER)
            enqueue(session, [again])
        else:
            open_cases(session, cases=[_case(connection, day, found)], at=at)


def census_job(
    connection_id: str, day: date, *, cause: str, turn: int = 1, due_at: datetime | None = None
) -> NewJob:  # fmt: skip
    """The work of asking a connection for its list of a day, in a lane of its own: one that stopped stops no other."""
    return NewJob(
        kind=CENSUS, idem_key=f"{CENSUS}:{connection_id}:{day}:{cause}", lane=f"{CENSUS}:{connection_id}:{day}:{cause}",
        args={"day": day.isoformat(), "turn": turn}, connection_id=connection_id, due_at=due_at,
    )  # fmt: skip


def _ask(channel: Channel[Any], call: Call) -> _Answer:
    question: _Question = call.data
    listed: dict[str, Money | None] = {}
    count, page, seen = None, None, set[str]()
    while True:
        call.refuse_late()
        part = channel.census(Window(question.window.since, question.window.until, page))
        listed.update({entry.external_id: entry.total for entry in part.entries})
        count, page = max(count or 0, part.count) if part.count is not None else count, part.next_page
        if page is None:
            break
        if page in seen:
            raise Transient("the channel lists one page again and again", code="page_repeated")
        seen.add(page)
    unlisted = [identity for identity in question.ours if identity not in listed]
    return _Answer(listed, count, _unknown(channel, unlisted, call.refuse_late))


def _unknown(channel: Channel[Any], external_ids: Sequence[str], refuse_late: Callable[[], None]) -> list[str]:
    """Which of these the source does not know even when it is asked for each: its list may date an order otherwise."""
    if not channel.offers("fetch"):
        return list(external_ids)
    known: set[str | None] = set()
    for some in _portions(external_ids, AT_ONCE):
        refuse_late()
        known.update(raw.external_id for raw in channel.fetch(FetchRequest("order", tuple(some))))
    return [identity for identity in external_ids if identity not in known]


def _compared(session: Session, question: _Question, answer: _Answer) -> Comparison:
    account = question.connection.account
    held = {
        row.external_id: Held(_total(row.grand_minor, row.currency), row.placed_at, row.accepted_at)
        for some in _portions(list(answer.listed), LOOKED_UP)
        for row in orders_repository.figures_of(session, account=account, external_ids=some)
    }
    absent = [identity for identity in answer.listed if identity not in held]
    waiting = {
        identity
        for some in _portions(absent, LOOKED_UP)
        for identity in ids_that_wait(session, account=account, external_ids=some)
    }
    known_since = session.get_one(ConnectionRow, question.connection.connection_id).created_at
    return compare(
        answer.listed, held, count=answer.count, waiting=waiting, extra=answer.extra, known_since=known_since
    )  # fmt: skip


def _case(connection: ConnectionInfo, day: date, found: Comparison) -> NewCase:
    counts = {
        "missing": len(found.missing), "waiting": len(found.waiting), "unlisted": found.unlisted,
        "extra": len(found.extra), "differing": len(found.differing),
    }  # fmt: skip
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return NewCase(
        kind="census", dedupe_key=_key(connection, day), subject_kind="connection",
        subject_id=connection.connection_id,
        title=f"{connection.name} and the hub do not hold the same of {day}: {told}",
        what_to_do=f"See which orders they are (hub proof --connection {connection.name} --day {day}). Waiting: replay "
        "their blocked messages. Missing: look whether the channel shows them to this account. Extra: cancel them if "
        "they were deleted there. The day is asked for again every night for a week.",
        detail={"connection": connection.name, "day": day.isoformat(), **counts},
    )  # fmt: skip


def _key(connection: ConnectionInfo, day: date) -> str:
    return f"census:{connection.connection_id}:{day}"


def _total(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor=minor, currency=currency)


def _portions(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
