"""Structured logs: one set-up for our events and the libraries', a correlation id on every line, nothing personal.

Events are named `domain.verb` and carry ids as fields. Redaction goes by the names of fields, so it is a net under the
rule that secrets and personal data are not logged at all, not a substitute for it.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

from hub.kit.redaction import REDACTED, is_sensitive, redact

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_QUERY = re.compile(r"\?[^\s\"']+")
_QUIET = ("httpx", "httpcore", "pika", "dramatiq", "alembic", "multipart", "asyncio")
"""Libraries whose lines below WARNING are either noise or hold addresses, headers and queries."""

_correlation: ContextVar[str | None] = ContextVar("orderhub_correlation", default=None)


def correlation_id() -> str | None:
    """What this thread or request works for: it goes from the request to its jobs and to their outgoing calls."""
    return _correlation.get()


def bind_correlation(correlation: str | None) -> Token[str | None]:
    """Set the correlation id of this context until the next call; the token is for `unbind_correlation`."""
    return _correlation.set(correlation)


def unbind_correlation(token: Token[str | None]) -> None:
    """Put back the correlation id that was there before `bind_correlation`."""
    _correlation.reset(token)


@contextmanager
def correlated(correlation: str | None) -> Iterator[None]:
    """Set the correlation id for a block."""
    token = bind_correlation(correlation)
    try:
        yield
    finally:
        unbind_correlation(token)


def configure_logging(
    *,
    form: Literal["console", "json"] = "console",
    level: str = "warning",
    stream: TextIO | None = None,
) -> None:
    """Route our events and the libraries' records through one formatter; may be called again.

    Lines go to `stream`, by default standard error, because standard output belongs to the commands' answers.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    out = stream or sys.stderr
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(form, out)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    _route_libraries(threshold)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_correlation,
        _redact_fields,
        structlog.processors.format_exc_info,
        _scrub_text,
    ]


def _renderer(form: str, out: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _route_libraries(threshold: int) -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", *_QUIET):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def _add_correlation(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    correlation = _correlation.get()
    if correlation is not None:
        event.setdefault("correlation_id", correlation)
    return event


def _redact_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key.startswith("_"):
            continue
        if is_sensitive(key) and value is not None:
            event[key] = REDACTED
        elif isinstance(value, Mapping | list | tuple):
            event[key] = redact(value)
    return event


def _scrub_text(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take e-mail addresses and query strings out of messages that libraries wrote."""
    for key in ("event", "exception"):
        text = event.get(key)
        if isinstance(text, str):
            event[key] = _EMAIL.sub(REDACTED, _QUERY.sub("?" + REDACTED, text))
    return event
