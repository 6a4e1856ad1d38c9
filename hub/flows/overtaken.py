"""The version guard of a replay: what is read again must not throw an order back to where it was.

A source that states revisions says itself which of two states is later. Where it does not, messages count in the order
in which they came, as they did when they were read first.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.facts import Fact
from hub.intake.service.parse import Parsed
from hub.orders.repository import last_told
from hub.orders.rules.identity import says_when


def leaves_open(parsed: Parsed, stored: Row[Any] | None) -> bool:
    """Whether an order's revisions leave it open which state is later: this one, or the stored one."""
    fact = parsed.order_fact
    return fact is not None and stored is not None and not says_when(fact.order.revision, stored.revision)


def restates(fact: Fact) -> bool:
    """Whether a fact beside its order says anew what the order states."""
    return fact.kind == "address_change"


def overtaken(session: Session, told: Mapping[str, str]) -> set[str]:
    """Orders of which a later message has told since the given one came (order id -> message id)."""
    if not told:
        return set()
    return {order_id for order_id, cause in last_told(session, told).items() if cause and cause > told[order_id]}
