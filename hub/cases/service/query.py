"""Read cases."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from hub.cases import repository
from hub.cases.rules.cases import Case, CaseState
from hub.kit.errors import NotFound
from hub.kit.ids import is_id


def get(session: Session, *, case_id: str) -> Case:
    """One case; raises `NotFound`, also where the text is no id at all."""
    case = repository.get_case(session, case_id=case_id) if is_id(case_id) else None
    if case is None:
        raise NotFound("case", case_id)
    return case


def subjects_with_case(session: Session, subject_ids: Collection[str], *, subject_kind: str) -> set[str]:
    """Those of the subjects about which a case is open."""
    return repository.subjects_with_case(session, subject_kind=subject_kind, subject_ids=subject_ids)


def list_cases(
    session: Session, *, state: CaseState | None = None, kind: str | None = None,
    subject: tuple[str, str] | None = None, before: str | None = None, limit: int = 50,
) -> list[Case]:  # fmt: skip
    """Cases, newest first, before a case's id; `subject` is (kind, id), e.g. `("order", order_id)`."""
    return repository.list_cases(session, state=state, kind=kind, subject=subject, before=before, limit=limit)
