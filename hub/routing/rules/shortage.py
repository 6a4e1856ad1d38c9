"""What rules want done about goods that are nowhere, read back from a decision."""

from collections.abc import Mapping
from decimal import Decimal

from hub.routing.rules.values import UNIT


def of_line(short: Mapping[str, int | None], line_id: str, waits: Decimal) -> Decimal:
    """How much of a line is short, of what waits of it now. `short` is thousandths by line, None the whole line."""
    missing = short.get(line_id, 0)
    return waits if missing is None else min(waits, Decimal(missing) / UNIT)
