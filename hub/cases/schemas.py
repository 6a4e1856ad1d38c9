"""Cases on the wire."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from hub.cases.rules.cases import MAX_RESOLUTION, Case, CaseState


class CaseOut(BaseModel):
    """Something that a person must decide, and what to do about it."""

    case_id: str
    kind: str
    state: CaseState
    subject_kind: str
    subject_id: str
    title: str
    what_to_do: str
    detail: dict[str, Any]
    occurrences: int
    opened_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None

    @classmethod
    def of(cls, case: Case) -> Self:
        """The wire form of a case; its dedupe key stays inside."""
        values = asdict(case)
        del values["dedupe_key"]
        return cls(**values)


class ResolutionIn(BaseModel):
    """How a case was resolved."""

    model_config = ConfigDict(extra="forbid")

    resolution: str = Field(
        min_length=1, max_length=MAX_RESOLUTION, pattern=r"^[^\x00]+$", description="What was done, in a sentence."
    )
