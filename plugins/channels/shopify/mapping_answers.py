"""PURE: Shopify's business errors inside HTTP 200 become the SDK's errors, named by what the hub must do.

Codes: shopify.dev/docs/api/admin-graphql (`errors[].extensions.code`); the cost block:
shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits.
"""

from typing import Any, NoReturn

from hub.canonical.money import Money, MoneyError
from hub.sdk.errors import AuthFailed, Conflict, PluginError, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.values import CensusEntry

DEFAULT_PAUSE = 2.0
LONGEST_PAUSE = 600.0
REFUSED = frozenset({"ACCESS_DENIED", "FORBIDDEN", "UNAUTHORIZED", "SHOP_INACTIVE"})
STALE = frozenset({
    "CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
})  # fmt: skip
"""Somebody else changed the level: read it again and compare."""


def data_of(answer: Any, *, repeatable: bool) -> dict[str, Any]:
    """The data of a GraphQL answer; raises the SDK error that it stands for where it is none.

    `repeatable` says that sending the request again does no harm: else an unknown failure is `Uncertain`, since the
    write may have happened.
    """
    if not isinstance(answer, dict):
        raise Transient("Shopify answered with something else than a JSON object", code="not_an_object")
    errors = answer.get("errors")
    if errors:
        _raise(errors, answer, repeatable)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise _unknown("Shopify answered without data", "no_data", repeatable)
    return data


def _raise(errors: Any, answer: dict[str, Any], repeatable: bool) -> NoReturn:
    first = errors[0] if isinstance(errors, list) and errors else errors
    inner = first.get("extensions") if isinstance(first, dict) else None
    code = str(inner.get("code") or "") if isinstance(inner, dict) else ""
    message = str(first.get("message") or "") if isinstance(first, dict) else str(first)
    short = message[:200] or "no message"
    if code == "THROTTLED":
        raise RateLimited("Shopify throttles this app", after=pause_of(answer), code=code)
    if code in REFUSED or (not code and "access token" in message.lower()):
        raise AuthFailed(f"Shopify refuses: {short}. Check the token and the scopes of the app", code=code or "token")
    if code == "MAX_COST_EXCEEDED":
        raise Rejected("the request costs more than Shopify allows; lower page_size in the settings", code=code)
    if code and _is_our_fault(code):
        raise Rejected(f"Shopify refuses the request: {short}", code=code)
    raise _unknown(f"Shopify failed: {short}", code or "unknown", repeatable)


def _is_our_fault(code: str) -> bool:
    """Validation errors have codes in camel case (`undefinedField`); outages are in capitals."""
    return not code.isupper() or code in ("BAD_REQUEST", "NOT_FOUND", "INVALID", "BAD_USER_INPUT")


def _unknown(message: str, code: str, repeatable: bool) -> PluginError:
    return Transient(message, code=code) if repeatable else Uncertain(message, code=code)


def pause_of(answer: dict[str, Any]) -> float:
    """Seconds until the bucket holds the cost of the request, by the cost block of the answer."""
    extensions = answer.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    status = cost.get("throttleStatus") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or not isinstance(status, dict):
        return DEFAULT_PAUSE
    stated = (cost.get("requestedQueryCost"), status.get("currentlyAvailable"), status.get("restoreRate"))
    wanted, left, rate = (float(value) if isinstance(value, int | float) else 0.0 for value in stated)
    if wanted <= 0 or rate <= 0:
        return DEFAULT_PAUSE
    return min(max((wanted - left) / rate, 0.1), LONGEST_PAUSE)


def user_error(payload: Any) -> PluginError | None:
    """The error that a mutation's `userErrors` stand for; None where there are none."""
    errors = payload.get("userErrors") if isinstance(payload, dict) else None
    if not isinstance(payload, dict):
        return Uncertain("Shopify did not say what became of the change", code="no_payload")
    if not errors:
        return None
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    code, message = str(first.get("code") or "user_error"), str(first.get("message") or "no message")[:200]
    field = "/".join(str(step) for step in first.get("field") or ())
    if code in STALE:
        return Conflict(f"Shopify's level changed meanwhile: {message}", code=code, path=field or None)
    if code == "IDEMPOTENCY_CONCURRENT_REQUEST":
        return Transient("the same change is under way at Shopify", code=code)
    return Rejected(f"Shopify refuses: {message}", code=code, path=field or None)


def census_entry(node: dict[str, Any]) -> CensusEntry:
    """One order of the census; without an id the page is none, rather than a shorter list."""
    number = str(node.get("id") or "").rpartition("/")[2]
    if not number:
        raise Transient("Shopify listed an order without an id", code="id_missing")
    shop = (node.get("totalPriceSet") or {}).get("shopMoney") or {}
    try:
        return CensusEntry(number, Money.of(str(shop["amount"]), str(shop["currencyCode"])))
    except (KeyError, MoneyError):
        return CensusEntry(number)


def exact_count(data: dict[str, Any]) -> int | None:
    """How many orders the whole window has by Shopify's own count, where that is exact."""
    counted = data.get("ordersCount") or {}
    return int(counted["count"]) if counted.get("precision") == "EXACT" else None
