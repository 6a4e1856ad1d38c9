"""Shadowed versions on the wire."""

from datetime import datetime
from typing import Literal

from hub.kit.web_types import Out
from hub.routing.tables import RuleSetRow, ShadowRow


class ShadowOut(Out):
    """How often a version would have decided as the active one did. `failed` are decisions that it could not make.

    `ended_by` is who stopped it, or `active` or `retired` where that became of the version. `micros_per_order` is the
    time that planning by it takes, beside live planning and never before it.
    """

    shadow_id: str
    rule_set_id: str
    version: int
    state: Literal["running", "ended"]
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    ended_by: str | None
    agreed: int
    disagreed: int
    failed: int
    last_error: str | None
    micros_per_order: int | None

    @classmethod
    def of(cls, version: RuleSetRow, row: ShadowRow) -> "ShadowOut":
        """One shadow with its version."""
        asked = row.agreed + row.disagreed
        return cls(
            shadow_id=row.shadow_id, rule_set_id=row.rule_set_id, version=version.version,
            state="running" if row.state == "running" else "ended", started_at=row.started_at,
            started_by=row.started_by, ended_at=row.ended_at, ended_by=row.ended_by, agreed=row.agreed,
            disagreed=row.disagreed, failed=row.failed, last_error=row.last_error,
            micros_per_order=round(row.spent_micros / asked) if asked else None,
        )  # fmt: skip


class DisagreementOut(Out):
    """A live decision that the version would have made otherwise: what differs, and what decided in each."""

    disagreement_id: str
    order_id: str
    decision_id: str
    number: str
    before: str
    after: str
    changed: str
    why: str
    found_at: datetime
