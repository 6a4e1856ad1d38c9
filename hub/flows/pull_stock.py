"""Take over the stock of systems that keep it themselves (an ERP, an outside warehouse's system), page by page.

A row that cannot be read or placed holds up no other: it is named in one case of the connection, which is resolved when
a whole listing has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hub.canonical.facts import StockFact
from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.resolve import resolve_by_key
from hub.catalog.service.match import match_skus
from hub.connections.service.adapters import ConnectionInfo
from hub.flows.ask_channels import ask_each, askable
from hub.flows.services import Services
from hub.inventory.repository import levels_of
from hub.inventory.service.importing import import_stock
from hub.inventory.service.locations import list_locations
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared
from hub.sdk.errors import PluginError
from hub.sdk.values import RawPage

PULL_STOCK = "stock.pull"
SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Page:
    connection: ConnectionInfo
    cursor: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """What one row of the other side says, and where it stands there."""

    place: str
    fact: StockFact


class PullStock:
    """Handler of `stock.pull`; each job is one page, the next page is the next job."""

    kind = PULL_STOCK
    queue = "bulk"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Whom to ask for which page."""
        prepared = Prepared()
        for job, connection, adapter in askable(
            session, self._services, jobs, prepared, capability="pull", refusal="does not list its stock"
        ):
            page = _Page(connection, job.args.get("cursor"), adapter.manifest.batch_max)
            prepared.calls.append(Call(job, connection.connection_id, page))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One page each."""
        return ask_each(self._services, calls, lambda _, call: self._ask(call.data))

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Levels that differ are set, the next page is asked for."""
        at = self._services.clock.now()
        for outcome in outcomes:
            page: _Page = outcome.call.data
            result: RawPage = outcome.result
            faults = self._store(session, page.connection, result)
            if faults:
                open_cases(session, cases=[_case(page.connection, faults)], at=at)
            faulty = int(outcome.call.job.args.get("faults", 0)) + len(faults)
            if result.next_page is not None:
                enqueue(session, [_next(outcome.call.job, result.next_page, faulty)])
            elif not faulty:
                key = _key(page.connection)
                resolve_by_key(session, dedupe_keys=[key], actor="hub", resolution="all rows were read", at=at)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Nothing is lost: the next run asks for the whole listing."""

    def _ask(self, page: _Page) -> RawPage:
        return self._services.adapters.erp(page.connection).pull("stock", page.cursor, page.limit)

    def _store(self, session: Session, connection: ConnectionInfo, result: RawPage) -> list[str]:
        """Set what differs; what is wrong with the other rows."""
        listed, faults = self._read(connection, result)
        codes = _codes(session, connection)
        known = match_skus(session, account=connection.account, skus={one.fact.sku for one in listed if one.fact.sku})
        rows: list[dict[str, object]] = []
        places = []
        there = {level.key: level.on_hand for level in levels_of(session, skus={p.sku for p in known.values()})}
        for one in listed:
            code, product = codes.get(one.fact.location_ref), known.get(one.fact.sku or "")
            if code is None:
                faults.append(f"{one.place}: no location is known as {one.fact.location_ref!r}")
            elif product is None:
                faults.append(f"{one.place}: SKU {one.fact.sku!r} is unknown")
            elif one.fact.available is None:
                faults.append(f"{one.place}: states no quantity")
            elif there.get((code, product.sku)) != one.fact.available:
                rows.append({"location": code, "sku": product.sku, "on_hand": one.fact.available})
                places.append(one.place)
        done = import_stock(
            session, rows=rows, at=self._services.clock.now(), actor=f"connection:{connection.name}", skip_faulty=True
        )
        return faults + [f"{places[fault.row - 1]}: {fault.column}: {fault.message}" for fault in done.faults]

    def _read(self, connection: ConnectionInfo, result: RawPage) -> tuple[list[_Listed], list[str]]:
        erp = self._services.adapters.erp(connection)
        listed: list[_Listed] = []
        faults = []
        for number, raw in enumerate(result.documents, start=1):
            place = raw.external_id or raw.name or f"document {number}"
            try:
                parsed = erp.parse(raw)
            except PluginError as error:
                faults.append(f"{place}: {error.message}")
                continue
            faults.extend(f"{place} {fault.path or ''}: {fault.message}" for fault in parsed.faults)
            listed.extend(_Listed(place, fact) for fact in parsed.facts if isinstance(fact, StockFact))
        return listed, faults


def pull_stock_job(connection_id: str, cause: str) -> NewJob:
    """The work of taking over one listing."""
    return NewJob(
        kind=PULL_STOCK, idem_key=f"{PULL_STOCK}:{connection_id}:{cause}", lane=f"stock_pull:{connection_id}",
        connection_id=connection_id,
    )  # fmt: skip


def _codes(session: Session, connection: ConnectionInfo) -> dict[str, str]:
    """Our code of a location by what the other side calls it; one that is called nothing there goes by its code."""
    locations = list_locations(session)
    own = {place.code: place.code for place in locations}
    return own | {
        place.channel_refs[connection.account]: place.code
        for place in locations
        if connection.account in place.channel_refs
    }


def _next(job: Job, cursor: str, faults: int) -> NewJob:
    return NewJob(
        kind=PULL_STOCK, idem_key=f"{PULL_STOCK}:after:{job.job_id}", lane=job.lane,
        args={"cursor": cursor, "faults": faults}, connection_id=job.connection_id,
    )  # fmt: skip


def _case(connection: ConnectionInfo, faults: Sequence[str]) -> NewCase:
    return NewCase(
        kind="stock_unread", dedupe_key=_key(connection), subject_kind="connection",
        subject_id=connection.connection_id,
        title=f"{len(faults)} row(s) of the stock of {connection.name} were left out",
        what_to_do="Add the products and locations that are missing (or say what they are called there: SKU mappings, "
        "`channel_refs` of the location), or correct the rows at the source. The next listing reads them again.",
        detail={"faults": [fault[:300] for fault in faults[:SHOWN]], "count": len(faults)},
    )  # fmt: skip


def _key(connection: ConnectionInfo) -> str:
    return f"stock_pull:{connection.connection_id}"
