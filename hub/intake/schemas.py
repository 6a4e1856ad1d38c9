"""Messages on the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hub.intake.rules.census import window_of
from hub.intake.tables import CensusRunRow
from hub.kit.web_paging import Page, decode_cursor, encode_cursor
from hub.kit.web_types import IdText, In, Out

MOST_MESSAGES = 1000
RUNS = "census:runs"
MessageState = Literal["received", "parsed", "applied", "parked", "blocked", "duplicate", "superseded", "rejected"]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class MessageOut(Out):
    """One document as it came, and what became of it; `GET .../raw` has its bytes."""

    message_id: str
    connection_id: str
    account: str
    parent_id: str | None
    kind: str | None
    external_id: str | None
    order_ref: str | None
    revision: str | None
    content_type: str
    name: str | None
    digest: str
    state: str
    plugin: str
    plugin_version: str | None
    order_id: str | None
    error_class: str | None
    error_code: str | None
    error: str | None
    faults: list[Any] | None
    attempts: int
    correlation_id: str | None
    received_at: datetime
    applied_at: datetime | None
    emptied_at: datetime | None


class MessageFull(MessageOut):
    """A message with its headers."""

    headers: dict[str, Any]
    size: int


class ReplayIn(In):
    """Which messages are read again: these ids, or those that fit all the filters (the oldest first, up to `limit`)."""

    ids: list[IdText] | None = Field(None, min_length=1, max_length=MOST_MESSAGES)
    state: MessageState | None = None
    plugin: Name | None = None
    connection: Name | None = None
    error_class: Name | None = None
    limit: int = Field(100, ge=1, le=MOST_MESSAGES)
    dry_run: bool = Field(False, description="Only show what would change.")

    @model_validator(mode="after")
    def _says_which(self) -> "ReplayIn":
        filters = (self.state, self.plugin, self.connection, self.error_class)
        if (self.ids is None) == (not any(filters)):
            raise ValueError("name either `ids` or at least one of state, plugin, connection, error_class")
        return self


class DifferenceOut(Out):
    """What reading a message again would change."""

    message_id: str
    name: str | None
    before: str
    outcome: str
    error: str | None
    fields: list[str]
    documents: list[dict[str, Any]]


class ReplayOut(Out):
    """How many messages were found and queued; with `dry_run` what would change."""

    found: int
    queued: int
    differences: list[DifferenceOut] | None = None


class CensusRunOut(Out):
    """What one census of a day found. Sums are minor units by currency; `examples` has the first ids of each kind."""

    run_id: str
    day: date
    turn: int = Field(description="Runs that one schedule led to: what was fetched is looked for in the next.")
    ran_at: datetime
    complete: bool = Field(description="Nothing missing, waiting or unlisted.")
    counted: int | None = Field(description="The channel's own count of the day, where it states one.")
    listed: int
    held: int = Field(description="Of those listed.")
    unlisted: int = Field(description="By how much the channel's own count exceeds its list.")
    missing: int = Field(description="Listed, and nowhere here.")
    waiting: int = Field(description="Listed, and here as messages that are unread, parked or blocked.")
    late: int = Field(description="Here, but accepted more than an hour after they were placed.")
    extra: int = Field(description="Here, and unknown to the channel.")
    differing: int = Field(description="With another total.")
    fetched: int = Field(description="How many were asked for by id because of this run.")
    theirs: dict[str, int]
    ours: dict[str, int]
    examples: dict[str, list[str]]


class ProofOut(Page[CensusRunOut]):
    """The runs of a channel's census, the latest day first, and what they prove."""

    provable: bool
    reason: str | None = Field(description="Why it cannot be proven that nothing of this channel is missing.")
    proven_until: datetime | None
    age_seconds: int | None
    limit_hours: int | None
    too_old: bool = Field(description="The channel is live and the proof is older than its limit.")


def runs_cursor(run: CensusRunRow) -> str:
    """The place of a run in the list of its connection's runs."""
    return encode_cursor(RUNS, window_of(run.day)[0], run.run_id)


def runs_after(cursor: str | None) -> tuple[date, str] | None:
    """The day and the run that a cursor names; 400 `bad_cursor` for a text that is none."""
    if cursor is None:
        return None
    begin, run_id = decode_cursor(RUNS, cursor, datetime, str)
    return begin.date(), run_id
