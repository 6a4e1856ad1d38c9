"""Can a parcel be delivered to this address? Completeness, country, postal code, phone."""

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers

from hub.canonical.countries import COUNTRIES
from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.connections.rules.policy import ReviewPolicy
from hub.kit.rules.order_facts import needs_shipping
from hub.review.rules.countries import WITHOUT_POSTAL_CODES, postal_code_fits, region_fits
from hub.review.rules.found import Found

_PO_BOX = re.compile(
    r"\b(?:p\.? ?o\.? ?box|post ?office box|postfach|postbus|bo[iî]te postale|casella postale"
    r"|apartado(?: de correos)?)\b",
    re.IGNORECASE,
)
_STREETLESS = frozenset({"HK", "MO"})
"""Where the city says nothing that the country does not."""


def address_findings(order: Order, policy: ReviewPolicy) -> Iterator[Found]:
    """What is wrong with the ship-to of an order that has to be shipped."""
    if not any(needs_shipping(line) for line in order.lines) or order.pickup_location is not None:
        return
    to = order.ship_to
    if to is None:
        yield Found("ship_to_missing", "lines have to be shipped, but there is no ship-to address",
                    suggestion="ask the buyer or the channel for the address")  # fmt: skip
        return
    if to.masked is not None:
        yield Found("receiver_masked", "the receiver is masked by the platform", {"platform": to.masked.platform})
        return
    yield from _completeness(to)
    yield from _country(to, policy)
    yield from _postal_code(to)
    if any(_PO_BOX.search(line) for line in to.lines):
        yield Found("po_box", "the address is a P.O. box", suggestion="most carriers need a street address")
    yield from _phone(order, to)


def _completeness(to: Address) -> Iterator[Found]:
    missing = []
    if not _said(to.name) and not _said(to.company):
        missing.append("name")
    if not any(_said(line) for line in to.lines):
        missing.append("address line")
    if not _said(to.city) and to.country not in _STREETLESS:
        missing.append("city")
    if missing:
        yield Found("ship_to_incomplete", f"the ship-to lacks {', '.join(missing)}", {"missing": missing},
                    suggestion="complete the address before it is released")  # fmt: skip


def _said(text: str | None) -> bool:
    return text is not None and not text.isspace() and text != ""


def _country(to: Address, policy: ReviewPolicy) -> Iterator[Found]:
    country = to.country
    if country is None:
        if to.country_raw:
            yield Found("country_unknown", "the source's country is not one of ISO 3166", {"country": to.country_raw},
                        suggestion="correct the country of the address")  # fmt: skip
        else:
            yield Found("country_missing", "the ship-to has no country", suggestion="complete the address")
    elif country not in COUNTRIES:
        yield Found("country_unknown", f"{country} is not a country of ISO 3166", {"country": country},
                    suggestion="correct the country of the address")  # fmt: skip
    elif country in policy.blocked_countries or (
        policy.allowed_countries is not None and country not in policy.allowed_countries
    ):
        yield Found("country_not_served", f"nothing is sent to {country}", {"country": country},
                    suggestion="cancel the order, or add the country to the connection's policy")  # fmt: skip


def _postal_code(to: Address) -> Iterator[Found]:
    country, code = to.country, to.postal_code
    if country is None:
        return
    if code is None or not code.strip():
        if country not in WITHOUT_POSTAL_CODES:
            yield Found("postal_code_missing", "the ship-to has no postal code", {"country": country})
    elif not postal_code_fits(country, code):
        yield Found("postal_code_invalid", f"the postal code does not have the form of {country}", {"country": country},
                    suggestion="compare postal code and country with the buyer")  # fmt: skip
    elif to.region_code and not region_fits(country, to.region_code, code):
        yield Found("postal_code_region_mismatch", f"the postal code is not in {to.region_code}",
                    {"country": country, "region": to.region_code},
                    suggestion="compare postal code and state with the buyer")  # fmt: skip


def _phone(order: Order, to: Address) -> Iterator[Found]:
    if to.phone_e164 is not None:
        return
    phone = to.phone
    if phone is None or not phone.strip():
        if not (order.buyer and order.buyer.phones):
            yield Found("phone_missing", "there is no phone number for the delivery")
    elif not phone_is_valid(phone, to.country or ""):
        yield Found("phone_invalid", "the phone number is not valid in the ship-to country", {"country": to.country},
                    suggestion="carriers announce parcels by phone: ask for the number")  # fmt: skip


@lru_cache(maxsize=16384)
def phone_is_valid(phone: str, country: str) -> bool:
    """Whether a number as written is valid, read as of this country unless it has an international prefix."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(phone, country or None))
    except phonenumbers.NumberParseException:
        return False
