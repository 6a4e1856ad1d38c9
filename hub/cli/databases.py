"""Which database a command works on, and who else does; without anything that a runtime needs."""

from pathlib import Path

from sqlalchemy import make_url

from hub.cli.serving import serving_process
from hub.kit.errors import HubError, InvalidInput
from hub.kit.schema import SchemaMismatch
from hub.kit.settings import Settings

BACKENDS = ("sqlite", "postgresql")


def is_in_process(broker_url: str) -> bool:
    """Whether the doorbell reaches this process only."""
    return broker_url.startswith("memory:")


def sqlite_file(settings: Settings) -> Path | None:
    """The file of the embedded database; None on a server."""
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() not in BACKENDS:
        raise InvalidInput(
            "unknown_database",
            f"ORDERHUB_DATABASE_URL names {url.get_backend_name()}: use postgresql://user@host/orderhub, or nothing.",
        )
    return Path(url.database).absolute() if url.get_backend_name() == "sqlite" and url.database else None


def refuse_missing_database(settings: Settings) -> None:
    """A SQLite file that is not there would be made empty: say what to run instead."""
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        raise SchemaMismatch("schema_missing", f"There is no database {file} yet: run `hub init`.")


def refuse_while_served(settings: Settings, what: str) -> None:
    """`what` must not happen under a running server; only SQLite can tell that there is one."""
    file = sqlite_file(settings)
    other = serving_process(file) if file is not None else None
    if other is not None:
        raise HubError(409, "being_served", f"A hub serves this database ({other}): stop it, then {what}.")
