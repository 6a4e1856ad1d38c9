"""Senders that keep a pace, in a process of its own: a request leaves when its time has come, answered or not the last.

Usage: python -m bench.steady URL PATH SECRET COUNT RATE [FIRST]
Sends the orders FIRST to FIRST + COUNT - 1 as signed webhooks, RATE a second, each over a connection that is free then
or over a new one. Whoever waits for an answer before sending again hides what a stall costs; this does not. Prints
{"sent": [seconds since 1970 of each], "late_ms": how far it was behind its own pace at worst, "answers": {status: how
many}, "slowest_ms": the longest that an answer took}. A connection that is closed counts as the status "lost".
"""

import asyncio
import sys
import time
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.load import requests

LINES = 16
"""Connections that are there before the first request."""
PATIENCE = 60.0
"""Seconds after the last request in which the last answers must come."""


class Line(asyncio.Protocol):
    """A kept connection with at most one request under way."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._crowd.free:
            self._crowd.free.remove(self)
        else:
            self._crowd.answered("lost", time.perf_counter() - self._sent)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
            return
        status, self._buffer = head[9:12].decode(), b""
        self._crowd.free.append(self)
        self._crowd.answered(status, time.perf_counter() - self._sent)

    def send(self, request: bytes) -> None:
        """Send; the answer is told to the crowd."""
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(request)


class Crowd:
    """All connections, and what came back over them."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self._address = (host, port)
        self._left = count
        self.free: list[Line] = []
        self.answers: Counter[str] = Counter()
        self.slowest = 0.0
        self.done = asyncio.get_running_loop().create_future()

    async def line(self) -> Line:
        """The connection that was free for longest: none is ever idle for so long that the server closes it."""
        return self.free.pop(0) if self.free else await self.connect()

    async def connect(self) -> Line:
        """A new connection."""
        _, line = await asyncio.get_running_loop().create_connection(partial(Line, self), *self._address)
        return line

    def answered(self, status: str, seconds: float) -> None:
        """Note an answer."""
        self.answers[status] += 1
        self.slowest = max(self.slowest, seconds)
        self._left -= 1
        if self._left == 0 and not self.done.done():
            self.done.set_result(None)


async def run(url: str, made: list[bytes], rate: float) -> dict[str, Any]:
    """Send each request at its time and wait for all answers."""
    parts = urlsplit(url)
    crowd = Crowd(parts.hostname or "", parts.port or 80, len(made))
    crowd.free = [await crowd.connect() for _ in range(LINES)]
    sent: list[float] = []
    late = 0.0
    began = time.perf_counter()
    for number, request in enumerate(made):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        line = await crowd.line()
        late = max(late, time.perf_counter() - began - number / rate)
        sent.append(time.time())
        line.send(request)
    await asyncio.wait_for(crowd.done, PATIENCE)
    return {"sent": sent, "late_ms": late * 1000, "answers": crowd.answers, "slowest_ms": crowd.slowest * 1000}


def main() -> None:
    """The command."""
    url, path, secret, count, rate, *rest = sys.argv[1:]
    made = requests(path, secret, int(count), int(rest[0]) if rest else 0)
    outcome = asyncio.run(run(url, made, float(rate)))
    sys.stdout.write(orjson.dumps(outcome).decode() + "\n")


if __name__ == "__main__":
    main()
