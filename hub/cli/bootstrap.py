"""Settings and the one runtime of a command.

A command that writes does so in a transaction of its own, also beside a running server: SQLite lets one process write
after the other, and rows are what the server works from. Jobs that a command leaves behind are found by the server's
sweep within `ORDERHUB_SWEEP_SECONDS`, or at once where a broker carries the doorbell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from sqlalchemy.orm import Session

from hub.cli.databases import is_in_process as is_in_process
from hub.cli.databases import refuse_missing_database, sqlite_file
from hub.cli.environment import load_settings
from hub.cli.output import note
from hub.cli.serving import serving_process
from hub.flows.runtime import Runtime, build_runtime
from hub.kit.schema import check_schema
from hub.kit.settings import Settings


@contextmanager
def open_runtime(settings: Settings | None = None) -> Iterator[Runtime]:
    """The runtime of this process, closed at the end; every command gets it here.

    Raises `SchemaMismatch` with the command to run where the database does not fit, `SecretKeyError` without a key.
    """
    settings = settings or load_settings()
    refuse_missing_database(settings)
    runtime = build_runtime(settings)
    try:
        check_schema(runtime.database.engine)
        yield runtime
    finally:
        runtime.close()


@contextmanager
def reading() -> Iterator[tuple[Runtime, Session]]:
    """A runtime and a transaction that reads."""
    with open_runtime() as runtime, runtime.database.read() as session:
        yield runtime, session


@contextmanager
def writing() -> Iterator[tuple[Runtime, Session]]:
    """A runtime and a transaction that writes; its jobs ring the doorbell where a broker carries it."""
    with open_runtime() as runtime:
        connect_doorbell(runtime)
        with runtime.database.write() as session:
            yield runtime, session


def connect_doorbell(runtime: Runtime) -> None:
    """Let this process ring for the work that it leaves behind, where a broker carries that to other processes."""
    if not is_in_process(runtime.settings.broker_url):
        # the broker's libraries are loaded by the commands that ring, and by no other
        import_module("hub.worker.run").connect(runtime, runtime.settings.broker_url)


def tell_about_work(runtime: Runtime) -> None:
    """Say who will do the work that a command left behind."""
    settings = runtime.settings
    if not is_in_process(settings.broker_url):
        return
    file = sqlite_file(settings)
    if file is not None and serving_process(file) is None:
        note("The work is kept; `hub serve` does it when it runs, `hub worker --until-done` does it now.")
