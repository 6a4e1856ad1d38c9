"""Two decisions about one order side by side: what differs, and what decided in each. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.routing.rules.values import UNIT

Body = Mapping[str, Any]
"""A decision as it is stored (`Decision.to_dict`)."""
RULE = "rule:"


@dataclass(frozen=True, slots=True)
class Difference:
    """An order that other rules would have sent otherwise; `before` and `after` say it in a line.

    `changed` names what differs (outcome, location, split, units, day, service, price, review), separated by commas;
    `why` says in a line what decided then, and what decides under the other rules.
    """

    order_id: str
    number: str
    before: str
    after: str
    changed: str = ""
    why: str = ""


def difference(before: Body, after: Body) -> Difference | None:
    """What is noticed outside; None where it is the same."""
    changed = changes(before, after)
    if not changed:
        return None
    return Difference(
        before["order_id"], before["number"], in_words(before), in_words(after), ", ".join(changed),
        f"then: {decided_by(before)}; now: {decided_by(after)}",
    )  # fmt: skip


def changes(before: Body, after: Body) -> tuple[str, ...]:
    """Names of what differs outside: what goes, from where, when, with which service, at what price."""
    if not before["fulfilments"] or not after["fulfilments"]:
        same = before["outcome"] == after["outcome"] and len(before["fulfilments"]) == len(after["fulfilments"])
        return () if same else ("outcome",)
    one, other = _by_location(before), _by_location(after)
    found = {
        "outcome": before["outcome"] != after["outcome"],
        "location": one.keys() != other.keys(),
        "split": len(one) != len(other),
        "units": one.keys() == other.keys() and any(_lines(one[code]) != _lines(other[code]) for code in one),
    }
    looks: tuple[tuple[str, Callable[[Body], Any]], ...] = (("day", _day), ("service", _service), ("price", _price))
    for name, look in looks:
        if found["location"]:
            found[name] = sorted(map(look, one.values())) != sorted(map(look, other.values()))
        else:
            found[name] = any(look(one[code]) != look(other[code]) for code in one)
    return tuple(name for name, differs in found.items() if differs)


def in_words(body: Body) -> str:
    """A decision in a line: places with their services and prices, or why nothing goes."""
    if not body["fulfilments"]:
        return f"{body['outcome']}: {body['reason']}"
    return " + ".join(map(_part, body["fulfilments"])) + ("; the rest waits" if body["shortages"] else "")


def decided_by(body: Body) -> str:
    """Which rule or rank decided: why the first winner won (or nobody did), and whom rules took out."""
    won = [candidate for candidate in body["candidates"] if candidate["verdict"] == "won"]
    parts = [f"{won[0]['location']} {won[0]['reason']}" if won else body["message"]]
    taken_out: dict[str, list[str]] = {}
    for candidate in body["candidates"]:
        by = candidate.get("eliminated_by", "")
        if by.startswith(RULE):
            taken_out.setdefault(by, []).append(candidate["location"])
    parts.extend(f"{by} took out {', '.join(codes)}" for by, codes in sorted(taken_out.items()))
    services = {
        lost["by"] for part in body["fulfilments"] for lost in part.get("service", {}).get("lost", []) if "by" in lost
    }
    parts.extend(f"{by} took out services" for by in sorted(services))
    return ", ".join(parts)


def _by_location(body: Body) -> dict[str, Body]:
    return {part["location"]: part for part in body["fulfilments"]}


def _lines(part: Body) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, part["lines"]))


def _day(part: Body) -> str:
    return str(part["ship_day"])


def _service(part: Body) -> str:
    return str(part.get("service", {}).get("service", ""))


def _price(part: Body) -> tuple[str, int]:
    service = part.get("service", {})
    return service.get("currency", ""), service.get("total_minor", 0)


def _part(part: Body) -> str:
    service = part.get("service", {})
    price = f" by {service['service']} ({service['total_minor']} {service['currency']})" if "service" in service else ""
    units = sum(quantity for _, _, quantity in part["lines"]) / UNIT
    return f"{units:g} from {part['location']}{price}"
