"""How old the proof is that nothing of a channel is missing, and the alarm when it is older than it may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.resolve import resolve_by_key
from hub.connections.service.adapters import ConnectionInfo, load_by_name, load_kind
from hub.connections.tables import ConnectionRow
from hub.flows.services import Services
from hub.intake.rules.census import end_of
from hub.intake.service.census import last_proven_day
from hub.jobs.service.work import Job
from hub.kit.errors import HubError, StateConflict

PROOF_WATCH = "proof.watch"
ONLY_PUSHES = "this channel cannot be proven complete: it only pushes"
NO_LIST = "this channel cannot be proven complete: it offers no list of a day's orders"
NO_PLUGIN = "this channel cannot be proven complete: its plugin cannot be opened"


@dataclass(frozen=True, slots=True)
class Proof:
    """Up to when everything that a channel holds is known to be here; `reason` says why it can never be known.

    `too_old`: the channel is live and the proof is older than the policy allows. The age of one that was never given
    is counted from the day on which the connection was made.
    """

    connection_id: str
    connection: str
    provable: bool
    reason: str | None = None
    proven_until: datetime | None = None
    age_seconds: int | None = None
    limit_hours: int | None = None
    too_old: bool = False


class WatchProofs:
    """Handler of `proof.watch`, every hour: it runs whether the channels answer or not."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """One case a connection; it is resolved when the proof is young enough again."""
        at = self._services.clock.now()
        found = [proof_of(session, self._services, info) for info in load_kind(session, "channel")]
        open_cases(session, cases=[_case(proof) for proof in found if proof.too_old], at=at)
        fine = [_key(proof) for proof in found if not proof.too_old]
        resolve_by_key(session, dedupe_keys=fine, actor="census", resolution="The channel is proven again.", at=at)


def load_channel(session: Session, name: str) -> ConnectionInfo:
    """The channel of a name; `StateConflict` for another connection, which has no orders to prove."""
    info = load_by_name(session, name)
    if info.kind != "channel":
        raise StateConflict("not_a_channel", f"Connection {name!r} is no channel: only channels are proven complete.")
    return info


def proof_of(session: Session, services: Services, connection: ConnectionInfo) -> Proof:
    """The proof of one channel as it stands now."""
    reason = _hindrance(services, connection)
    if reason is not None:
        return Proof(connection.connection_id, connection.name, provable=False, reason=reason)
    day = last_proven_day(session, connection_id=connection.connection_id)
    until = end_of(day) if day is not None else None
    since = session.get_one(ConnectionRow, connection.connection_id).created_at
    age = services.clock.now() - max(since, until or since)
    limit = connection.decided.proof_limit_hours
    seconds = max(int(age.total_seconds()), 0)
    return Proof(
        connection.connection_id, connection.name, provable=True, proven_until=until, age_seconds=seconds,
        limit_hours=limit, too_old=connection.live and limit is not None and seconds > limit * 3600,
    )  # fmt: skip


def _hindrance(services: Services, connection: ConnectionInfo) -> str | None:
    try:
        channel = services.adapters.channel(connection)
    except HubError:
        return NO_PLUGIN
    if channel.offers("census"):
        return None
    return NO_LIST if channel.offers("list_changes") else ONLY_PUSHES


def _case(proof: Proof) -> NewCase:
    known = f"up to {proof.proven_until:%Y-%m-%d %H:%M} UTC only" if proof.proven_until else "for no day yet"
    return NewCase(
        kind="proof_old", dedupe_key=_key(proof), subject_kind="connection", subject_id=proof.connection_id,
        title=f"{proof.connection} is proven complete {known}; its limit is {proof.limit_hours} hours",
        what_to_do="See whether the connection is paused or its census fails (hub connection list, hub jobs list), and "
        f"what the last ones found (hub proof --connection {proof.connection}). The case closes itself with the proof.",
        detail={"connection": proof.connection, "limit_hours": proof.limit_hours},
    )  # fmt: skip


def _key(proof: Proof) -> str:
    return f"proof:{proof.connection_id}"
