"""The conformance suite of ERP and ledger plugins: one document a key, exact money, no bad row in a good batch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar

from hub.canonical.erp import ErpDocument, Remote
from hub.canonical.money import Money
from hub.sdk.adapters import Erp
from hub.sdk.errors import Duplicate, Malformed, PluginError, Rejected
from hub.sdk.testing.builders import (
    credit_note,
    delivery,
    erp_document,
    erp_line,
    invoice,
    payment,
    reference,
    sales_order,
)
from hub.sdk.testing.drift import GARBAGE
from hub.sdk.testing.suite import Conformance, expect
from hub.sdk.values import ItemResult, Outgoing, Raw

THREADS = 8
NAMES = (
    'Łukasz "Bear" Żółć',
    "北京王小明（贸易）有限公司",
    "line\nbreak\ttab \\ back",
    "\U0001f469\u200d\U0001f680 emoji \u202e right to left",
    "' ; DROP -- {x} %s ^link #tag",
)


class ErpConformance(Conformance):
    """Subclass it as `TestAcme`, name `plugin`, `settings` and `server` (a ledger that keeps what it was sent).

    `currencies` are those that the other side is set up for; `documents` may be overridden where it needs more fields.
    """

    kind = "erp"
    plugin: ClassVar[type[Erp[Any]]]
    currencies: ClassVar[Sequence[str]] = ("USD", "JPY", "KWD")

    def documents(self) -> Sequence[ErpDocument]:
        """One balanced document of each kind that the plugin must be able to post."""
        return (sales_order(), delivery(), invoice(), credit_note(), payment())

    def remote_count(self, key: str) -> int | None:
        """How many documents the other side holds under a key, read past the adapter; None where a test cannot tell."""
        del key
        return None

    def post(self, adapter: Any, document: ErpDocument) -> Remote:
        """Push, or adopt what is there already, as the hub does."""
        try:
            remote = adapter.parse_ack(adapter.push(adapter.build(document), document.key))
        except Duplicate as duplicate:
            remote = adapter.find(document.kind, document.key)
            expect(remote is not None, f"push raised Duplicate, but find does not know {document.kind} {document.key}")
            expect(
                duplicate.ref in (None, remote.remote_id),
                f"Duplicate names {duplicate.ref}, find says {remote.remote_id}",
            )
        expect(isinstance(remote, Remote), "parse_ack and find must return Remote")
        return remote  # type: ignore[no-any-return]

    def _expect_one(self, what: str, key: str) -> None:
        count = self.remote_count(key)
        expect(count in (None, 1), f"{what}: the other side holds {count} documents under the key {key}")

    def test_build_is_pure(self) -> None:
        """The same document gives the same outgoing call, under the document's key; nothing is sent."""
        for document in self.documents():
            outgoing = self.expect_pure(f"build {document.kind}", lambda adapter, value: adapter.build(value), document)
            expect(isinstance(outgoing, Outgoing), "build must return Outgoing")
            expect(outgoing.reference == document.key, f"build {document.kind}: our key must travel as the reference")

    def test_push_is_found_again(self) -> None:
        """After a push `find` knows the document by its kind and key, with the same id."""
        for document in self.documents():
            remote = self.post(self.open(), document)
            expect(
                (remote.kind, remote.key) == (document.kind, document.key),
                f"{document.kind}: the answer is about another one",
            )
            expect(remote.remote_id.strip(), f"{document.kind}: the answer has no remote_id")
            found = self.open().find(document.kind, document.key)
            expect(found is not None and found.remote_id == remote.remote_id, f"find {document.kind}: gave {found!r}")
            self._expect_one(f"push {document.kind}", document.key)

    def test_find_of_the_unknown_is_none(self) -> None:
        """A key that was never pushed is not found, nor is a pushed key of another kind."""
        adapter, document = self.open(), invoice()
        expect(adapter.find("invoice", reference(404)) is None, "find: knows a key that was never pushed")
        self.post(adapter, document)
        expect(adapter.find("invoice", reference(404)) is None, "find: knows a key that was never pushed")
        expect(adapter.find("invoice", document.key[:-1]) is None, "find: matches a part of a key")
        expect(adapter.find("payment", document.key) is None, "find: an invoice was found as a payment")

    def test_push_twice_is_one(self) -> None:
        """A second push of a key, also from another adapter, is adopted: one remote document."""
        for document in self.documents():
            first = self.post(self.open(), document)
            for adapter in (self.open(), self.open()):
                again = self.post(adapter, document)
                expect(
                    again.remote_id == first.remote_id,
                    f"{document.kind} pushed twice: {first.remote_id}, {again.remote_id}",
                )
            self._expect_one(f"{document.kind} pushed three times", document.key)

    def test_eight_threads_are_one(self) -> None:
        """Eight workers with one key make one remote document."""
        document = invoice()
        adapters = [self.open() for _ in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            remotes = list(pool.map(lambda adapter: self.post(adapter, document), adapters))
        ids = {remote.remote_id for remote in remotes}
        expect(len(ids) == 1, f"{THREADS} threads with one key made {len(ids)} documents")
        self._expect_one(f"{THREADS} threads with one key", document.key)

    def test_unbalanced_is_refused(self) -> None:
        """A document whose parts miss its total, by one minor unit already, is `Rejected` and nothing is written."""
        for wrong in (2701, 2699, 0, -2700):
            document = erp_document("invoice", total=wrong)
            outcome = self.outcome("an unbalanced invoice", partial(self.post, self.open(), document))
            expect(
                isinstance(outcome, Rejected),
                f"an invoice of 2700 with the total {wrong} must be Rejected, gave {outcome!r}",
            )
            expect(self.open().find("invoice", document.key) is None, "an unbalanced invoice was written")

    def test_money_is_exact(self) -> None:
        """Amounts of 0, 2 and 3 decimals come back to the minor unit, also large and odd ones."""
        for currency in self.currencies:
            for number, minor in enumerate((1, 7, 1999, 123_456_789_012_345, 2**53 + 1), start=10):
                document = erp_document(
                    "invoice", number=number, key=reference(number, f"m{currency}"), currency=currency,
                    lines=(erp_line(1, minor, 0, currency=currency),),
                )  # fmt: skip
                self.post(self.open(), document)
                found = self.open().find("invoice", document.key)
                expect(found is not None, f"{currency} {minor}: not found after the push")
                wanted = Money(minor=minor, currency=currency)
                expect(
                    found.total in (None, wanted), f"pushed {wanted} {currency}, the other side holds {found.total} "
                )

    def test_any_name_is_carried(self) -> None:
        """Quotes, line breaks, CJK and emoji in names break nothing and come through."""
        for number, name in enumerate(NAMES, start=20):
            document = erp_document("invoice", number=number, customer=name, lines=(erp_line(1, 100, name=name),))
            remote = self.post(self.open(), document)
            found = self.open().find("invoice", document.key)
            expect(found is not None and found.remote_id == remote.remote_id, f"lost the document of {name!r}")
            self._expect_one(f"document of {name!r}", document.key)

    def test_batch_isolates_the_bad_item(self) -> None:
        """One result an item under its key, in order; the item that cannot be posted fails alone."""
        adapter = self.open()
        good = [invoice(number) for number in range(30, 34)]
        self.post(adapter, good[2])
        items = [(adapter.build(document), document.key) for document in good]
        bad = Outgoing(operation="no such operation", payload={"broken": True}, reference=reference(666))
        items.insert(1, (bad, bad.reference))
        results = self.outcome("push_many", lambda: adapter.push_many(items))
        if isinstance(results, PluginError):
            raise AssertionError(f"push_many: one bad item must not fail the batch, raised {results!r}")
        expect(all(isinstance(result, ItemResult) for result in results), "push_many must return ItemResults")
        expect(
            [result.ref for result in results] == [key for _, key in items],
            "push_many: not one result an item, in order",
        )
        expect(not results[1].ok, "push_many: the broken item counts as posted")
        for document, result in zip(good, [results[0], *results[2:]], strict=True):
            expect(result.ok or isinstance(result.error, Duplicate), f"push_many: a good item failed: {result.error!r}")
            expect(adapter.find(document.kind, document.key) is not None, "push_many: an item that is ok is not there")
            self._expect_one("push_many", document.key)
        expect(list(adapter.push_many([])) == [], "push_many: an empty batch must give no result")

    def test_a_batch_holds_a_key_once(self) -> None:
        """The same key twice in one batch is one document."""
        adapter, document = self.open(), invoice(40)
        outgoing = adapter.build(document)
        results = adapter.push_many([(outgoing, document.key), (outgoing, document.key)])
        ids = {result.remote_id for result in results if result.remote_id}
        expect(len(results) == 2 and len(ids) == 1, f"push_many: one key twice in a batch gave {results}")
        self._expect_one("one key twice in a batch", document.key)

    def test_garbage_answers_never_crash(self) -> None:
        """An answer that is no answer is `Malformed` or `Rejected`."""
        for body in GARBAGE:
            what = f"garbage {body[:24]!r}"
            outcome = self.outcome(what, partial(self.open().parse_ack, Raw(body=body)), Malformed, Rejected)
            expect(isinstance(outcome, PluginError), f"{what}: an acknowledgement was invented")

    def test_parse_ack_is_pure(self) -> None:
        """The answer of the other side means the same every time."""
        adapter, document = self.open(), invoice()
        raw = adapter.push(adapter.build(document), document.key)
        remote = self.expect_pure("parse_ack", lambda each, value: each.parse_ack(value), raw)
        self.expect_json("parse_ack", remote)

    def test_outage_never_counts_as_posted(self) -> None:
        """When the other side cannot be reached, push and find raise SDK errors: `None` means that nothing is there."""
        document = invoice()

        def judge(label: str, result: Any) -> None:
            if result is None or isinstance(result, Remote):
                raise AssertionError(f"{label}: must raise an SDK error, returned {result!r}")
            outcome = self.outcome(label, lambda: self.open().parse_ack(result), Malformed, Rejected)
            expect(isinstance(outcome, PluginError), f"{label}: counts as posted")

        self.expect_sdk_errors("find", lambda adapter: adapter.find(document.kind, document.key), judge)
        self.expect_sdk_errors("push", lambda adapter: adapter.push(adapter.build(document), document.key), judge)
        self.expect_uncertain("push", lambda adapter: adapter.push(adapter.build(document), document.key))
