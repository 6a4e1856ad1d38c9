"""Errors that name their field: JSON pointers, allowed values, and what the sender may have meant. Pure."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from hub.sdk.errors import Malformed

SHOWN = 5
"""Errors of one document that are told; the rest is counted."""

WORDS = {
    "missing": "is required",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "timezone_aware": "must have an offset, e.g. 2026-03-02T09:00:00+08:00",
    "datetime_type": "must be a time such as 2026-03-02T09:00:00+08:00",
    "datetime_parsing": "must be a time such as 2026-03-02T09:00:00+08:00",
    "datetime_from_date_parsing": "must be a time such as 2026-03-02T09:00:00+08:00",
    "datetime_object_invalid": "must be a time such as 2026-03-02T09:00:00+08:00",
}
AMOUNT = 'must be an amount: decimal text such as "12.50", or {"minor": 1250, "currency": "EUR"}'
COUNT = 'must be a quantity that is not negative: a whole number, or decimal text such as "1.5" (at most 3 decimals)'
BY_FIELD = {
    **dict.fromkeys(("quantity", "quantity_ordered", "available"), COUNT),
    **dict.fromkeys(
        ("unit_price", "gross", "total", "amount", "price", "subtotal", "shipping", "shipping_total", "discount_total",
         "tax_total", "grand_total", "outstanding_total"), AMOUNT),
    "rate": 'must be a fraction as text, e.g. "0.2" for 20 %',
    "revision": "must be a whole number that is not negative, or text that grows with every change",
    "currency": "must be an ISO 4217 code, e.g. EUR",
}  # fmt: skip


class FieldError(ValueError):
    """A field that is well-formed but cannot be meant; grows its pointer on the way out."""

    def __init__(self, message: str, *path: str | int, code: str = "invalid") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.code = code

    def under(self, *path: str | int) -> "FieldError":
        """The same error, seen from further outside."""
        return FieldError(self.message, *path, *self.path, code=self.code)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def malformed(message: str, *path: str | int, code: str = "invalid") -> Malformed:
    """A refusal that names its field, in the message and as `path`."""
    where = pointer(path)
    return Malformed(f"{where or 'the document'} {message}", code=code, path=where or None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """` (did you mean "sku"?)`, or nothing where no known word is close."""
    close = get_close_matches(word.casefold(), list(known), n=1, cutoff=0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""


def explain(error: ValidationError, document: Any, model: Any) -> Malformed:
    """One refusal for a failed validation: every error by its pointer, never with the value that was sent."""
    told: dict[str, tuple[str, str]] = {}
    for problem in error.errors(include_url=False, include_context=True, include_input=False):
        path = _real_path(problem["loc"], document, missing=problem["type"] == "missing")
        told.setdefault(pointer(path), (problem["type"], _words(problem, path, model)))
    # An object that is no amount is told by its fields, not also as "no text".
    told = {where: what for where, what in told.items() if not any(other.startswith(f"{where}/") for other in told)}
    shown = [f"{where or 'the document'} {words}" for where, (_, words) in list(told.items())[:SHOWN]]
    more = len(told) - len(shown)
    message = "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
    where, (code, _) = next(iter(told.items()))
    return Malformed(message, code=code, path=where or None)


def _real_path(location: tuple[int | str, ...], document: Any, *, missing: bool) -> list[str | int]:
    """Steps that are in the document (or are missed there): pydantic puts names of union members between them."""
    path: list[str | int] = []
    node = document
    for place, step in enumerate(location, start=1):
        in_list = isinstance(node, list) and isinstance(step, int) and step < len(node)
        if in_list or (isinstance(node, dict) and step in node):
            node = node[step]
        elif not (missing and place == len(location)):
            continue
        path.append(step)
    return path


def _words(problem: Mapping[str, Any], path: list[str | int], model: Any) -> str:
    kind = problem["type"]
    field = next((step for step in reversed(path) if isinstance(step, str)), "")
    if kind == "extra_forbidden":
        return f"is not a known field{suggestion(str(path[-1]), _fields_at(model, path[:-1]))}"
    if kind == "missing":
        return WORDS[kind]
    if kind == "literal_error":
        return f"must be one of {problem['ctx']['expected']}"
    return BY_FIELD.get(field) or WORDS.get(kind) or f"is not valid: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _fields_at(model: Any, path: Iterable[str | int]) -> list[str]:
    for step in path:
        if isinstance(step, str):
            model = _record(_fields(model).get(step))
    return list(_fields(model))


def _fields(model: Any) -> dict[str, Any]:
    """Fields of a typed dictionary with their types; a generic one has its argument for its type variable."""
    if not _is_record(model):
        return {}
    arguments = get_args(model)
    hints = get_type_hints(get_origin(model) or model)
    return {name: arguments[0] if isinstance(hint, TypeVar) else hint for name, hint in hints.items()}


def _record(annotation: Any) -> Any:
    """The typed dictionary inside an annotation such as `tuple[LineIn, ...] | None`."""
    if _is_record(annotation):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _record(inner)) is not None), None)


def _is_record(annotation: Any) -> bool:
    return hasattr(get_origin(annotation) or annotation, "__required_keys__")
