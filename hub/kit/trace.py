"""Traces: to which span a request, a job and an outgoing call belong (W3C Trace Context), and spans for a collector.

A trace that a caller began is handed on in any case: from the request to its jobs, and from these to their calls. Spans
of our own are made only where a tracer is installed (`hub.kit.trace_otel`); without one a span costs a comparison.
Names and attributes hold kinds, counts, ids and host names: never a path, a query, a body or a person.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

TRACE_HEADER = "traceparent"
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str | None] = ContextVar("orderhub_traceparent", default=None)

Attributes = Mapping[str, str | int]
SpanKind = Literal["server", "consumer", "client"]


class Span(Protocol):
    """A piece of work under way. `traceparent` is what it hands on."""

    traceparent: str | None

    def set(self, name: str, value: str | int) -> None:
        """Note an attribute that is known only now."""
        ...

    def fail(self, reason: str) -> None:
        """It did not end well: the class or code of the error, never its text."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Tracer(Protocol):
    """Who collects spans."""

    def begin(
        self, name: str, *, kind: SpanKind, parent: str | None, links: Sequence[str], attributes: Attributes
    ) -> Span:
        """A new span below the parent, or of a trace of its own."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


@dataclass(slots=True)
class _NoSpan:
    """What `span` gives where nobody collects."""

    traceparent: str | None = None

    def set(self, name: str, value: str | int) -> None:
        """Nobody wants to know."""

    def fail(self, reason: str) -> None:
        """As above."""

    def end(self) -> None:
        """As above."""


_NO_SPAN = _NoSpan()
_tracer: Tracer | None = None


def install_tracer(tracer: Tracer | None) -> None:
    """Collect the spans of this process from now on, or no longer (None)."""
    global _tracer
    before, _tracer = _tracer, tracer
    if before is not None:
        before.close()


def accepted(text: str) -> str | None:
    """A `traceparent` header if it is one; anything else begins no trace and continues none."""
    return text if _TRACEPARENT.fullmatch(text) else None


def traceparent() -> str | None:
    """The span that this thread or request works for; what it causes belongs below it."""
    return _current.get()


def bind_trace(parent: str | None) -> None:
    """Work for this span from now on, until the `traced` or `span` around it ends."""
    _current.set(parent)


@contextmanager
def traced(parent: str | None) -> Iterator[None]:
    """Work for this span within a block."""
    token = _current.set(parent)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def span(name: str, *, kind: SpanKind, attributes: Attributes, links: Sequence[str] = ()) -> Iterator[Span]:
    """A span for the block, below the present one; what happens in the block belongs below it."""
    if _tracer is None:
        yield _NO_SPAN
        return
    opened = _tracer.begin(name, kind=kind, parent=_current.get(), links=links, attributes=attributes)
    try:
        with traced(opened.traceparent):
            yield opened
    except BaseException as error:
        opened.fail(type(error).__name__)
        raise
    finally:
        opened.end()
