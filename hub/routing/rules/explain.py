"""Say in words why an order goes where it goes: from a decision, or from its stored JSON."""

from collections.abc import Mapping
from typing import Any

from hub.routing.rules.decision import Decision
from hub.routing.rules.flip import Flips

Record = Decision | Mapping[str, Any]


def _body(decision: Record) -> Mapping[str, Any]:
    return decision.to_dict() if isinstance(decision, Decision) else decision


def explain(decision: Record) -> list[str]:
    """The whole decision as lines of text: outcome, each candidate, the rules that matched."""
    body = _body(decision)
    lines = [f"{body['number']}: {body['outcome']} ({body['reason']}), {body['message']}"]
    lines.extend(_fulfilment(fulfilment) for fulfilment in body["fulfilments"])
    lines.extend(_nowhere(body))
    lines.extend(_strategy(body.get("strategy")))
    lines.extend(f"{candidate['location']} {_candidate(candidate)}" for candidate in body["candidates"])
    matched = [verdict["rule"] for verdict in body["rules"] if verdict["matched"]]
    lines.append(f"rules that matched: {', '.join(matched) if matched else 'none'}")
    return lines


def explain_location(decision: Record, code: str) -> list[str]:
    """Why this location, or why not: its verdict, its numbers beside the winner's, and every rule that touched it."""
    body = _body(decision)
    found = next((candidate for candidate in body["candidates"] if candidate["location"] == code), None)
    if found is None:
        known = ", ".join(candidate["location"] for candidate in body["candidates"]) or "none"
        return [f"{code} was not among the candidates ({known})"]
    lines = [f"{code} {_candidate(found)}"]
    lines.extend(
        f"it would also have been taken out by {other['by']}: {other['reason']}{_numbers(other['facts'])}"
        for other in found.get("also", [])
    )
    winner = next((candidate for candidate in body["candidates"] if candidate["verdict"] == "won"), None)
    if winner is not None and winner is not found and found.get("ranks"):
        lines.append(_beside(found, winner, body["ranking"]))
    touching = [verdict["rule"] for verdict in body["rules"] if code in verdict.get("candidates", [])]
    if touching:
        lines.append(f"rules that held for it: {', '.join(touching)}")
    lines.extend(_fulfilment(fulfilment) for fulfilment in body["fulfilments"] if fulfilment["location"] == code)
    return lines


def explain_flips(flips: Flips | None, note: str) -> list[str]:
    """What would have changed the decision, as lines of text; `note` says why nothing can be said."""
    if flips is None:
        return [note]
    lines = [flip.in_words() for flip in flips.found]
    lines.extend(f"no change of one or two numbers would let {code} win" for code in flips.without)
    if not flips.complete:
        lines.append("there are more numbers than were tried: ask about one location")
    return lines


def _nowhere(body: Mapping[str, Any]) -> list[str]:
    told = body.get("unfillable")
    if not told:
        return []
    skus = ", ".join(sorted({sku for line_id, sku, _ in body["shortages"] if line_id in told["short"]}))
    if told["do"] == "cancel_after":
        return [f"{skus} is cancelled if it has not come {told['after_minutes']} minutes after it was missed"]
    return [f"{skus} is on backorder"]


def _strategy(told: Mapping[str, Any] | None) -> list[str]:
    if not told:
        return []
    return [f"strategy {told['use']}, wave {told['wave'][:12]} of {told['orders']} orders: {told['reason']}"]


def _candidate(candidate: Mapping[str, Any]) -> str:
    by = f" by {candidate['eliminated_by']}" if candidate.get("eliminated_by") else ""
    return f"{candidate['verdict']}{by}: {candidate['reason']}{_numbers(candidate.get('facts', {}))}"


def _numbers(facts: Mapping[str, Any]) -> str:
    return f" [{', '.join(f'{name}={value}' for name, value in facts.items())}]" if facts else ""


def _beside(found: Mapping[str, Any], winner: Mapping[str, Any], ranking: list[str]) -> str:
    mine, theirs = found["ranks"], winner.get("ranks", {})
    pairs = [f"{name} {_value(mine.get(name))} / {_value(theirs.get(name))}" for name in ranking]
    return f"beside {winner['location']} (its value / theirs): {', '.join(pairs)}"


def _value(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def _fulfilment(fulfilment: Mapping[str, Any]) -> str:
    lines = ", ".join(f"{quantity / 1000:g} x {sku}" for _, sku, quantity in fulfilment["lines"])
    text = f"{fulfilment['location']} sends {lines} on {fulfilment['ship_day']}"
    if fulfilment.get("moves"):
        moved = ", ".join(f"{quantity / 1000:g} x {sku} from {code}" for code, sku, quantity in fulfilment["moves"])
        text += f" after a transfer of {moved}"
    merge = fulfilment.get("merge")
    if merge:
        text += f", up to {merge['window_minutes']} minutes later with others to the consignee (rule {merge['rule']})"
    service = fulfilment.get("service")
    if service:
        text += f" with {service['service']} for {service['total_minor']} {service['currency']}: {service['reason']}"
        for lost in service["lost"]:
            text += f"; not {lost['service']}: {lost['reason']}"
    return text
