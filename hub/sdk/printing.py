"""What every printed page needs: text in many scripts, Code 128, QR, and the same bytes each time.

A plugin's labels and the hub's own documents draw on a `Sheet`. Coordinates are PDF points (1/72 inch) from the top
left corner. Nothing here reads a file of the project, the clock or the network; equal calls give equal bytes.
"""

import io
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

import segno
from reportlab.graphics.barcode.code128 import Code128
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from hub.canonical.party import Address

MM = 72 / 25.4
"""Points of a millimetre."""
A6 = (105 * MM, 148 * MM)
A4 = (210 * MM, 297 * MM)
LETTER = (612.0, 792.0)

LATIN, LATIN_BOLD = "Helvetica", "Helvetica-Bold"
EXTENDED = {False: "Vera", True: "VeraBd"}
CHINESE, TRADITIONAL, JAPANESE, KOREAN = "STSong-Light", "MSung-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
CODECS = {CHINESE: "gbk", TRADITIONAL: "big5", JAPANESE: "shift_jis", KOREAN: "cp949"}
"""Which characters each built-in font of the PDF standard surely has: those of its national character set."""

UNPRINTABLE = "?"
ELLIPSIS = "..."


_registering = threading.Lock()


@lru_cache(maxsize=16)
def _ready(font: str) -> str:
    """Register a font on first use, once for all threads: replaced in the middle of a page it would be there twice."""
    with _registering:
        if font not in pdfmetrics.getRegisteredFontNames():
            made = UnicodeCIDFont(font) if font in CODECS else TTFont(font, f"{font}.ttf")
            pdfmetrics.registerFont(made)
    return font


@lru_cache(maxsize=1)
def _extended_characters() -> frozenset[int]:
    return frozenset(pdfmetrics.getFont(_ready(EXTENDED[False])).face.charToGlyph)


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=8192)
def _font_of(character: str, bold: bool, preferred: str) -> str | None:
    """The font that has a character, or None. `preferred` is the national font that the rest of the text asks for."""
    if _fits(character, "cp1252"):
        return LATIN_BOLD if bold else LATIN
    if ord(character) in _extended_characters():
        return _ready(EXTENDED[bold])
    for font in (preferred, *CODECS):
        if _fits(character, CODECS[font]):
            return _ready(font)
    return None


def _national_font(text: str) -> str:
    """Han characters are shared by three languages: kana make a text Japanese, hangul make it Korean."""
    if any("\u3040" <= character <= "\u30ff" for character in text):
        return JAPANESE
    if any("\uac00" <= character <= "\ud7a3" for character in text):
        return KOREAN
    return CHINESE


@lru_cache(maxsize=2048)
def _cleaned(text: str) -> str:
    """One line of composed characters; control characters become blanks."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in composed)


def _substitute(character: str, bold: bool, preferred: str) -> str:
    """What is printed for a character that no font has: its base letter, nothing for a mark, else a question mark."""
    base = unicodedata.normalize("NFKD", character)
    kept = "".join(one for one in base if _font_of(one, bold, preferred) is not None)
    if kept or unicodedata.category(character) in ("Mn", "Cf"):
        return kept
    return UNPRINTABLE


@lru_cache(maxsize=2048)
def _runs(text: str, bold: bool) -> tuple[tuple[str, str], ...]:
    """The text as `(font, part)`; characters without a font are replaced."""
    text = _cleaned(text)
    preferred = _national_font(text)
    written: list[tuple[str, str]] = []
    for character in text:
        known = _font_of(character, bold, preferred) is not None
        shown = character if known else _substitute(character, bold, preferred)
        written.extend((_font_of(one, bold, preferred) or LATIN, one) for one in shown)
    extended = EXTENDED[bold]
    if any(font == extended for font, _ in written):
        written = [_in_one_face(font, one, extended) for font, one in written]
    return tuple((font, "".join(one for _, one in group)) for font, group in groupby(written, key=lambda pair: pair[0]))


def _in_one_face(font: str, character: str, extended: str) -> tuple[str, str]:
    """A line with one Polish letter has all its Latin letters in the face that has that letter."""
    replaced = font in (LATIN, LATIN_BOLD) and ord(character) in _extended_characters()
    return (extended if replaced else font), character


def is_latin(text: str) -> bool:
    """Whether western European letters are enough for the text."""
    return _fits(_cleaned(text), "cp1252")


def unprintable(text: str) -> bool:
    """Whether some character has no font and no base letter, so that people must look at what was printed."""
    text = _cleaned(text)
    preferred = _national_font(text)
    return any(
        _font_of(one, False, preferred) is None and _substitute(one, False, preferred) == UNPRINTABLE for one in text
    )


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width in points as `Sheet.text` would print it."""
    return sum(float(pdfmetrics.stringWidth(part, font, size)) for font, part in _runs(text, bold))


