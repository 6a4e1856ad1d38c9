"""What other rules would have decided, beside what was decided, from the inputs as they were: pure and exact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.routing.rules.values import UNIT

Body = Mapping[str, Any]
"""A decision as it is stored (`Decision.to_dict`)."""


@dataclass(slots=True)
class Figures:
    """What became of the orders under one rule set. Units are whole or parts of them, freight is minor units by
    currency, `loads` are fulfilments by location.
    """

    orders: int = 0
    planned: int = 0
    unfillable: int = 0
    needs_person: int = 0
    split: int = 0
    fulfilments: int = 0
    units_wanted: int = 0
    units_planned: int = 0
    promised: int = 0
    promise_kept: int = 0
    freight_minor: dict[str, int] = field(default_factory=dict)
    loads: dict[str, int] = field(default_factory=dict)

    def add(self, body: Body, inputs: Body) -> None:
        """One decision more."""
        parts = body["fulfilments"]
        self.orders += 1
        setattr(self, body["outcome"], getattr(self, body["outcome"]) + 1)
        self.split += len(parts) > 1
        self.fulfilments += len(parts)
        self.units_wanted += sum(quantity for _, _, quantity, _, ships, *_ in inputs["order"]["lines"] if ships)
        self.units_planned += sum(quantity for part in parts for _, _, quantity in part["lines"])
        if inputs["order"].get("deliver_by"):
            self.promised += 1
            self.promise_kept += bool(parts) and not body["shortages"] and all(map(_in_time, parts))
        for part in parts:
            self.loads[part["location"]] = self.loads.get(part["location"], 0) + 1
            service = part.get("service", {})
            if "currency" in service:
                currency = service["currency"]
                self.freight_minor[currency] = self.freight_minor.get(currency, 0) + service["total_minor"]

    def to_dict(self) -> dict[str, Any]:
        """The figures that people compare. Rates are in thousandths (permille), None where nothing counts."""
        return {
            "orders": self.orders,
            "planned": self.planned,
            "unfillable": self.unfillable,
            "needs_person": self.needs_person,
            "fill_rate_permille": _permille(self.units_planned, self.units_wanted),
            "split_orders": self.split,
            "fulfilments": self.fulfilments,
            "promise_kept_permille": _permille(self.promise_kept, self.promised),
            "freight_minor": dict(sorted(self.freight_minor.items())),
            "loads": dict(sorted(self.loads.items())),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """An order that other rules would have sent otherwise; `before` and `after` say it in a line."""

    order_id: str
    number: str
    before: str
    after: str


@dataclass(slots=True)
class Comparison:
    """The running result. `reproduced` are decisions that their own rules gave again bit for bit; `skipped` counts by
    reason those that could not be computed again, and that nothing is said about.
    """

    before: Figures = field(default_factory=Figures)
    after: Figures = field(default_factory=Figures)
    differences: list[Difference] = field(default_factory=list)
    reproduced: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def add(self, stored: Body, inputs: Body, *, again: Body, other: Body) -> None:
        """`stored` is what was decided, `again` what its own rules give now, `other` what the other rules give."""
        if again["inputs_hash"] != stored["inputs_hash"]:
            self.skip("its inputs cannot be put together again")
            return
        self.reproduced += again == stored
        self.before.add(stored, inputs)
        self.after.add(other, inputs)
        if gist(stored) != gist(other):
            self.differences.append(
                Difference(stored["order_id"], stored["number"], in_words(stored), in_words(other))
            )  # fmt: skip

    def skip(self, reason: str) -> None:
        """A decision that is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def gist(body: Body) -> tuple[Any, ...]:
    """What of a decision is noticed outside: what goes, from where, when, with which service, at what price."""
    parts = [
        (
            part["location"], sorted(map(tuple, part["lines"])), part["ship_day"],
            part.get("service", {}).get("service"), part.get("service", {}).get("total_minor"),
        )
        for part in body["fulfilments"]
    ]  # fmt: skip
    return body["outcome"], sorted(parts)


def in_words(body: Body) -> str:
    """A decision in a line: places with their services and prices, or why nothing goes."""
    if not body["fulfilments"]:
        return f"{body['outcome']}: {body['reason']}"
    return " + ".join(map(_part, body["fulfilments"])) + ("; the rest waits" if body["shortages"] else "")


def _part(part: Body) -> str:
    service = part.get("service", {})
    price = f" by {service['service']} ({service['total_minor']} {service['currency']})" if "service" in service else ""
    units = sum(quantity for _, _, quantity in part["lines"]) / UNIT
    return f"{units:g} from {part['location']}{price}"


def _in_time(part: Body) -> bool:
    service = part.get("service")
    return service is None or ("service" in service and not service["late"])


def _permille(some: int, whole: int) -> int | None:
    return None if whole == 0 else (2000 * some + whole) // (2 * whole)


def changed_figures(before: Figures, after: Figures) -> Iterable[tuple[str, Any, Any]]:
    """(name, before, after) of every figure, currencies and locations one by one."""
    one, other = before.to_dict(), after.to_dict()
    for name, value in one.items():
        if not isinstance(value, dict):
            yield name, value, other[name]
            continue
        for key in sorted({*value, *other[name]}):
            yield f"{name}.{key}", value.get(key, 0), other[name].get(key, 0)


def summary(found: Comparison) -> str:
    """The result in a sentence or two."""
    orders, skipped = found.before.orders, sum(found.skipped.values())
    text = f"{len(found.differences)} of {orders} orders would have been sent otherwise."
    if found.reproduced < orders:
        text += f" {orders - found.reproduced} were not decided again as they are stored: look at these with care."
    if skipped:
        reasons = ", ".join(f"{count}: {reason}" for reason, count in sorted(found.skipped.items()))
        text += f" {skipped} could not be computed again ({reasons})."
    return text
