"""Whether what rules give does an order harm: pure."""

from collections.abc import Collection

from hub.routing.rules.decision import Decision


def hindering(planned: Decision, without: Decision, gifts: Collection[str]) -> frozenset[str]:
    """Ids of gift lines that would go alone, or without which their order would go sooner, from fewer places or more of
    it. All of them are `gifts`; `without` is what is decided without any.

    A gift that is short waits with goods that wait all the same.
    """
    alone = {
        line_id
        for part in planned.fulfilments
        if all(line_id in gifts for line_id, *_ in part.lines)
        for line_id, *_ in part.lines
    }
    if alone or not _is_worse(planned, without, gifts):
        return frozenset(alone)
    short = {shortage.line_id for shortage in planned.shortages if shortage.line_id in gifts}
    return frozenset(short or gifts)


def _is_worse(planned: Decision, without: Decision, gifts: Collection[str]) -> bool:
    if without.outcome != "planned":
        return False
    if planned.outcome != "planned":
        return True
    pairs = zip(_burden(planned, gifts), _burden(without, gifts), strict=True)
    return any(one > other for one, other in pairs) or _left_at(planned) > _left_at(without)


def _burden(decision: Decision, gifts: Collection[str]) -> tuple[int, ...]:
    """Whether anything waits, how much of the goods does, the places that send, and what is moved there first."""
    moves = sum(len(part.moves) for part in decision.fulfilments)
    goods = sum(shortage.missing for shortage in decision.shortages if shortage.line_id not in gifts)
    return int(bool(decision.shortages)), goods, len(decision.fulfilments), moves


def _left_at(decision: Decision) -> float:
    return max((part.ship_at.timestamp() for part in decision.fulfilments), default=0)
