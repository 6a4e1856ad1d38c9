"""What values a fact can have at all, as far as that is certain: a clause outside of it can never match."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import get_args

from hub.canonical.countries import COUNTRIES
from hub.canonical.order import LineKind, OrderKind
from hub.kit.rules.facts import OF_REVIEW, FactCatalogue, SectionName

_HALF_ROUND_KM = 20_040
"""No two places of the earth are further apart."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Bounds of a whole number (inclusive), or the texts that a text or the entries of a list can be."""

    least: int | None = None
    most: int | None = None
    texts: frozenset[str] | None = None


_COUNTRY = Domain(texts=COUNTRIES | {""})
_NATURAL = Domain(least=0)
_DOMAINS: Mapping[str, Domain] = {
    "order.kind": Domain(texts=frozenset(get_args(OrderKind))),
    "order.line_kinds": Domain(texts=frozenset(get_args(LineKind))),
    "order.weight_grams": _NATURAL,
    "order.lines": _NATURAL,
    "order.ship_to.country": _COUNTRY,
    "order.bill_to.country": _COUNTRY,
    "order.placed_hour": Domain(0, 23),
    "order.placed_weekday": Domain(1, 7),
    "location.kind": Domain(texts=frozenset({"warehouse", "store", "vendor", "virtual"})),
    "location.country": _COUNTRY,
    "location.distance_km": Domain(0, _HALF_ROUND_KM),
    "location.ship_in_days": _NATURAL,
    "location.load_permille": _NATURAL,
    "parcel.grams": _NATURAL,
    "parcel.splits": Domain(least=1),
}


_ANY_COUNTRY = Domain(texts=frozenset(one + two for one in ascii_uppercase for two in ascii_uppercase) | {""})
"""Review meets orders whose country is none; it has a finding about them."""


def domains_of(catalogue: FactCatalogue, section: SectionName) -> Mapping[str, Domain]:
    """The domains of the facts of a section that have one; facts of plugins have none."""
    optional = frozenset(fact.name for fact in catalogue.courier + catalogue.review if fact.optional)
    known = {**_DOMAINS, "order.missing": Domain(texts=optional)}
    if section in OF_REVIEW:
        known |= {"order.ship_to.country": _ANY_COUNTRY, "order.bill_to.country": _ANY_COUNTRY}
    return known
