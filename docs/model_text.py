"""The fields of a settings model as rows of a Markdown table; used by `docs/generate.py`."""

import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

MARKS = {list: "[]", tuple: "[]", set: "[]", frozenset: "[]", dict: "{}"}


def model_rows(model: type[BaseModel], prefix: str = "", above: tuple[type, ...] = ()) -> Iterator[str]:
    """One row for each field; the fields of nested models follow it, each once, with the path to them."""
    for name, info in model.model_fields.items():
        yield f"| `{prefix}{name}` | {kind_of(info)} | {default_of(info)} | {cell(info.description or '')} |"
        rows: dict[str, None] = {}
        for inner, mark in nested(info.annotation):
            if inner not in above:
                rows |= dict.fromkeys(model_rows(inner, f"{prefix}{name}{mark}.", (*above, inner)))
        yield from rows


def nested(annotation: Any, mark: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Models inside an annotation; `[]` marks a list of them, `{}` a mapping to them."""
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation, mark
    if get_origin(annotation) is Literal:
        return
    for argument in get_args(annotation):
        yield from nested(argument, MARKS.get(get_origin(annotation), mark))


def kind_of(info: FieldInfo) -> str:
    """A field's type in code, marked where it is a secret."""
    secret = " (secret)" if SecretStr in (info.annotation, *get_args(info.annotation)) else ""
    return f"`{cell(type_name(info.annotation))}`{secret}"


def type_name(annotation: Any) -> str:
    """A type as a person would write it, without modules and without pydantic's metadata."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    if origin is Annotated:
        return type_name(arguments[0])
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(one) for one in arguments)
    if origin is Literal:
        return " | ".join(repr(one) for one in arguments)
    if origin is not None:
        return f"{origin.__name__}[{', '.join(type_name(one) for one in arguments)}]"
    return str(getattr(annotation, "__name__", annotation))


def default_of(info: FieldInfo) -> str:
    """A field's default as a person would write it."""
    if info.is_required():
        return "required"
    if info.default_factory_takes_validated_data:
        return "computed"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    plain = value.value if isinstance(value, Enum) else value
    if isinstance(plain, set | frozenset):
        plain = sorted(plain)  # a set's own order changes from run to run
    return f"`{cell(str(plain) if isinstance(plain, Path) else repr(plain))}`"


def cell(text: str) -> str:
    """Text for a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")
