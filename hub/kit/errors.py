"""Errors that people and callers of the API see, as RFC 9457 problems."""

from typing import Any


class HubError(Exception):
    """A refusal with a status, a stable code and a sentence that says what to do.

    `extra` are further members of the problem document (e.g. `errors`, `supported_actions`).
    """

    def __init__(self, status: int, code: str, detail: str, *, extra: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.extra = extra or {}


class NotFound(HubError):
    """There is no such thing."""

    def __init__(self, what: str, which: str) -> None:
        super().__init__(404, f"{what}_not_found", f"There is no {what.replace('_', ' ')} {which!r}.")


class InvalidInput(HubError):
    """The request is understood but cannot be right."""

    def __init__(self, code: str, detail: str, *, extra: dict[str, Any] | None = None) -> None:
        super().__init__(422, code, detail, extra=extra)


class StateConflict(HubError):
    """The thing is in a state that does not allow this; `extra` says what is allowed."""

    def __init__(self, code: str, detail: str, *, extra: dict[str, Any] | None = None) -> None:
        super().__init__(409, code, detail, extra=extra)
