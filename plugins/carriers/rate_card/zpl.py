"""The same label as ZPL II for a printer of 203 dpi, 4 x 6 inches (812 x 1218 dots).

`^CI28` makes the text UTF-8; `^FH` lets `_5E`, `_7E` and `_5F` stand for caret, tilde and underscore, which would
otherwise be commands; line breaks become blanks. Source: Zebra's ZPL II programming guide (^BC, ^BQ, ^CI, ^FH).
"""

from collections.abc import Callable, Iterator

from hub.sdk.printing import address_lines, can_be_barcode
from plugins.carriers.rate_card.labels import grouped, kilograms
from plugins.carriers.rate_card.mapping import Bought

Line = Callable[[int, int, int, str], str]

WIDTH, HEIGHT = 812, 1218
ESCAPES = str.maketrans({"^": "_5E", "~": "_7E", "_": "_5F"})


def escaped(text: str) -> str:
    """Text that is safe inside `^FH^FD`: no command character, no line break."""
    return "".join(" " if ord(one) < ord(" ") or one == "\x7f" else one for one in text).translate(ESCAPES)


def render_zpl(bought: Bought, position: int) -> bytes:
    """The label of one parcel (1 is the first) as UTF-8."""
    parcel = bought.parcels[position - 1]
    font = f"^A@N,{{0}},{{0}},{bought.zpl_font}" if bought.zpl_font else "^A0N,{0},{0}"

    def line(x: int, y: int, size: int, text: str) -> str:
        return f"^FO{x},{y}{font.format(size)}^FH^FD{escaped(text)}^FS"

    fields = [
        "^XA",
        f"^CI28^PW{WIDTH}^LL{HEIGHT}^LH0,0",
        line(30, 30, 32, bought.carrier),
        line(30, 72, 48, bought.service_name),
        line(640, 72, 48, f"{position} / {len(bought.parcels)}"),
        "^FO20,135^GB772,2,2^FS",
        *_addresses(bought, line),
        line(30, 700, 28, f"Weight {kilograms(parcel.grams)}"),
        line(30, 740, 28, f"Ship date {bought.ship_on}"),
        line(30, 780, 28, f"Order {', '.join(bought.order_numbers)[:40]}"),
        line(30, 820, 22, f"Ref {parcel.reference}"),
        f"^FO600,690^BQN,2,5^FH^FDMA,{escaped(parcel.tracking_url or parcel.tracking_number)}^FS",
        "^FO20,880^GB772,2,2^FS",
    ]
    if can_be_barcode(parcel.tracking_number):
        fields.append(f"^FO100,920^BY3,3,170^BCN,170,N,N,N,A^FH^FD{escaped(parcel.tracking_number)}^FS")
    fields.append(line(100, 1120, 40, grouped(parcel.tracking_number)))
    if bought.voided:
        fields.append(line(200, 500, 200, "VOID"))
    fields.append("^XZ")
    return "\n".join(fields).encode()


def _addresses(bought: Bought, line: Line) -> Iterator[str]:
    yield line(30, 150, 22, "FROM")
    for index, text in enumerate(address_lines(bought.ship_from, home=bought.ship_to.country)[:6]):
        yield line(130, 150 + index * 28, 24, text[:52])
    yield "^FO20,330^GB772,2,2^FS"
    yield line(30, 350, 22, "TO")
    for index, text in enumerate(address_lines(bought.ship_to)[:8]):
        yield line(130, 345 + index * 40, 36, text[:38])
    yield "^FO20,675^GB772,2,2^FS"
