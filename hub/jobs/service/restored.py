"""That the database was put back to an earlier state, and what follows: others may know more of us than we do."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.jobs.tables import EffectRow, JobRow, RestoreRow
from hub.kit.ids import made_at


def note_restore(session: Session, *, taken_at: datetime, restored_at: datetime) -> int:
    """Note that the state of `taken_at` holds again; returns how many calls must be asked for because of it.

    A call that surely had done nothing by then may have been repeated, and done, in the time that was lost. Nobody
    works in this database under the leases that it has: they are over.
    """
    session.execute(
        update(JobRow)
        .where(JobRow.state == "leased")
        .values(due_at=restored_at)
        .execution_options(synchronize_session=False)
    )
    session.add(RestoreRow(restored_at=restored_at, taken_at=taken_at))
    doubted = session.execute(
        update(EffectRow)
        .where(EffectRow.state.in_(("intent", "sent", "refused", "in_doubt")))
        .values(state="in_doubt", call_deadline=restored_at)
        .returning(EffectRow.idem_key)
        .execution_options(synchronize_session=False)
    )
    return len(doubted.all())


def restored_at(session: Session) -> datetime | None:
    """When the database was last put back to an earlier state; None where it never was."""
    return session.scalars(select(RestoreRow.restored_at).order_by(RestoreRow.restored_at.desc()).limit(1)).first()


def may_be_of_before(subject_id: str, restored: datetime) -> bool:
    """Whether a subject may be older than the restore: its id tells when it was made; what tells nothing may be."""
    made = made_at(subject_id)
    return made is None or made <= restored
