"""Call an ASGI app in this process, without a server and without Starlette's test client."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import anyio
import httpx
from starlette.types import ASGIApp


class Caller:
    """Synchronous calls to an app; safe to use from several threads."""

    def __init__(self, app: ASGIApp, **headers: str) -> None:
        self.app = app
        self.headers = headers

    def __call__(
        self, method: str, path: str, *, chunks: Iterable[bytes] | None = None, **options: Any
    ) -> httpx.Response:
        """One request; `chunks` are sent as a chunked body."""
        headers = {**self.headers, **options.pop("headers", {})}

        async def call() -> httpx.Response:
            if chunks is not None:
                options["content"] = _stream(chunks)
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
                return await client.request(method, path, headers=headers, **options)

        return anyio.run(call)


async def _stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
