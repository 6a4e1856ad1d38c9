"""The figures of a backtest as people read them: in words, percent and money, with what became better or worse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hub.canonical.money import MoneyError, format_minor
from hub.routing.rules.backtest import changed_values, freight_classes

Verdict = Literal["better", "worse", ""]
Side = Mapping[str, Any]
"""Figures of one side (`Figures.to_dict`)."""

LABELS = {
    "orders": "Orders looked at", "planned": "Planned", "unfillable": "Unfillable", "needs_person": "Need a person",
    "fill_rate_permille": "Fill rate", "split_orders": "Split orders",
    "splits_per_order_permille": "Splits per order", "fulfilments": "Fulfilments",
    "promise_kept_permille": "Promise kept", "auto_approved": "Approved by themselves",
    "auto_approval_permille": "Auto-approval rate", "freight_minor": "Freight",
    "freight_per_order_minor": "Freight per order", "loads": "Load of", "services": "Service",
}  # fmt: skip
MORE_IS_BETTER = frozenset(
    {"planned", "fill_rate_permille", "promise_kept_permille", "auto_approved", "auto_approval_permille"}
)
LESS_IS_BETTER = frozenset(
    {"unfillable", "needs_person", "split_orders", "splits_per_order_permille",
     "freight_per_order_minor"}
)  # fmt: skip
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure in words; `verdict` says what its change means, where more or less of it is better."""

    label: str
    before: str
    after: str
    change: str
    verdict: Verdict


def figure_rows(before: Side, after: Side) -> Iterator[FigureRow]:
    """Every figure, in the order in which it is stored."""
    for path, one, other in changed_values(before, after):
        name, _, key = path.partition(".")
        label = " ".join(filter(None, (LABELS.get(name, name.replace("_", " ")), key)))
        known = isinstance(one, int) and isinstance(other, int)
        change = other - one if known else 0
        yield FigureRow(
            label, in_words(name, key, one), in_words(name, key, other),
            _change(name, key, change), _verdict(name, change),
        )  # fmt: skip


def in_words(name: str, key: str, value: Any) -> str:
    """One value: permille as percent, minor units as money, what is not known as a dash."""
    if value is None:
        return UNKNOWN
    if name == "splits_per_order_permille":
        return f"{value / 1000:.3f}"
    if name.endswith("_permille"):
        return f"{value / 10:.1f} %"
    if name.endswith("_minor"):
        return money(value, key)
    return f"{value:,}" if isinstance(value, int) else str(value)


def money(minor: int, currency: str) -> str:
    """An amount; minor units as they are where nobody knows the currency."""
    try:
        return format_minor(minor, currency)
    except MoneyError:
        return f"{minor:,} {currency}"


def _change(name: str, key: str, change: int) -> str:
    if not change:
        return ""
    said = in_words(name, key, change)
    return ("+" if change > 0 else "") + (said.replace(" %", " points"))


def both(before: Side, after: Side, name: str, key: str | None = None) -> list[tuple[str, int, int]]:
    """(what, before, after) of counts by something; `key` chooses among counts of counts."""
    one, other = before.get(name, {}), after.get(name, {})
    if key is not None:
        one, other = one.get(key, {}), other.get(key, {})
    return [(what, one.get(what, 0), other.get(what, 0)) for what in {**one, **other}]


def loads(before: Side, after: Side) -> list[tuple[str, int, int]]:
    """Fulfilments by location, the busiest first."""
    return sorted(both(before, after, "loads"), key=lambda row: (-max(row[1:]), row[0]))


def freight(before: Side, after: Side) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """For each currency, orders by class of freight, the lowest first, without gaps."""
    currencies = sorted({*before.get("freight_classes", {}), *after.get("freight_classes", {})})
    found = []
    for currency in currencies:
        counted = {int(row[0]): row[1:] for row in both(before, after, "freight_classes", currency)}
        classes = freight_classes(min(counted), max(counted))
        found.append((currency, [(money(lowest, currency), *counted.get(lowest, (0, 0))) for lowest in classes]))
    return found


def _verdict(name: str, change: int) -> Verdict:
    if not change or name not in MORE_IS_BETTER | LESS_IS_BETTER:
        return ""
    return "better" if (change > 0) == (name in MORE_IS_BETTER) else "worse"
