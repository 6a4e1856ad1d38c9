"""A plain A6 address label with the typed number as Code 128."""

from hub.sdk.printing import A6, Sheet, address_lines, wrap
from plugins.carriers.manual.mapping import Booked

MARGIN = 16.0


def render_address_label(booked: Booked, position: int) -> bytes:
    """The label of one parcel (1 is the first)."""
    parcel = booked.parcels[position - 1]
    sheet = Sheet(A6, title=parcel.tracking_number)
    width = sheet.width - 2 * MARGIN
    sheet.text(MARGIN, 30, f"{booked.carrier} - {booked.service_name}", 11, width=width - 50)
    sheet.text_right(sheet.width - MARGIN, 30, f"{position} / {len(booked.parcels)}", 12, bold=True)
    sheet.rule(MARGIN, 40, sheet.width - MARGIN, 40)
    sender = address_lines(booked.ship_from, home=booked.ship_to.country)
    sheet.lines(MARGIN, 54, sender[:6], 8, width=width, leading=10)
    y = 140.0
    for index, line in enumerate(address_lines(booked.ship_to)[:9]):
        for part in wrap(line, 14, width, most=2):
            sheet.text(MARGIN, y, part, 14, bold=index == 0)
            y += 17
    sheet.rule(MARGIN, 318, sheet.width - MARGIN, 318)
    sheet.text(MARGIN, 332, ", ".join(booked.order_numbers), 8, width=width)
    sheet.barcode(MARGIN + 8, 340, parcel.tracking_number, width=width - 16, height=46, centred=True)
    sheet.text_centred(sheet.width / 2, 400, parcel.tracking_number, 10, bold=True)
    return sheet.finish()
