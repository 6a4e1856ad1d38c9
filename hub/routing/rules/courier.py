"""Choose a service among quotes by the courier rules and the promise, and say why each other one lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hub.kit.rules.actions import Action, AllowServices, Choose, ExcludeServices, PreferServices
from hub.kit.rules.compiled import CompiledRule, Verdict
from hub.kit.rules.facts import FactValues
from hub.routing.rules.decision import CourierChoice, LostQuote
from hub.routing.rules.values import Quote

DEFAULT_CHOICE = Choose(action="choose")
_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class CourierPolicy:
    """What the courier rules that match come to. `allowed` None: every service. Names are with the rule's id."""

    allowed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    excluded: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    preferred: tuple[str, ...] = ()
    preferred_by: str = ""
    choose: Choose = DEFAULT_CHOICE
    chosen_by: str = ""
    verdicts: tuple[Verdict, ...] = ()


def courier_policy(rules: tuple[CompiledRule, ...], values: FactValues, now: datetime) -> CourierPolicy:
    """Judge the courier rules; raises `RuleError`. The first rule that prefers or chooses wins."""
    policy = CourierPolicy()
    verdicts = []
    for rule in rules:
        verdict = rule.judge(values, now)
        verdicts.append(verdict)
        if verdict.matched:
            for action in rule.actions:
                _apply(policy, rule.id, action)
    policy.verdicts = tuple(verdicts)
    return policy


def _apply(policy: CourierPolicy, rule_id: str, action: Action) -> None:
    if isinstance(action, AllowServices):
        policy.allowed.append((rule_id, action.services))
    elif isinstance(action, ExcludeServices):
        policy.excluded.append((rule_id, action.services))
    elif isinstance(action, PreferServices) and not policy.preferred_by:
        policy.preferred, policy.preferred_by = action.services, rule_id
    elif isinstance(action, Choose) and not policy.chosen_by:
        policy.choose, policy.chosen_by = action, rule_id


def choose_service(quotes: Sequence[Quote], policy: CourierPolicy, deliver_by: datetime | None) -> CourierChoice:
    """The service to use; `quote` is None where none would do. Ties go to the other criterion, then to the name.

    Only quotes of one currency can be compared: those of the first quote's (by name).
    """
    lost: list[LostQuote] = []
    usable: list[Quote] = []
    ordered = sorted(quotes, key=lambda quote: quote.reference)
    for quote in ordered:
        refusal = _refusal(quote, policy, ordered[0].currency)
        if refusal is None:
            usable.append(quote)
        else:
            lost.append(LostQuote(quote, *refusal))
    if not usable:
        reason = "no service is offered" if not quotes else "no service is allowed"
        return CourierChoice(None, reason, tuple(lost), rules=policy.verdicts)
    return _pick(usable, lost, policy, deliver_by)


def _refusal(quote: Quote, policy: CourierPolicy, currency: str) -> tuple[str, str | None] | None:
    for rule_id, services in policy.allowed:
        if not _matches(quote, services):
            return "it is not among the services allowed", f"rule:{rule_id}"
    for rule_id, services in policy.excluded:
        if _matches(quote, services):
            return "it is excluded", f"rule:{rule_id}"
    limit = policy.choose.max_total_minor
    if limit is not None and quote.total_minor > limit:
        return f"it costs {quote.total_minor}, the limit is {limit}", f"rule:{policy.chosen_by}"
    if quote.currency != currency:
        return f"its price is in {quote.currency}, the others are in {currency}", None
    return None


def _matches(quote: Quote, services: tuple[str, ...]) -> bool:
    return quote.reference in services or f"{quote.connection}/*" in services


def _pick(
    usable: list[Quote], lost: list[LostQuote], policy: CourierPolicy, deliver_by: datetime | None
) -> CourierChoice:
    choose = policy.choose
    promised = choose.within_promise and deliver_by is not None
    in_time = [quote for quote in usable if not promised or not _is_late(quote, deliver_by)]
    by_rule = f"rule:{policy.chosen_by}" if policy.chosen_by else None
    late = not in_time
    if late and choose.late == "refuse":
        lost.extend(LostQuote(quote, _late_reason(quote), by_rule) for quote in usable)
        return CourierChoice(None, "no service arrives within the promise", tuple(lost), rules=policy.verdicts)
    pool, criterion = (usable, "fastest") if late else (in_time, choose.by)
    preferred = _preferred(pool, policy)
    winner = min(preferred or pool, key=lambda quote: _order(quote, criterion))
    preferring = policy if preferred else None
    lost.extend(
        _loss(quote, winner, late or quote in in_time, criterion, preferring) for quote in usable if quote is not winner
    )
    why = f"the {criterion}" + (" of the preferred" if preferred else "") + " service"
    if promised:
        why += "; none arrives within the promise" if late else " within the promise"
    return CourierChoice(winner, why, tuple(lost), late, policy.verdicts)


def _preferred(pool: list[Quote], policy: CourierPolicy) -> list[Quote]:
    for service in policy.preferred:
        found = [quote for quote in pool if _matches(quote, (service,))]
        if found:
            return found
    return []


def _loss(quote: Quote, winner: Quote, in_time: bool, criterion: str, preferring: CourierPolicy | None) -> LostQuote:
    if not in_time:
        return LostQuote(quote, _late_reason(quote))
    if preferring is not None and not any(
        _matches(quote, (service,)) and _matches(winner, (service,)) for service in preferring.preferred
    ):
        return LostQuote(quote, f"{winner.reference} is preferred", f"rule:{preferring.preferred_by}")
    if criterion == "fastest" and quote.deliver_by != winner.deliver_by:
        return LostQuote(quote, "it is slower" if quote.deliver_by else "it promises no day")
    if quote.total_minor != winner.total_minor:
        return LostQuote(quote, f"it costs {quote.total_minor - winner.total_minor} more than {winner.total_minor}")
    return LostQuote(
        quote, "equal otherwise, later by name" if quote.deliver_by == winner.deliver_by else "it is slower"
    )


def _order(quote: Quote, criterion: str) -> tuple[object, object, str]:
    arrival = quote.deliver_by or _FAR
    if criterion == "fastest":
        return arrival, quote.total_minor, quote.reference
    return quote.total_minor, arrival, quote.reference


def _is_late(quote: Quote, deliver_by: datetime | None) -> bool:
    return deliver_by is not None and (quote.deliver_by is None or quote.deliver_by > deliver_by)


def _late_reason(quote: Quote) -> str:
    return "it promises no day" if quote.deliver_by is None else "it arrives after the promise"
