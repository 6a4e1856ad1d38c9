"""What happened, for those above who subscribed; and work that was asked for directly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subject; becomes one job for each subscription.

    `cause` makes it unique for ever: the same kind, subject and cause is published once. `lane` orders its jobs.
    """

    kind: str
    subject_id: str
    cause: str
    lane: str
    data: Mapping[str, Any] = field(default_factory=dict)
    connection_id: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work that is asked for directly; `idem_key` is unique for ever, `due_at` None means now.

    `correlation_id` None takes that of the cause, and its `traceparent` too.
    """

    kind: str
    idem_key: str
    lane: str
    subject_id: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    connection_id: str | None = None
    priority: int = 0
    due_at: datetime | None = None
    correlation_id: str | None = None
    traceparent: str | None = None
