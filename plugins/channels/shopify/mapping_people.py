"""Who and where: addresses, buyers, and the oddities in them that a person should see."""

import re
from collections.abc import Iterable

import phonenumbers

from hub.canonical.facts import CustomerFact
from hub.canonical.party import Address, Party
from plugins.channels.shopify.mapping_parts import required_id
from plugins.channels.shopify.mapping_reading import Node, revision_of

COUNTRY = re.compile(r"^[A-Z]{2}$")
POSTAL_CODES = {
    "US": re.compile(r"^\d{5}(-?\d{4})?$"),
    "CA": re.compile(r"^[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d$", re.IGNORECASE),
    "DE": re.compile(r"^\d{5}$"),
    "FR": re.compile(r"^\d{5}$"),
    "AU": re.compile(r"^\d{4}$"),
    "GB": re.compile(r"^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$", re.IGNORECASE),
}
"""Forms of postal codes of the countries that most Shopify shops ship to; others are not judged here."""

REGIONS = {
    "US": {
        "0": "CT MA ME NH NJ NY PR RI VT VI AE", "1": "DE NY PA", "2": "DC MD NC SC VA WV", "3": "AL FL GA MS TN AA",
        "4": "IN KY MI OH", "5": "IA MN MT ND SD WI", "6": "IL KS MO NE", "7": "AR LA OK TX",
        "8": "AZ CO ID NM NV TX UT WY", "9": "AK AP AS CA FM GU HI MH MP OR PW WA",
    },
    "CA": {
        "A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC", "H": "QC", "J": "QC", "K": "ON", "L": "ON", "M": "ON",
        "N": "ON", "P": "ON", "R": "MB", "S": "SK", "T": "AB", "V": "BC", "X": "NT NU", "Y": "YT",
    },
}  # fmt: skip
"""Regions by the first character of the postal code (US: USPS National Area; CA: Canada Post's postal districts)."""


def address_of(node: Node | None) -> Address | None:
    """A postal address; None where the source has none. The country is a code, else its text is kept beside."""
    if node is None or not any(value not in (None, "") for value in node.data.values()):
        return None
    code, name = (node.text("country_code") or "").upper(), node.text("country")
    if not COUNTRY.match(code):
        code = (name or "").upper() if name and COUNTRY.match(name) else ""
    phone = node.text("phone")
    address = Address(
        name=node.text("name") or _joined(node, "first_name", "last_name"),
        company=node.text("company"),
        lines=tuple(line for line in (node.text("address1"), node.text("address2")) if line),
        city=node.text("city"),
        region=node.text("province"),
        region_code=node.text("province_code"),
        postal_code=node.text("zip"),
        country=code or None,
        country_raw=name or node.text("country_code"),
        phone=phone,
        phone_e164=e164(phone, code or None),
        email=node.text("email"),
    )
    _judge(address, node)
    return address


def _judge(address: Address, node: Node) -> None:
    form = POSTAL_CODES.get(address.country or "")
    code = (address.postal_code or "").strip()
    if form is None or not code:
        return
    if not form.match(code):
        message = f"the postal code does not have the form of {address.country}"
        node.remarks.warn("postal_code_mismatch", message, node.at("zip"))
        return
    regions = REGIONS.get(address.country or "")
    if regions is None or address.region_code is None:
        return
    known = regions.get(code[0].upper())
    if known is not None and address.region_code.upper() not in known.split():
        message = f"the postal code does not lie in {address.region_code}"
        node.remarks.warn("postal_code_mismatch", message, node.at("zip"))


def e164(phone: str | None, country: str | None) -> str | None:
    """The international form of a phone number; None unless it is surely valid."""
    if phone is None:
        return None
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def buyer_of(node: Node) -> Party | None:
    """The buyer of an order: the customer, the contact data on the order, the company of a B2B order."""
    customer = node.child("customer")
    company = _company(node)
    billing = node.child("billing_address")
    party = Party(
        external_id=customer.identity("id") if customer else None,
        name=_name(customer) if customer else None,
        company=company or (billing.text("company") if billing else None),
        email=node.text("email", "contact_email") or (customer.text("email") if customer else None),
        phones=_phones((node, customer)),
        locale=node.text("customer_locale"),
        groups=customer.tags() if customer else (),
    )
    return party if party != Party() else None


def _company(node: Node) -> str | None:
    entity = node.child("purchasing_entity") or node
    company = entity.child("company")
    return company.text("name") if company else None


def _name(customer: Node) -> str | None:
    return _joined(customer, "first_name", "last_name") or customer.text("display_name", "name")


def _joined(node: Node, *names: str) -> str | None:
    return " ".join(part for name in names if (part := node.text(name))) or None


def _phones(nodes: Iterable[Node | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(phone for node in nodes if node and (phone := node.text("phone"))))


def customer_fact(node: Node) -> CustomerFact:
    """A buyer's profile (`customers/create`, a list of customers)."""
    default = address_of(node.child("default_address"))
    addresses = [found for inner in node.children("addresses") if (found := address_of(inner)) is not None]
    external_id = required_id(node, "customer")
    return CustomerFact(
        external_id=external_id,
        occurred_at=node.instant("created_at"),
        revision=revision_of(node.instant("updated_at", "created_at")),
        party=Party(
            external_id=external_id,
            name=_name(node),
            email=node.text("email"),
            phones=_phones((node,)),
            locale=node.text("locale"),
            groups=node.tags(),
        ),
        addresses=tuple(dict.fromkeys([*addresses, *([default] if default and not addresses else [])])),
    )
