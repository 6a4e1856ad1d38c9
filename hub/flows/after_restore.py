"""The database was put back to an earlier state: nothing goes out before people have looked at what was done since.

What others did for us in the time that was lost is known to them alone. What was asked of them under a reference that
the backup has is found by it (`jobs.service.effects`). Orders that came, and shipments that were made, since the backup
had ids that are lost, so nobody can be asked for them: whatever could be done twice is held for a person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.billing.repository import next_number, skip_to_number
from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.connections.service.adapters import describe
from hub.connections.tables import ConnectionRow
from hub.flows.census import census_job
from hub.flows.pull_channel import step_back
from hub.flows.push_stock import forget_told
from hub.flows.runtime import Runtime
from hub.jobs.service.connection_health import pause
from hub.jobs.service.publish import enqueue
from hub.jobs.service.restored import note_restore
from hub.kit.crypto import SecretKeyError
from hub.kit.errors import HubError
from hub.orders.service.holding import hold_orders
from hub.orders.service.holds import MAY_BE_DONE, RESTORED
from hub.orders.service.retention import unsettled_orders

AT_ONCE = 200
MOST_DAYS = 366
CASE = "restored"


@dataclass(frozen=True, slots=True)
class Settled:
    """What was made safe. `sealed`: connections whose secrets none of the keys opens; `days` will be proven anew."""

    paused: tuple[str, ...]
    sealed: tuple[str, ...]
    held: int
    doubted: int
    days: int
    next_invoice: int


def settle(runtime: Runtime, *, taken_at: datetime, next_invoice: int | None) -> Settled:
    """Make a database of `taken_at` safe to work with; it must not be in use. May be repeated after an error."""
    at = runtime.clock.now()
    reason = (
        f"restored to the state of {taken_at:%Y-%m-%d %H:%M:%S} UTC: see the case of kind {CASE}, then run its check"
    )
    with runtime.database.write() as session:
        doubted = note_restore(session, taken_at=taken_at, restored_at=at)
        paused, sealed, days = [], [], 0
        for row in session.scalars(select(ConnectionRow).order_by(ConnectionRow.name)):
            row.cursor = step_back(row.cursor)
            if not _opens(runtime, row):
                sealed.append(row.name)
            if describe(row).live:
                pause(session, connection_id=row.connection_id, reason=reason)
                paused.append(row.name)
            days += _prove_anew(session, runtime, row, taken_at, at)
        forget_told(session)
        if next_invoice is not None:
            skip_to_number(session, "invoice", next_invoice)
        number = next_number(session, "invoice")
        open_cases(session, cases=[_case(taken_at, at)], at=at)
    return Settled(tuple(paused), tuple(sealed), _hold(runtime, at), doubted, days, number)


def _opens(runtime: Runtime, row: ConnectionRow) -> bool:
    try:
        runtime.secrets.open(row.secrets or runtime.secrets.seal({}))
    except SecretKeyError:
        return False
    return True


def _prove_anew(session: Session, runtime: Runtime, row: ConnectionRow, taken_at: datetime, at: datetime) -> int:
    """A census of each day that was lost in whole or in part; today's is asked for when it is over, as always."""
    info = describe(row)
    try:
        offered = info.kind == "channel" and info.enabled and runtime.adapters.channel(info).offers("census")
    except HubError:  # its plugin or its secrets are gone: the age of its proof tells
        offered = False
    if not offered:
        return 0
    lost = min((at.date() - taken_at.date()).days, MOST_DAYS)
    days = [at.date() - timedelta(days=back) for back in range(lost, 0, -1)]
    enqueue(session, [census_job(row.connection_id, day, cause=f"restored:{at.isoformat()}") for day in days])
    return len(days)


def _hold(runtime: Runtime, at: datetime) -> int:
    """A few orders a transaction: there may be very many."""
    held, after = 0, ""
    while True:
        with runtime.database.write() as session:
            order_ids = unsettled_orders(session, after=after, limit=AT_ONCE)
            if not order_ids:
                return held
            done = hold_orders(
                session, order_ids=order_ids, reason_code=RESTORED, message=MAY_BE_DONE, actor="restore", at=at
            )
        held, after = held + len(done.done), order_ids[-1]


def _case(taken_at: datetime, at: datetime) -> NewCase:
    return NewCase(
        kind=CASE, dedupe_key=f"{CASE}:{at.isoformat()}", subject_kind="hub", subject_id="hub",
        title=f"The database was put back from {at:%Y-%m-%d %H:%M} to {taken_at:%Y-%m-%d %H:%M} UTC",
        what_to_do="1. Count the stock, or have it told anew. 2. Run the check of each channel (hub connection check "
        "NAME): it goes on, and reads again what it told since. Senders that only push must repeat what was answered "
        "since. 3. Compare the labels of each carrier and the documents of each ledger since then with the orders held "
        "as `restored` (hub orders list --hold restored); release those that were not done, cancel those that were. "
        "4. Run the checks of the carriers and ledgers.",
        detail={"taken_at": taken_at.isoformat(), "restored_at": at.isoformat()},
    )  # fmt: skip
