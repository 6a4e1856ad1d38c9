"""What changed between two states of a thing, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

from hub.kit.redaction import REDACTED, is_secret, redact

_ABSENT = object()


def field_diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The fields that differ, by path (`policy/tolerance`), each as `{"before", "after"}`.

    A side that does not have the field is left out, so that null and absent are told apart. Lists are compared as a
    whole. Secrets show only that they changed.
    """
    return dict(_changes(before or {}, after or {}, ""))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted({*before, *after}, key=str):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        path = f"{prefix}{name}"
        if isinstance(old, Mapping) and isinstance(new, Mapping) and not is_secret(str(name)):
            yield from _changes(old, new, f"{path}/")
        elif type(old) is not type(new) or old != new:
            sides = (("before", old), ("after", new))
            yield path, {side: _shown(str(name), value) for side, value in sides if value is not _ABSENT}


def _shown(name: str, value: Any) -> Any:
    return REDACTED if is_secret(name) and value is not None else redact(value, hides=is_secret)
