"""The injected http client as a plugin sees it; the hub builds the guarded one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.sdk.errors import Transient


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer; header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON; `Transient` where it is not (a proxy's page, a cut answer)."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Transient(f"expected JSON, got {self.body[:60]!r}", code="not_json") from error


class HttpClient(Protocol):
    """Raises the errors of `hub.sdk.errors` from statuses and wire errors; never follows redirects.

    429 -> `RateLimited`; 401 and 403 -> `AuthFailed`; 409 -> `Conflict`; other 4xx -> `Rejected`; 5xx and refused
    connections ->
    `Transient`; a lost answer of a call that is not idempotent -> `Uncertain`.
    """

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        idempotent: bool | None = None,
        operation: str = "call",
        timeout: float | None = None,
    ) -> HttpResponse:
        """One logical call. `idempotent` defaults by method (GET, HEAD, PUT, DELETE); only those are retried."""
        ...
