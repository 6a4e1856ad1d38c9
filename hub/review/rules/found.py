"""What a check found, before the policy says how severe it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """One thing found. `line` is the channel's line id; `evidence` holds no personal data."""

    code: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    line: str | None = None
    suggestion: str | None = None
