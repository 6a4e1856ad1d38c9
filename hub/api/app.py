"""The web application: routers, error documents, limits, doors. Composes and decides nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import Depends, FastAPI

from hub.api import (
    health,
    metrics,
    routes_connections,
    routes_effects,
    routes_inventory,
    routes_mappings,
    routes_messages,
    routes_orders,
    routes_routing,
)
from hub.api.docs_page import install_docs
from hub.api.doors import Doors
from hub.api.gauges import Kept
from hub.api.group_commit import GroupCommitWriter
from hub.api.metrics import CountRequests, Metrics
from hub.api.open_connections import OpenConnections
from hub.api.openapi import describe_doors
from hub.api.proof_metrics import KEPT_SECONDS, ProofAges
from hub.auth import api as auth
from hub.auth.service.idempotency import InFlight
from hub.billing import api as billing
from hub.cases import api as cases
from hub.catalog import api as catalog
from hub.connections import api as connections
from hub.connections import api_pause as pausing
from hub.flows.runtime import Runtime
from hub.fulfilment import api as fulfilment
from hub.fulfilment import api_shipments as shipments
from hub.host import api as plugins
from hub.intake import api as intake
from hub.inventory import api as inventory
from hub.inventory import api_moving as moving
from hub.inventory import api_promises as promises
from hub.inventory.service.locations import location_exists
from hub.jobs import api as jobs
from hub.jobs import api_schedules as schedules
from hub.kit.settings import Settings
from hub.kit.web import install_web, strict_query
from hub.kit.web_state import no_nul, slot
from hub.orders import api as orders
from hub.routing import api as routing
from hub.routing import api_gate as routing_gate
from hub.routing import api_gifts as gifts
from hub.routing import api_golden as routing_golden
from hub.routing import api_shadow as shadow
from hub.routing import api_waves as waves

SLOTS = 32
"""Requests that are worked on at a time; fewer than the 40 threads that run them (see `hub.kit.web_state.slot`)."""
ABOUT = """Orders from every channel, exactly once, into every system.

Send an API key as `Authorization: Bearer ohk_...`. Errors are RFC 9457 problem documents; `code` is stable. Lists are
pages: send `next_cursor` as `cursor`. POST requests take an `Idempotency-Key`; those that move stock or money require
it."""


def create_app(runtime: Runtime, *, beat_alive: Callable[[], bool] | None = None) -> FastAPI:
    """The application of a process. `beat_alive` tells `/readyz` whether the beat goes on, where one runs here."""
    writer = GroupCommitWriter(runtime.database, runtime.clock)
    app = _compose(runtime.settings, lifespan=_lifespan(writer))
    found = Metrics(runtime.database, runtime.clock)
    found.registry.register(Kept(ProofAges(runtime.services), seconds=KEPT_SECONDS))
    doors = Doors(
        database=runtime.database, clock=runtime.clock, writer=writer, metrics=found,
        connections=OpenConnections(runtime.database, runtime.adapters),
    )  # fmt: skip
    app.router.routes[:0] = doors.routes()
    app.add_middleware(CountRequests, metrics=found)
    state = app.state
    state.runtime, state.settings, state.hub_id = runtime, runtime.settings, runtime.settings.hub_id
    state.database, state.clock, state.host = runtime.database, runtime.clock, runtime.host
    state.adapters, state.secrets = runtime.adapters, runtime.secrets
    state.location_exists = location_exists
    state.metrics, state.writer, state.in_flight = found, writer, InFlight()
    state.readiness = health.Readiness(runtime.database, beat_alive)
    state.slots = asyncio.Semaphore(SLOTS)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, without a database."""
    return _compose(Settings()).openapi()


def _compose(settings: Settings, **options: Any) -> FastAPI:
    app = FastAPI(
        title="OrderHub", version=_version(), description=ABOUT, redirect_slashes=False, docs_url=None, redoc_url=None,
        dependencies=[Depends(strict_query), Depends(no_nul)], **options,
    )  # fmt: skip
    install_web(app, max_body_bytes=settings.max_body_bytes)
    for router in (
        routes_orders.router, routes_messages.router, routes_connections.router, routes_routing.router,
        routes_mappings.router, routes_inventory.router, routes_effects.router, orders.router, intake.router,
        connections.router, pausing.router, plugins.router, catalog.router, inventory.router, moving.router,
        promises.router, fulfilment.router, shipments.router, routing.router, routing_gate.router,
        routing_golden.router, shadow.router, waves.router, gifts.router, billing.router, jobs.router,
        schedules.router, cases.router, auth.router,
    ):  # fmt: skip
        app.include_router(router, dependencies=[Depends(slot, scope="function")])
    app.include_router(health.router)  # these must answer when every slot is taken
    app.include_router(metrics.router)
    install_docs(app)
    _describe_doors_too(app)
    return app


def _describe_doors_too(app: FastAPI) -> None:
    plain = app.openapi

    def described() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        document = plain()
        if fresh:
            describe_doors(document)
        return document

    app.openapi = described  # type: ignore[method-assign]


def _lifespan(writer: GroupCommitWriter) -> Any:
    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        writer.start()
        try:
            yield
        finally:
            await writer.stop()

    return running


def _version() -> str:
    try:
        return version("orderhub")
    except PackageNotFoundError:
        return "0"
