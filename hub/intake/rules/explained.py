"""Differences that somebody has explained: by path and kind, each with its reason."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["added", "removed", "changed"]
_ANY = {"**": ".*", "*": r"[^.]*"}


class Explanation(BaseModel):
    """`path` is a pattern as the report shows it; `*` stands for anything within one name, `**` for anything."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, Field(min_length=1, max_length=300)]
    kind: Kind | None = None
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    def fits(self, path: str, kind: str) -> bool:
        """Whether it explains this kind of difference."""
        parts = re.split(r"(\*\*|\*)", self.path)
        pattern = "".join(_ANY.get(part) or re.escape(part) for part in parts)
        return self.kind in (None, kind) and re.fullmatch(pattern, path) is not None


class Explanations(BaseModel):
    """The file: a list of `explained`."""

    model_config = ConfigDict(extra="forbid")

    explained: list[Explanation] = Field(default_factory=list)


def reason_for(explanations: Sequence[Explanation], path: str, kind: str) -> str | None:
    """Why there is such a difference, by the first explanation that fits; None where nobody has said so."""
    return next((entry.reason for entry in explanations if entry.fits(path, kind)), None)
