"""What gift rules have given until now, beside their caps."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from hub.kit.rules.actions import AddGift
from hub.orders.repository_gifts import given_keys, units_given
from hub.orders.rules.gifts import GiftKey, Offer
from hub.routing.service.rule_sets import active_rules


@dataclass(frozen=True, slots=True)
class GivenGift:
    """Units that a rule has given of a product. `offer` is what the active rules say of it: None where they do not give
    it (any more).
    """

    key: GiftKey
    units: int
    offer: Offer | None

    @property
    def left(self) -> int | None:
        """Units that may still be given; None where nothing limits them in all, or nobody gives any more."""
        most = self.offer.gift.max_total if self.offer is not None else None
        return None if most is None else max(most - self.units, 0)


def list_given(session: Session, *, after: GiftKey | None, limit: int) -> list[GivenGift]:
    """A page by rule and product: all that was given, and all that active rules give. Counted is from a rule's
    `valid_from` on, as its caps count.
    """
    _, rules = active_rules(session)
    offers = {
        GiftKey(rule.id, action.sku): Offer(rule.id, action, rule.valid_from)
        for rule in rules.gift
        for action in rule.actions
        if isinstance(action, AddGift)
    }
    keys = sorted(key for key in {*given_keys(session), *offers} if after is None or key > after)[:limit]
    units = units_given(session, {key: offers[key].since if key in offers else None for key in keys})
    return [GivenGift(key, units.get(key, 0), offers.get(key)) for key in keys]
