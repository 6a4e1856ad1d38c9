"""The plugin's own reader, and the repair of an end that a crash has torn."""

from decimal import Decimal

import pytest

from hub.sdk.testing.builders import invoice, payment
from plugins.erp.beancount.mapping import entry_of
from plugins.erp.beancount.reader import Posting, complete_length, headers, postings, read_entry, repaired
from plugins.erp.beancount.settings import BeancountSettings

SETTINGS = BeancountSettings.model_validate({"folder": "ledger"})
FIRST, SECOND = (entry_of(document, SETTINGS)["text"].encode() for document in (invoice(1), payment(2)))
HUMAN = b'2026-03-05 * "Landlord" "Rent"\n  Assets:Bank  -900.00 USD\n  Expenses:Rent  900.00 USD\n'


def test_a_torn_entry_is_a_comment_whatever_byte_it_was_torn_at() -> None:
    for cut in range(1, len(SECOND) - 1):
        good = repaired(FIRST + SECOND[:cut])
        assert good.startswith(FIRST), cut
        assert [link for link, _ in headers(good)] == [link for link, _ in headers(FIRST)], cut
        tail = good[len(FIRST) :].decode()
        assert all(line.startswith("; ") for line in tail.splitlines() if line), cut
        assert complete_length(good) == len(good), cut
        assert repaired(good) == good, cut


def test_a_torn_batch_keeps_its_whole_entries() -> None:
    good = repaired(FIRST + SECOND + FIRST[:50])
    assert len(list(headers(good))) == 2


@pytest.mark.parametrize("data", [b"", FIRST, FIRST + SECOND, HUMAN + b"\n" + FIRST])
def test_a_good_end_is_left_alone(data) -> None:
    assert repaired(data) == data


@pytest.mark.parametrize(
    "human", [HUMAN, HUMAN.rstrip(b"\n"), b"2026-03-05 open Assets:Bank", b'include "more.beancount"\n']
)
def test_what_a_person_wrote_is_never_touched(human) -> None:
    good = repaired(FIRST + human)
    assert good == FIRST + human.rstrip(b"\n") + b"\n\n"


@pytest.mark.parametrize("zeros", [1, 4096])
def test_blocks_that_were_never_filled_go(zeros) -> None:
    assert repaired(FIRST + b"\0" * zeros) == FIRST
    good = repaired(FIRST + b"\0" * zeros + SECOND)
    assert b"\0" not in good
    assert [link for link, _ in headers(good)] == [link for link, _ in headers(FIRST)]


def test_links_in_texts_and_postings_are_not_entries() -> None:
    data = b'2026-03-02 * "x ^HUB-fake" "y" ^other\n  note: "^HUB-fake"\n  Assets:A  1 USD\n  Assets:B  -1 USD\n\n'
    assert list(headers(data)) == []


def test_an_entry_is_read_with_its_texts() -> None:
    document = invoice().model_copy(update={"number": 'No. "7" \\ 王'})
    entry = read_entry(entry_of(document, SETTINGS)["text"].encode() + SECOND)
    assert entry.metadata["number"] == 'No. "7" \\ 王'
    assert entry.metadata["total"] == "31.40 USD"
    assert entry.postings[0] == Posting("Assets:Receivable", Decimal("31.40"), "USD")


def test_no_entry_is_an_error() -> None:
    with pytest.raises(ValueError, match="no entry"):
        read_entry(HUMAN)


def test_postings_of_people_count_too() -> None:
    assert [posting.account for posting in postings(HUMAN.decode())] == ["Assets:Bank", "Expenses:Rent"]
