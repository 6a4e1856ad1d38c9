import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Limits, column_index, column_letters
from hub.sdk.readers.countries import country_code
from hub.sdk.readers.encodings import decode
from hub.sdk.readers.tables import TableOptions, read_table

CHINESE = "订单号,收件人,数量\nA1,张伟,2\nA2,王芳,3\n"
GERMAN = "Bestellnummer;Name;Stadt\n1;Müller;Köln\n2;Jürgen Groß;Düsseldorf\n"


def values(body: bytes | str, **options: object) -> list[tuple[object, ...]]:
    data = body.encode() if isinstance(body, str) else body
    return [row.values for row in read_table(data, TableOptions(**options)).rows]  # type: ignore[arg-type]


def refusal(body: bytes | str, **options: object) -> Malformed:
    with pytest.raises(Malformed) as caught:
        values(body, **options)
    return caught.value


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE), ("utf-16-le", b""), ("utf-16-be", b""), ("gb18030", b""),
    ],
)  # fmt: skip
def test_encodings_are_found_out(encoding: str, mark: bytes) -> None:
    text = CHINESE if encoding == "gb18030" else "Order,Name\n1,Ñandú\n" * 3
    assert decode(mark + text.encode(encoding))[0] == text


def test_only_a_guess_is_told() -> None:
    assert decode(GERMAN.encode("cp1252")) == (GERMAN, "cp1252", True)
    assert decode(GERMAN.encode()) == (GERMAN, "utf-8", False)
    (note,) = read_table(CHINESE.encode("gb18030")).notes
    assert note.code == "encoding_guessed"
    assert read_table(CHINESE.encode("gb18030"), TableOptions(encoding="gb18030")).notes == ()


def test_a_declared_encoding_that_does_not_fit_names_the_row() -> None:
    error = refusal(b"a,b\nc,d\ne,\xff\xfe\n", encoding="utf-8")
    assert (error.code, error.path) == ("encoding", "row 3")
    assert values(codecs.BOM_UTF8 + b"a,b\n", encoding="utf-8") == [("a", "b")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(delimiter: str) -> None:
    rows = [["Order", "Name", "Price"], ["1", "Mug, blue; large", "1,50"], ["2", "Cup | saucer", "2,50"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert values(text) == [tuple(row) for row in rows]


def test_one_column_is_one_column() -> None:
    assert values("sku\nMUG\n") == [("sku",), ("MUG",)]


def test_excel_hint_is_obeyed_and_is_no_row() -> None:
    (first, second) = list(read_table(b"sep=|\r\na|b;c\r\n1|2\r\n").rows)
    assert (first.number, first.values, second.values) == (1, ("a", "b;c"), ("1", "2"))


def test_text_stays_as_it_is_written() -> None:
    assert values('id,n\n007,"=1+1"\n\n" a ","x\ny"\n') == [("id", "n"), ("007", "=1+1"), (), (" a ", "x\ny")]


def test_rows_are_numbered_as_spreadsheets_show_them() -> None:
    rows = list(read_table(b'a,"b\nc"\n\n1,2\n').rows)
    assert [(row.number, row.blank) for row in rows] == [(1, False), (2, True), (3, False)]


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"", "empty", None),
        (b" \r\n", "empty", None),
        (b'a,b\n1,"2\n3,4\n', "csv", "row 2"),
        (b'a,b\n1,2\n"x"y,4\n', "csv", "row 3"),
        (b"a,b\x00\n1,2\n", "binary", None),
        (b"<html><table><tr><td>1</td></tr></table></html>", "unsupported_format", None),
        (b'\xef\xbb\xbf <?xml version="1.0"?><Workbook/>', "unsupported_format", None),
        (b"%PDF-1.7\x00\x01", "binary", None),
    ],
)
def test_what_is_no_table_is_refused(body: bytes, code: str, path: str | None) -> None:
    error = refusal(body, delimiter=",")
    assert (error.code, error.path) == (code, path)


def test_limits_hold() -> None:
    small = Limits(bytes=100, rows=2, columns=3)
    assert refusal(b"a,b\n" * 3, limits=small).code == "too_many_rows"
    assert refusal(b"a,b,c,d\n", limits=small).code == "too_many_columns"
    assert refusal(b"a" * 101, limits=small).code == "too_large"
    assert refusal(b"a" * 200_000).code == "csv"


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8")), min_size=2, max_size=2), min_size=1
    )
)
def test_whatever_is_quoted_comes_back(rows: list[list[str]]) -> None:
    rows = [["head", "head"], *rows]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    assert values(text, encoding="utf-8", delimiter=",") == [tuple(cell or None for cell in row) for row in rows]


@given(st.integers(min_value=0, max_value=18_277))
def test_column_letters_go_there_and_back(index: int) -> None:
    assert column_index(column_letters(index)) == index


def test_columns_have_the_letters_of_spreadsheets() -> None:
    assert [column_letters(index) for index in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
    assert [column_index(text) for text in ("c", "", "A1", "ABCD")] == [2, None, None, None]


def test_countries_are_whole_matches_only() -> None:
    names = ["DE", "de", "DEU", "Germany", "Deutschland", "德国", "UK", "United States", "Viet Nam", "Kosovo", "ＣＮ"]
    assert [country_code(name) for name in names] == ["DE"] * 6 + ["GB", "US", "VN", "XK", "CN"]
    assert [country_code(name) for name in ("", "XX", "Ger", "Germany!", "EU")] == [None] * 5
