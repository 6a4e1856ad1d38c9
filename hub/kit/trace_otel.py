"""Spans for OpenTelemetry, sent as OTLP over HTTP. Imported only where `otlp_endpoint` is set: it is an extra.

Source of the protocol: https://opentelemetry.io/docs/specs/otlp/ and https://www.w3.org/TR/trace-context/.
"""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from hub.kit import trace

_KINDS = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER, "client": SpanKind.CLIENT}
MOST_LINKS = 100
"""A batch may do the work of more requests than anybody wants to look at."""


class OpenTelemetrySpan:
    """One span of the SDK."""

    def __init__(self, opened: OtelSpan) -> None:
        self._opened = opened
        found = opened.get_span_context()
        self.traceparent: str | None = f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"

    def set(self, name: str, value: str | int) -> None:
        """Note an attribute."""
        self._opened.set_attribute(name, value)

    def fail(self, reason: str) -> None:
        """Mark it as failed."""
        self._opened.set_status(Status(StatusCode.ERROR, reason))

    def end(self) -> None:
        """Hand it to the processor."""
        self._opened.end()


class OpenTelemetryTracer:
    """Makes spans and hands them to a processor; the present span is kept by `hub.kit.trace`, not by the SDK."""

    def __init__(self, processor: SpanProcessor, *, hub_id: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "orderhub", "service.instance.id": hub_id}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("orderhub")

    def begin(
        self, name: str, *, kind: trace.SpanKind, parent: str | None, links: Sequence[str], attributes: trace.Attributes
    ) -> OpenTelemetrySpan:
        """A new span; the sampling decision of the parent holds."""
        above = set_span_in_context(NonRecordingSpan(_context_of(parent))) if parent else None
        linked = [Link(_context_of(one)) for one in links[:MOST_LINKS]]
        return OpenTelemetrySpan(
            self._tracer.start_span(name, context=above, kind=_KINDS[kind], attributes=dict(attributes), links=linked)
        )

    def close(self) -> None:
        """Send what is left and stop the sender's thread."""
        self._provider.shutdown()


def tracer_for(endpoint: str, *, hub_id: str) -> OpenTelemetryTracer:
    """A tracer that sends to a collector (`http://host:4318`); headers come from OTEL_EXPORTER_OTLP_HEADERS."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    return OpenTelemetryTracer(BatchSpanProcessor(exporter), hub_id=hub_id)


def _context_of(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
