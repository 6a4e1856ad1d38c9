"""The facts that clauses may read, each with a type and a unit in its name.

A clause is compiled against the facts of its section, so that a typo or a wrong type is refused when a rule is saved.
Amounts are minor units, weights grams, distances kilometres, all whole numbers: CEL does not compare whole numbers with
fractions, and neither should a rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

FactType = Literal["int", "bool", "string", "list<string>"]
FactValue = int | bool | str | list[str]
"""A value of a fact. Lists are Python lists (the engine refuses tuples)."""
FactValues = Mapping[str, FactValue]
SectionName = Literal["review", "priority", "assign", "gift", "sourcing", "courier", "merge"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One declared fact. `optional` facts may be absent: a clause that reads an absent one fails, it is never false."""

    name: str
    type: FactType
    about: str
    example: FactValue = field(compare=False)
    optional: bool = False

    @property
    def group(self) -> str:
        """The part before the first dot: `order`, `location`, `parcel`, `review` or a plugin's own."""
        return self.name.partition(".")[0]


def _int(name: str, about: str, example: int, *, optional: bool = False) -> Fact:
    return Fact(name, "int", about, example, optional)


def _text(name: str, about: str, example: str) -> Fact:
    return Fact(name, "string", about, example)


def _flag(name: str, about: str) -> Fact:
    return Fact(name, "bool", about, False)


def _list(name: str, about: str, *example: str) -> Fact:
    return Fact(name, "list<string>", about, list(example))


ORDER_FACTS: tuple[Fact, ...] = (
    _text("order.number", "The number that people use for it", "#1001"),
    _text("order.kind", "standard, preorder, bulk or custom", "standard"),
    _text("order.channel", "The channel plugin that it came through", "shopify"),
    _text("order.connection", "The name of the connection that it came through", "berlin-shop"),
    _text("order.source_name", "What the channel calls its source; empty if it does not say", "web"),
    _text("order.currency", "ISO 4217 code; empty if the source gives none", "EUR"),
    _int("order.total_minor", "Grand total as stated, in minor units", 12900, optional=True),
    _int("order.shipping_minor", "Shipping as stated, in minor units", 490, optional=True),
    _int("order.discount_minor", "Discounts as stated, in minor units, positive", 0, optional=True),
    _int("order.tax_minor", "Taxes as stated, in minor units", 2060, optional=True),
    _int("order.weight_grams", "Weight of all lines that need shipping, in grams", 1450, optional=True),
    _int("order.lines", "Number of lines", 3),
    _int("order.units", "Sum of the quantities, rounded up to whole units", 4),
    _list("order.skus", "SKUs of the lines, sorted, each once", "MUG-BLUE", "TEE-M"),
    _list("order.line_kinds", "Kinds of the lines, sorted, each once", "standard"),
    _list("order.requires", "Capabilities that its products ask of a location (hazmat, cold ...)", "cold"),
    _list("order.tags", "Tags of the channel and of the hub", "vip"),
    _list("order.buyer.groups", "Customer groups or tiers of the buyer, as its source names them, sorted", "gold"),
    _list("order.discount_codes", "Codes that the buyer entered, sorted", "SUMMER10"),
    _text("order.payment_state", "unpaid, authorized, paid, cod_due ... unknown", "paid"),
    _text("order.payment_method", "How it is paid; empty if unknown", "card"),
    _text("order.ship_to.country", "ISO 3166-1 alpha-2; empty if unknown", "DE"),
    _text("order.ship_to.region", "Region code, else its name; empty if unknown", "BE"),
    _text("order.ship_to.city", "City; empty if unknown", "Berlin"),
    _text("order.ship_to.postal_code", "Postal code, upper case; empty if unknown", "10115"),
    _flag("order.ship_to.is_company", "Whether a company is named in the ship-to"),
    _text("order.bill_to.country", "ISO 3166-1 alpha-2; empty if unknown", "DE"),
    _text("order.requested_service", "The delivery service that the buyer chose; empty if none", "Express"),
    _int("order.promised_days", "Days from its placing to its promised delivery, rounded down", 3, optional=True),
    _int("order.placed_hour", "Hour of the day when it was placed, UTC, 0 to 23", 14, optional=True),
    _int("order.placed_weekday", "Day when it was placed, UTC, 1 Monday to 7 Sunday", 5, optional=True),
    _flag("order.needs_shipping", "Whether any line has to be shipped"),
    _flag("order.has_buyer_note", "Whether the buyer left a note"),
    _flag("order.test", "Whether the source marks it as a test"),
    _list("order.missing", "Names of the order facts that are not known of this order", "order.weight_grams"),
)

