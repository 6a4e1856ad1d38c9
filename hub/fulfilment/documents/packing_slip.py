"""The packing slip that goes into the box: what is in it, for whom, never a price."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hub.canonical.party import Address
from hub.fulfilment.documents.pdf import (
    MARGIN,
    SIZES,
    Column,
    PageSize,
    Row,
    draw_pages,
    frame_of,
    lay_out,
    quantity_text,
)
from hub.sdk.printing import Sheet, address_lines, wrap

COLUMNS = (
    Column("SKU", 22, bold=True),
    Column("Item", 48),
    Column("Ordered", 12, right=True),
    Column("In this box", 14, right=True, bold=True),
)
TOP, AGAIN = 226.0, 66.0
NOTE_LEADING = 12.0


@dataclass(frozen=True, slots=True)
class SlipLine:
    """A quantity of one order line in the box; `ordered` None where it is not to be shown."""

    sku: str
    name: str
    quantity: Decimal
    ordered: Decimal | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PackingSlip:
    """Everything on a packing slip. `parcel` of `parcels` is printed where there are several boxes."""

    order_number: str
    shipment_number: str
    ship_from: Address
    ship_to: Address
    lines: tuple[SlipLine, ...]
    ordered_on: date | None = None
    carrier: str | None = None
    service: str | None = None
    tracking_number: str | None = None
    parcel: int = 1
    parcels: int = 1
    gift_message: str | None = None
    notes: tuple[str, ...] = ()
    page_size: PageSize = "A4"


def render_packing_slip(slip: PackingSlip) -> bytes:
    """The slip as PDF; equal slips give equal bytes. Lines are printed in the order given."""
    sheet = Sheet(SIZES[slip.page_size], title=f"Packing slip {slip.shipment_number}")
    frame = frame_of(COLUMNS, sheet.width)
    rows: list[Row] = [
        lay_out(
            frame,
            (
                line.sku,
                f"{line.name} ({line.note})" if line.note else line.name,
                "" if line.ordered is None else quantity_text(line.ordered),
                quantity_text(line.quantity),
            ),
        )
        for line in slip.lines
    ]
    notes = _notes(slip, sheet.width)

    def heading(page: int) -> None:
        _first_heading(sheet, slip) if page == 1 else _next_heading(sheet, slip)

    tail = len(notes) * NOTE_LEADING + 24 if notes else 0.0
    foot = f"Order {slip.order_number} - shipment {slip.shipment_number}"
    y, _ = draw_pages(sheet, frame, rows, top=TOP, again=AGAIN, foot=foot, heading=heading, tail=tail)
    y += 22
    for line in notes:
        sheet.text(MARGIN, y, line, 9)
        y += NOTE_LEADING
    return sheet.finish()


def _notes(slip: PackingSlip, page_width: float) -> list[str]:
    texts = [f"Gift message: {slip.gift_message}"] if slip.gift_message else []
    texts += slip.notes
    return [line for text in texts for line in wrap(text, 9, page_width - 2 * MARGIN, most=6)]


def _first_heading(sheet: Sheet, slip: PackingSlip) -> None:
    right = sheet.width - MARGIN
    sheet.text(MARGIN, 56, "Packing slip", 20, bold=True)
    sheet.barcode(right - 190, 36, slip.order_number, width=190, height=34, thickest=1.1)
    sheet.text(right - 190, 82, slip.order_number, 10, bold=True, width=190)
    facts = [
        ("Order", slip.order_number),
        ("Ordered", slip.ordered_on.isoformat() if slip.ordered_on else None),
        ("Shipment", slip.shipment_number),
        ("Box", f"{slip.parcel} of {slip.parcels}" if slip.parcels > 1 else None),
        ("Carrier", " ".join(part for part in (slip.carrier, slip.service) if part)),
        ("Tracking", slip.tracking_number),
    ]
    y = 104.0
    for name, value in facts:
        if value:
            sheet.text(right - 190, y, name, 8)
            sheet.text(right - 142, y, value, 9, bold=True, width=142)
            y += 14
    sheet.text(MARGIN, 78, "From", 8)
    sheet.lines(MARGIN, 90, address_lines(slip.ship_from, home=slip.ship_to.country)[:4], 8, width=280, leading=10)
    sheet.text(MARGIN, 138, "Ship to", 8)
    sheet.lines(MARGIN, 152, address_lines(slip.ship_to)[:6], 10, width=280, leading=12.5)


def _next_heading(sheet: Sheet, slip: PackingSlip) -> None:
    sheet.text(MARGIN, 50, f"Packing slip {slip.shipment_number}", 12, bold=True, width=260)
    sheet.text_right(sheet.width - MARGIN, 50, f"Order {slip.order_number}", 10)
