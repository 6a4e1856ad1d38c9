"""A crowd of senders in a process of its own: many connections, each with one request under way.

Usage: python -m bench.load URL PATH SECRET COUNT CLIENTS
Signs Standard Webhooks beforehand, so that only sending and waiting is measured. Prints
{"began", "ended", "acknowledged", "p50_ms", "p99_ms"}; any answer but 202 ends the run.
"""

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import orjson

from bench.orders import order


def requests(path: str, secret: str, count: int, first: int = 0) -> list[bytes]:
    """Signed requests of the orders from `first` on, whole as they go over the wire."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    now = int(time.time())
    made = []
    for number in range(first, first + count):
        body = orjson.dumps(order(number))
        message_id = f"bench_{now}_{number}"
        signed = hmac.digest(key, b"%s.%d.%s" % (message_id.encode(), now, body), hashlib.sha256)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nwebhook-id: {message_id}\r\nwebhook-timestamp: {now}\r\n"
            f"webhook-signature: v1,{base64.b64encode(signed).decode()}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Sender(asyncio.Protocol):
    """One client: sends, waits for the whole answer, sends the next."""

    def __init__(self, work: Iterator[bytes], seconds: list[float], done: asyncio.Future[None]) -> None:
        self._work, self._seconds, self._done = work, seconds, done
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed a connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
            return
        if b" 202 " not in head[:16]:
            self._done.set_exception(RuntimeError(self._buffer[:500].decode()))
            return
        self._seconds.append(time.perf_counter() - self._sent)
        self._buffer = b""
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._work, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


async def run(url: str, made: list[bytes], clients: int) -> dict[str, float]:
    """Send all requests over `clients` connections."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    work, seconds = iter(made), list[float]()
    waits = [loop.create_future() for _ in range(clients)]
    began = time.time()
    for wait in waits:
        await loop.create_connection(partial(Sender, work, seconds, wait), parts.hostname or "", parts.port or 80)
    await asyncio.gather(*waits)
    ended = time.time()
    seconds.sort()
    return {
        "began": began, "ended": ended, "acknowledged": len(seconds), "p50_ms": seconds[len(seconds) // 2] * 1000,
        "p99_ms": seconds[int(len(seconds) * 0.99)] * 1000,
    }  # fmt: skip


def main() -> None:
    """The command."""
    url, path, secret, count, clients = sys.argv[1:]
    outcome = asyncio.run(run(url, requests(path, secret, int(count)), int(clients)))
    sys.stdout.write(orjson.dumps(outcome).decode() + "\n")


if __name__ == "__main__":
    main()
