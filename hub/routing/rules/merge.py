"""Whether a parcel waits for others to its consignee, by the merge rules."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.kit.rules.actions import Merge
from hub.kit.rules.compiled import CompiledRule
from hub.kit.rules.facts import FactValues


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """What the rule that decides says of one location's share; see the action for the members."""

    rule: str
    window_minutes: int
    max_orders: int
    max_grams: int | None
    days_apart: int

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return {
            "rule": self.rule, "window_minutes": self.window_minutes, "max_orders": self.max_orders,
            "max_grams": self.max_grams, "days_apart": self.days_apart,
        }  # fmt: skip


def merge_policy(
    rules: tuple[CompiledRule, ...], values: FactValues, now: datetime, *, grams: int, requires: Collection[str]
) -> MergePolicy | None:
    """What the first rule that matches says; None where none does, or the share has to go by itself.

    `grams` is the weight of the share, `requires` what the products of the order ask of a location. Raises `RuleError`.
    """
    for rule in rules:
        action = rule.actions[0]
        if isinstance(action, Merge) and rule.judge(values, now).matched:
            too_heavy = action.max_grams is not None and grams >= action.max_grams
            if too_heavy or not set(requires).isdisjoint(action.keep_apart):
                return None
            return MergePolicy(rule.id, action.window_minutes, action.max_orders, action.max_grams, action.days_apart)
    return None
