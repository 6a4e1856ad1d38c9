"""Levels that became low, and what a person is told of them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.resolve import resolve_by_key
from hub.flows.services import Services
from hub.inventory.service.low_stock import look_for_low
from hub.jobs.service.work import Job

STOCK_WATCH = "stock.watch"
STOCK_WATCH_CRON = "*/5 * * * *"
RECOVERED = "stock.recovered"


class WatchStock:
    """Handler of `stock.watch`, every five minutes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Each crossing is told once."""
        look_for_low(session, at=self._services.clock.now())


class StockRecovered:
    """Handler of `stock.recovered`: what was low is no more."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Its case is over, whoever brought the stock."""
        keys = [_key(job) for job in jobs]
        at = self._services.clock.now()
        resolve_by_key(session, dedupe_keys=keys, actor="hub", resolution="stock recovered", at=at)


def low_stock(job: Job) -> NewCase:
    """A level fell to its reorder point."""
    location, sku = job.args["location"], job.args["sku"]
    return NewCase(
        kind="low_stock", dedupe_key=_key(job), subject_kind="stock", subject_id=f"{location}:{sku}",
        title=f"{job.args['free']} of {sku} are free at {location}, the reorder point is {job.args['reorder_point']}",
        what_to_do="Order more, or move stock here (hub stock transfer create): the case is resolved by itself when "
        "the level has recovered. Is the reorder point wrong, change it (hub stock reorder set).",
        detail=dict(job.args),
    )  # fmt: skip


def _key(job: Job) -> str:
    return f"low:{job.args['location']}:{job.args['sku']}"
