"""Add, change and read locations."""

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.inventory import events, repository
from hub.inventory.rules.locations import Location
from hub.jobs.service.publish import publish
from hub.kit.errors import HubError, NotFound, StateConflict


class LocationVersionMismatch(HubError):
    """Somebody changed the location after the caller read it."""

    def __init__(self, code: str, version: int) -> None:
        super().__init__(
            412, "version_mismatch",
            f"Location {code!r} is at version {version}: read it again, then repeat the change.",
            extra={"current_version": version},
        )  # fmt: skip


def create_location(session: Session, *, location: Location, at: datetime, actor: str) -> Location:
    """Add a location at version 1; audited, and publishes `inventory.location_changed`. Raises `StateConflict`."""
    location = replace(location, version=1)
    if not repository.insert_location(session, location=location):
        raise StateConflict("location_exists", f"There is a location {location.code!r} already: change that one.")
    record(
        session, actor=actor, action="location.created", subject_kind="location", subject_id=location.code,
        after=asdict(location), at=at,
    )  # fmt: skip
    publish(session, [events.location_changed(code=location.code, version=1)])
    return location


def update_location(session: Session, *, location: Location, version: int | None, at: datetime, actor: str) -> Location:
    """Overwrite a location, with `version` only where it still stands at that.

    Audited, and publishes `inventory.location_changed`. Raises `NotFound` and `LocationVersionMismatch` (412).
    """
    before = get_location(session, code=location.code)
    changed = repository.update_location(session, location=location, version=version)
    stored = get_location(session, code=location.code)
    if not changed:
        raise LocationVersionMismatch(stored.code, stored.version)
    record(
        session, actor=actor, action="location.changed", subject_kind="location", subject_id=stored.code,
        before=asdict(before), after=asdict(stored), at=at,
    )  # fmt: skip
    publish(session, [events.location_changed(code=stored.code, version=stored.version)])
    return stored


def location_exists(session: Session, code: str) -> bool:
    """Whether there is such a location, open or closed."""
    return bool(repository.locations(session, codes=[code]))


def get_location(session: Session, *, code: str) -> Location:
    """One location; raises `NotFound`."""
    found = repository.locations(session, codes=[code])
    if code not in found:
        raise NotFound("location", code)
    return found[code]


def get_locations(session: Session, *, codes: Collection[str]) -> dict[str, Location]:
    """Several locations by their codes; an unknown one is not in the answer."""
    return repository.locations(session, codes=codes)


def list_locations(session: Session, *, after: str | None = None, limit: int | None = None) -> list[Location]:
    """Locations in the order of their codes, after a code; all of them without a limit (the planner's candidates)."""
    return repository.list_locations(session, after=after, limit=limit)
