"""The ERP suite passes a sound ledger and catches each deliberate breakage."""

import json
import threading

import httpx
import pytest
from pydantic import BaseModel, Field

from hub.canonical.erp import Remote
from hub.canonical.money import Money
from hub.sdk.adapters import Erp
from hub.sdk.errors import Duplicate, Malformed, PluginError, Rejected
from hub.sdk.manifest import Manifest
from hub.sdk.testing.erp import ErpConformance
from hub.sdk.testing.suite import failures
from hub.sdk.values import Health, ItemResult, Outgoing, Raw

SHAPE = "test_folder_has_the_shape"
URL = "https://books.example"


class MiniSettings(BaseModel):
    company: str = Field(default="1", description="Number of the company")


class Books(Erp[MiniSettings]):
    manifest = Manifest(id="books", kind="erp", version="1.0", label="Books", idempotency="unique_ref")
    settings_model = MiniSettings

    def check(self) -> Health:
        try:
            answer = self.http.request("GET", f"{URL}/check").json()
        except PluginError as error:
            return Health(ok=False, problems=(error.code,))
        good = isinstance(answer, dict) and "found" in answer
        return Health(ok=good, problems=() if good else ("these are no books",))

    def find(self, kind, key):
        answer = self.http.request("GET", f"{URL}/{kind}/{key}").json()
        if not isinstance(answer, dict) or "found" not in answer:
            raise Malformed("not an answer of the books")
        return None if answer["found"] is None else self.parse_ack(Raw(body=json.dumps(answer["found"]).encode()))

    def build(self, document):
        parts = sum(line.net.minor + line.tax.minor for line in (*document.lines, *document.charges))
        if document.kind != "payment" and parts != document.total.minor:
            raise Rejected(f"unbalanced by {document.total.minor - parts}", code="unbalanced")
        return Outgoing("post", json.loads(document.model_dump_json()), document.key)

    def push(self, outgoing, key):
        if not isinstance(outgoing.payload, dict) or "kind" not in outgoing.payload:
            raise Rejected("not a document", code="bad_payload")
        answer = self.http.request("POST", f"{URL}/documents", json=outgoing.payload, idempotent=True)
        data = answer.json()
        if isinstance(data, dict) and "duplicate" in data:
            raise Duplicate("known", ref=data["duplicate"])
        return Raw(body=answer.body)

    def parse_ack(self, raw):
        try:
            data = json.loads(raw.body)
            total = Money(minor=data["total"]["minor"], currency=data["total"]["currency"])
            return Remote(kind=data["kind"], key=data["key"], remote_id=data["id"], total=total)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Malformed("not an acknowledgement") from error


class Suite(ErpConformance):
    plugin = Books
    unique = True

    def prepare(self, folder):
        super().prepare(folder)
        self.kept, self.lock = [], threading.Lock()

    def remote_count(self, key):
        return sum(document["key"] == key for document in self.kept)

    def server(self, request):
        if request.method == "POST":
            return self.posted(json.loads(request.content))
        kind, _, key = request.url.path.strip("/").partition("/")
        found = [each for each in self.kept if (each["kind"], each["key"]) == (kind, key)]
        return httpx.Response(200, json={"found": found[0] if found else None})

    def posted(self, document):
        with self.lock:
            known = [each["id"] for each in self.kept if each["key"] == document["key"]]
            if known and self.unique:
                return httpx.Response(200, json={"duplicate": known[0]})
            document = {**document, "id": f"D{len(self.kept)}"}
            self.kept.append(document)
        return httpx.Response(200, json=document)


def caught(folder, erp=Books, **extra) -> set[str]:
    suite = type("Broken", (Suite,), {"plugin": erp, **extra})
    return set(failures(suite, folder)) - {SHAPE}


def broken(**methods):
    return type("BrokenBooks", (Books,), methods)


def test_a_sound_ledger_passes(tmp_path) -> None:
    found = failures(Suite, tmp_path)
    assert set(found) == {SHAPE}, found


def test_a_ledger_without_unique_keys_is_caught(tmp_path) -> None:
    assert {"test_push_twice_is_one", "test_eight_threads_are_one", "test_a_batch_holds_a_key_once"} <= caught(
        tmp_path, unique=False
    )


def find_anything(self, kind, key):
    return Remote(kind=kind, key=key, remote_id="1")


def find_any_kind(self, kind, key):
    for each in ("sales_order", "delivery", "invoice", "credit_note", "payment"):
        found = Books.find(self, each, key)
        if found:
            return found
    return None


def find_forgiving(self, kind, key):
    try:
        return Books.find(self, kind, key)
    except PluginError:
        return None


def float_ack(self, raw):
    remote = Books.parse_ack(self, raw)
    return remote.model_copy(
        update={"total": Money(minor=int(float(remote.total.minor)), currency=remote.total.currency)}
    )


def balance_by_stretch(self, document):
    return Outgoing("post", json.loads(document.model_dump_json()), document.key)


def chatty_build(self, document):
    self.http.request("GET", f"{URL}/check")
    return Books.build(self, document)


def poisoned_batch(self, items):
    results = []
    for outgoing, key in items:
        try:
            results.append(ItemResult(ref=key, remote_id=self.parse_ack(self.push(outgoing, key)).remote_id))
        except Duplicate as error:
            results.append(ItemResult(ref=key, error=error, remote_id=error.ref))
    return results


def forgetful_batch(self, items):
    return Erp.push_many(self, items[1:])


def rosy_batch(self, items):
    return [ItemResult(ref=key, remote_id="1") for _, key in items]


def any_ack(self, raw):
    try:
        return Books.parse_ack(self, raw)
    except Malformed:
        return Remote(kind="invoice", key="?", remote_id="?")


def rosy_push(self, outgoing, key):
    try:
        return Books.push(self, outgoing, key)
    except (Duplicate, Rejected):
        raise
    except PluginError:
        ack = {"kind": "invoice", "key": key, "id": "1", "total": {"minor": 1, "currency": "USD"}}
        return Raw(body=json.dumps(ack).encode())


def crash_on_quotes(self, outgoing, key):
    if '"' in outgoing.payload["customer"]["name"]:
        raise SyntaxError("unterminated string")
    return Books.push(self, outgoing, key)


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ({"find": find_anything}, "test_find_of_the_unknown_is_none"),
        ({"find": find_any_kind}, "test_find_of_the_unknown_is_none"),
        ({"find": lambda self, kind, key: None}, "test_push_is_found_again"),
        ({"find": find_forgiving}, "test_outage_never_counts_as_posted"),
        ({"push": rosy_push}, "test_outage_never_counts_as_posted"),
        ({"push": crash_on_quotes}, "test_any_name_is_carried"),
        ({"parse_ack": float_ack}, "test_money_is_exact"),
        ({"parse_ack": any_ack}, "test_garbage_answers_never_crash"),
        ({"build": balance_by_stretch}, "test_unbalanced_is_refused"),
        ({"build": chatty_build}, "test_build_is_pure"),
        ({"push_many": poisoned_batch}, "test_batch_isolates_the_bad_item"),
        ({"push_many": forgetful_batch}, "test_batch_isolates_the_bad_item"),
        ({"push_many": rosy_batch}, "test_batch_isolates_the_bad_item"),
    ],
)
def test_a_broken_ledger_is_caught(methods, expected, tmp_path) -> None:
    assert expected in caught(tmp_path, broken(**methods))
