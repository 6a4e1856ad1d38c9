"""What the planner gives: a decision for each order, with the reason of every candidate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from hub.kit.rules.compiled import Verdict
from hub.routing.rules.merge import MergePolicy
from hub.routing.rules.values import LineShare, Quote
from hub.sdk.hooks import WaveRequest

Outcome = Literal["planned", "unfillable", "needs_person"]
CandidateVerdict = Literal["won", "lost", "eliminated"]


@dataclass(frozen=True, slots=True)
class Elimination:
    """One reason why a location cannot send. `by` is `rule:<id>`, `plugin:<name>` or the name of a built-in filter."""

    by: str
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one location. `ranks` are its values by ranker (lower is better, None: no value).

    `also` are further reasons that would have eliminated it had the first one not been.
    """

    location: str
    verdict: CandidateVerdict
    reason: str
    eliminated_by: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    ranks: Mapping[str, float | None] = field(default_factory=dict)
    also: tuple[Elimination, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON, without empty members."""
        body: dict[str, Any] = {"location": self.location, "verdict": self.verdict, "reason": self.reason}
        if self.eliminated_by:
            body["eliminated_by"] = self.eliminated_by
        if self.facts:
            body["facts"] = dict(self.facts)
        if self.ranks:
            body["ranks"] = dict(self.ranks)
        if self.also:
            body["also"] = [{"by": other.by, "reason": other.reason, "facts": dict(other.facts)} for other in self.also]
        return body


@dataclass(frozen=True, slots=True)
class LostQuote:
    """A service that was not taken, and why. `by` is `rule:<id>` where a rule decided."""

    quote: Quote
    reason: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class CourierChoice:
    """The service taken (None: none would do), why, and why each other was not. `late`: after the promise."""

    quote: Quote | None
    reason: str
    lost: tuple[LostQuote, ...] = ()
    late: bool = False
    rules: tuple[Verdict, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        body: dict[str, Any] = {"reason": self.reason, "late": self.late}
        if self.quote is not None:
            body |= _quote(self.quote)
        body["lost"] = [
            _quote(lost.quote) | {"reason": lost.reason} | ({"by": lost.by} if lost.by else {}) for lost in self.lost
        ]
        return body


def _quote(quote: Quote) -> dict[str, Any]:
    body: dict[str, Any] = {
        "service": quote.reference,
        "total_minor": quote.total_minor,
        "currency": quote.currency,
    }
    if quote.deliver_by is not None:
        body["deliver_by"] = quote.deliver_by.isoformat()
    return body


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What one location sends: becomes one fulfilment order. `service` is None where no rates were given."""

    location: str
    lines: tuple[LineShare, ...]
    ship_day: date
    ship_at: datetime
    grams: int
    service: CourierChoice | None = None
    moves: tuple[tuple[str, str, int], ...] = ()
    """(from location, SKU, thousandths) of stock that is brought here first."""
    merge: MergePolicy | None = None
    """Whether its parcel waits for others to the same consignee."""

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        body: dict[str, Any] = {
            "location": self.location,
            "lines": [list(line) for line in self.lines],
            "ship_day": self.ship_day.isoformat(),
            "grams": self.grams,
        }
        if self.service is not None:
            body["service"] = self.service.to_dict()
        if self.moves:
            body["moves"] = [list(move) for move in self.moves]
        if self.merge is not None:
            body["merge"] = self.merge.to_dict()
        return body


@dataclass(frozen=True, slots=True)
class Shortage:
    """What no location can send of one line, in thousandths."""

    line_id: str
    sku: str
    missing: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with one order.

    `planned` without fulfilments: nothing has to be sent. `planned` with `shortages`: the rule allows to send what
    there is, the rest waits. `reason` is a stable code (`no_stock`, `split_needed`, `no_location`, `no_service`,
    `unknown_location`, `rule_error`, `preorder`), `message` says it to people. `due_at` is when an order that waits for
    the goods of a pre-order is planned again, `transfer` the transfer that a rule had weighed and that would cost less.
    `strategy` is what the strategy of a rule chose and why, empty where the order was planned by itself. `unfillable`
    is what the rules say about goods that are nowhere, where it is not simply to wait: `{"do": "backorder", "short":
    {"line-1": 2000}}` or `{"do": "cancel_after", "after_minutes": 60, "short": {"line-1": None}}`, in thousandths by
    line; None is the whole line, of which a part is missing. `inputs` is everything that was looked at for this order;
    equal `inputs_hash` and `rule_set_hash` give an equal decision.
    """

    order_id: str
    number: str
    outcome: Outcome
    reason: str
    message: str
    fulfilments: tuple[Fulfilment, ...]
    shortages: tuple[Shortage, ...]
    candidates: tuple[Candidate, ...]
    rules: tuple[Verdict, ...]
    ranking: tuple[str, ...]
    tie_break: str
    inputs_hash: str
    rule_set_hash: str
    inputs: Mapping[str, Any] = field(repr=False, compare=False)
    due_at: datetime | None = None
    transfer: Mapping[str, Any] | None = None
    strategy: Mapping[str, Any] = field(default_factory=dict)
    unfillable: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_split(self) -> bool:
        """Whether more than one location sends."""
        return len(self.fulfilments) > 1

    def to_dict(self) -> dict[str, Any]:
        """JSON for storing and for the API; the inputs are stored beside it."""
        body: dict[str, Any] = {
            "order_id": self.order_id,
            "number": self.number,
            "outcome": self.outcome,
            "reason": self.reason,
            "message": self.message,
            "fulfilments": [fulfilment.to_dict() for fulfilment in self.fulfilments],
            "shortages": [[short.line_id, short.sku, short.missing] for short in self.shortages],
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "rules": [verdict.to_dict() for verdict in self.rules],
            "ranking": list(self.ranking),
            "tie_break": self.tie_break,
            "inputs_hash": self.inputs_hash,
            "rule_set_hash": self.rule_set_hash,
        }
        if self.due_at is not None:
            body["due_at"] = self.due_at.isoformat()
        if self.transfer is not None:
            body["transfer"] = dict(self.transfer)
        if self.strategy:
            body["strategy"] = dict(self.strategy)
        if self.unfillable:
            body["unfillable"] = dict(self.unfillable)
        return body


@dataclass(frozen=True, slots=True)
class WaveResult:
    """What came of one wave. `request` is what the strategy was asked with; `reason` says why greedy decided instead,
    empty where the wave did. Costs are freight and penalties in minor units, 0 without one currency to add up in.
    """

    digest: str
    use: str
    orders: int
    currency: str | None
    greedy_minor: int
    cost_minor: int
    sent_more: int
    """Orders that are sent whole beyond those that greedy would have sent: they cost too."""
    reason: str
    request: WaveRequest


@dataclass(frozen=True, slots=True)
class PlanResult:
    """Decisions in the order in which they were made, and what they take: stock and capacity."""

    decisions: tuple[Decision, ...]
    allocated: Mapping[tuple[str, str], int]
    """(location, SKU) -> thousandths to reserve, summed over the batch."""
    loads: Mapping[tuple[str, date], int]
    """(location, day) -> fulfilments given to it in this batch."""
    waves: tuple[WaveResult, ...] = ()
