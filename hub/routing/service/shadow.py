"""A version is asked about live orders beside the one that decides; only what it would do otherwise is kept.

It is asked afterwards, by work of its own, from the inputs that the live decision keeps: live planning does no more for
it than leave a job behind, and nothing that a candidate does can hurt or delay an order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.connections.service.adapters import Adapters
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.retention import Swept
from hub.kit.clock import monotonic
from hub.kit.db import lock_names
from hub.kit.errors import NotFound, StateConflict
from hub.kit.ids import new_id
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.routing import repository, repository_shadow
from hub.routing.rules.differences import difference
from hub.routing.service.backtest import otherwise
from hub.routing.service.history import History, NotKept
from hub.routing.service.hooks import Ranks, hooks_for
from hub.routing.tables import RuleSetRow, ShadowRow

SHADOW, SHADOW_END = "routing.shadow", "routing.shadow_end"
AT_ONCE = 50
"""Decisions that one job asks about: on SQLite nobody else writes meanwhile, so it must be over in a moment."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Tally:
    """What came of some decisions."""

    agreed: int = 0
    failed: int = 0
    micros: int = 0
    error: str | None = None
    disagreements: list[dict[str, Any]] = field(default_factory=list)


def start_shadow(session: Session, *, reference: str, actor: str, at: datetime) -> ShadowRow:
    """Ask a version about live orders from now on. 409 while another one is asked, or where it has decided before."""
    lock_names(session, [SHADOW])
    end_shadow(session, at=at)
    version = _version(session, reference)
    other = repository_shadow.marked_running(session)
    if other is not None:
        raise StateConflict(
            "shadow_running",
            f"Version {other[1].version} is shadowed already: stop it first "
            f"(`hub routing shadow stop {other[1].version}`).",
        )
    if version.state not in repository_shadow.NOT_YET:
        raise StateConflict(
            "not_a_candidate",
            f"Version {version.version} is {version.state}: only a version that has not decided yet is shadowed; "
            "save its document as a new one.",
        )
    row = ShadowRow(
        shadow_id=new_id(), rule_set_id=version.rule_set_id, state="running", started_at=at, started_by=actor,
        agreed=0, disagreed=0, failed=0, spent_micros=0,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, version, "rule_set.shadow_started", actor, at)
    return row


def stop_shadow(session: Session, *, reference: str, actor: str, at: datetime) -> ShadowRow:
    """Ask it no more; what it said so far is kept. 409 where it is not asked."""
    version = _version(session, reference)
    found = repository_shadow.marked_running(session)
    if found is None or found[1].rule_set_id != version.rule_set_id:
        raise StateConflict("not_shadowed", f"Version {version.version} is not shadowed.")
    found[0].state, found[0].ended_at, found[0].ended_by = "ended", at, actor
    session.flush()
    _note(session, version, "rule_set.shadow_stopped", actor, at)
    return found[0]


def end_shadow(session: Session, *, at: datetime) -> None:
    """End the shadow of a version that was activated or retired: there is nothing more to ask it about."""
    found = repository_shadow.marked_running(session)
    if found is None or found[1].state in repository_shadow.NOT_YET:
        return
    row, version = found
    row.state, row.ended_at, row.ended_by = "ended", at, version.state
    session.flush()
    _note(session, version, "rule_set.shadow_stopped", "routing", at)


def find_shadow(session: Session, reference: str) -> tuple[RuleSetRow, ShadowRow]:
    """The last shadow of a version."""
    version = _version(session, reference)
    row = repository_shadow.newest_of(session, version.rule_set_id)
    if row is None:
        raise NotFound("shadow", reference)
    return version, row


def observe(session: Session, decision_ids: Sequence[str]) -> None:
    """Leave work behind for the version that is shadowed, if one is, about decisions that were just made."""
    row = repository_shadow.running(session) if decision_ids else None
    if row is None:
        return
    pages = [decision_ids[place : place + AT_ONCE] for place in range(0, len(decision_ids), AT_ONCE)]
    enqueue(
        session,
        [
            NewJob(
                kind=SHADOW, idem_key=f"{SHADOW}:{row.shadow_id}:{page[0]}", lane=f"{SHADOW}:{row.shadow_id}",
                subject_id=row.shadow_id, args={"decisions": list(page)},
            )
            for page in pages
        ],
    )  # fmt: skip


def ask(session: Session, shadow_id: str, decision_ids: Sequence[str], *, adapters: Adapters, at: datetime) -> None:
    """Ask a shadowed version about decisions, count how often it agrees, and keep where it does not."""
    row = repository_shadow.running(session)
    version = session.get(RuleSetRow, row.rule_set_id) if row is not None and row.shadow_id == shadow_id else None
    if version is None:
        return
    rules = compile_rule_set(read_rule_set(version.body))
    ranks = hooks_for(adapters.host, rules)[1]
    history, tally = History(session, adapters), _Tally()
    for decision in repository_shadow.decisions(session, decision_ids):
        _ask_about(decision, tally, history, rules, ranks)
    repository_shadow.insert_disagreements(
        session,
        [{"disagreement_id": new_id(), "shadow_id": shadow_id, "found_at": at, **said} for said in tally.disagreements],
    )
    repository_shadow.count(
        session, shadow_id, agreed=tally.agreed, disagreed=len(tally.disagreements), failed=tally.failed,
        micros=tally.micros, error=tally.error,
    )  # fmt: skip


def sweep_disagreements(session: Session, *, before: datetime, limit: int, dry: bool) -> Swept:
    """Old disagreements; the counts stay."""
    if dry:
        return Swept(repository_shadow.count_old(session, found_before=before), "", "", more=False)
    count = repository_shadow.forget_old(session, found_before=before, limit=limit)
    return Swept(count, "", "", more=count == limit)


def _ask_about(decision: Any, tally: _Tally, history: History, rules: CompiledRuleSet, ranks: Ranks) -> None:
    began = monotonic()
    try:
        found = difference(decision.body, otherwise(history, decision.inputs, rules, ranks))
    except NotKept as reason:
        tally.failed += 1
        tally.error = f"order {decision.body['number']}: {reason}"
        return
    except SQLAlchemyError:  # the database's trouble, not the candidate's: the whole job is done again
        raise
    except Exception as error:  # noqa: BLE001  whatever a candidate does, it stays its own matter
        tally.failed += 1
        tally.error = f"order {decision.body['number']}: {type(error).__name__}"
        log.warning("routing.shadow_failed", order_id=decision.order_id, error=type(error).__name__)
        return
    tally.micros += round((monotonic() - began) * 1_000_000)
    if found is None:
        tally.agreed += 1
        return
    tally.disagreements.append(
        {
            "order_id": decision.order_id, "decision_id": decision.decision_id, "number": found.number,
            "before": found.before, "after": found.after, "changed": found.changed, "why": found.why,
        }
    )  # fmt: skip


def _version(session: Session, reference: str) -> RuleSetRow:
    row = repository.active_rule_set(session) if reference == "active" else repository.rule_set(session, reference)
    if row is None:
        raise NotFound("rule_set", reference)
    return row


def _note(session: Session, version: RuleSetRow, action: str, actor: str, at: datetime) -> None:
    record(
        session, actor=actor, action=action, subject_kind="rule_set", subject_id=version.rule_set_id,
        after={"version": version.version}, at=at,
    )  # fmt: skip
