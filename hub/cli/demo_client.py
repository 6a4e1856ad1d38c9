"""How the demo speaks to the hub: plain HTTP, patient while the server is being started again."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import httpx

from hub.kit.clock import monotonic, sleep
from hub.kit.errors import HubError

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.2
TIMEOUT_SECONDS = 30.0
PAGE = 200
_AGAIN = frozenset({425, 429, 500, 502, 503, 504})
_STILL_RUNNING = frozenset({"idempotency_in_flight"})


class Refused(HubError):
    """The hub said no; `extra["problem"]` is its problem document."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(
            502, str(problem.get("code", f"http_{status}")),
            f"{method} {path}: the hub answered {status}: {problem.get('detail', 'no detail')}",
            extra={"problem": dict(problem)},
        )  # fmt: skip


class Api:
    """A client of the hub's API for one thread. Every POST has an Idempotency-Key, so that asking again is harmless."""

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)

    def close(self) -> None:
        """Let go of the sockets."""
        self._client.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON."""
        return self._asked(
            "GET", path, params={name: value for name, value in (query or {}).items() if value is not None}
        )

    def post(self, path: str, body: Any = None, *, key: str) -> Any:
        """Do it once, however often it is asked under this key."""
        json = {} if body is None else body
        return self._asked("POST", path, json=json, headers={"idempotency-key": key})

    def download(self, path: str, *, key: str) -> bytes:
        """POST, where the answer is a file."""
        answer = patiently(lambda: self._client.post(path, headers={"idempotency-key": key}))
        if not answer.is_success:
            raise Refused("POST", path, answer.status_code, _problem(answer))
        return answer.content

    def pages(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """The items of all pages of a list."""
        cursor: str | None = None
        while True:
            page = self.get(path, {**(query or {}), "limit": PAGE, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def send(self, path: str, body: bytes, headers: Callable[[], Mapping[str, str]]) -> tuple[httpx.Response, int]:
        """Send bytes until they are answered, signed anew each time; the answer and how many tries it took."""
        tries = 0

        def attempt() -> httpx.Response:
            nonlocal tries
            tries += 1
            return self._client.post(path, content=body, headers=dict(headers()))

        return patiently(attempt), tries

    def _asked(self, method: str, path: str, **options: Any) -> Any:
        answer = patiently(lambda: self._client.request(method, path, **options))
        if answer.is_success:
            return answer.json() if answer.content else None
        raise Refused(method, path, answer.status_code, _problem(answer))


def patiently(attempt: Callable[[], httpx.Response]) -> httpx.Response:
    """Repeat a request while nobody answers or the server is not able to; the last answer after a minute of that."""
    until = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = attempt()
        except httpx.TransportError as error:
            if monotonic() > until:
                raise HubError(503, "no_answer", f"The hub does not answer: {type(error).__name__}.") from error
        else:
            if not _is_passing(answer) or monotonic() > until:
                return answer
        sleep(PAUSE_SECONDS)


def until(found: Callable[[], T | None], *, seconds: float, what: str, pause: float = PAUSE_SECONDS) -> T:
    """Ask until there is an answer; the error names what was waited for."""
    end = monotonic() + seconds
    while True:
        value = found()
        if value is not None:
            return value
        if monotonic() > end:
            raise HubError(504, "demo_stuck", f"Waited {seconds:.0f} s for {what}: see server.log in the data folder.")
        sleep(pause)


def _is_passing(answer: httpx.Response) -> bool:
    return answer.status_code in _AGAIN or (
        answer.status_code == httpx.codes.CONFLICT and _problem(answer).get("code") in _STILL_RUNNING
    )


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
