"""The A6 label as PDF: address, Code 128 of the tracking number, QR code; equal shipments give equal bytes."""

from hub.sdk.printing import A6, Sheet, address_lines, is_latin, text_width, unprintable, wrap
from plugins.carriers.rate_card.mapping import Bought

MARGIN = 14.0
CODE_HEIGHT = 62.0
QR_SIDE = 64.0
BAND = 44.0


def kilograms(grams: int) -> str:
    """Weight as printed, exact to the gram."""
    return f"{grams // 1000}.{grams % 1000:03d} kg"


def grouped(number: str) -> str:
    """A tracking number for human eyes: groups of four from the right."""
    head = len(number) % 4
    groups = [number[:head]] if head else []
    groups += [number[at : at + 4] for at in range(head, len(number), 4)]
    return " ".join(groups)


def doubtful(bought: Bought) -> bool:
    """Whether the fonts lack a character of an address; a label printer without a named font has Latin letters only."""
    lines = address_lines(bought.ship_to) + address_lines(bought.ship_from)
    if bought.label_format == "zpl":
        return bought.zpl_font is None and not all(is_latin(line) for line in lines)
    return any(unprintable(line) for line in lines)


def render_pdf(bought: Bought, position: int) -> bytes:
    """The label of one parcel (1 is the first)."""
    parcel = bought.parcels[position - 1]
    sheet = Sheet(A6, title=parcel.tracking_number)
    right = sheet.width - MARGIN
    sheet.frame(6, 6, sheet.width - 12, sheet.height - 12)
    _header(sheet, bought, position, right)
    below = _addresses(sheet, bought, right)
    _details(sheet, bought, position, below, right)
    _code(sheet, parcel.tracking_number, right)
    if bought.voided:
        sheet.text_centred(sheet.width / 2, sheet.height / 2, "VOID", 72, bold=True)
    return sheet.finish()


def _header(sheet: Sheet, bought: Bought, position: int, right: float) -> None:
    of = f"{position} / {len(bought.parcels)}"
    room = right - MARGIN - text_width(of, 16, bold=True) - 8
    sheet.text(MARGIN, 24, bought.carrier, 11, width=room)
    sheet.text(MARGIN, 42, bought.service_name, 16, bold=True, width=room)
    sheet.text_right(right, 42, of, 16, bold=True)
    sheet.rule(6, 6 + BAND, sheet.width - 6, 6 + BAND)


def _addresses(sheet: Sheet, bought: Bought, right: float) -> float:
    width = right - MARGIN
    sheet.text(MARGIN, 63, "FROM", 6)
    sheet.lines(
        MARGIN + 26,
        63,
        address_lines(bought.ship_from, home=bought.ship_to.country)[:5],
        7,
        width=width - 26,
        leading=8.5,
    )
    sheet.rule(6, 106, sheet.width - 6, 106)
    sheet.text(MARGIN, 119, "TO", 6)
    lines = [part for line in address_lines(bought.ship_to) for part in wrap(line, 12, width - 26, most=2)]
    leading = 15.0 if len(lines) <= 7 else 105.0 / len(lines)
    size = 12.0 if len(lines) <= 7 else max(6.0, leading * 0.8)
    y = 121.0
    for index, line in enumerate(lines):
        sheet.text(MARGIN + 26, y, line, size, bold=index == 0, width=width - 26)
        y += leading
    sheet.rule(6, 230, sheet.width - 6, 230)
    return 230.0


def _details(sheet: Sheet, bought: Bought, position: int, top: float, right: float) -> None:
    parcel = bought.parcels[position - 1]
    sheet.qr(right - QR_SIDE, top + 10, parcel.tracking_url or parcel.tracking_number, QR_SIDE)
    room = right - MARGIN - QR_SIDE - 12
    facts = [
        ("Weight", kilograms(parcel.grams)),
        ("Ship date", bought.ship_on),
        ("Service", bought.service),
        ("Zone", bought.zone),
        ("Order", ", ".join(bought.order_numbers)),
        ("Ref", parcel.reference),
    ]
    y = top + 16
    for name, value in facts:
        if value:
            sheet.text(MARGIN, y, name, 7)
            sheet.text(MARGIN + 42, y, value, 8, bold=True, width=room - 42)
            y += 11
    sheet.rule(6, top + 84, sheet.width - 6, top + 84)


def _code(sheet: Sheet, number: str, right: float) -> None:
    top = 326.0
    sheet.barcode(MARGIN + 6, top, number, width=right - MARGIN - 12, height=CODE_HEIGHT, centred=True)
    sheet.text_centred(sheet.width / 2, top + CODE_HEIGHT + 14, grouped(number), 11, bold=True)
