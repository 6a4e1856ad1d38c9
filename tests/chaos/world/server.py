"""The other sides in one process: a platform, carriers of four idempotency classes, two ledgers; each with its books.

Usage: python -m tests.chaos.world.server FOLDER. Prints its port. Speaks plain JSON over HTTP/1.1.
The class of a carrier or ledger is in its path: `key` honours the Idempotency-Key, `unique` refuses a reference that it
has, `find` and `none` do whatever they are asked, as often as they are asked.
"""

import json
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.chaos.world.books import Books

PAGE = 50
Answer = tuple[int, Any]


class Server(ThreadingHTTPServer):
    """All sides on one port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, books: Books) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.books = books


class Handler(BaseHTTPRequestHandler):
    """Routes by the first part of the path."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent: the books say what was done."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        side, *rest = parts.path.strip("/").split("/")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        document = json.loads(body) if body else {}
        do = {"platform": self._platform, "carrier": self._carrier, "erp": self._erp}[side]
        status, answer = do(rest, dict(parse_qsl(parts.query)), document)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _platform(self, path: list[str], query: dict[str, str], document: Any) -> Answer:
        books, now = self.server.books, datetime.now(UTC).isoformat()
        if self.command == "POST" and path == ["orders"]:
            books.write("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", document["id"], json.dumps(document), now)
            return 200, {}
        if self.command == "POST":
            lines = json.dumps(document["lines"])
            known = books.read("SELECT 1 FROM notices WHERE reference = ?", document["reference"])
            if not known:
                books.write("INSERT INTO notices VALUES (?, ?, ?)", document["reference"], document["order"], lines)
            return 200, {"id": f"N-{document['reference'][:10]}"}
        if path[1:]:
            found = books.read("SELECT state FROM orders WHERE id = ?", path[1])
            return (200, json.loads(found[0][0])) if found else (404, {})
        start = int(query.get("page") or 0)
        rows = books.read(
            "SELECT state FROM orders WHERE updated_at BETWEEN ? AND ? ORDER BY updated_at, id LIMIT ? OFFSET ?",
            query["since"], query["until"], PAGE + 1, start,
        )  # fmt: skip
        more = str(start + PAGE) if len(rows) > PAGE else None
        return 200, {"orders": [json.loads(state) for (state,) in rows[:PAGE]], "next": more, "time": now}

    def _carrier(self, path: list[str], query: dict[str, str], document: Any) -> Answer:
        books, kind = self.server.books, path[0]
        if self.command == "DELETE":
            books.write("UPDATE labels SET voided = 1 WHERE carrier_ref = ?", path[2])
            return 200, {"gone": path[2]}
        if self.command == "GET":
            rows = books.read("SELECT answer, voided FROM labels WHERE reference = ?", query["reference"])
            return 200, {"labels": [{**json.loads(answer), "voided": bool(voided)} for answer, voided in rows]}
        reference = document["reference"]
        if path[1] == "drafts":
            return 200, {"draft": books.draft(reference)}
        if kind == "two_step":
            return 200, books.buy_draft(document["draft"], document)
        sold = books.sell(kind, reference, document, once=kind in ("key", "unique"))
        if sold is not None:
            return 200, sold
        held = json.loads(books.read("SELECT answer FROM labels WHERE reference = ?", reference)[0][0])
        return (200, held) if kind == "key" else (409, held)

    def _erp(self, path: list[str], query: dict[str, str], document: Any) -> Answer:
        books, ledger = self.server.books, path[0]
        if self.command == "POST":
            remote_id = books.post(ledger, document, once=ledger == "unique")
            if remote_id is None:
                rows = books.read(
                    "SELECT remote_id FROM documents WHERE ledger = ? AND key = ?", ledger, document["key"]
                )
                return 409, {"id": rows[0][0]}
            return 200, {"id": remote_id}
        if self.command == "DELETE":
            books.write("UPDATE documents SET cancelled = 1 WHERE ledger = ? AND key = ?", ledger, path[2])
            return 200, {"gone": path[2]}
        rows = books.read("SELECT remote_id, kind FROM documents WHERE ledger = ? AND key = ?", ledger, path[2])
        return (200, {"id": rows[0][0], "kind": rows[0][1]}) if rows else (404, {})


def main() -> None:
    """Serve until the process is ended."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(Books(folder / "books.sqlite3"))
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