def shorten(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits into the width, ending in dots."""
    if text_width(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle] + ELLIPSIS, size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS


def wrap(text: str, size: float, width: float, *, bold: bool = False, most: int = 4) -> list[str]:
    """At most `most` lines of at most this width, broken at blanks where there are any, else between characters."""
    lines: list[str] = []
    line = ""
    for word in _words(_cleaned(text)):
        if line and text_width((line + word).rstrip(), size, bold=bold) > width:
            lines.append(line.rstrip())
            line = ""
        line += word
        while text_width(line.rstrip(), size, bold=bold) > width and len(line) > 1:
            cut = _longest_head(line, size, width, bold)
            lines.append(line[:cut])
            line = line[cut:]
    if line.strip() or not lines:
        lines.append(line.rstrip())
    if len(lines) > most:
        lines[most - 1 :] = [shorten(" ".join(lines[most - 1 :]), size, width, bold=bold)]
    return lines


def _words(text: str) -> Iterator[str]:
    start = 0
    for index, character in enumerate(text):
        if character == " " and text[index + 1 : index + 2] != " ":
            yield text[start : index + 1]
            start = index + 1
    yield text[start:]


def _longest_head(line: str, size: float, width: float, bold: bool) -> int:
    low, high = 1, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(line[:middle], size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def can_be_barcode(value: str) -> bool:
    """Whether Code 128 can hold the value: printable ASCII."""
    return bool(value) and value.isascii() and value.isprintable()


def address_lines(address: Address, *, home: str | None = None) -> list[str]:
    """The lines of an address as printed; the country is left out where it is `home`."""
    place = " ".join(
        part for part in (address.city, address.region_code or address.region, address.postal_code) if part
    )
    written = [address.name, address.company, *address.lines, address.district, place]
    if address.country is None or address.country != home:
        written.append(address.country or address.country_raw)
    lines: list[str] = []
    for text in written:
        if text and text.strip() and text.strip() not in lines:
            lines.append(text.strip())
    return lines


class Sheet:
    """Pages under construction; `finish` gives the bytes, which depend on nothing but the calls made."""

    def __init__(self, size: tuple[float, float], *, title: str) -> None:
        self.width, self.height = size
        self._buffer = io.BytesIO()
        self._canvas = Canvas(self._buffer, pagesize=size, invariant=1, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setCreator("OrderHub")

    def text(
        self, x: float, y: float, text: str, size: float, *, bold: bool = False, width: float | None = None
    ) -> float:
        """One line with its baseline at `y`, shortened to `width` where given; returns the printed width."""
        shown = text if width is None else shorten(text, size, width, bold=bold)
        line = self._canvas.beginText(x, self.height - y)
        for font, part in _runs(shown, bold):
            line.setFont(font, size)
            line.textOut(part)
        self._canvas.drawText(line)
        return text_width(shown, size, bold=bold)

    def text_right(self, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
        """One line that ends at `x`."""
        self.text(x - text_width(text, size, bold=bold), y, text, size, bold=bold)

    def text_centred(self, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
        """One line with its middle at `x`."""
        self.text(x - text_width(text, size, bold=bold) / 2, y, text, size, bold=bold)

    def lines(self, x: float, y: float, lines: Sequence[str], size: float, *, width: float, leading: float) -> float:
        """Lines below each other from the baseline `y`; returns the baseline after the last."""
        for line in lines:
            self.text(x, y, line, size, width=width)
            y += leading
        return y

    def rule(self, x: float, y: float, to_x: float, to_y: float, *, thickness: float = 0.6) -> None:
        """A straight line."""
        self._canvas.setLineWidth(thickness)
        self._canvas.line(x, self.height - y, to_x, self.height - to_y)

    def frame(self, x: float, y: float, width: float, height: float, *, grey: float | None = None) -> None:
        """A rectangle with its top left corner at `(x, y)`; filled with grey (0 black, 1 white) where given."""
        if grey is None:
            self._canvas.setLineWidth(0.6)
            self._canvas.rect(x, self.height - y - height, width, height)
            return
        self._canvas.saveState()
        self._canvas.setFillGray(grey)
        self._canvas.rect(x, self.height - y - height, width, height, stroke=0, fill=1)
        self._canvas.restoreState()

    def barcode(
        self,
        x: float,
        y: float,
        value: str,
        *,
        width: float,
        height: float,
        thickest: float = 1.4,
        centred: bool = False,
    ) -> bool:
        """Code 128 (ISO/IEC 15417) within the width, top left at `(x, y)`; False where the value cannot be encoded.

        `thickest` limits the narrow bar in points; the caller leaves a quiet zone of ten narrow bars on both sides.
        """
        if not can_be_barcode(value):
            return False
        narrow = Code128(value, barWidth=1, quiet=0).width
        bar = min(thickest, width / narrow)
        if centred:
            x += (width - narrow * bar) / 2
        Code128(value, barWidth=bar, barHeight=height, quiet=0).drawOn(self._canvas, x, self.height - y - height)
        return True

    def qr(self, x: float, y: float, value: str, side: float) -> None:
        """A QR code (ISO/IEC 18004, error level M) with its top left corner at `(x, y)`, without the quiet zone."""
        rows = _qr_rows(value)
        step = side / len(rows)
        path = self._canvas.beginPath()
        for row, runs in enumerate(rows):
            for begin, length in runs:
                path.rect(x + begin * step, self.height - y - (row + 1) * step, length * step, step)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def next_page(self) -> None:
        """End this page and begin another."""
        self._canvas.showPage()

    def finish(self) -> bytes:
        """End the last page and give the whole document."""
        self._canvas.showPage()
        self._canvas.save()
        return self._buffer.getvalue()


@lru_cache(maxsize=64)
def _qr_rows(value: str) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Each row as `(begin, length)` of its dark runs."""
    rows = []
    for row in segno.make(value, error="m", micro=False).matrix:
        runs, column = [], 0
        for dark, group in groupby(row):
            length = len(list(group))
            if dark:
                runs.append((column, length))
            column += length
        rows.append(tuple(runs))
    return tuple(rows)
