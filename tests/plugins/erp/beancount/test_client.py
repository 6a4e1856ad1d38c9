"""The file store: one entry a key over threads, processes, crashes and other writers."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from hub.sdk.errors import AuthFailed, Conflict, Duplicate, Rejected, Transient, Uncertain
from hub.sdk.testing.builders import erp_document, erp_line, invoice, payment, reference
from hub.sdk.testing.kit import MemoryState, open_adapter
from plugins.erp.beancount import client
from plugins.erp.beancount.adapter import Beancount
from plugins.erp.beancount.client import Ledger
from plugins.erp.beancount.totals import ledger_keys, ledger_totals

REPOSITORY = Path(__file__).resolve().parents[4]
PUSHER = """
import sys
from hub.sdk.testing.builders import invoice
from hub.sdk.testing.kit import open_adapter
from plugins.erp.beancount.adapter import Beancount
adapter = open_adapter(Beancount, {"folder": sys.argv[1]})
for start in range(0, 100_000, 20):
    items = [(adapter.build(invoice(number)), invoice(number).key) for number in range(start, start + 20)]
    assert all(result.ok for result in adapter.push_many(items))
    for _, key in items:
        print(key, flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "ledger"


def books(folder, **changes):
    return open_adapter(Beancount, {"folder": folder, **changes})


def post(adapter, document):
    return adapter.parse_ack(adapter.push(adapter.build(document), document.key))


def batch(adapter, documents):
    return adapter.push_many([(adapter.build(document), document.key) for document in documents])


def march(folder):
    return folder / "books" / "2026-03.beancount"


def test_a_ledger_is_laid_out_by_month(folder) -> None:
    adapter = books(folder, title='Shop "north"', operating_currencies=("USD", "EUR"))
    post(adapter, invoice(1))
    late = invoice(2)
    post(adapter, late.model_copy(update={"issued_at": late.issued_at.replace(month=4)}))
    main = (folder / "main.beancount").read_text()
    assert main == (
        'option "title" "Shop \'north\'"\n'
        'option "operating_currency" "USD"\noption "operating_currency" "EUR"\ninclude "books/*.beancount"\n'
    )
    assert sorted(path.name for path in (folder / "books").iterdir()) == [
        "2026-03.beancount", "2026-04.beancount", "accounts.beancount",
    ]  # fmt: skip
    opened = (folder / "books" / "accounts.beancount").read_text()
    assert opened.count("open Assets:Receivable") == 1
    assert opened.count(" open ") == 5


def test_accounts_are_opened_once_and_only_where_wanted(folder, tmp_path) -> None:
    adapter = books(folder)
    batch(adapter, [invoice(1), payment(1), invoice(2)])
    assert (folder / "books" / "accounts.beancount").read_text().count(" open ") == 6
    own = tmp_path / "own"
    post(books(own, open_accounts=False), invoice(1))
    assert " open " not in (own / "books" / "accounts.beancount").read_text()


def test_a_duplicate_names_the_entry(folder) -> None:
    document = invoice()
    remote = post(books(folder), document)
    with pytest.raises(Duplicate) as caught:
        post(books(folder), document)
    assert caught.value.ref == remote.remote_id == f"HUB-{document.key}"
    assert ledger_keys(folder) == {document.key: 1}


def test_a_key_with_other_content_is_a_conflict(folder) -> None:
    post(books(folder), invoice())
    with pytest.raises(Conflict, match=r"as invoice of 31\.40 USD"):
        post(books(folder), payment().model_copy(update={"key": invoice().key}))
    changed = erp_document(lines=(erp_line(1, 1),), key=invoice().key)
    assert isinstance(batch(books(folder), [changed])[0].error, Conflict)


def test_find_tells_number_state_and_total(folder) -> None:
    post(books(folder), invoice(7))
    found = books(folder).find("invoice", invoice(7).key)
    assert (found.number, found.state, str(found.total), found.total.currency) == (
        "INVOICE-00007",
        "posted",
        "31.40",
        "USD",
    )


def test_a_void_reverses_once(folder) -> None:
    adapter = books(folder)
    remote = post(adapter, invoice())
    for _ in range(2):
        assert adapter.cancel(remote, "order cancelled").state == "voided"
    assert adapter.find("invoice", invoice().key).state == "voided"
    assert set(ledger_totals(folder)["Assets:Receivable"].values()) == {Decimal("0.00")}
    assert ledger_keys(folder) == {invoice().key: 1}
    with pytest.raises(Rejected, match="not in the books"):
        adapter.cancel(remote.model_copy(update={"key": reference(9)}), "never posted")


def test_an_entry_of_another_process_is_seen(folder) -> None:
    one, other = Ledger(folder), Ledger(folder)
    adapter = books(folder)
    post(adapter, invoice(1))
    assert one.find(f"HUB-{invoice(1).key}") is not None
    post(adapter, invoice(2))
    assert other.find(f"HUB-{invoice(2).key}") is not None
    assert one.find(f"HUB-{invoice(2).key}") is not None


def test_only_what_was_added_is_read(folder, monkeypatch) -> None:
    adapter, watcher = books(folder), Ledger(folder)
    batch(adapter, [invoice(number) for number in range(200)])
    watcher.find("HUB-none")
    post(adapter, invoice(500))
    read = []
    real = client.headers
    monkeypatch.setattr(client, "headers", lambda data: read.append(len(data)) or real(data))
    assert watcher.find(f"HUB-{invoice(500).key}") is not None
    assert 0 < sum(read) < 1000
    watcher.find("HUB-none")
    post(adapter, invoice(501))
    assert sum(read) < 2000


def test_an_edit_in_the_middle_is_noticed(folder) -> None:
    adapter = books(folder)
    batch(adapter, [invoice(1), invoice(2)])
    text = march(folder).read_text()
    second = text.index("\n\n") + 2
    march(folder).write_text(text[second:] + "; a longer file than before" * 100 + "\n\n")
    assert adapter.find("invoice", invoice(1).key) is None
    assert adapter.find("invoice", invoice(2).key) is not None
    assert post(adapter, invoice(1)).remote_id


def test_a_removed_month_is_noticed(folder) -> None:
    adapter = books(folder)
    post(adapter, invoice(1))
    march(folder).unlink()
    assert adapter.find("invoice", invoice(1).key) is None


def test_what_people_add_stays_and_is_kept_apart(folder) -> None:
    adapter = books(folder)
    post(adapter, invoice(1))
    with march(folder).open("a") as file:
        file.write('2026-03-05 * "Landlord" "Rent"\n  Assets:Bank  -900.00 USD\n  Expenses:Rent  900.00 USD')
    post(adapter, invoice(2))
    assert "Expenses:Rent  900.00 USD\n\n2026-03-02" in march(folder).read_text()
    assert ledger_totals(folder)["Assets:Bank"] == {"USD": Decimal("-900.00")}


@pytest.mark.parametrize("cut", [1, 9, 60, 150, 300])
def test_a_torn_entry_is_repaired_and_posted_again(folder, cut) -> None:
    adapter = books(folder)
    batch(adapter, [invoice(1), invoice(2)])
    whole = march(folder).read_bytes()
    march(folder).write_bytes(whole[:-cut])
    again = Ledger(folder)
    assert again.find(f"HUB-{invoice(2).key}") is None
    assert post(adapter, invoice(2)).remote_id
    assert ledger_keys(folder) == {invoice(1).key: 1, invoice(2).key: 1}
    assert ledger_totals(folder)["Assets:Receivable"] == {"USD": Decimal("62.80")}


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch) -> None:
    adapter = books(folder)
    post(adapter, invoice(1))
    before = march(folder).read_bytes()
    real = os.write

    def half(descriptor, data):
        if len(data) > 100:
            return real(descriptor, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client.os, "write", half)
    with pytest.raises(Transient, match="nothing was posted"):
        post(adapter, invoice(2))
    monkeypatch.setattr(client.os, "write", real)
    assert march(folder).read_bytes() == before
    assert post(adapter, invoice(2)).remote_id


