"""What rules give away: how much their caps leave, and who a customer is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from hub.canonical.order import Order
from hub.kit.rules.actions import AddGift
from hub.orders.rules import identity

PREFIX = "gift:"


class GiftKey(NamedTuple):
    """A rule and the SKU of a product that it gives: what caps are counted for."""

    rule: str
    sku: str


class Customer(NamedTuple):
    """Whom a cap counts for: an e-mail address, or a phone where the order has none."""

    known_by: Literal["email", "phone"]
    value: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a rule that holds wants to give to an order; what was given before `since` is not counted."""

    rule: str
    gift: AddGift
    since: datetime | None = None

    @property
    def key(self) -> GiftKey:
        """What its caps are counted for."""
        return GiftKey(self.rule, self.gift.sku)

    @property
    def counts_others(self) -> bool:
        """Whether what other orders got matters."""
        return self.gift.max_per_customer is not None or self.gift.max_total is not None


@dataclass(slots=True)
class Given:
    """Units that were given until now, by rule and product; it counts on with each gift."""

    total: dict[GiftKey, int] = field(default_factory=dict)
    by_customer: dict[tuple[GiftKey, Customer], int] = field(default_factory=dict)

    def give(self, offer: Offer, customer: Customer | None, *, in_order: int) -> int:
        """The units of an offer that all caps leave; `in_order` are those of the product that the order has already.

        Whose orders cannot be told apart is counted for each order alone.
        """
        gift, key = offer.gift, offer.key
        own = self.by_customer.get((key, customer), 0) if customer is not None else in_order
        counted = (
            (gift.max_per_order, in_order),
            (gift.max_per_customer, own),
            (gift.max_total, self.total.get(key, 0)),
        )
        units = min([gift.quantity, *(cap - before for cap, before in counted if cap is not None)])
        if units <= 0:
            return 0
        self.total[key] = self.total.get(key, 0) + units
        if customer is not None:
            self.by_customer[key, customer] = own + units
        return units


def gifts_alone(offers: Iterable[Offer]) -> dict[str, int]:
    """Units by SKU that an order gets of these when nobody has got any before."""
    nobody, units = Given(), dict[str, int]()
    for offer in offers:
        sku = offer.gift.sku
        units[sku] = units.get(sku, 0) + nobody.give(offer, None, in_order=units.get(sku, 0))
    return units


def customer_of(order: Order) -> Customer | None:
    """Whose order it is, as far as it says."""
    email = identity.email_key(order)
    if email is not None:
        return Customer("email", email)
    phone = identity.phone_key(order)
    return None if phone is None else Customer("phone", phone)


def line_name(key: GiftKey) -> str:
    """The external id of the one line that an order has of a rule's product."""
    return f"{PREFIX}{key.rule}:{key.sku}"
