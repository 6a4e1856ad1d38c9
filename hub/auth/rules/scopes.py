"""What a key may do: `resource:read`, `resource:write` (which includes reading) or `admin` (everything)."""

import re
from collections.abc import Collection, Iterable

ADMIN = "admin"
_SCOPE = re.compile(r"[a-z][a-z0-9_-]{0,38}:(read|write)")


class BadScope(ValueError):
    """A text that is not a scope; the message says what one looks like."""


def normalised(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes once each, sorted, without those that another one includes; `BadScope` for what is none."""
    wanted = {scope.strip() for scope in scopes}
    if not wanted:
        raise BadScope("A key needs at least one scope, e.g. orders:read.")
    for scope in sorted(wanted):
        if scope != ADMIN and not _SCOPE.fullmatch(scope):
            raise BadScope(f"{scope[:60]!r} is not a scope: use resource:read, resource:write or admin.")
    if ADMIN in wanted:
        return (ADMIN,)
    return tuple(sorted(scope for scope in wanted if not _is_included(scope, wanted)))


def allows(granted: Collection[str], wanted: str) -> bool:
    """Whether the granted scopes cover the wanted one."""
    return ADMIN in granted or wanted in granted or (wanted != ADMIN and _is_included(wanted, granted))


def _is_included(scope: str, granted: Collection[str]) -> bool:
    resource, _, verb = scope.partition(":")
    return verb == "read" and f"{resource}:write" in granted
