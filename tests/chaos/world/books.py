"""The books of the other sides: an SQLite file of their own, written before they answer, never read by the hub."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, state TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS acknowledged (account TEXT, id TEXT, revision INTEGER, PRIMARY KEY (account, id, revision));
CREATE TABLE IF NOT EXISTS notices (reference TEXT, order_id TEXT, lines TEXT);
CREATE TABLE IF NOT EXISTS labels (
    carrier_ref TEXT PRIMARY KEY, class TEXT, reference TEXT, answer TEXT, voided INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS drafts (draft INTEGER PRIMARY KEY, reference TEXT, answer TEXT);
CREATE INDEX IF NOT EXISTS labels_reference ON labels (reference);
CREATE TABLE IF NOT EXISTS documents (
    remote_id TEXT PRIMARY KEY, ledger TEXT, kind TEXT, key TEXT, order_number TEXT, total INTEGER,
    cancelled INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS documents_key ON documents (ledger, key);
"""


class Books:
    """One writer at a time, durable at every commit."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {SCHEMA}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def write(self, sql: str, *values: Any) -> None:
        """One durable statement."""
        with self._lock:
            self._connection.execute(sql, values)

    def read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def sell(self, kind: str, reference: str, answer: dict[str, Any], *, once: bool) -> dict[str, Any] | None:
        """Sell a label; with `once` a reference that was sold before sells nothing and gives None."""
        with self._lock:
            if once and self._connection.execute("SELECT 1 FROM labels WHERE reference = ?", (reference,)).fetchone():
                return None
            return self._sold(kind, reference, answer)

    def _sold(self, kind: str, reference: str, answer: dict[str, Any]) -> dict[str, Any]:
        count = self._connection.execute("SELECT count(*) FROM labels").fetchone()[0]
        answer = {**answer, "carrier_ref": f"L-{count + 1:07d}"}
        self._connection.execute(
            "INSERT INTO labels (carrier_ref, class, reference, answer) VALUES (?, ?, ?, ?)",
            (answer["carrier_ref"], kind, reference, json.dumps(answer)),
        )
        return answer

    def draft(self, reference: str) -> str:
        """Note what somebody may buy later; every call notes another."""
        with self._lock:
            noted = self._connection.execute("INSERT INTO drafts (reference) VALUES (?)", (reference,))
            return str(noted.lastrowid)

    def buy_draft(self, draft: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Sell what was noted, once; whoever buys it again is told what was sold."""
        with self._lock:
            row = self._connection.execute("SELECT reference, answer FROM drafts WHERE draft = ?", (draft,)).fetchone()
            if row[1] is not None:
                sold: dict[str, Any] = json.loads(row[1])
                return sold
            sold = self._sold("two_step", row[0], answer)
            self._connection.execute("UPDATE drafts SET answer = ? WHERE draft = ?", (json.dumps(sold), draft))
        return sold

    def post(self, ledger: str, document: dict[str, Any], *, once: bool) -> str | None:
        """Take a document; with `once` a key that is there already is refused (None)."""
        with self._lock:
            known = "SELECT 1 FROM documents WHERE ledger = ? AND key = ?"
            if once and self._connection.execute(known, (ledger, document["key"])).fetchone():
                return None
            count = self._connection.execute("SELECT count(*) FROM documents").fetchone()[0]
            remote_id = f"D-{count + 1:07d}"
            self._connection.execute(
                "INSERT INTO documents (remote_id, ledger, kind, key, order_number, total) VALUES (?, ?, ?, ?, ?, ?)",
                (remote_id, ledger, document["kind"], document["key"], document["order_number"], document["total"]),
            )
        return remote_id
