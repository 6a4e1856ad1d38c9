"""Webhooks at a steady pace from `bench.steady`, and what its report says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.end_to_end import Incomplete
from bench.place import Place
from bench.processes import Child
from bench.world import SECRET, SHOP


@dataclass(frozen=True, slots=True)
class Paced:
    """When each order was sent, in seconds since 1970 by the shop's order id, and how the door answered."""

    sent: Mapping[str, float]
    answers: Mapping[str, int]
    late_ms: float
    slowest_ms: float


def sender(place: Place, address: str, *, count: int, rate: float, first: int = 0) -> Child:
    """Start a sender of the orders from `first` on; `paced` reads its report."""
    arguments = ["-m", "bench.steady", address, f"/hooks/{SHOP}", SECRET, str(count), str(rate), str(first)]
    return Child(arguments, log=place.folder / "steady.log")


def paced(document: Mapping[str, Any], *, first: int = 0) -> Paced:
    """The report of a sender that began with the order `first`."""
    sent = {f"B-{number}": moment for number, moment in enumerate(document["sent"], first)}
    return Paced(sent, document["answers"], document["late_ms"], document["slowest_ms"])


def keep_pace(place: Place, address: str, *, count: int, rate: float, first: int = 0) -> Paced:
    """Send, and wait for all answers; any other than 202 is an error."""
    with sender(place, address, count=count, rate=rate, first=first) as child:
        outcome = paced(child.document(), first=first)
    if outcome.answers != {"202": count}:
        raise Incomplete(f"the door answered {dict(outcome.answers)} to {count} webhooks")
    return outcome