def test_a_disk_that_does_not_confirm_is_uncertain(folder, monkeypatch) -> None:
    adapter = books(folder)
    post(adapter, invoice(1))
    real = os.fsync

    def failing(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(client.os, "fsync", failing)
    with pytest.raises(Uncertain):
        post(adapter, invoice(2))
    assert batch(adapter, []) == []
    monkeypatch.setattr(client.os, "fsync", real)
    assert adapter.find("invoice", invoice(2).key) is not None


def test_every_append_is_on_the_disk_before_it_is_acknowledged(folder, monkeypatch) -> None:
    adapter, synced = books(folder), []
    post(adapter, invoice(1))
    real = os.fsync
    monkeypatch.setattr(
        client.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size) or real(descriptor)
    )
    batch(adapter, [invoice(number) for number in range(2, 102)])
    assert synced == [march(folder).stat().st_size]


def test_no_access_pauses_the_connection(folder, monkeypatch) -> None:
    adapter = books(folder)
    post(adapter, invoice(1))

    def denied(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(client.os, "open", denied)
    with pytest.raises(AuthFailed, match="give the hub's user access"):
        adapter.find("invoice", invoice(1).key)


def test_a_lost_ledger_is_not_begun_again(folder) -> None:
    state = MemoryState()
    first = open_adapter(Beancount, {"folder": folder}, state=state)
    assert first.check().ok
    post(first, invoice(1))
    folder.rename(folder.with_name("unmounted"))
    again = open_adapter(Beancount, {"folder": folder}, state=state)
    assert "no longer" in again.check().problems[0]
    for call in (lambda: post(again, invoice(2)), lambda: again.find("invoice", invoice(1).key)):
        with pytest.raises(Transient, match="no longer"):
            call()
    assert not folder.exists()
    folder.with_name("unmounted").rename(folder)
    assert again.check().ok
    assert again.find("invoice", invoice(1).key) is not None


def test_check_creates_nothing_and_names_a_wrong_folder(folder, tmp_path) -> None:
    assert books(folder).check().ok
    assert not folder.exists()
    (tmp_path / "file").write_text("")
    assert "name a folder" in books(tmp_path / "file").check().problems[0]


def push_all(folder: str) -> list[str]:
    adapter = books(folder)
    return [result.remote_id for result in batch(adapter, [invoice(number) for number in range(30)])]


def test_processes_share_one_entry_a_key(folder) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = list(pool.map(push_all, [str(folder)] * 8))
    assert len({tuple(answer) for answer in answers}) == 1
    assert set(ledger_keys(folder).values()) == {1}
    assert len(ledger_keys(folder)) == 30


def test_a_killed_process_loses_nothing_that_it_acknowledged(folder) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PUSHER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    acknowledged = [process.stdout.readline().strip() for _ in range(100)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    adapter = books(folder)
    keys = {invoice(number).key: invoice(number) for number in range(len(acknowledged) + 40)}
    whole = [key for key in acknowledged if key in keys]
    assert all(adapter.find("invoice", key) is not None for key in whole)
    batch(adapter, list(keys.values()))
    assert set(ledger_keys(folder).values()) == {1}
    assert ledger_totals(folder)["Assets:Receivable"]["USD"] == Decimal("31.40") * len(ledger_keys(folder))
