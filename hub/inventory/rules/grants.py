"""Who gets stock when not everybody can: decided on levels that nobody else can change meanwhile."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.inventory.rules.levels import ZERO, Key


@dataclass(frozen=True, slots=True)
class Demand:
    """A quantity of one SKU that one line of one fulfilment order needs at one location.

    A bundle's line has one demand for each component. Demands of one order at one location are one fulfilment order.
    """

    order_id: str
    fulfilment_order_line_id: str
    location: str
    sku: str
    quantity: Decimal

    @property
    def key(self) -> Key:
        """(location, SKU)."""
        return self.location, self.sku


@dataclass(frozen=True, slots=True)
class Grants:
    """`granted` are demands in their order; `refused` maps fulfilment order lines to what was missing for them."""

    granted: tuple[Demand, ...]
    refused: Mapping[str, Decimal]


def decide(demands: Sequence[Demand], free: Mapping[Key, Decimal]) -> Grants:
    """Grant fulfilment orders in their order as long as they fit, each whole or not at all.

    `free` is what may be granted; a key that is not in it has nothing. The shortage of a refused line is what was
    missing of its SKU when its fulfilment order's turn came: zero where only its neighbours were short, the largest
    where it has several SKUs.
    """
    left = defaultdict(lambda: ZERO, free)
    granted: list[Demand] = []
    refused: dict[str, Decimal] = {}
    for group in _fulfilment_orders(demands):
        needs: dict[Key, Decimal] = defaultdict(lambda: ZERO)
        for demand in group:
            needs[demand.key] += demand.quantity
        missing = {key: max(ZERO, need - left[key]) for key, need in needs.items()}
        if any(missing.values()):
            for demand in group:
                line = demand.fulfilment_order_line_id
                refused[line] = max(refused.get(line, ZERO), missing[demand.key])
            continue
        granted.extend(group)
        for key, need in needs.items():
            left[key] -= need
    return Grants(granted=tuple(granted), refused=refused)


def _fulfilment_orders(demands: Sequence[Demand]) -> list[list[Demand]]:
    groups: dict[tuple[str, str], list[Demand]] = {}
    for demand in demands:
        groups.setdefault((demand.order_id, demand.location), []).append(demand)
    return list(groups.values())
