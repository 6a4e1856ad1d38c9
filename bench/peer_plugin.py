"""An ERP plugin for benchmarks only: posts batches of documents to `bench.peer_server`, one HTTP call a batch."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, Field

from hub.canonical.erp import ErpDocument, ErpKind, Remote
from hub.sdk.adapters import Erp
from hub.sdk.errors import PluginError, Rejected, Uncertain
from hub.sdk.hooks import hookimpl
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health, ItemResult, Outgoing, Raw

BATCH = 100


class PeerSettings(BaseModel):
    """Where the peer listens."""

    url: str = Field(description="Address of the peer, without a path.")


class PeerErp(Erp[PeerSettings]):
    """Documents go out as they are."""

    settings_model = PeerSettings
    manifest: ClassVar[Manifest] = Manifest(
        id="bench_peer", kind="erp", version="1.0", label="Benchmark peer", idempotency="key", batch_max=BATCH
    )

    def check(self) -> Health:
        """Whether the peer answers."""
        self.http.request("GET", f"{self.settings.url}/count")
        return Health(ok=True)

    def find(self, kind: ErpKind, key: str) -> Remote | None:
        """The document under our key."""
        try:
            answer = self.http.request("GET", f"{self.settings.url}/documents/{key}")
        except Rejected:
            return None
        return Remote(kind=kind, key=key, remote_id=answer.json()["id"])

    def build(self, document: ErpDocument) -> Outgoing:
        """PURE: the canonical document."""
        return Outgoing("documents", document.model_dump(mode="json", exclude_defaults=True), document.key)

    def push(self, outgoing: Outgoing, key: str) -> Raw:
        """One document."""
        result = self.push_many([(outgoing, key)])[0]
        if result.error is not None:
            raise result.error
        return Raw(body=orjson.dumps({"kind": outgoing.payload["kind"], "key": key, "id": result.remote_id}))

    def parse_ack(self, raw: Raw) -> Remote:
        """PURE: what became of it."""
        answer = orjson.loads(raw.body)
        return Remote(kind=answer["kind"], key=answer["key"], remote_id=answer["id"])

    def push_many(self, items: Sequence[tuple[Outgoing, str]]) -> list[ItemResult]:
        """A batch in one call; the peer keeps one document a key, so that a repeated call is safe."""
        results: list[ItemResult] = []
        for first in range(0, len(items), BATCH):
            results.extend(self._post(items[first : first + BATCH]))
        return results

    def _post(self, items: Sequence[tuple[Outgoing, str]]) -> list[ItemResult]:
        body = orjson.dumps({"documents": [outgoing.payload for outgoing, _ in items]})
        try:
            answer = self.http.request(
                "POST", f"{self.settings.url}/documents", content=body, idempotent=True,
                headers={"content-type": "application/json"},
            )  # fmt: skip
        except PluginError as error:
            return [ItemResult(ref=key, error=error, in_doubt=isinstance(error, Uncertain)) for _, key in items]
        ids = orjson.loads(answer.body)["ids"]
        return [ItemResult(ref=key, remote_id=ids[key]) for _, key in items]


@hookimpl
def hub_erps() -> Iterable[type[Erp[Any]]]:
    """The benchmark's ledger."""
    return [PeerErp]
