"""Everything one process needs, composed once: settings, database, plugins, adapters, handlers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from threading import Event
from typing import Any

from hub.connections.service.adapters import Adapters, ConnectionInfo
from hub.connections.service.signing import signing_secret
from hub.flows.housekeeping import ensure_schedules
from hub.flows.reference import Reference
from hub.flows.services import Services
from hub.flows.subscriptions import by_event, work_table
from hub.host.plugins import PluginHost
from hub.jobs import repository as jobs_repository
from hub.jobs.service.publish import Publisher, install
from hub.jobs.service.run import Runner
from hub.jobs.service.schedules import enqueue_due
from hub.jobs.service.slots import Bulkhead
from hub.jobs.service.work import WorkTable
from hub.kit.clock import SYSTEM, Clock
from hub.kit.crypto import SecretBox
from hub.kit.db import Database
from hub.kit.errors import HubError
from hub.kit.http import HttpPool, shared_pool
from hub.kit.log import configure_logging
from hub.kit.settings import Settings
from hub.kit.trace import Tracer, install_tracer
from hub.review.rules.checks import HubChecks
from hub.routing.rules.own_hooks import OWN_HOOKS
from hub.sdk.adapters import Adapter
from hub.sdk.http import HttpClient

TICKS_BETWEEN_CHECKS = 12
"""Schedules of new and changed connections are looked for about once a minute."""


@dataclass(slots=True)
class Runtime:
    """One process of the hub. `ring` is the doorbell; until a broker is connected, nobody is in.

    `pool` has the sockets of all calls to others.
    """

    settings: Settings
    database: Database
    clock: Clock
    host: PluginHost
    secrets: SecretBox
    adapters: Adapters
    services: Services
    work: WorkTable
    runner: Runner
    pool: HttpPool
    ring: Callable[[str], None] | None = None
    ticks: int = 0
    stopping: Event = field(default_factory=Event)
    """Set when this process takes no more work."""

    def ring_queue(self, queue: str) -> None:
        """Ring a queue's doorbell, if somebody listens; else the sweep of a worker finds the work."""
        if self.ring is not None:
            self.ring(queue)

    def tick(self, ring: Callable[[str], None]) -> None:
        """Enqueue due schedules, and ring for every queue with due work. Where there is neither it costs one query."""
        now = self.clock.now()
        if self.ticks % TICKS_BETWEEN_CHECKS == 0:
            with self.database.write() as session:
                ensure_schedules(session, self.services, at=now)
        self.ticks += 1
        with self.database.read() as session:
            queues, schedules_due = jobs_repository.due_now(session, now=now)
        if schedules_due:
            with self.database.write() as session:
                enqueue_due(session, at=now)
        for queue in queues:
            ring(queue)

    def close(self) -> None:
        """Let go of connections, to the database and to others; send the last spans."""
        install_tracer(None)
        self.pool.close()
        self.database.dispose()


def load_plugins(settings: Settings) -> PluginHost:
    """All plugins of the settings, beside the hub's own checks and rankers."""
    return PluginHost.load(modules=settings.plugin_modules, own={"hub.checks": HubChecks(), **OWN_HOOKS})


def build_runtime(settings: Settings, *, clock: Clock = SYSTEM, host: PluginHost | None = None) -> Runtime:
    """Compose a process from its settings. The schema is not touched; `connect` of `hub.worker` gives it a doorbell.

    `host` are plugins that `load_plugins` has loaded before: they are only read, and may serve several runtimes.
    """
    configure_logging(form=settings.log_format, level=settings.log_level)
    if settings.otlp_endpoint is not None:
        install_tracer(_tracer(settings.otlp_endpoint, settings.hub_id))
    database = Database(
        settings.resolved_database_url, pool_size=settings.worker_threads + 8,
        lock_seconds=settings.database_lock_seconds, idle_seconds=settings.database_idle_seconds,
        read_url=settings.resolved_read_url,
    )  # fmt: skip
    host = host or load_plugins(settings)
    keys = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    secrets = SecretBox.load(keys=keys, key_file=settings.resolved_key_file)
    pool = shared_pool()

    def http_for(info: ConnectionInfo, plugin: type[Adapter[Any]]) -> HttpClient:
        quotas = plugin.manifest.quotas
        return pool.client(connection=info.name, quotas=quotas, allow_private=info.allow_private)

    adapters = Adapters(host=host, database=database, secrets=secrets, clock=clock, http_for=http_for)
    services = Services(
        clock=clock, host=host, adapters=adapters, reference=Reference(adapters), database=database,
        data_dir=settings.data_dir.absolute(), hub_id=settings.hub_id, keep_days=settings.keep_days,
        call_seconds=min(60.0, settings.lease_seconds / 2),
    )  # fmt: skip
    work = work_table(
        services,
        http_for=lambda name: pool.client(
            connection=f"location:{name}", allow_private=settings.allow_private_locations
        ),
        secret_of=lambda name: signing_secret(database, secrets, name),
    )
    runner = Runner(
        database=database, work=work, clock=clock, batch=settings.claim_batch, lease_seconds=settings.lease_seconds,
        limits=adapters.concurrency, renew=adapters.renew_credentials, plugin_of=adapters.plugin_of,
        bulkhead=Bulkhead(threads=max(1, settings.worker_threads // 2)),
    )  # fmt: skip
    runtime = Runtime(settings, database, clock, host, secrets, adapters, services, work, runner, pool)
    publisher = Publisher(subscriptions=by_event(), queues=work.queues, ring=runtime.ring_queue, clock=clock)
    install(database, publisher)
    return runtime


def _tracer(endpoint: str, hub_id: str) -> Tracer:
    """OpenTelemetry's libraries are an extra: they are loaded where somebody collects spans, and by nobody else."""
    try:
        tracer: Tracer = import_module("hub.kit.trace_otel").tracer_for(endpoint, hub_id=hub_id)
    except ImportError as error:
        raise HubError(
            409, "tracing_not_installed",
            f"ORDERHUB_OTLP_ENDPOINT is set, and {error.name} is not installed: run `pip install orderhub[otel]`, or "
            "take the setting away.",
        ) from error  # fmt: skip
    return tracer
