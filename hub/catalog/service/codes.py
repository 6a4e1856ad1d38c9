"""What codes of a connection mean, and which are ignored on purpose."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from hub.catalog import events, repository
from hub.catalog.repository import CodeKey
from hub.jobs.service.publish import publish
from hub.kit.ids import new_id


def meanings(session: Session, *, keys: Collection[CodeKey]) -> dict[CodeKey, str | None]:
    """What those of the codes mean that somebody decided about; None: it is ignored."""
    return repository.code_mappings(session, keys=keys) if keys else {}


def map_code(session: Session, *, key: CodeKey, meaning: str, by: str, at: datetime) -> None:
    """Say what a code means, over what was said before; publishes `catalog.code_mapped`, so that what waits goes on."""
    connection_id, field, value = key
    repository.save_code(session, key=key, meaning=meaning, by=by, at=at)
    publish(session, [events.code_mapped(connection_id=connection_id, field=field, value=value, cause=new_id())])


def ignore_code(session: Session, *, key: CodeKey, by: str, at: datetime) -> None:
    """Say that a code needs no meaning; what waits for one stays as it is."""
    repository.save_code(session, key=key, meaning=None, by=by, at=at)


def heed_code(session: Session, *, key: CodeKey) -> None:
    """Take an ignored code, or its meaning, back."""
    repository.delete_code(session, key=key)
