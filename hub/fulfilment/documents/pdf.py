"""Tables over pages: rows are laid out first, so that every page can say which of how many it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from hub.sdk.printing import A4, LETTER, Sheet, wrap

PageSize = Literal["A4", "letter"]
SIZES = {"A4": A4, "letter": LETTER}
MARGIN = 40.0
FOOT = 34.0
LEADING = 11.5
ROW_GAP = 6.0
TEXT = 9.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `share` of the width, right-aligned where it holds numbers."""

    title: str
    share: float
    right: bool = False
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells laid out as lines; `height` in points."""

    cells: tuple[tuple[str, ...], ...]
    height: float


@dataclass(frozen=True, slots=True)
class Frame:
    """The table of a document: columns with their left edges and widths in points."""

    columns: tuple[Column, ...]
    edges: tuple[float, ...]
    widths: tuple[float, ...]


def quantity_text(quantity: Decimal) -> str:
    """A quantity without needless zeros: 2.000 prints as 2, 0.250 as 0.25."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def frame_of(columns: Sequence[Column], page_width: float) -> Frame:
    """Columns spread over the page between its margins."""
    room = page_width - 2 * MARGIN
    total = sum(column.share for column in columns)
    widths = tuple(room * column.share / total for column in columns)
    edges = tuple(MARGIN + sum(widths[:at]) for at in range(len(widths)))
    return Frame(tuple(columns), edges, widths)


def lay_out(frame: Frame, cells: Sequence[str]) -> Row:
    """One row with its cells broken into lines."""
    broken = tuple(
        tuple(wrap(text, TEXT, width - 6, bold=column.bold)) if text else ()
        for text, width, column in zip(cells, frame.widths, frame.columns, strict=True)
    )
    lines = max((len(cell) for cell in broken), default=1)
    return Row(broken, max(1, lines) * LEADING + ROW_GAP)


def paginate(heights: Sequence[float], first: float, other: float) -> list[list[int]]:
    """Indexes of what goes on each page, given the room on the first page and on the others; at least one page.

    Something higher than a page has one for itself.
    """
    pages: list[list[int]] = [[]]
    left = first
    for index, height in enumerate(heights):
        if height > left and (pages[-1] or len(pages) == 1):
            pages.append([])
            left = other
        pages[-1].append(index)
        left -= height
    return pages


def draw_head(sheet: Sheet, frame: Frame, y: float) -> float:
    """The titles of the columns; returns where the first row begins."""
    sheet.frame(MARGIN, y, sheet.width - 2 * MARGIN, 16, grey=0.9)
    for column, edge, width in zip(frame.columns, frame.edges, frame.widths, strict=True):
        if column.right:
            sheet.text_right(edge + width - 4, y + 11, column.title, 8, bold=True)
        else:
            sheet.text(edge + 2, y + 11, column.title, 8, bold=True)
    return y + 16


def draw_row(sheet: Sheet, frame: Frame, row: Row, y: float) -> float:
    """One row below `y` with a thin line under it; returns where the next one begins."""
    for column, edge, width, lines in zip(frame.columns, frame.edges, frame.widths, row.cells, strict=True):
        for at, line in enumerate(lines):
            baseline = y + LEADING + at * LEADING
            if column.right:
                sheet.text_right(edge + width - 4, baseline, line, TEXT, bold=column.bold)
            else:
                sheet.text(edge + 2, baseline, line, TEXT, bold=column.bold)
    sheet.rule(MARGIN, y + row.height, sheet.width - MARGIN, y + row.height, thickness=0.25)
    return y + row.height


def draw_foot(sheet: Sheet, text: str, page: int, pages: int) -> None:
    """The last line of a page: what it belongs to, and which page of how many it is."""
    sheet.text(MARGIN, sheet.height - 22, text, 8, width=sheet.width - 2 * MARGIN - 60)
    sheet.text_right(sheet.width - MARGIN, sheet.height - 22, f"{page}/{pages}", 8)


def draw_pages(
    sheet: Sheet, frame: Frame, rows: Sequence[Row], *, top: float, again: float, foot: str,
    heading: Callable[[int], None], tail: float = 0.0, more_pages: int = 0,
) -> tuple[float, int]:  # fmt: skip
    """All rows over as many pages as they need; `heading(page)` draws what stands above (1 is the first).

    The table begins at `top` on the first page and at `again` on the others. `tail` points are kept free after the last
    row; `more_pages` will follow and are counted. Returns where the last row ended and how many pages there are in all;
    the last page of the table is still open.
    """
    room = sheet.height - FOOT - 16
    heights = [row.height for row in rows]
    if heights:
        heights[-1] += tail
    pages = paginate(heights, room - top, room - again)
    y = top
    for number, indexes in enumerate(pages, start=1):
        if number > 1:
            sheet.next_page()
        heading(number)
        y = draw_head(sheet, frame, top if number == 1 else again)
        for index in indexes:
            y = draw_row(sheet, frame, rows[index], y)
        draw_foot(sheet, foot, number, len(pages) + more_pages)
    return y, len(pages) + more_pages