REVIEW_FACTS: tuple[Fact, ...] = (
    _list("review.findings", "Codes of what the checks found, sorted, each once", "phone_invalid"),
)

LOCATION_FACTS: tuple[Fact, ...] = (
    _text("location.code", "Code of the candidate location", "BER"),
    _text("location.kind", "warehouse, store, vendor or virtual", "warehouse"),
    _text("location.country", "ISO 3166-1 alpha-2", "DE"),
    _text("location.region", "Region code or name; empty if none", "BE"),
    _text("location.postal_code", "Postal code; empty if none", "12099"),
    _list("location.capabilities", "What it can handle", "cold", "hazmat"),
    _int("location.rank", "The location's own rank, lower is better", 1),
    _int("location.distance_km", "Great-circle distance to the ship-to, whole km", 480, optional=True),
    _flag("location.same_country", "Whether it is in the ship-to's country"),
    _flag("location.same_region", "Whether it is in the ship-to's country and region"),
    _int("location.ship_in_days", "Days until the next day on which it can ship", 0),
    _int("location.capacity_left", "Orders it can still take on that day", 120, optional=True),
    _int("location.load_permille", "Share of that day's capacity in use, in thousandths; 0 without a limit", 250),
    _flag("location.fills_all", "Whether it has everything that the order needs"),
)

PARCEL_FACTS: tuple[Fact, ...] = (
    _int("parcel.grams", "Weight of what one location sends, in grams", 1450),
    _int("parcel.units", "Units that one location sends, rounded up", 4),
    _int("parcel.splits", "Number of locations that the order is sent from", 1),
)


OF_REVIEW = frozenset({"review", "priority", "assign", "gift"})
"""Sections that are asked when an order is reviewed: they read the same facts."""


@dataclass(frozen=True, slots=True)
class FactCatalogue:
    """The facts of each section; plugins add their own with `extended`. Hashable, so that engines are cached by it."""

    review: tuple[Fact, ...] = ORDER_FACTS + REVIEW_FACTS
    sourcing: tuple[Fact, ...] = ORDER_FACTS + LOCATION_FACTS
    courier: tuple[Fact, ...] = ORDER_FACTS + LOCATION_FACTS + PARCEL_FACTS

    @property
    def merge(self) -> tuple[Fact, ...]:
        """A parcel is put together knowing what a service was chosen by."""
        return self.courier

    def section(self, name: SectionName) -> tuple[Fact, ...]:
        """The facts that clauses of this section may read."""
        if name in OF_REVIEW:
            return self.review
        return self.sourcing if name == "sourcing" else self.courier

    def extended(self, facts: Iterable[Fact]) -> "FactCatalogue":
        """A catalogue with further facts in every section; raises ValueError where a name is taken."""
        added = tuple(facts)
        taken = {fact.name for fact in self.courier} | {fact.name for fact in self.review}
        clash = sorted(fact.name for fact in added if fact.name in taken)
        if clash:
            raise ValueError(f"these facts exist already, choose other names: {', '.join(clash)}")
        return FactCatalogue(self.review + added, self.sourcing + added, self.courier + added)


CATALOGUE = FactCatalogue()
