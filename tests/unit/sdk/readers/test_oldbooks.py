import base64
import struct
import zlib
from datetime import datetime
from decimal import Decimal

import pytest

from hub.sdk.errors import Malformed
from hub.sdk.readers.tables import read_table

PACKED = (
    b"c-rk)O-NKx6#njeZ*&}VoEe=+0~v&@%mJ%K5!hH+3Ne!w(GP)*Itx*pc)77nmbr=`XjQZkEXcrW(+_3Tu0>$fA_#)9s7<S&poRK6"
    b"=gfODP6ZB>WW4Wj&pqedd(J)Y{=fHfI+z)|TRnq3?0}AWs{}<kIz_3(5dxrc%VO5ay_75$D+(oE8pt9K9+kZ)<}u{)o`Hrt#xtV8"
    b"drHS~5{dLcDzc2&B{3uw$IwJn;TmcDsFJ8cLc4`l2)!*e9}8_3%|)S2R5zoJVLFzm-)7I^BU-JL`N4kgi_KfnY(f~%c^03!q_TBA"
    b"*lG4A`&U>&jZunm(15n422v)=VO-}Wdz283$D=JRk+!z&@puN6H00y>W<`Ln&f0z&arMiqS0MfO#ropk=)E+Q`TEP60Sv=BAxmYH"
    b"ruJqdyPWr%Jt_0lEOzsBkVM<GC?koq&tY4VgDD+2xbG0rj=>=h&~Em2lTJlCqqHta-PpL*$0va77=cAQMwzUnQldR57d|NKDL{?Q"
    b"-u&_^-qjxK6wR=l64|q4Ee8z?XW4>`{ZgU}r2tSb78`}06R&H8uNGQKbttcE58KS%5vg-tO6#bdErQpvbvgWc;zvJsJg6D{5Zgff"
    b"Wb4f7%E>peG1Su8)<gFEjG#d^sH;~P4`WWQ?0x5*(5j#IAg>m%W4G)BvmA5q2^$oemAH4*f~47fm6ddo^aaTv$*?`EUwBsHnfpqo"
    b"-s8waxHT~`(LemDc?zpZX74x3xt34rUZ`NN>`%+{_k?;wvm<5Sn%MH_PRV=gwiKkEVjmx+eI+(@U(iChCv0=hjll;OE?l^9;lhOr"
    b"7ylNN+(5IpZo|HJ7ug>Q{9k8|(!Bed<iEuMr0E%?&&fR)pxnezLGx!7Jj(H<mT2SrFJv61)=l)GOXBD&c>dCtiOPMSB^w6*+!89Z"
    b"{rN)T{LAhC05Rj_=l"
)
XLS = zlib.decompress(base64.b85decode(PACKED))
"""An own small workbook: a header and two rows, the order number merged over both."""
HEADER = 512


def code(body: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        list(read_table(body).rows)
    return caught.value.code


def changed(at: int, value: bytes) -> bytes:
    return XLS[:at] + value + XLS[at + len(value) :]


def record(kind: int, nth: int = 0) -> int:
    """Where the data of a record begins: the stream of this file is in one piece behind the header."""
    (entry,) = (at for at in range(0, len(XLS), 128) if XLS[at : at + 16] == "Workbook".encode("utf-16-le"))
    at = HEADER * (1 + struct.unpack_from("<I", XLS, entry + 116)[0])
    while True:
        found, length = struct.unpack_from("<2H", XLS, at)
        if found == kind:
            if nth == 0:
                return at + 4
            nth -= 1
        at += 4 + length


def test_an_old_workbook_is_read() -> None:
    table = read_table(XLS)
    head, first, second = table.rows
    assert (table.kind, table.sheet) == ("xls", "Orders")
    assert head.values == ("Order No", "Order Date", "SKU", "Qty", "Price")
    when = datetime(2026, 3, 2, 9, 30)
    assert first.values == ("张-1", when, Decimal(1001), Decimal(2), Decimal("12.5"))
    assert second.values == ("张-1", None, "007", Decimal(1), Decimal(8))
    assert second.marks == {0: "merged"}


def test_a_sheet_that_states_an_absurd_size_is_refused_before_memory_is_asked_for() -> None:
    size = record(0x0200)
    assert code(changed(size + 4, struct.pack("<I", 0xFFFFA903))) == "too_many_rows"
    assert code(changed(size, struct.pack("<I", 0xFFFFA903))) == "damaged_workbook"


def test_a_cell_far_away_is_refused() -> None:
    assert code(changed(record(0x0203), struct.pack("<2H", 65_535, 255))) == "too_many_cells"


def test_more_shared_strings_than_bytes_are_damage() -> None:
    assert code(changed(record(0x00FC) + 4, struct.pack("<I", 0x7FFFFFFF))) == "damaged_workbook"


def test_a_chain_of_sectors_that_returns_to_itself_is_damage() -> None:
    (table,) = struct.unpack_from("<I", XLS, 76)
    at = HEADER * (1 + table)
    assert code(changed(at, struct.pack("<I", 0))) == "damaged_workbook"


@pytest.mark.parametrize(
    ("at", "what"), [(40, "directories"), (44, "tables"), (64, "small tables"), (72, "more tables")]
)
def test_counts_that_do_not_fit_the_file_are_damage(at: int, what: str) -> None:
    assert code(changed(at, struct.pack("<I", 0x00FFFFFF))) == "damaged_workbook", what


def test_a_protected_workbook_says_so() -> None:
    at = record(0x0042) - 4
    assert code(changed(at, struct.pack("<3H", 0x002F, 2, 1))) == "password"


@pytest.mark.parametrize("size", [8, 40, 512, 600, 3000])
def test_a_cut_workbook_is_damage(size: int) -> None:
    assert code(XLS[:size]) == "damaged_workbook"
