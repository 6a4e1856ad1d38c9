"""How reservations end, wholly or in part."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """A quantity of what one fulfilment order line holds; `sku` is needed where it holds several (a bundle)."""

    fulfilment_order_line_id: str
    quantity: Decimal
    sku: str | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that holds several SKUs was named without one."""

    fulfilment_order_line_id: str
    skus: tuple[str, ...]


def by_line_and_sku(
    quantities: Sequence[LineQuantity], held: Mapping[str, Sequence[str]]
) -> tuple[dict[tuple[str, str], Decimal], list[Unclear], set[str]]:
    """Sum quantities by (line, SKU); `held` maps each line to its SKUs.

    Returns the sums, the lines that are unclear, and the lines that hold nothing (of the named SKU).
    """
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    unclear: list[Unclear] = []
    unknown: set[str] = set()
    for quantity in quantities:
        line = quantity.fulfilment_order_line_id
        skus = held.get(line, ())
        if not skus or (quantity.sku is not None and quantity.sku not in skus):
            unknown.add(line)
        elif quantity.sku is None and len(skus) > 1:
            unclear.append(Unclear(line, tuple(skus)))
        else:
            sums[line, quantity.sku or skus[0]] += quantity.quantity
    return dict(sums), unclear, unknown
