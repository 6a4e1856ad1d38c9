"""Given gifts on the wire."""

from datetime import datetime

from hub.kit.web_types import Out
from hub.routing.service.given import GivenGift


class GiftOut(Out):
    """Units (`given`) that a rule has given of a product since `since` (null: ever), as its caps count.

    `active`: the rules that decide now give it. `left` may still be given: null where `max_total` is.
    """

    rule: str
    sku: str
    active: bool
    given: int
    since: datetime | None
    max_per_order: int | None
    max_per_customer: int | None
    max_total: int | None
    left: int | None

    @classmethod
    def of(cls, gift: GivenGift) -> "GiftOut":
        """What was given by one rule."""
        offer = gift.offer
        caps = ("max_per_order", "max_per_customer", "max_total")
        return cls(
            rule=gift.key.rule, sku=gift.key.sku, active=offer is not None, given=gift.units, left=gift.left,
            since=offer.since if offer else None,
            **{cap: getattr(offer.gift, cap) if offer else None for cap in caps},
        )  # fmt: skip
