"""What orders wait for may have come (stock, a location, other rules): they are planned again, page by page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session

from hub.flows.housekeeping import REPLAN
from hub.flows.services import Services
from hub.inventory.service.locations import get_locations
from hub.jobs.events import Event, NewJob
from hub.jobs.service.publish import enqueue, publish
from hub.jobs.service.work import Job
from hub.routing import repository

AT_ONCE = 200
"""Orders that one transaction asks a new plan for; who waits longer is in an earlier page."""


class ReplanWaiting:
    """Handler of `routing.replan`: its jobs name a SKU, a location, a carrier, or nothing (other rules decide)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Each waiting order gets its own work, so that any number of them is served in turn."""
        fresh = [job for job in jobs if "after" not in job.args]
        if fresh:
            self._ask(session, _together([job.args for job in fresh]), None, max(job.job_id for job in fresh))
        for job in jobs:
            if "after" in job.args:
                since, order_id = job.args["after"]
                self._ask(session, job.args["came"], (datetime.fromisoformat(since), order_id), job.job_id)

    def _ask(
        self, session: Session, came: Mapping[str, Any], after: repository.WaitingSince | None, job_id: int
    ) -> None:
        what = _condition(session, came)
        if what is None:
            return
        page = repository.waiting(session, what=what, after=after, limit=AT_ONCE)
        cause = f"waited:{job_id}"
        publish(
            session,
            [
                Event(kind="order.replan_requested", subject_id=order_id, cause=cause, lane=f"order:{order_id}")
                for _, order_id in page
            ],
        )
        if len(page) == AT_ONCE:
            since, order_id = page[-1]
            args = {"came": came, "after": [since.isoformat(), order_id]}
            enqueue(session, [NewJob(kind=REPLAN, idem_key=f"{REPLAN}:{cause}", lane=f"{REPLAN}:{cause}", args=args)])


def _together(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What came, of all jobs of a batch: an order that waits for several of these is asked for once."""
    return {
        "skus": sorted({str(args["sku"]) for args in told if "sku" in args}),
        "locations": sorted({str(args["location"]) for args in told if "location" in args}),
        "carriers": any("carrier" in args for args in told),
        "rules": any(not args.keys() & {"sku", "location", "carrier"} for args in told),
    }


def _condition(session: Session, came: Mapping[str, Any]) -> ColumnElement[bool] | None:
    """Who may be waiting for it; None where nothing came: a location that is closed sends nothing."""
    if came["rules"]:
        return repository.rules_came()
    places = get_locations(session, codes=came["locations"]) if came["locations"] else {}
    found = [repository.location_came(code) for code, place in sorted(places.items()) if place.enabled]
    if came["carriers"]:
        found.append(repository.service_came())
    if came["skus"]:
        found.append(repository.stock_came(came["skus"]))
    return or_(*found) if found else None
