"""What the waves of stored decisions came to, beside what greedy would have cost: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class WaveFigures:
    """Sums over decisions that were made in a wave. Costs are freight and penalties in minor units by currency."""

    waves: set[str] = field(default_factory=set)
    orders: int = 0
    moved: int = 0
    cost_minor: dict[str, int] = field(default_factory=dict)
    greedy_minor: dict[str, int] = field(default_factory=dict)
    by_greedy: dict[str, int] = field(default_factory=dict)

    def add(self, body: Mapping[str, Any]) -> None:
        """One stored decision more; one that no wave decided counts for nothing."""
        told = body.get("strategy")
        if not told:
            return
        self.orders += 1
        self.waves.add(told["wave"])
        if "cost_minor" not in told:
            self.by_greedy[told["reason"]] = self.by_greedy.get(told["reason"], 0) + 1
            return
        self.moved += told["locations"] != told["greedy"]
        currencies = {part["service"]["currency"] for part in body["fulfilments"] if "currency" in part["service"]}
        for currency in currencies:
            self.cost_minor[currency] = self.cost_minor.get(currency, 0) + told["cost_minor"]
            self.greedy_minor[currency] = self.greedy_minor.get(currency, 0) + told["greedy_minor"]

    def to_dict(self) -> dict[str, Any]:
        """JSON. `saved_minor` is greedy's cost less the waves'; `by_greedy` counts orders by why greedy decided."""
        saved = {name: greedy - self.cost_minor[name] for name, greedy in sorted(self.greedy_minor.items())}
        return {
            "waves": len(self.waves), "orders": self.orders, "moved": self.moved,
            "greedy_minor": dict(sorted(self.greedy_minor.items())), "saved_minor": saved,
            "by_greedy": dict(sorted(self.by_greedy.items())),
        }  # fmt: skip
