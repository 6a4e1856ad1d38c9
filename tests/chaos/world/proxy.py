"""A network that lies: an HTTP proxy between two sides that breaks requests by a seed, and counts what it broke.

Usage: python -m tests.chaos.world.proxy SEED UPSTREAM_PORT. Prints its port.
GET /_proxy answers the counts, POST /_proxy/RATE scales all faults (0: an honest network).
Writes under `find` and `none` are never doubled, and no write is delivered after the caller has given up: nobody can
answer for a network that does so (docs/explanation/exactly-once.md).
"""

import asyncio
import json
import random
import sys
from collections import Counter

FAULTS = {
    "drop": 0.020, "delay": 0.040, "duplicate": 0.025, "reorder": 0.020, "truncate": 0.015, "cut_reply": 0.025,
    "too_many": 0.010, "server_error": 0.015, "bad_gateway": 0.010, "garbage": 0.010, "hang": 0.002, "plugin_raises": 0.006,
    "nonsense": 0.006, "plugin_leaks": 0.004,
}  # fmt: skip
"""How often each fault happens, as a share of all requests. The last three go to the other side first in half
of the cases; then the answer makes our plugin raise, makes no sense to it, or makes it keep memory for ever."""
HANG_SECONDS = 8.0
ANSWERS = {
    "too_many": (429, "retry-after: 1\r\n", b"{}"),
    "server_error": (500, "", b"<h1>Oops</h1>"),
    "bad_gateway": (502, "", b"bad gateway"),
    "garbage": (200, "", b"<html>welcome to the hotel network</html>"),
    "plugin_raises": (200, "", b'{"chaos": "raise"}'),
    "nonsense": (200, "", b'{"answer": [null]}'),
    "plugin_leaks": (200, "", b'{"chaos": "leak"}'),
}


class Proxy:
    """One listening side of the network."""

    def __init__(self, seed: str, upstream: int) -> None:
        self._seed, self._upstream = seed, upstream
        self._rate = 1.0
        self._count = 0
        self.done: Counter[str] = Counter()
        self._passed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            answer = await self._answer(head, body)
            if answer:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.done["nobody_there"] += 1
        finally:
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        verb, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        if path.startswith("/_proxy"):
            if verb == "POST":
                self._rate = float(path.rpartition("/")[2])
            return _response(200, "", json.dumps({**self.done, "requests": self._count}).encode())
        self._count += 1
        rng = random.Random(f"{self._seed}:{self._count}")
        fault = _drawn(rng, self._rate)
        gullible = verb == "POST" and ("/find/" in path or "/none/" in path)
        if gullible and fault == "duplicate":
            fault = "delay"
        if fault:
            self.done[fault] += 1
        if verb == "POST" and fault == "hang":
            await asyncio.sleep(HANG_SECONDS)
            return b""
        return await self._broken(fault, rng, head, body)

    async def _broken(self, fault: str, rng: random.Random, head: bytes, body: bytes) -> bytes:
        if fault == "drop":
            return b""
        if fault == "delay":
            await asyncio.sleep(rng.uniform(0.05, 0.6))
        elif fault == "hang":
            await asyncio.sleep(HANG_SECONDS)
        elif fault == "reorder":  # let the next request go first
            self._passed.clear()
            await asyncio.wait([asyncio.ensure_future(self._passed.wait())], timeout=1.0)
        elif fault == "duplicate":
            await self._forward(head, body)
        elif fault in ANSWERS:
            if fault in ("plugin_raises", "nonsense", "plugin_leaks", "garbage", "bad_gateway") and rng.random() < 0.5:
                await self._forward(head, body)
            return _response(*ANSWERS[fault])
        answer = await self._forward(head, body)
        self._passed.set()
        if fault == "cut_reply":
            return b""
        return answer[: -max(1, len(answer) // 10)] if fault == "truncate" else answer

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            lines.insert(1, b"connection: close")
            writer.write(b"\r\n".join(lines) + body)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


def _drawn(rng: random.Random, rate: float) -> str:
    at = rng.random()
    for name, share in FAULTS.items():
        at -= share * rate
        if at < 0:
            return name
    return ""


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _response(status: int, headers: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Lie\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def main() -> None:
    """Serve until the process is ended."""
    proxy = Proxy(sys.argv[1], int(sys.argv[2]))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
