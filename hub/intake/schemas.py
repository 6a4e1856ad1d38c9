"""Messages on the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from hub.intake.rules.census import window_of
from hub.intake.tables import CensusRunRow
from hub.kit.web_paging import Page, decode_cursor, encode_cursor
from hub.kit.web_types import IdText, In, Out

MOST_MESSAGES = 1000
RUNS = "census:runs"
FILTERS = frozenset({"state", "plugin", "plugin_version", "connection", "error_class", "since", "until"})
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
    """Which messages are read again: these ids, or those that fit all the filters, the oldest first, `limit` a step."""

    ids: list[IdText] | None = Field(None, min_length=1, max_length=MOST_MESSAGES)
    state: MessageState | None = None
    plugin: Name | None = None
    plugin_version: Annotated[str, Field(max_length=30)] | None = Field(
        None, description="The version that read them last."
    )
    connection: Name | None = None
    error_class: Name | None = None
    since: AwareDatetime | None = Field(None, description="Those that came then or later.")
    until: AwareDatetime | None = Field(None, description="Those that came before.")
    limit: int = Field(100, ge=1, le=MOST_MESSAGES, description="Messages of one step.")
    cursor: str | None = Field(None, max_length=600, description="`next_cursor` of the answer before; absent first.")
    dry_run: bool = Field(False, description="Only show what would change.")

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters; `connection` is a name."""
        return {name: getattr(self, name) for name in FILTERS}

    @model_validator(mode="after")
    def _says_which(self) -> "ReplayIn":
        if (self.ids is None) == (not any(self.chosen.values())):
            raise ValueError(f"name either `ids` or at least one of {', '.join(sorted(FILTERS))}")
        if self.ids is not None and self.cursor is not None:
            raise ValueError("`cursor` goes on with filters, not with `ids`")
        return self


class ChangeOut(Out):
    """One place where two readings of a document differ; what may be personal is `***`."""

    path: str
    kind: str = Field(description="added, removed or changed")
    before: str | None
    after: str | None


class DifferenceOut(Out):
    """What reading a message again would change. `outcome` is what would come of it, `reading` compares with what was
    read last, `changes` are the places; `fields` are those of its order that would change.
    """

    message_id: str
    name: str | None
    before: str
    outcome: str
    reading: str
    error: str | None
    fields: list[str]
    changes: list[ChangeOut]
    documents: list[dict[str, Any]]


class PathOut(Out):
    """One kind of difference: in how many messages and places, with some of them."""

    path: str
    kind: str
    messages: int
    places: int
    examples: list[dict[str, Any]]


class SummaryOut(Out):
    """A step in sum. `outcomes` counts by `reading`; `examples` names some messages of each."""

    compared: int
    outcomes: dict[str, int]
    examples: dict[str, list[str]]
    paths: list[PathOut]


class ReplayOut(Out):
    """One step: how many messages fitted before it, were found and were queued; with `dry_run` what would change. Go on
    with `next_cursor` until it is null.
    """

    matched: int = Field(description="Those that fit from the cursor on; counting stops at 100,000.")
    found: int
    queued: int
    differences: list[DifferenceOut] | None = None
    summary: SummaryOut | None = None
    next_cursor: str | None = None


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
