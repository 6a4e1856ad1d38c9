"""What makes a manifest acceptable."""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

from hub.sdk.manifest import Manifest

HUB_API = (1, 0)
"""The version of the plugin contract that this hub speaks."""

_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_CLAUSE = re.compile(r"(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)")
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt,
}  # fmt: skip
_VERSION = re.compile(r"\d+(\.\d+)*([.+-]?[a-z0-9.]+)?")


def fault_of(manifest: object, *, kind: str) -> str | None:
    """What is wrong with a manifest that was registered as `kind`, in words for its author; None when nothing is."""
    if not isinstance(manifest, Manifest):
        return f"its manifest is {type(manifest).__name__}, not hub.sdk.manifest.Manifest"
    if not _ID.fullmatch(manifest.id):
        return f"its id {manifest.id!r} must be 2 to 40 lower-case letters, digits and underscores, a letter first"
    if manifest.kind != kind:
        return f"its manifest says kind {manifest.kind!r}, but it is registered as a {kind}"
    if not _VERSION.fullmatch(manifest.version):
        return f"its version {manifest.version!r} is not a version such as 1.4.0"
    if not manifest.label.strip():
        return "its label is empty: people read it in lists"
    return fault_of_range(manifest.hub_api)


def fault_of_range(wanted: str) -> str | None:
    """Why this hub is not within the range of contract versions that a plugin asks for; None when it is."""
    ours = ".".join(str(part) for part in HUB_API)
    for clause in wanted.split(","):
        found = _CLAUSE.fullmatch(clause.strip())
        if found is None:
            return f"hub_api {wanted!r} is not a range such as >=1,<2"
        sign, version = found.groups()
        if not _COMPARE[sign](_padded(HUB_API), _padded(tuple(int(part) for part in version.split(".")))):
            return f"it needs hub_api {wanted}, this hub has {ours}: install a matching version of the plugin"
    return None


def _padded(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version, *(0 for _ in range(4 - len(version))))
