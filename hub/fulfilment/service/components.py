"""What quantities of fulfilment order lines are in stocked SKUs: a line of a bundle reserves each component."""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.inventory.repository import reserved_for
from hub.inventory.rules.closing import LineQuantity

PLACES = Decimal("0.001")


def by_component(
    session: Session, *, quantities: Mapping[str, Decimal], left: Mapping[str, Decimal]
) -> list[LineQuantity]:
    """`quantities` by line, of which `left` were not shipped or short yet: what is reserved of each SKU is shared out.

    The last units of a line take all that is reserved for it, so that nothing stays behind by rounding.
    """
    parts: dict[str, dict[str, Decimal]] = {}
    for (line, sku), reservation in reserved_for(session, fulfilment_order_line_ids=quantities).items():
        if reservation.state != "consumed":
            parts.setdefault(line, {})[sku] = reservation.quantity
    found: list[LineQuantity] = []
    for line, quantity in quantities.items():
        if not quantity:
            continue
        if line not in parts:
            found.append(LineQuantity(line, quantity))
        for sku, reserved in parts.get(line, {}).items():
            share = reserved if quantity == left[line] else (reserved * quantity / left[line]).quantize(PLACES)
            if share:
                found.append(LineQuantity(line, share, sku))
    return found
