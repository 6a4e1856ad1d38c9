"""Plan orders with what rules give them, unless it does them harm."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.routing.rules.gifts import hindering
from hub.routing.service.plan import Planned, Wanted


@dataclass(frozen=True, slots=True)
class GiftsPlanned:
    """A plan with the gifts that do no harm; `wanted` is what it is of, `let_go` ids of lines left out, by order."""

    planned: Planned
    wanted: Sequence[Wanted]
    let_go: Mapping[str, Collection[str]]


def plan_with_gifts(wanted: Sequence[Wanted], plan: Callable[[Sequence[Wanted]], Planned]) -> GiftsPlanned:
    """Plan orders together; a gift that would hold its order up, or would go alone, is left out. Writes nothing."""
    planned = plan(wanted)
    gifts = {item.row.order_id: _open_gifts(item) for item in wanted}
    if not any(gifts.values()):
        return GiftsPlanned(planned, wanted, {})
    bare = plan([_without(item, gifts[item.row.order_id]) for item in wanted])
    let_go: dict[str, set[str]] = {}
    while harm := _harm(planned, bare, gifts):
        for order_id, lines in harm.items():
            let_go.setdefault(order_id, set()).update(lines)
            gifts[order_id] -= lines
        wanted = [_without(item, harm.get(item.row.order_id, ())) for item in wanted]
        planned = plan(wanted)
    return GiftsPlanned(planned, wanted, let_go)


def told_gifts(item: Wanted, let_go: Collection[str]) -> list[str]:
    """In words, what of an order to be planned are gifts, and which of them do it harm."""
    gifts = [line for line in item.lines if line.gift_rule is not None and line.unallocated + line.backordered]
    return [
        f"{int(line.unallocated + line.backordered)} of {line.sku} is a gift of rule {line.gift_rule}"
        + (": it is let go, for it would hold the order up or go alone" if line.order_line_id in let_go else "")
        for line in gifts
    ]


def _harm(
    planned: Planned, bare: Planned, gifts: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:  # fmt: skip
    without = {decision.order_id: decision for decision in bare.decisions}
    return {
        decision.order_id: lines
        for decision in planned.decisions
        if (given := gifts[decision.order_id]) and (lines := hindering(decision, without[decision.order_id], given))
    }


def _open_gifts(item: Wanted) -> frozenset[str]:
    """Ids of an order's gift lines of which something is to be planned."""
    return frozenset(
        line.order_line_id for line in item.lines if line.gift_rule is not None and line.unallocated + line.backordered
    )


def _without(item: Wanted, line_ids: Collection[str]) -> Wanted:
    if not line_ids:
        return item
    return replace(item, lines=[line for line in item.lines if line.order_line_id not in line_ids])
