"""The other side of the benchmarks, a process of its own: an ERP that takes batches of documents and counts them.

POST /documents   {"documents": [{"key": ...}, ...]} -> {"ids": {key: id}}; one document a key, for ever
GET  /documents/K the document's id, or 404          GET /count what has come so far
GET  /delay/N     from now on documents are answered N seconds late
POST anything else is taken and answered 202: the bare HTTP side of the ceilings
"""

import asyncio
import sys

import orjson


class Peer(asyncio.Protocol):
    """One connection; HTTP/1.1 with Content-Length only, which is all that the benchmarks send."""

    ids: dict[str, str] = {}  # noqa: RUF012  one ledger for all connections of the process
    calls = 0
    taken = 0
    repeated = 0
    delay = 0.0

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:head_end]
            length = _content_length(head)
            if len(self._buffer) < head_end + 4 + length:
                return
            body = self._buffer[head_end + 4 : head_end + 4 + length]
            self._buffer = self._buffer[head_end + 4 + length :]
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            status, answer = _answer(method, path, body)
            late = Peer.delay if path.startswith("/documents") else 0.0
            asyncio.get_running_loop().call_later(late, self._answer, status, answer)

    def _answer(self, status: bytes, answer: bytes) -> None:
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (status, len(answer), answer)
        )


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _answer(method: str, path: str, body: bytes) -> tuple[bytes, bytes]:
    if path == "/documents" and method == "POST":
        return b"200 OK", orjson.dumps({"ids": _take(body)})
    if path.startswith("/documents/"):
        known = Peer.ids.get(path.rpartition("/")[2])
        return (b"404 Not Found", b"{}") if known is None else (b"200 OK", orjson.dumps({"id": known}))
    if path == "/count":
        figures = {"documents": len(Peer.ids), "calls": Peer.calls, "bytes": Peer.taken, "repeated": Peer.repeated}
        return b"200 OK", orjson.dumps(figures)
    if path.startswith("/delay/"):
        Peer.delay = float(path.rpartition("/")[2])
        return b"200 OK", b"{}"
    return b"202 Accepted", b'{"items": []}'


def _take(body: bytes) -> dict[str, str]:
    Peer.calls += 1
    Peer.taken += len(body)
    ids = {}
    for document in orjson.loads(body)["documents"]:
        key = document["key"]
        Peer.repeated += key in Peer.ids
        ids[key] = Peer.ids.setdefault(key, f"SO-{len(Peer.ids) + 1}")
    return ids


async def main() -> None:
    """Listen on a free port, print it, serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
