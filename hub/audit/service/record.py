"""Write the audit trail, in the transaction of what it tells about."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.audit import repository
from hub.audit.rules.diff import field_diff
from hub.kit.ids import new_id
from hub.kit.log import correlation_id


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject_kind: str,
    subject_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    at: datetime,
) -> bool:
    """Note who did what to which thing, and which fields changed; `action` is a verb of the trade (`order.held`).

    Returns False, and writes nothing, where both sides are given and nothing differs. The values must have a JSON form;
    those of secret fields are replaced.
    """
    diff = field_diff(before, after)
    if not diff and before is not None and after is not None:
        return False
    repository.add(
        session,
        {
            "audit_entry_id": new_id(), "at": at, "actor": actor, "action": action, "subject_kind": subject_kind,
            "subject_id": subject_id, "diff": diff, "correlation_id": correlation_id(),
        },
    )  # fmt: skip
    return True
