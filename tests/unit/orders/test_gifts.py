"""Caps of gifts, as arithmetic: never more than any cap, never less than all of them leave."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hub.kit.rules.actions import AddGift
from hub.orders.rules.gifts import Customer, GiftKey, Given, Offer, customer_of
from tests.builders import canonical_order

CUSTOMERS = st.none() | st.builds(Customer, st.sampled_from(["email", "phone"]), st.sampled_from("ab"))
CAPS = st.none() | st.integers(1, 12)
GIFTS = st.builds(
    AddGift, action=st.just("add_gift"), sku=st.sampled_from(["MUG", "PEN"]), quantity=st.integers(1, 5),
    max_per_order=CAPS, max_per_customer=CAPS, max_total=CAPS,
)  # fmt: skip


def rule_sets() -> st.SearchStrategy[list[Offer]]:
    offers = st.builds(Offer, rule=st.sampled_from(["one", "two"]), gift=GIFTS)
    return st.lists(offers, min_size=1, max_size=4, unique_by=lambda offer: offer.key)


@given(
    offers=rule_sets(),
    orders=st.lists(CUSTOMERS, max_size=12),
    before=st.dictionaries(st.builds(GiftKey, st.just("one"), st.just("MUG")), st.integers(0, 15)),
)
def test_no_cap_is_passed_and_nothing_is_kept_back(
    offers: list[Offer], orders: list[Customer | None], before: dict[GiftKey, int]
) -> None:
    ledger = Given(dict(before))
    total, each = Counter(before), Counter[tuple[GiftKey, Customer]]()
    for customer in orders:
        in_order = Counter[str]()
        for offer in offers:
            gift, key = offer.gift, offer.key
            units = ledger.give(offer, customer, in_order=in_order[gift.sku])
            theirs = each[key, customer] if customer is not None else in_order[gift.sku]
            caps = [
                cap - counted
                for cap, counted in (
                    (gift.max_per_order, in_order[gift.sku]), (gift.max_per_customer, theirs), (gift.max_total, total[key]),
                )
                if cap is not None
            ]  # fmt: skip
            assert 0 <= units <= gift.quantity
            assert units == 0 or all(units <= left for left in caps)
            assert units == gift.quantity or any(units == max(left, 0) for left in caps)
            total[key] += units
            in_order[gift.sku] += units
            if customer is not None:
                each[key, customer] += units


def test_a_customer_is_a_mail_address_before_a_phone() -> None:
    phone = {"phones": ["+1 212 555 0100"]}
    assert customer_of(canonical_order(buyer={"email": " Ada@Example.com", **phone})) == ("email", "ada@example.com")
    assert customer_of(canonical_order(buyer=phone)) == ("phone", "+12125550100")
    assert customer_of(canonical_order()) is None
