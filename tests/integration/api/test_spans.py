"""Spans for OpenTelemetry: from the request over its jobs to the calls, linked, and without a word about people."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub.flows.runtime import Runtime, build_runtime
from hub.kit import trace
from hub.kit.errors import HubError
from hub.kit.settings import Settings
from hub.kit.trace import install_tracer
from tests.integration.api.calling import Hub
from tests.integration.api.test_following_a_request import TRACES, arrive, partner, settings, told
from tests.integration.flows.test_telling_channels import Receiver, receiver
from tests.peers import require_peer

try:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from hub.kit.trace_otel import OpenTelemetryTracer
except ImportError:
    InMemorySpanExporter = None  # type: ignore[assignment,misc]

__all__ = ["partner", "receiver", "settings"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def spans() -> Iterator[Any]:
    """What a collector gets."""
    require_peer("OpenTelemetry's SDK", InMemorySpanExporter is not None, "install the extra `otel`")
    exporter = InMemorySpanExporter()
    install_tracer(OpenTelemetryTracer(SimpleSpanProcessor(exporter), hub_id="test"))
    yield exporter
    install_tracer(None)


def test_spans_lead_from_the_request_over_its_jobs_to_the_call(hub: Hub, partner: Receiver, spans: Any) -> None:
    arrive(hub, "order-a")
    hub.work()
    found = {span.context.span_id: span for span in spans.get_finished_spans()}
    (call,) = [span for span in found.values() if span.name == "POST notify"]
    ((_, sent),) = told(partner).values()
    assert sent == f"00-{'a' * 32}-{call.context.span_id:016x}-01"
    path = [call]
    while path[-1].parent is not None and path[-1].parent.span_id in found:
        path.append(found[path[-1].parent.span_id])
    assert [span.name for span in path] == [
        "POST notify", "job location.notify", "job routing.plan", "job intake.process", "HTTP POST",
    ]  # fmt: skip
    assert {f"{span.context.trace_id:032x}" for span in path} == {"a" * 32}
    assert path[-1].attributes["http.route"] == "/hooks/{connection}"
    assert call.attributes["http.response.status_code"] == 204


def test_a_batch_for_several_requests_is_linked_to_all_of_them(hub: Hub, partner: Receiver, spans: Any) -> None:
    arrive(hub, *TRACES)
    hub.work()
    (batch,) = [span for span in spans.get_finished_spans() if span.name == "job intake.process"]
    assert (batch.parent, batch.attributes["orderhub.job.count"]) == (None, 3)
    assert sorted(f"{link.context.trace_id:032x}"[0] for link in batch.links) == ["a", "b", "c"]
    assert {trace[3] for _, trace in told(partner).values() if trace} == {"a", "b", "c"}


def test_spans_tell_nothing_about_people(hub: Hub, partner: Receiver, spans: Any) -> None:
    arrive(hub, "order-a")
    hub.client.get("/v1/orders?email=order-a@buyer.example", headers={"authorization": f"Bearer {hub.token}"})
    hub.work()
    text = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/v1/orders" in text
    assert [
        word for word in ("Ada", "buyer.example", "Street", "555 0100", "/hooks/portal", hub.token) if word in text
    ] == []


def test_a_collector_without_the_extra_is_refused_with_the_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name="opentelemetry")

    monkeypatch.setattr("hub.flows.runtime.import_module", missing)
    with pytest.raises(HubError, match=r"pip install orderhub\[otel\]"):
        build_runtime(settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:4318"}))


def test_nothing_of_it_is_loaded_where_nobody_collects(runtime: Runtime) -> None:
    assert trace._tracer is None
    with (
        trace.span("x", kind="client", attributes={}) as first,
        trace.span("y", kind="client", attributes={}) as second,
    ):
        assert first is second
