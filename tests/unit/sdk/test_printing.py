import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from hub.canonical.party import Address
from hub.sdk.printing import (
    A6,
    Sheet,
    address_lines,
    can_be_barcode,
    is_latin,
    shorten,
    text_width,
    unprintable,
    wrap,
)


def printed(text: str) -> str:
    sheet = Sheet(A6, title="test")
    sheet.text(10, 20, text, 9)
    (page,) = PdfReader(io.BytesIO(sheet.finish())).pages
    return page.extract_text()


@pytest.mark.parametrize(
    "text",
    ["Zoë 100 €", "北京市朝阳区", "臺北市", "東京都 カナ", "서울특별시", "Łukasz Čapek", "Москва", "北京 Beijing 7"],
)
def test_text_of_many_scripts_is_printed_and_can_be_read(text: str) -> None:
    assert printed(text) == text
    assert not unprintable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Őrsi", "Orsi"), ("شارع", "????"), ("gift 🎁", "gift ?"), ("a\tb\nc", "a b c"), ("e\u0301", "é")],
)
def test_what_no_font_has_becomes_its_base_letter_or_a_question_mark(text: str, shown: str) -> None:
    assert printed(text) == shown
    assert unprintable(text) is ("?" in shown)


def test_latin_is_what_western_europe_writes() -> None:
    assert is_latin("Zoë Müller")
    assert not is_latin("李")
    assert not is_latin("Łódź")


@given(st.text(max_size=40), st.floats(20, 200))
def test_shortened_text_fits_and_begins_the_same(text: str, width: float) -> None:
    shown = shorten(text, 9, width)
    assert shown == text or (shown.endswith("...") and text.startswith(shown[:-3]))
    assert shown == "..." or text_width(shown, 9) <= width


@given(st.text(st.characters(codec="gbk"), max_size=120), st.floats(30, 200), st.integers(1, 4))
def test_wrapped_lines_fit_and_are_never_too_many(text: str, width: float, most: int) -> None:
    lines = wrap(text, 9, width, most=most)
    assert 1 <= len(lines) <= most
    assert all(text_width(line, 9) <= width or len(line) <= 1 for line in lines)


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=20))
def test_nothing_is_lost_when_there_is_room(words: list[str]) -> None:
    text = " ".join(words)
    assert " ".join(wrap(text, 9, 60, most=99)).split() == words
    assert "".join(wrap(text.replace(" ", ""), 9, 60, most=99)) == "".join(words)


def test_equal_calls_give_equal_bytes() -> None:
    def page() -> bytes:
        sheet = Sheet(A6, title="same")
        sheet.text(10, 20, "李 Łódź", 9, bold=True)
        sheet.qr(10, 30, "https://t.example/1", 40)
        assert sheet.barcode(10, 80, "CP123", width=100, height=20)
        return sheet.finish()

    assert page() == page()


def test_code_128_holds_printable_ascii_only() -> None:
    sheet = Sheet(A6, title="test")
    before = len(sheet.finish())
    assert can_be_barcode("#1001-A")
    for value in ("", "订单1", "a\nb"):
        other = Sheet(A6, title="test")
        assert not other.barcode(10, 10, value, width=100, height=20)
        assert len(other.finish()) == before


def test_an_address_is_printed_without_repeats_and_its_country_only_abroad() -> None:
    address = Address(
        name="Ada Example", company="Ada Example", lines=("1 Sample Street", " "), city="Newark", region="New Jersey",
        region_code="NJ", postal_code="07101", country="US",
    )  # fmt: skip
    assert address_lines(address, home="US") == ["Ada Example", "1 Sample Street", "Newark NJ 07101"]
    assert address_lines(address, home="CA")[-1] == "US"
    assert address_lines(Address(name="A", country_raw="Ruritania")) == ["A", "Ruritania"]
