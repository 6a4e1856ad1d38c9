"""Report what a person must decide."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.cases import repository
from hub.cases.rules.cases import NewCase, fold


def open_cases(session: Session, *, cases: Sequence[NewCase], at: datetime) -> None:
    """Open a case for each dedupe key that has none open; a repeat raises `occurrences` of the open one.

    A key whose case was resolved gets a new case. One statement for any number of cases.
    """
    if cases:
        repository.open_cases(session, cases=fold(cases), at=at)
