"""The age of each channel's proof, for an alarm beside the hub's own case."""

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hub.api.gauges import PROOF
from hub.connections.service.adapters import load_kind
from hub.flows.proof import proof_of
from hub.flows.services import Services

KEPT_SECONDS = 60.0
"""A proof comes once a day, and each costs some queries."""


class ProofAges(Collector):
    """Read at the scrape: one short query a channel, and there are few."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Channels that can never be proven have no age."""
        ages: dict[tuple[str, ...], float] = {}
        with self._services.database.read() as session:
            for info in load_kind(session, "channel"):
                proof = proof_of(session, self._services, info)
                if proof.age_seconds is not None:
                    ages[info.name,] = proof.age_seconds
        yield PROOF.of(ages)
