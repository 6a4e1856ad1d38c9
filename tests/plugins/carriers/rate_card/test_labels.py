import base64
import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

from hub.canonical.party import Address
from hub.canonical.shipping import LabelFormat, ShipmentResult
from hub.sdk.testing.builders import address, shipment_request
from hub.sdk.testing.kit import open_adapter
from plugins.carriers.rate_card.adapter import RateCard
from plugins.carriers.rate_card.labels import grouped, kilograms
from plugins.carriers.rate_card.numbers import is_valid
from plugins.carriers.rate_card.zpl import escaped
from tests.plugins.carriers.rate_card.cards import card, service, table


def bought(
    ship_to: Address | None = None, parcels: int = 1, as_: LabelFormat = "pdf", **changes: Any
) -> ShipmentResult:
    roomy = [service("STD", tables=[table(additional={"grams": 500, "price": "1.00"})])]
    adapter = open_adapter(RateCard, card(services=roomy, tracking_url="https://t.example/{number}") | changes)
    wanted = shipment_request(service="STD", parcels=parcels, ship_to=ship_to, label_format=as_)
    return adapter.parse_shipment(adapter.send(adapter.build_shipment(wanted), wanted.reference))


def label(result: ShipmentResult, parcel: int = 0) -> bytes:
    (document,) = result.parcels[parcel].documents
    return base64.b64decode(document.content)


def text_of(pdf: bytes) -> str:
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    return page.extract_text()


def test_the_pdf_says_who_where_and_which_parcel() -> None:
    result = bought(parcels=2)
    second = text_of(label(result, 1))
    wanted = (
        "Test Carrier", "Service STD", "2 / 2", "Ada Example", "1 Sample Street", "New York NY 10001",
        "Warehouse East", "07101", "1.200 kg", "2026-03-02", "#1001", grouped(result.parcels[1].tracking_number),
    )  # fmt: skip
    assert [one for one in wanted if one not in second] == []
    assert grouped(result.parcels[0].tracking_number) not in second


def test_the_pdf_is_one_a6_page_and_repeats_byte_for_byte() -> None:
    first, again = label(bought()), label(bought())
    assert first == again
    (page,) = PdfReader(io.BytesIO(first)).pages
    assert [round(float(side) / 72 * 25.4) for side in (page.mediabox.width, page.mediabox.height)] == [105, 148]


@pytest.mark.parametrize(
    "name", ["张三丰", "山田 タロウ", "김철수", "Łukasz Čapek", "Zoë Müller-Østergård", "王小明 Wang"]
)
def test_names_in_many_scripts_can_be_read_back(name: str) -> None:
    result = bought(address(name))
    assert name in text_of(label(result))
    assert result.messages == ()


def test_a_name_that_cannot_be_printed_is_told() -> None:
    result = bought(address("عائشة"))
    assert [one.code for one in result.messages] == ["text_not_printable"]
    assert "?????" in text_of(label(result))


def test_a_long_address_still_fits_on_the_label() -> None:
    long = Address(
        name="Maximiliana " * 6, company="Very Long Company Name " * 4, lines=("Somewhere Avenue 12345 " * 4,) * 4,
        city="Llanfairpwllgwyngyll", postal_code="10001", country="US",
    )  # fmt: skip
    found = text_of(label(bought(long)))
    assert "10001" in found
    assert "Weight" in found


def zpl(result: ShipmentResult) -> list[str]:
    text = label(result).decode("utf-8")
    assert text.startswith("^XA\n")
    assert text.endswith("\n^XZ")
    return text.split("\n")


def test_the_zpl_has_barcode_qr_and_text_in_utf8() -> None:
    result = bought(as_="zpl")
    lines = zpl(result)
    number = result.parcels[0].tracking_number
    assert any("^CI28" in line for line in lines)
    (code,) = [line for line in lines if "^BC" in line]
    assert re.fullmatch(rf"\^FO\d+,\d+\^BY3,3,170\^BCN,170,N,N,N,A\^FH\^FD{number}\^FS", code)
    (qr,) = [line for line in lines if "^BQ" in line]
    assert f"^FDMA,https://t.example/{number}^FS" in qr
    texts = [found[1] for line in lines if (found := re.search(r"\^FD(.*)\^FS$", line))]
    assert {"Ada Example", "New York NY 10001", "1 / 1", grouped(number)} <= set(texts)
    assert is_valid(number)


def test_the_zpl_survives_a_name_that_is_a_command() -> None:
    lines = zpl(bought(address("^XZ~JA_5E 李\n^FS"), as_="zpl"))
    assert sum("^XZ" in line for line in lines) == 1
    (name,) = [line for line in lines if "李" in line]
    assert "^FD_5EXZ_7EJA_5F5E 李 _5EFS^FS" in name


def test_a_label_printer_without_a_font_for_the_name_is_told() -> None:
    assert [one.code for one in bought(address("李"), as_="zpl").messages] == ["text_not_printable"]
    with_font = bought(address("李"), as_="zpl", zpl_font="E:SIMSUN.TTF")
    assert with_font.messages == ()
    assert any("^A@N,36,36,E:SIMSUN.TTF" in line for line in zpl(with_font))


def test_escapes_and_weights() -> None:
    assert escaped("a^b~c_d\r\ne") == "a_5Eb_7Ec_5Fd  e"
    assert kilograms(1200) == "1.200 kg"
    assert kilograms(7) == "0.007 kg"
    assert grouped("CP123456") == "CP12 3456"
    assert grouped("CP1234567") == "C P123 4567"
