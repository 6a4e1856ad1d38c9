"""What other rules would have decided, beside what was decided, from the inputs as they were: pure and exact."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hub.routing.rules.approval import Approval
from hub.routing.rules.differences import Body, Difference, difference, in_words

FREIGHT_STEPS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
"""Where the classes of freight begin, within each power of ten: the same for both sides, whatever they hold."""
DISTRIBUTIONS = frozenset({"freight_classes"})
"""Figures for plots, not for tables."""


@dataclass(slots=True)
class Figures:
    """What became of the orders under one rule set. Units are thousandths, freight is minor units by currency, `loads`
    are fulfilments by location, `services` those by service. `freight_classes` counts orders by currency and by the
    lowest freight of their class. `reviewed` are orders of which it is known whether review lets them pass.
    """

    orders: int = 0
    planned: int = 0
    unfillable: int = 0
    needs_person: int = 0
    sent: int = 0
    split: int = 0
    fulfilments: int = 0
    units_wanted: int = 0
    units_planned: int = 0
    promised: int = 0
    promise_kept: int = 0
    freight_minor: dict[str, int] = field(default_factory=dict)
    reviewed: int = 0
    auto_approved: int = 0
    loads: dict[str, int] = field(default_factory=dict)
    services: dict[str, int] = field(default_factory=dict)
    freight_orders: dict[str, int] = field(default_factory=dict)
    freight_classes: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, body: Body, inputs: Body, passes: bool | None = None) -> None:
        """One decision more; `passes` is whether review lets it pass without a person (None: not known)."""
        parts = body["fulfilments"]
        self.orders += 1
        setattr(self, body["outcome"], getattr(self, body["outcome"]) + 1)
        self.sent += len(parts) > 0
        self.split += len(parts) > 1
        self.fulfilments += len(parts)
        self.units_wanted += sum(quantity for _, _, quantity, _, ships, *_ in inputs["order"]["lines"] if ships)
        self.units_planned += sum(quantity for part in parts for _, _, quantity in part["lines"])
        if inputs["order"].get("deliver_by"):
            self.promised += 1
            self.promise_kept += bool(parts) and not body["shortages"] and all(map(_in_time, parts))
        if passes is not None:
            self.reviewed += 1
            self.auto_approved += passes
        freight: dict[str, int] = {}
        for part in parts:
            _count(self.loads, part["location"])
            service = part.get("service", {})
            if "service" in service:
                _count(self.services, service["service"])
                _count(freight, service["currency"], service["total_minor"])
        for currency, minor in freight.items():
            _count(self.freight_minor, currency, minor)
            _count(self.freight_orders, currency)
            _count(self.freight_classes.setdefault(currency, {}), freight_class(minor))

    def to_dict(self) -> dict[str, Any]:
        """The figures that people compare. Rates are in thousandths (permille), None where nothing counts."""
        return {
            "orders": self.orders,
            "planned": self.planned,
            "unfillable": self.unfillable,
            "needs_person": self.needs_person,
            "fill_rate_permille": _permille(self.units_planned, self.units_wanted),
            "split_orders": self.split,
            "splits_per_order_permille": _permille(self.fulfilments - self.sent, self.sent),
            "fulfilments": self.fulfilments,
            "promise_kept_permille": _permille(self.promise_kept, self.promised),
            "auto_approved": self.auto_approved,
            "auto_approval_permille": _permille(self.auto_approved, self.reviewed),
            "freight_minor": dict(sorted(self.freight_minor.items())),
            "freight_per_order_minor": {
                currency: _rounded(self.freight_minor[currency], count)
                for currency, count in sorted(self.freight_orders.items())
            },
            "loads": dict(sorted(self.loads.items())),
            "services": dict(sorted(self.services.items())),
            "freight_classes": {
                currency: {str(lowest): count for lowest, count in sorted(classes.items())}
                for currency, classes in sorted(self.freight_classes.items())
            },
        }


@dataclass(slots=True)
class Comparison:
    """The running result. `reproduced` are decisions that their own rules gave again bit for bit; `skipped` counts by
    reason those that could not be computed again, and that nothing is said about; `unreviewed` likewise those of which
    it is not known whether review would let them pass.
    """

    before: Figures = field(default_factory=Figures)
    after: Figures = field(default_factory=Figures)
    differences: list[Difference] = field(default_factory=list)
    reproduced: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    unreviewed: dict[str, int] = field(default_factory=dict)

    def add(self, stored: Body, inputs: Body, *, again: Body, other: Body, approved: Approval | str) -> None:
        """`stored` is what was decided, `again` what its own rules give now, `other` what the other rules give.

        `approved` is what review says under both, or why that is not known.
        """
        if again["inputs_hash"] != stored["inputs_hash"]:
            self.skip("its inputs cannot be put together again")
            return
        self.reproduced += again == stored
        known = approved if isinstance(approved, Approval) else None
        if isinstance(approved, str):
            _count(self.unreviewed, approved)
        self.before.add(stored, inputs, known.before if known else None)
        self.after.add(other, inputs, known.after if known else None)
        found = difference(stored, other)
        if known is not None and known.before != known.after:
            found = _reviewed_otherwise(found, stored, other, known)
        if found is not None:
            self.differences.append(found)

    def skip(self, reason: str) -> None:
        """A decision that is left out."""
        _count(self.skipped, reason)


def freight_class(minor: int) -> int:
    """The lowest freight of the class that an amount falls into; 0 is a class of its own."""
    if minor < FREIGHT_STEPS[0]:
        return 0
    scale: int = 10 ** (len(str(minor)) - 2)
    return scale * max(step for step in FREIGHT_STEPS if step * scale <= minor)


def freight_classes(lowest: int, highest: int) -> list[int]:
    """All classes from one to another, by their lowest freight."""
    found = [lowest]
    while found[-1] < highest:
        here = found[-1]
        scale = 10 ** max(0, len(str(here)) - 2)
        above = (step * scale for step in (*FREIGHT_STEPS, 10 * FREIGHT_STEPS[0]) if step * scale > here)
        found.append(next(above))
    return found


def _reviewed_otherwise(found: Difference | None, stored: Body, other: Body, approved: Approval) -> Difference:
    sent = found or Difference(stored["order_id"], stored["number"], in_words(stored), in_words(other))
    why = f"review then: {approved.reason_before}; review now: {approved.reason_after}"
    return Difference(
        sent.order_id, sent.number,
        _with_review(sent.before, approved.before), _with_review(sent.after, approved.after),
        ", ".join(filter(None, (sent.changed, "review"))), "; ".join(filter(None, (sent.why, why))),
    )  # fmt: skip


def _with_review(text: str, passes: bool) -> str:
    return f"{text} (approved by itself)" if passes else f"{text} (a person must approve it)"


def _count(counts: dict[Any, int], key: str | int, by: int = 1) -> None:
    counts[key] = counts.get(key, 0) + by


def _in_time(part: Body) -> bool:
    service = part.get("service")
    return service is None or ("service" in service and not service["late"])


def _permille(some: int, whole: int) -> int | None:
    return None if whole == 0 else _rounded(1000 * some, whole)


def _rounded(some: int, whole: int) -> int:
    return (2 * some + whole) // (2 * whole)


def changed_figures(before: Figures, after: Figures) -> Iterable[tuple[str, Any, Any]]:
    """(name, before, after) of every figure, currencies, locations and services one by one."""
    return changed_values(before.to_dict(), after.to_dict())


def changed_values(one: Body, other: Body) -> Iterable[tuple[str, Any, Any]]:
    """The same, of figures as they are stored."""
    for name, value in one.items():
        if name in DISTRIBUTIONS:
            continue
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
    if found.unreviewed:
        reasons = ", ".join(f"{count}: {reason}" for reason, count in sorted(found.unreviewed.items()))
        text += f" Of some it is not known whether review would let them pass ({reasons})."
    return text
