"""Which fields hold secrets or personal data, by their names; pure, for logs and for audit diffs."""

from collections.abc import Callable, Mapping
from typing import Any

REDACTED = "***"
_SECRET_PARTS = (
    "secret", "token", "passw", "authorization", "cookie", "api_key", "apikey", "private_key", "signature",
    "credential",
)  # fmt: skip
_PERSONAL_PARTS = ("phone", "mobile", "email", "e_mail", "address", "street", "postal_code", "postcode")
_PERSONAL_NAMES = frozenset(
    {
        "name", "first_name", "last_name", "full_name", "given_name", "family_name", "customer_name", "buyer_name",
        "recipient", "recipient_name", "receiver", "receiver_name", "consignee", "contact", "contact_name", "city",
    }
)  # fmt: skip
_MAX_DEPTH = 6


def is_secret(field: str) -> bool:
    """Whether a field of this name holds a secret."""
    plain = field.lower().replace("-", "_")
    return any(part in plain for part in _SECRET_PARTS)


def is_sensitive(field: str) -> bool:
    """Whether a field of this name holds a secret or personal data."""
    plain = field.lower().replace("-", "_")
    return is_secret(plain) or plain in _PERSONAL_NAMES or any(part in plain for part in _PERSONAL_PARTS)


def redact(value: Any, *, hides: Callable[[str], bool] = is_sensitive, depth: int = 0) -> Any:
    """The value with `***` for what fields of a telling name hold, at any depth of mappings and lists.

    None stays None: nothing is invented for an absent value.
    """
    if isinstance(value, Mapping):
        if depth >= _MAX_DEPTH:
            return REDACTED
        return {
            key: REDACTED if inner is not None and hides(str(key)) else redact(inner, hides=hides, depth=depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return REDACTED if depth >= _MAX_DEPTH else [redact(inner, hides=hides, depth=depth + 1) for inner in value]
    return value
