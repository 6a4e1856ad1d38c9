"""The activation gate: what a backtest must show before other rules may decide. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Figures = Mapping[str, Any]
"""Figures of one side of a backtest, as they are stored (`hub.routing.rules.backtest.Figures.to_dict`)."""
Permille = Annotated[int, Field(ge=0, le=1000)]


class Gate(BaseModel):
    """The thresholds. A figure whose threshold is null is not looked at; a backtest is asked for in any case.

    Rates and shares are in thousandths (permille) of the orders that were looked at, freight in thousandths of itself.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    minimum_orders: Annotated[int, Field(ge=0, le=100_000)] = Field(
        100, description="So many orders must have been looked at, or all where there are fewer."
    )
    maximum_age_days: Annotated[int, Field(ge=1, le=365)] | None = Field(
        7, description="The backtest, and what somebody let pass, may be so old."
    )
    reproduced_at_least_permille: Permille | None = Field(
        990, description="So many orders must have been decided again, by their own rules, as they are stored."
    )
    fill_rate_may_fall_permille: Permille | None = Field(5, description="Units that are sent, of those that can be.")
    promise_kept_may_fall_permille: Permille | None = Field(10, description="Orders in time, of those with a promise.")
    auto_approval_may_fall_permille: Permille | None = Field(
        10, description="Orders that review lets pass without a person, of those that this is known of."
    )
    freight_may_grow_permille: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        50, description="Freight of an order that is planned, each currency by itself."
    )
    split_orders_may_grow_permille: Permille | None = Field(20, description="Orders sent from several locations.")
    unfillable_may_grow_permille: Permille | None = Field(5, description="Orders that wait for stock.")
    needs_person_may_grow_permille: Permille | None = Field(5, description="Orders that wait for a person.")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A stored backtest. `against` is the version that was active then (None: none), `last` the orders asked for."""

    against: int | None
    age: timedelta
    last: int
    orders: int
    skipped: int
    reproduced: int
    before: Figures
    after: Figures


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold: `limit` is the lowest or highest that `after` may be. `detail` says it in words."""

    figure: str
    before: int | None
    after: int | None
    limit: int | None
    holds: bool
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return asdict(self)


NOT_REHEARSED = Check(
    "rehearsed", None, None, None, False, "rehearsed: there is no backtest since it was made or last active; run one"
)


def judge(gate: Gate, rehearsal: Rehearsal | None, *, active: int | None) -> tuple[Check, ...]:
    """Every threshold with the figures that it is about; `active` is the version that decides now (None: none)."""
    if rehearsal is None:
        return (NOT_REHEARSED,)
    return (*_evidence(gate, rehearsal, active), *_figures(gate, rehearsal.before, rehearsal.after))


def broken(checks: tuple[Check, ...]) -> list[Check]:
    """Those that do not hold."""
    return [check for check in checks if not check.holds]


def _evidence(gate: Gate, found: Rehearsal, active: int | None) -> Iterator[Check]:
    """Whether the backtest says enough, and about the present."""
    told = f"measured against {_version(found.against)}"
    told += "" if found.against == active else f", and {_version(active)} decides now; run the backtest again"
    yield Check("measured_against", found.against, active, None, found.against == active, told)
    if gate.maximum_age_days is not None:
        days, holds = found.age.days, found.age <= timedelta(days=gate.maximum_age_days)
        told = f"age_days: {days}, may be {gate.maximum_age_days}" + ("" if holds else "; run the backtest again")
        yield Check("age_days", None, days, gate.maximum_age_days, holds, told)
    wanted, seen = gate.minimum_orders, found.orders + found.skipped
    if seen < found.last:  # there are no more
        wanted = min(wanted, seen)
    holds = found.orders >= wanted
    told = f"orders: {found.orders} looked at, at least {wanted} wanted"
    told += "" if holds else f" ({found.skipped} could not be computed again); run the backtest over more"
    yield Check("orders", None, found.orders, wanted, holds, told)
    if gate.reproduced_at_least_permille is not None and found.orders:
        share = found.reproduced * 1000 // found.orders
        yield _at_least("reproduced_permille", None, share, gate.reproduced_at_least_permille)


def _figures(gate: Gate, before: Figures, after: Figures) -> Iterator[Check]:
    """The figures of both sides, which are about the same orders."""
    for name, fall in (
        ("fill_rate_permille", gate.fill_rate_may_fall_permille),
        ("promise_kept_permille", gate.promise_kept_may_fall_permille),
        ("auto_approval_permille", gate.auto_approval_may_fall_permille),
    ):
        if fall is not None and before.get(name) is not None and after.get(name) is not None:
            yield _at_least(name, before[name], after[name], before[name] - fall)
    if gate.freight_may_grow_permille is not None and before["planned"]:
        paid = [figures["freight_per_order_minor"] for figures in (before, after)]
        for currency in sorted({*paid[0], *paid[1]}):
            one, other = (each.get(currency, 0) for each in paid)
            limit = one * (1000 + gate.freight_may_grow_permille) // 1000
            yield _at_most(f"freight_minor_per_order.{currency}", one, other, limit)
    for name, grow in (
        ("split_orders", gate.split_orders_may_grow_permille),
        ("unfillable", gate.unfillable_may_grow_permille),
        ("needs_person", gate.needs_person_may_grow_permille),
    ):
        if grow is not None:
            yield _at_most(name, before[name], after[name], before[name] + before["orders"] * grow // 1000)


def _at_least(figure: str, before: int | None, after: int, limit: int) -> Check:
    return Check(figure, before, after, limit, after >= limit, _in_words(figure, before, after, f"at least {limit}"))


def _at_most(figure: str, before: int | None, after: int, limit: int) -> Check:
    return Check(figure, before, after, limit, after <= limit, _in_words(figure, before, after, f"at most {limit}"))


def _in_words(figure: str, before: int | None, after: int, limit: str) -> str:
    return f"{figure}: {after}" + ("" if before is None else f" after {before} before") + f", {limit} wanted"


def _version(number: int | None) -> str:
    return "a hub without rules" if number is None else f"version {number}"
