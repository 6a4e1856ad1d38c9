"""What is decided for one connection alone: when it is asked, what it is told, what the review of its orders passes."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from hub.canonical.money import CurrencyCode
from hub.canonical.order import PaymentState
from hub.canonical.party import CountryCode
from hub.kit.rules.actions import ReasonCode


def _cron(text: str) -> str:
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError("no cron expression with a next time: five fields, such as */5 * * * *") from error
    return text


Cron = Annotated[str, StringConstraints(max_length=60), AfterValidator(_cron)]
"""A cron expression of five fields, in UTC."""
Level = Literal["ignore", "info", "warn", "hold", "reject"]
Release = Literal["manual", "timer", "event"]
DEFAULT_LEVELS: dict[str, Level] = {
    "ship_to_missing": "hold",
    "ship_to_incomplete": "hold",
    "lines_missing": "hold",
    "line_id_missing": "hold",
    "currency_missing": "hold",
    "currency_unknown": "hold",
    "country_missing": "hold",
    "country_unknown": "hold",
    "country_not_served": "hold",
    "postal_code_missing": "warn",
    "postal_code_invalid": "hold",
    "postal_code_region_mismatch": "warn",
    "po_box": "info",
    "phone_missing": "info",
    "phone_invalid": "warn",
    "quantity_invalid": "hold",
    "quantity_out_of_bounds": "hold",
    "amount_missing": "info",
    "amount_out_of_bounds": "hold",
    "sku_missing": "hold",
    "sku_unknown": "hold",
    "totals_mismatch": "hold",
    "duplicate_looking": "hold",
    "payment_not_settled": "hold",
    "test_order": "hold",
    "receiver_masked": "info",
}
"""Every finding of the hub's own checks, and how severe it is where the policy does not say."""


class ReviewPolicy(BaseModel):
    """The review policy of a connection; every member has a default, `{}` is a complete policy.

    `auto_approve`: `clean` approves what has no hold for a person, `rules` only what a rule's `auto_approve` names
    besides, `never` leaves every order to a person. Amounts are minor units of the order's currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    auto_approve: Literal["clean", "rules", "never"] = "clean"
    payment_states: frozenset[PaymentState] = Field(
        default=frozenset({"paid", "authorized", "cod_due", "on_credit", "partially_refunded"}),
        description="Payment states that pass; others wait for the payment.",
    )
    allowed_countries: frozenset[CountryCode] | None = Field(
        default=None, description="Ship-to countries that are served; none given: all."
    )
    blocked_countries: frozenset[CountryCode] = Field(
        default=frozenset(), description="Ship-to countries that are not served."
    )
    currencies: frozenset[CurrencyCode] | None = Field(
        default=None, description="Currencies that are taken; none given: all of ISO 4217."
    )
    max_quantity: Annotated[int, Field(gt=0)] = Field(default=1000, description="Most units on one line.")
    max_lines: Annotated[int, Field(gt=0)] = Field(default=500, description="Most lines on one order.")
    min_total_minor: Annotated[int, Field(ge=0)] = Field(default=0, description="Smallest grand total.")
    max_total_minor: dict[CurrencyCode, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="Largest grand total by currency, in minor units; others are not bounded."
    )
    totals_tolerance_minor: Annotated[int, Field(ge=0)] = Field(
        default=0, description="By how much the parts of an order may differ from its stated total."
    )
    po_boxes: bool = Field(default=True, description="Whether P.O. boxes are delivered to.")
    phone_required: bool = Field(default=False, description="Whether a ship-to needs a phone number.")
    levels: dict[ReasonCode, Level] = Field(
        default_factory=dict, description="How severe a finding is, where it differs; plugins' findings too."
    )
    release_after_minutes: dict[ReasonCode, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="Holds that lift themselves after so many minutes."
    )
    ignore_tags: frozenset[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=frozenset(), description="Orders with one of these tags are not checked for duplicates."
    )

    def level(self, code: str) -> Level:
        """How severe a finding of this code is; `hold` for one that nobody has classed (a plugin's own)."""
        return self.levels.get(code) or _level(self, code)

    def release(self, code: str) -> Release:
        """What lifts the hold of a finding: the payment lifts `payment_not_settled`, else a person or a timer."""
        if code in self.release_after_minutes:
            return "timer"
        return "event" if code == "payment_not_settled" else "manual"


def _level(policy: ReviewPolicy, code: str) -> Level:
    if code == "po_box" and not policy.po_boxes:
        return "hold"
    if code == "phone_missing" and policy.phone_required:
        return "hold"
    return DEFAULT_LEVELS.get(code, "hold")


DEFAULT_POLICY = ReviewPolicy()


class ConnectionPolicy(BaseModel):
    """The policy of a connection; every member has a default, `{}` is a complete policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: ReviewPolicy = Field(default=DEFAULT_POLICY, description="The members below.")
    pull_cron: Cron | None = Field(
        default="*/5 * * * *",
        description="When a channel that can be listed is asked for what changed; cron, UTC. Null: never.",
    )
    stock_cron: Cron | None = Field(
        default=None, description="When a channel is told what is available; cron, UTC. None given: never."
    )
    stock_compare_cron: Cron | None = Field(
        default="15 2 * * *",
        description="When a channel that is told of stock and can say what it shows is compared with what it was told; "
        "cron, UTC. Null: never.",
    )
    stock_locations: frozenset[Annotated[str, StringConstraints(min_length=1, max_length=40)]] | None = Field(
        default=None, description="Locations whose stock the channel is told of. None given: every enabled one."
    )
    incoming_days: Annotated[int, Field(ge=0, le=365)] | None = Field(
        default=None,
        description="Transfers expected within so many days count as available to promise. Null: not before they come.",
    )
    stock_pull_cron: Cron | None = Field(
        default="*/15 * * * *",
        description="When a system that can list its stock is asked for it; cron, UTC. Null: never.",
    )
    census_cron: Cron | None = Field(
        default="30 3 * * *",
        description="When a channel that can list a day's orders is asked for it; cron, UTC. Null: never.",
    )
    track_cron: Cron | None = Field(
        default="*/30 * * * *",
        description="When a carrier that can be asked is asked for its parcels under way; cron, UTC. Null: never.",
    )
    proof_limit_hours: Annotated[int, Field(ge=1)] | None = Field(
        default=36,
        description="How old the proof of a live channel may be; a day is proven after its end. Null: no alarm.",
    )
    retention_days: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="How many days settled messages are kept whole. None given: as its plugin says.",
    )
    early_limit_hours: Annotated[int, Field(ge=1)] | None = Field(
        default=24,
        description="How long what came before its order may wait for it (a refund, an address). Null: no alarm.",
    )
    notify_shipments: bool = Field(default=True, description="Whether the channel is told of shipments.")
    max_concurrency: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="How many workers may call the other side at once. None given: as its plugin says."
    )
