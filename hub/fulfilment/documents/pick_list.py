"""The pick list of one walk through a warehouse: several orders, sorted by where the goods lie."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hub.fulfilment.documents.pdf import (
    FOOT,
    MARGIN,
    SIZES,
    Column,
    PageSize,
    draw_foot,
    draw_pages,
    frame_of,
    lay_out,
    paginate,
    quantity_text,
)
from hub.sdk.printing import Sheet

COLUMNS = (
    Column("Bin", 14, bold=True),
    Column("SKU", 20, bold=True),
    Column("Item", 36),
    Column("Order", 18),
    Column("Pick", 9, right=True, bold=True),
    Column("Done", 9, right=True),
)
TOP, AGAIN = 96.0, 66.0
CARD_HEIGHT = 62.0
BOX = "[   ]"
_PIECES = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class PickLine:
    """A quantity of one SKU for one order; `bin` None where the place is not known."""

    sku: str
    name: str
    quantity: Decimal
    bin: str | None = None
    lot: str | None = None


@dataclass(frozen=True, slots=True)
class PickOrder:
    """One fulfilment order on the list."""

    order_number: str
    fulfilment_number: str
    lines: tuple[PickLine, ...]
    service: str | None = None
    ship_by: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PickList:
    """Everything on a pick list; times are printed as given, with their offset."""

    number: str
    location: str
    orders: tuple[PickOrder, ...]
    created_at: datetime | None = None
    page_size: PageSize = "A4"


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key in which A-2 comes before A-10."""
    pieces = [piece for piece in _PIECES.split(text.casefold()) if piece]
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces)


def picks(pick: PickList) -> list[tuple[PickOrder, PickLine]]:
    """All lines in walking order: by bin (unknown ones last), then SKU, then order number."""
    lines = [(order, line) for order in pick.orders for line in order.lines]
    return sorted(
        lines,
        key=lambda pair: (
            pair[1].bin is None,
            natural(pair[1].bin or ""),
            natural(pair[1].sku),
            natural(pair[0].order_number),
            natural(pair[0].fulfilment_number),
        ),
    )


def render_pick_list(pick: PickList) -> bytes:
    """The list as PDF: the walk, then one card an order with the barcode of its number; equal lists, equal bytes."""
    sheet = Sheet(SIZES[pick.page_size], title=f"Pick list {pick.number}")
    frame = frame_of(COLUMNS, sheet.width)
    rows = [
        lay_out(
            frame,
            (
                line.bin or "-",
                line.sku,
                f"{line.name} (lot {line.lot})" if line.lot else line.name,
                order.order_number,
                quantity_text(line.quantity),
                BOX,
            ),
        )
        for order, line in picks(pick)
    ]
    room = sheet.height - FOOT - AGAIN
    cards = paginate([CARD_HEIGHT] * len(pick.orders), room, room) if pick.orders else []
    _, pages = draw_pages(
        sheet, frame, rows, top=TOP, again=AGAIN, foot=_foot(pick), heading=lambda page: _heading(sheet, pick, page),
        more_pages=len(cards),
    )  # fmt: skip
    for at, indexes in enumerate(cards):
        sheet.next_page()
        sheet.text(MARGIN, 50, f"Orders of pick list {pick.number}", 12, bold=True, width=380)
        for place, index in enumerate(indexes):
            _card(sheet, pick.orders[index], AGAIN + place * CARD_HEIGHT)
        draw_foot(sheet, _foot(pick), page=pages - len(cards) + at + 1, pages=pages)
    return sheet.finish()


def _foot(pick: PickList) -> str:
    return f"Pick list {pick.number} - {pick.location}"


def _heading(sheet: Sheet, pick: PickList, page: int) -> None:
    right = sheet.width - MARGIN
    if page > 1:
        sheet.text(MARGIN, 50, f"Pick list {pick.number}", 12, bold=True, width=300)
        sheet.text_right(right, 50, pick.location, 10)
        return
    sheet.text(MARGIN, 54, "Pick list", 20, bold=True)
    sheet.text(MARGIN, 74, f"{pick.number} at {pick.location}", 11, bold=True, width=300)
    when = pick.created_at.isoformat(sep=" ", timespec="minutes") if pick.created_at else ""
    summary = f"{len(pick.orders)} orders, {sum(len(order.lines) for order in pick.orders)} lines"
    sheet.text(MARGIN, 88, f"{summary}   {when}", 8, width=300)
    sheet.barcode(right - 170, 36, pick.number, width=170, height=36, thickest=1.1)


def _card(sheet: Sheet, order: PickOrder, y: float) -> None:
    right = sheet.width - MARGIN
    sheet.text(MARGIN, y + 16, order.order_number, 12, bold=True, width=230)
    sheet.text(MARGIN, y + 30, order.fulfilment_number, 8, width=230)
    due = f"ship by {order.ship_by.isoformat(sep=' ', timespec='minutes')}" if order.ship_by else ""
    units = quantity_text(sum((line.quantity for line in order.lines), Decimal(0)))
    facts = [order.service or "", due, f"{len(order.lines)} lines, {units} units", order.note or ""]
    sheet.text(MARGIN, y + 44, "   ".join(part for part in facts if part), 8, width=sheet.width - 2 * MARGIN - 200)
    sheet.barcode(right - 190, y + 8, order.order_number, width=190, height=36, thickest=1.1)
    sheet.rule(MARGIN, y + CARD_HEIGHT - 6, right, y + CARD_HEIGHT - 6, thickness=0.25)
