"""What orders are found by, and what makes two of them look alike."""

import hashlib
import re

from hub.canonical.order import Order

_NOT_DIGITS = re.compile(r"[^\d+]")


def email_key(order: Order) -> str | None:
    """The buyer's e-mail address in lower case."""
    for address in (order.buyer.email if order.buyer else None, order.ship_to.email if order.ship_to else None):
        if address:
            return address.strip().lower()[:250]
    return None


def phone_key(order: Order) -> str | None:
    """The receiver's phone number, E.164 where it is known, else its digits."""
    if order.ship_to and (order.ship_to.phone_e164 or order.ship_to.phone):
        return normal_phone(order.ship_to.phone_e164 or order.ship_to.phone or "")
    phones = order.buyer.phones if order.buyer else ()
    return normal_phone(phones[0]) if phones else None


def normal_phone(text: str) -> str | None:
    """Digits with a leading plus if there was one."""
    return _NOT_DIGITS.sub("", text)[:40] or None


def lookalike_key(order: Order) -> str | None:
    """Same receiver, same goods, same amount; None where too little is known to say so."""
    ship_to = order.ship_to
    if ship_to is None or not order.lines or not (ship_to.name and ship_to.lines):
        return None
    goods = sorted(f"{line.sku or line.name}x{line.quantity.normalize()}" for line in order.lines)
    grand = order.totals.grand
    parts = [
        ship_to.name.lower(), " ".join(ship_to.lines).lower(), ship_to.postal_code or "", ship_to.country or "",
        str(grand.minor if grand else ""), order.currency or "", *goods,
    ]  # fmt: skip
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def newer(candidate: str | None, stored: str | None) -> bool:
    """Whether a revision is at least as new as the stored one; numbers compare as numbers, texts as texts."""
    if candidate is None or stored is None:
        return True
    if candidate.isdigit() and stored.isdigit():
        return int(candidate) >= int(stored)
    return candidate >= stored


def says_when(candidate: str | None, stored: str | None) -> bool:
    """Whether two revisions tell by themselves which of two states is the later one."""
    return candidate is not None and stored is not None and candidate != stored
