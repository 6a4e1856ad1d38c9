"""Read stored messages with their plugins; what cannot be read stays raw, blocked and replayable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row

from hub.canonical.facts import Fact, Fault, OrderFact, ParseResult
from hub.canonical.shipping import TrackingEvent
from hub.connections.service.adapters import ConnectionInfo
from hub.intake.rules.codes import Code, codes_of
from hub.intake.rules.documents import fact_document, scan_document
from hub.sdk.adapters import Adapter, Carrier
from hub.sdk.errors import Malformed, PluginError
from hub.sdk.values import Raw

FACT_TYPE = "application/vnd.orderhub.fact+json"
_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)

log = structlog.get_logger()


@dataclass(slots=True)
class Parsed:
    """One message and what it says, or why it cannot be read: facts of a channel, scans of a carrier."""

    message: Row[Any]
    connection: ConnectionInfo
    plugin_version: str
    facts: tuple[Fact, ...] = ()
    scans: tuple[TrackingEvent, ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: int = 0
    error: PluginError | None = None
    unknowns: list[Code] = field(default_factory=list)

    @property
    def is_split(self) -> bool:
        """Whether its parts become messages of their own."""
        return len(self.facts) > 1 or bool(self.faults and self.facts)

    @property
    def is_partial(self) -> bool:
        """Whether it states only some fields of its order."""
        fact = self.order_fact
        return fact is not None and any(warning.code == "partial_document" for warning in fact.warnings)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Everything that it says, in canonical form."""
        return [*map(fact_document, self.facts), *map(scan_document, self.scans)]

    @property
    def order_fact(self) -> OrderFact | None:
        """The order, if the message is about one order and nothing else."""
        if len(self.facts) == 1 and isinstance(self.facts[0], OrderFact):
            return self.facts[0]
        return None


def raw_of(message: Row[Any]) -> Raw:
    """The document as it came."""
    return Raw(
        body=message.body, content_type=message.content_type, kind=message.kind, external_id=message.external_id,
        revision=message.revision, headers=message.headers or {}, name=message.name,
    )  # fmt: skip


def parse_messages(
    messages: Sequence[Row[Any]],
    connections: dict[str, ConnectionInfo],
    adapter_for: Callable[[ConnectionInfo], Adapter[Any]],
) -> list[Parsed]:
    """Read each message for itself; a plugin's bug blocks its message and harms no other."""
    return [_parse_one(message, connections[message.connection_id], adapter_for) for message in messages]


def fact_body(fact: Fact) -> bytes:
    """The form in which a part of a larger document (a file, a list) is stored as a message of its own."""
    return orjson.dumps(fact_document(fact))


def _parse_one(
    message: Row[Any], connection: ConnectionInfo, adapter_for: Callable[[ConnectionInfo], Adapter[Any]]
) -> Parsed:
    adapter: Any = adapter_for(connection)
    parsed = Parsed(message, connection, adapter.manifest.version)
    try:
        if isinstance(adapter, Carrier):
            parsed.scans = tuple(adapter.parse_tracking(raw_of(message)))
            return parsed
        result = _read_fact(message.body) if message.content_type == FACT_TYPE else adapter.parse(raw_of(message))
    except PluginError as error:
        parsed.error = error
    except Exception as error:  # noqa: BLE001  a bug of the plugin: the document is kept, the hub goes on
        log.error(
            "intake.plugin_bug", plugin=connection.plugin, message_id=message.message_id, error=type(error).__name__
        )
        parsed.error = Malformed(f"{connection.plugin} failed with {type(error).__name__}", code="plugin_bug")
    else:
        parsed.facts, parsed.faults = result.facts, result.faults
        parsed.unknowns = codes_of(result.facts, result.unknowns)
        if not result.facts and result.faults:
            first = result.faults[0]
            parsed.error = Malformed(first.message, code=first.code, path=first.path)
    return parsed


def _read_fact(body: bytes) -> ParseResult:
    try:
        return ParseResult(facts=(_FACT.validate_json(body),))
    except ValidationError as error:
        raise Malformed("stored part does not fit the canonical model any more", code="stale_part") from error
