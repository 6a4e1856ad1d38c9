"""Connections on the wire; secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from hub.kit.web_types import In, Out

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
Mode = Literal["observe", "live"]
Kind = Literal["channel", "carrier", "erp"]


class HealthOut(Out):
    """Whether it may be called now. `paused_reason`: a person must act; `paused_by` is who paused it, null where
    refused credentials did; `blocked_until`: it waits by itself.
    """

    paused_reason: str | None = None
    paused_by: str | None = None
    blocked_until: datetime | None = None
    failures_in_row: int = 0
    last_ok_at: datetime | None = None
    last_error: str | None = None


class ConnectionOut(Out):
    """One account of one adapter. `secrets` names the secret settings that are set, never their values."""

    connection_id: str
    name: str
    kind: str
    plugin: str
    account: str
    mode: str
    enabled: bool
    import_from: datetime | None
    settings: dict[str, Any]
    secrets: list[str]
    policy: dict[str, Any]
    allow_private: bool
    version: int
    health: HealthOut


class ConnectionIn(In):
    """A new account. In `observe` everything is read and nothing goes out; orders placed before `import_from` cause
    nothing.
    """

    name: Name
    kind: Kind
    plugin: str = Field(min_length=1, max_length=60)
    account: str = Field(min_length=1, max_length=120, description="The platform's own id of the shop or partner.")
    settings: dict[str, Any] = Field(default={}, description="By the plugin's settings schema; secrets are sealed.")
    mode: Mode = "observe"
    import_from: AwareDatetime | None = Field(None, description="Default for a live channel that can be pulled: now.")
    policy: dict[str, Any] = Field(default={}, description="Review, payment and tolerance of this connection.")
    allow_private: bool = Field(False, description="Whether its address may be in a private network.")


class ConnectionPatch(In):
    """What changes; secrets that are not given stay as they are."""

    settings: dict[str, Any] | None = None
    mode: Mode | None = None
    enabled: bool | None = None
    import_from: AwareDatetime | None = None
    policy: dict[str, Any] | None = None
    allow_private: bool | None = None


class PauseIn(In):
    """Why it is not called for a while; whoever looks at the connection reads it."""

    reason: str = Field(min_length=1, max_length=500)


class CheckOut(Out):
    """What the check found; `resumed`: the connection was stopped and goes on now."""

    ok: bool
    problems: list[str]
    details: dict[str, str]
    resumed: bool


class QueuedOut(Out):
    """The work that was queued."""

    queued: str
