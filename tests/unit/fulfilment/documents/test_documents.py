import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from hub.canonical.party import Address
from hub.fulfilment.documents.packing_slip import PackingSlip, SlipLine, render_packing_slip
from hub.fulfilment.documents.pdf import paginate, quantity_text
from hub.fulfilment.documents.pick_list import PickLine, PickList, PickOrder, natural, picks, render_pick_list

EAST = Address(name="Warehouse East", lines=("1 Dock Road",), city="Newark", postal_code="07101", country="US")
ADA = Address(name="Ada Example", lines=("1 Sample Street",), city="New York", postal_code="10001", country="US")


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def slip_line(number: int = 1, quantity: str = "2", name: str = "Enamel mug") -> SlipLine:
    return SlipLine(f"SKU-{number}", f"{name} {number}", Decimal(quantity), ordered=Decimal(9))


SLIP = PackingSlip(
    order_number="#1001", shipment_number="S-1001-1", ship_from=EAST, ship_to=ADA, lines=(slip_line(),),
    ordered_on=date(2026, 3, 2), carrier="Cedar", service="Ground", tracking_number="CP1",
)  # fmt: skip


def test_a_slip_says_what_is_in_the_box_for_whom_and_from_where() -> None:
    (page,) = pages(render_packing_slip(SLIP))
    wanted = (
        "Packing slip", "#1001", "S-1001-1", "2026-03-02", "Cedar Ground", "CP1", "Ada Example", "1 Sample Street",
        "10001", "Warehouse East", "1 Dock Road", "SKU-1", "Enamel mug 1", "1/1",
    )  # fmt: skip
    assert [one for one in wanted if one not in page] == []
    assert " of " not in page


def test_a_slip_tells_gift_notes_boxes_and_engravings() -> None:
    noted = replace(
        SLIP, parcel=2, parcels=3, gift_message="Happy birthday 小明", notes=("Returns within 30 days",),
        lines=(replace(slip_line(), note="engraving: 福"),),
    )  # fmt: skip
    (page,) = pages(render_packing_slip(noted))
    for wanted in ("2 of 3", "Gift message: Happy birthday 小明", "Returns within 30 days", "engraving: 福"):
        assert wanted in page


def test_many_lines_go_over_numbered_pages_and_none_is_lost() -> None:
    lines = tuple(
        slip_line(number, name="Enamel mug with a rather long description that takes two lines") for number in range(90)
    )
    found = pages(render_packing_slip(replace(SLIP, lines=lines, gift_message="Last words")))
    assert len(found) > 2
    assert [f"{number}/{len(found)}" in page for number, page in enumerate(found, start=1)] == [True] * len(found)
    everything = "\n".join(found)
    assert all(f"SKU-{number}\n" in everything or f"SKU-{number} " in everything for number in range(90))
    assert "Last words" in found[-1]
    assert all("#1001" in page for page in found)


@pytest.mark.parametrize(("size", "millimetres"), [("A4", (210, 297)), ("letter", (216, 279))])
def test_slips_come_in_the_paper_of_the_place(size: str, millimetres: tuple[int, int]) -> None:
    pdf = render_packing_slip(replace(SLIP, page_size="letter" if size == "letter" else "A4"))
    box = PdfReader(io.BytesIO(pdf)).pages[0].mediabox
    assert (round(float(box.width) / 72 * 25.4), round(float(box.height) / 72 * 25.4)) == millimetres


def test_equal_slips_give_equal_bytes() -> None:
    assert render_packing_slip(SLIP) == render_packing_slip(replace(SLIP))
    assert render_packing_slip(SLIP) != render_packing_slip(replace(SLIP, tracking_number="CP2"))


def test_an_order_number_that_no_barcode_holds_is_still_printed() -> None:
    (page,) = pages(render_packing_slip(replace(SLIP, order_number="订单7")))
    assert "订单7" in page


def pick_line(sku: str, place: str | None, quantity: str = "1") -> PickLine:
    return PickLine(sku, f"Item {sku}", Decimal(quantity), bin=place)


def pick_order(number: int, *lines: PickLine) -> PickOrder:
    return PickOrder(f"#{number}", f"#{number}-F1", lines, service="GROUND")


PICK = PickList(
    number="PL-7",
    location="EAST",
    orders=(
        pick_order(1002, pick_line("B", "A-10"), pick_line("A", None)),
        pick_order(1001, pick_line("B", "A-2", "3"), pick_line("A", "A-10", "0.250")),
    ),
    created_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


def test_picks_are_in_walking_order() -> None:
    walk = [(line.bin, line.sku, order.order_number) for order, line in picks(PICK)]
    assert walk == [("A-2", "B", "#1001"), ("A-10", "A", "#1001"), ("A-10", "B", "#1002"), (None, "A", "#1002")]


def test_a_pick_list_has_the_walk_and_a_card_for_each_order() -> None:
    walk, cards = pages(render_pick_list(PICK))
    for wanted in ("PL-7 at EAST", "2 orders, 4 lines", "2026-03-02 09:00+00:00", "A-10", "0.25", "1/2"):
        assert wanted in walk
    assert walk.index("A-2") < walk.index("A-10")
    for wanted in ("#1001", "#1001-F1", "#1002", "GROUND", "2 lines, 3.25 units", "2/2"):
        assert wanted in cards


def test_many_orders_keep_counting_pages() -> None:
    orders = tuple(pick_order(number, *(pick_line(f"S{at}", f"B-{at}") for at in range(5))) for number in range(1, 41))
    found = pages(render_pick_list(replace(PICK, orders=orders)))
    assert [f"{number}/{len(found)}" in page for number, page in enumerate(found, start=1)] == [True] * len(found)
    assert all(f"#{number}-F1" in "\n".join(found[-5:]) for number in range(1, 41))


def test_an_empty_list_is_one_page() -> None:
    (page,) = pages(render_pick_list(replace(PICK, orders=())))
    assert "0 orders, 0 lines" in page
    assert "1/1" in page


def test_equal_lists_give_equal_bytes() -> None:
    assert render_pick_list(PICK) == render_pick_list(replace(PICK))


def test_natural_order_counts() -> None:
    assert sorted(["a-10", "A-2", "b", "", "A-2-1"], key=natural) == ["", "A-2", "A-2-1", "a-10", "b"]


@pytest.mark.parametrize(
    ("text", "shown"), [("2.000", "2"), ("0.250", "0.25"), ("10", "10"), ("1E+2", "100"), ("0", "0")]
)
def test_quantities_have_no_needless_zeros(text: str, shown: str) -> None:
    assert quantity_text(Decimal(text)) == shown


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(20, 200), st.integers(20, 200))
def test_pages_hold_everything_once_and_do_not_overflow(heights: list[int], first: int, other: int) -> None:
    found = paginate(heights, first, other)
    assert [index for page in found for index in page] == list(range(len(heights)))
    for number, page in enumerate(found):
        room = first if number == 0 else other
        assert len(page) <= 1 or sum(heights[index] for index in page) <= room
