"""The ledger adapter: joins the mapping and the file store."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub.canonical.erp import ErpDocument, ErpKind, Remote
from hub.canonical.money import Money
from hub.sdk.adapters import Erp
from hub.sdk.errors import Conflict, Duplicate, Malformed, PluginError, Rejected, Transient, Uncertain
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health, ItemResult, Outgoing, Raw
from plugins.erp.beancount.client import Ledger, Opening, Posted, ledger_at
from plugins.erp.beancount.mapping import entry_of, reversal_of
from plugins.erp.beancount.reader import LINK, VOID, Entry
from plugins.erp.beancount.settings import BeancountSettings

OPERATION = "append"
BEGUN = "ledger_begun"
TEXTS = ("kind", "key", "number", "total", "month", "text")
UNREADABLE = (ValueError, KeyError, TypeError, ArithmeticError, AttributeError, RecursionError)


class Beancount(Erp[BeancountSettings]):
    """Double-entry books in text files, one entry for each document key."""

    manifest = Manifest(
        id="beancount", kind="erp", version="1.0.0", label="Beancount ledger", idempotency="unique_ref",
        personal_data_fields=("payee",), retention_days=3650, max_concurrency=4, batch_max=500,
    )  # fmt: skip
    settings_model = BeancountSettings
    _noted = False

    def check(self) -> Health:
        """Whether the folder can be written; nothing is created."""
        folder = self.settings.folder
        if folder.exists() and not folder.is_dir():
            return Health(ok=False, problems=(f"{folder} is a file: name a folder in the settings",))
        if not self._ledger().exists() and self.state.get(BEGUN):
            return Health(ok=False, problems=(self._gone().message,))
        nearest = next((place for place in (folder, *folder.parents) if place.exists()), folder)
        if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
            return Health(ok=False, problems=(f"the hub's user may not write to {nearest}: change its owner or mode",))
        state = "begun" if self._ledger().exists() else "will begin with the first entry"
        return Health(ok=True, details={"ledger": state})

    def find(self, kind: ErpKind, key: str) -> Remote | None:
        """The entry that carries our key, where it is of this kind; `state` is `voided` once it was reversed."""
        entry = self._find(LINK + key)
        if entry is None or entry.metadata.get("kind") != kind:
            return None
        return self._remote(entry, key)

    def build(self, document: ErpDocument) -> Outgoing:
        """PURE: the entry as text; `Rejected` where the document is not balanced or mixes currencies."""
        return Outgoing(operation=OPERATION, payload=entry_of(document, self.settings), reference=document.key)

    def push(self, outgoing: Outgoing, key: str) -> Raw:
        """Append one entry; `Duplicate` where the key is in the books, `Conflict` where it is there differently."""
        payload = self._checked(outgoing, key)
        outcome = self._append([_posted(payload, LINK)])[0]
        if isinstance(outcome, PluginError):
            raise outcome
        if not outcome:
            raise self._known(payload)
        return Raw(body=json.dumps(_acknowledgement(payload)).encode(), kind=payload["kind"], external_id=LINK + key)

    def parse_ack(self, raw: Raw) -> Remote:
        """PURE: what was appended; `Malformed` where the acknowledgement is not ours."""
        try:
            data = json.loads(raw.body)
            amount, currency = data["total"].split(" ")
            return Remote(
                kind=data["kind"], key=data["key"], remote_id=data["id"], number=data["number"], state=data["state"],
                total=Money.of(amount, currency),
            )  # fmt: skip
        except UNREADABLE as error:
            raise Malformed("not an acknowledgement of the ledger", code="bad_ack") from error

    def push_many(self, items: Sequence[tuple[Outgoing, str]]) -> list[ItemResult]:
        """Append a batch with one write and one fsync for each month; a bad item fails alone."""
        results: dict[int, ItemResult] = {}
        good: list[tuple[int, dict[str, Any]]] = []
        for index, (outgoing, key) in enumerate(items):
            try:
                good.append((index, self._checked(outgoing, key)))
            except PluginError as error:
                results[index] = ItemResult(ref=key, error=error)
        outcomes = self._append([_posted(payload, LINK) for _, payload in good]) if good else []
        for (index, payload), outcome in zip(good, outcomes, strict=True):
            results[index] = self._result(payload, outcome)
        return [results[index] for index in range(len(items))]

    def cancel(self, remote: Remote, reason: str) -> Remote:
        """Append the reversing entry, dated today; a no-op where it is there, `Rejected` where nothing was posted."""
        entry = self._find(LINK + remote.key)
        if entry is None:
            raise Rejected(f"{remote.remote_id} is not in the books: nothing to void", code="not_found")
        payload = reversal_of(entry, remote.key, self.clock.now().date(), reason)
        outcome = self._append([_posted(payload, VOID)])[0]
        if isinstance(outcome, PluginError):
            raise outcome
        return self._remote(entry, remote.key)

    def _ledger(self) -> Ledger:
        return ledger_at(Path(os.path.abspath(self.settings.folder)))  # noqa: PTH100 - resolve() would ask the disk

    def _gone(self) -> Transient:
        return Transient(
            f"the ledger is no longer in {self.settings.folder}: mount or restore it; a new one would repeat all",
            code="ledger_gone",
        )

    def _find(self, link: str) -> Entry | None:
        self._require_present()
        return self._ledger().find(link)

    def _append(self, entries: Sequence[Posted]) -> list[PluginError | bool]:
        settings = self.settings
        self._require_present()
        opening = Opening(settings.title, settings.operating_currencies, settings.open_accounts)
        outcomes = self._ledger().append(entries, opening)
        if not self._noted:
            self.state.put(BEGUN, "yes")
            self._noted = True
        return outcomes

    def _require_present(self) -> None:
        ledger = self._ledger()
        # Another worker may begin the ledger between the first two looks; hence the third.
        if not ledger.exists() and self.state.get(BEGUN) and not ledger.exists():
            raise self._gone()

    def _result(self, payload: dict[str, Any], outcome: PluginError | bool) -> ItemResult:
        key = payload["key"]
        if isinstance(outcome, PluginError):
            return ItemResult(ref=key, error=outcome, in_doubt=isinstance(outcome, Uncertain))
        if outcome:
            return ItemResult(ref=key, remote_id=LINK + key)
        error = self._known(payload)
        return ItemResult(ref=key, error=error, remote_id=error.ref if isinstance(error, Duplicate) else None)

    def _known(self, payload: dict[str, Any]) -> Duplicate | Conflict:
        link = LINK + payload["key"]
        entry = self._find(link)
        stated = entry.metadata.get("kind") if entry else None
        if entry is not None and (stated, entry.metadata.get("total")) != (payload["kind"], payload["total"]):
            return Conflict(
                f"{link} is in the books as {stated} of {entry.metadata.get('total')}: post the rest under a new key",
                code="key_reused",
            )
        return Duplicate(f"{link} is in the books", ref=link)

    def _remote(self, entry: Entry, key: str) -> Remote:
        state = "posted" if self._ledger().find(VOID + key) is None else "voided"
        body = json.dumps(_acknowledgement({**entry.metadata, "key": key}, state)).encode()
        return self.parse_ack(Raw(body=body))

    @staticmethod
    def _checked(outgoing: Outgoing, key: str) -> dict[str, Any]:
        payload = outgoing.payload
        whole = isinstance(payload, dict) and all(isinstance(payload.get(name), str) for name in TEXTS)
        if outgoing.operation != OPERATION or not whole or not isinstance(payload.get("accounts"), list):
            raise Rejected("not an entry that build() made", code="bad_payload")
        if payload["key"] != key:
            raise Rejected("the key is not the one that the entry was built with", code="bad_key", path="/key")
        return dict(payload)


def _posted(payload: dict[str, Any], prefix: str) -> Posted:
    return Posted(prefix + payload["key"], payload["month"], payload["text"], tuple(payload["accounts"]))


def _acknowledgement(payload: dict[str, Any], state: str = "posted") -> dict[str, str]:
    kept = {name: payload[name] for name in ("kind", "key", "number", "total")}
    return {**kept, "id": LINK + payload["key"], "state": state}
