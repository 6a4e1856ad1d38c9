"""API keys: made, verified and revoked; the key itself is seen once, by who made it."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.auth import repository
from hub.auth.rules.scopes import BadScope, allows, normalised
from hub.auth.tables import ApiKeyRow
from hub.kit.clock import Clock, monotonic
from hub.kit.crypto import hash_token, same
from hub.kit.db import Database
from hub.kit.errors import HubError, InvalidInput, NotFound, StateConflict
from hub.kit.ids import digest, new_id, new_token

MARK = "ohk"
_PREFIX_LENGTH = 10
_LONGEST_TOKEN = 200
_LONGEST_NAME = 80
_LONGEST_LOCATION = 40
LocationExists = Callable[[Session, str], bool]
CACHE_SECONDS = 10.0
CACHE_SIZE = 10_000
USE_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `id` is the key's id; `actor` is the name under which the audit trail knows it.

    One with a `location` (a warehouse outside) is for what is there alone.
    """

    id: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    location: str | None = None

    @property
    def actor(self) -> str:
        """The name for the audit trail."""
        return f"key:{self.name}"

    def may(self, scope: str) -> bool:
        """Whether its scopes cover this one."""
        return allows(self.scopes, scope)

    def place(self, asked: str | None) -> str | None:
        """The location to look at: the one that is asked for, else its own; 403 where it asks for another's."""
        if self.location is not None and asked not in (None, self.location):
            raise HubError(
                403, "other_location", f"The API key {self.name!r} is for the location {self.location} alone.",
                extra={"location": self.location},
            )  # fmt: skip
        return asked if asked is not None else self.location


def any_location(session: Session, code: str) -> bool:
    """Nothing is known of locations here: they belong to a layer above, which says how to look for one."""
    return True


def create_key(
    session: Session,
    *,
    name: str,
    scopes: Iterable[str],
    clock: Clock,
    location: str | None = None,
    expires_at: datetime | None = None,
    actor: str = "hub",
    location_exists: LocationExists = any_location,
) -> tuple[ApiKeyRow, str]:
    """A new key and its plain token `ohk_<prefix>_<secret>`, which is nowhere kept and cannot be shown again.

    With a `location` it is for that one alone. Raises 422 for a scope, a name, a location or an end that cannot be.
    """
    now = clock.now()
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise InvalidInput("invalid_name", f"The name must have 1 to {_LONGEST_NAME} characters.")
    if location is not None and not 0 < len(location) <= _LONGEST_LOCATION:
        raise InvalidInput("invalid_location", f"The location must be a code of 1 to {_LONGEST_LOCATION} characters.")
    if location is not None and not location_exists(session, location):
        raise InvalidInput("unknown_location", f"There is no location {location!r}: add it first, or correct the code.")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("invalid_expiry", "The end of the key's life is in the past.")
    try:
        granted = normalised(scopes)
    except BadScope as error:
        raise InvalidInput("invalid_scope", str(error)) from error
    prefix = digest(new_token().encode())[:_PREFIX_LENGTH]
    token = f"{MARK}_{prefix}_{new_token()}"
    row = ApiKeyRow(
        api_key_id=new_id(), name=name.strip(), prefix=prefix, digest=hash_token(token), scopes=list(granted),
        location=location, created_at=now, expires_at=expires_at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record(
        session, actor=actor, action="api_key.created", subject_kind="api_key", subject_id=row.api_key_id,
        after={
            "name": row.name, "prefix": prefix, "scopes": row.scopes, "location": location, "expires_at": expires_at,
        },
        at=now,
    )  # fmt: skip
    return row, token


def verify(session: Session, token: str, *, at: datetime) -> Principal | None:
    """Who the token stands for; None where it is unknown, revoked or past its end."""
    prefix = prefix_of(token)
    row = repository.key_by_prefix(session, prefix) if prefix else None
    if row is None or not same(row.digest, hash_token(token)):
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
        return None
    return Principal(row.api_key_id, row.name, frozenset(row.scopes), row.expires_at, row.location)


def revoke_key(session: Session, *, api_key_id: str, clock: Clock, actor: str = "hub") -> ApiKeyRow:
    """End a key's life now; for ever. Other processes follow within `CACHE_SECONDS`."""
    row = session.get(ApiKeyRow, api_key_id)
    if row is None:
        raise NotFound("api_key", api_key_id)
    if row.revoked_at is not None:
        raise StateConflict("already_revoked", f"The key {row.prefix} is revoked already.")
    row.revoked_at = clock.now()
    session.flush()
    record(
        session, actor=actor, action="api_key.revoked", subject_kind="api_key", subject_id=api_key_id,
        before={"revoked_at": None}, after={"revoked_at": row.revoked_at}, at=row.revoked_at,
    )  # fmt: skip
    return row


def prefix_of(token: str) -> str | None:
    """The prefix of a token of our form, else None."""
    parts = token.split("_", 2)
    if len(token) > _LONGEST_TOKEN or len(parts) != 3 or parts[0] != MARK or not parts[1] or not token.isascii():
        return None
    return parts[1]


class KeyRing:
    """Verifies tokens with a short memory, so that a request rarely costs a query. One a process; safe over threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Principal]] = {}
        self._noted: dict[str, datetime] = {}
        self._unwritten: dict[str, datetime] = {}

    def remembered(self, token: str) -> Principal | None:
        """Who the token stands for, from memory alone; None means: ask `verify`."""
        found = self._known.get(hash_token(token))
        if found is None or found[0] < monotonic():
            return None
        principal = found[1]
        expired = principal.expires_at is not None and principal.expires_at <= self._clock.now()
        return None if expired else principal

    def verify(self, token: str) -> Principal | None:
        """Who the token stands for, from memory or from the database."""
        principal = self.remembered(token)
        if principal is not None:
            return principal
        now = self._clock.now()
        with self._database.read() as session:
            principal = verify(session, token, at=now)
        if principal is not None:
            with self._lock:
                self._note_use(principal, now)
                if len(self._known) >= CACHE_SIZE:
                    self._known.clear()
                self._known[hash_token(token)] = (monotonic() + CACHE_SECONDS, principal)
        return principal

    def forget(self) -> None:
        """Ask the database again for every token: after a key was revoked."""
        with self._lock:
            self._known.clear()

    @property
    def uses_are_due(self) -> bool:
        """Whether `write_uses` has something to write."""
        return bool(self._unwritten)

    def write_uses(self) -> None:
        """Write when keys were last used, in a transaction of its own: never while the caller holds another one."""
        with self._lock:
            uses, self._unwritten = self._unwritten, {}
        if uses:
            with self._database.write() as session:
                for api_key_id, at in uses.items():
                    repository.touch(session, api_key_id, at)

    def _note_use(self, principal: Principal, now: datetime) -> None:
        noted = self._noted.get(principal.id)
        if noted is None or now - noted >= USE_NOTED_EVERY:
            self._noted[principal.id] = self._unwritten[principal.id] = now


def not_authenticated(token: str | None) -> HubError:
    """The refusal of a request without a key, or with one that does not hold."""
    if not token:
        detail = "Send an API key as `Authorization: Bearer ohk_...` or as `X-API-Key`. `hub init` makes the first one."
    else:
        detail = "The API key is unknown, revoked or past its end: ask for a new one at POST /v1/api-keys."
    return HubError(401, "not_authenticated", detail)
