"""intake -> catalog: facts get the meanings that people gave to the codes of their source; the others are noted."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from hub.catalog.service.codes import meanings
from hub.intake import repository
from hub.intake.rules.codes import with_meanings
from hub.intake.service.parse import Parsed


def translate_codes(session: Session, parsed: Sequence[Parsed]) -> None:
    """Put meanings in place of what was unknown. `unknowns` keeps what nobody has decided about; documents without an
    unknown code, which are nearly all, cost no statement.
    """
    told = [entry for entry in parsed if entry.unknowns]
    known = meanings(
        session, keys={(entry.connection.connection_id, *code) for entry in told for code in entry.unknowns}
    )
    for entry in told:
        place = entry.connection.connection_id
        given = {code: meaning for code in entry.unknowns if (meaning := known.get((place, *code))) is not None}
        if given:
            entry.facts = tuple(with_meanings(fact, given) for fact in entry.facts)
        entry.unknowns = [code for code in entry.unknowns if (place, *code) not in known]


def note_unknown_codes(
    session: Session, parsed: Sequence[Parsed], results: Sequence[Mapping[str, Any]], *, changed: Collection[str]
) -> None:
    """Note what each message waits for, in place of what was noted of it, or of orders that it has `changed`."""
    again = [entry.message.message_id for entry in parsed if entry.message.attempts]
    if again or changed:
        repository.forget_unknown_codes(session, message_ids=again, order_ids=changed)
    outcome = {row["message_id"]: row for row in results}
    rows: list[dict[str, Any]] = []
    for entry in parsed:
        message, result = entry.message, outcome[entry.message.message_id]
        if result["state"] in ("blocked", "superseded"):
            continue
        rows.extend(
            {
                "message_id": message.message_id, "field": field, "value": value,
                "connection_id": message.connection_id, "order_id": result["order_id"], "since": message.received_at,
            }
            for field, value in entry.unknowns
        )  # fmt: skip
    repository.insert_unknown_codes(session, rows)
