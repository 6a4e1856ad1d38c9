"""Close cases: by a person's decision, or because what they were about is over."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from hub.cases import repository
from hub.cases.rules.cases import Case, stored_key
from hub.cases.service.query import get
from hub.kit.errors import StateConflict


def resolve(session: Session, *, case_id: str, actor: str, resolution: str, at: datetime) -> Case:
    """Resolve one open case; `resolution` says what was done. Raises `NotFound`, or `StateConflict` if it was
    resolved before.
    """
    done = repository.resolve_case(session, case_id=case_id, actor=actor, resolution=resolution, at=at)
    case = get(session, case_id=case_id)
    if not done:
        raise StateConflict("case_resolved", f"{case.resolved_by} resolved this case already.")
    return case


def resolve_by_key(session: Session, *, dedupe_keys: Collection[str], actor: str, resolution: str, at: datetime) -> int:
    """Resolve whichever cases of these keys are open, because their cause is gone; returns how many were.

    One statement for any number of keys.
    """
    if not dedupe_keys:
        return 0
    keys = {stored_key(key) for key in dedupe_keys}
    return repository.resolve_open(session, dedupe_keys=keys, actor=actor, resolution=resolution, at=at)
