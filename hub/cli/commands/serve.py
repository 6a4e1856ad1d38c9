"""`hub serve`: the API and, without a broker, the worker inside the same process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import uvicorn

from hub.api.app import create_app
from hub.cli.bootstrap import open_runtime
from hub.cli.databases import is_in_process, sqlite_file
from hub.cli.environment import load_settings
from hub.cli.output import emit, json_option, say
from hub.cli.serving import sole_serving_process
from hub.cli.signals import StopSignals, end_at_once
from hub.flows.runtime import Runtime
from hub.kit.errors import HubError
from hub.kit.memory import settle
from hub.kit.settings import Settings
from hub.worker.run import WorkerProcess, connect

DRAIN_SECONDS = 30
"""How long requests that are being answered may take after the signal to stop."""
_BACKLOG = 2048


@click.command()
@click.option("--host", help="Address to listen on.  [default: ORDERHUB_HOST or 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [default: ORDERHUB_PORT or 8400]"
)
@click.option("--no-worker", is_flag=True, help="Run the API only, also without a broker.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Instead of ORDERHUB_DATA_DIR.")
@json_option
def serve(host: str | None, port: int | None, no_worker: bool, data_dir: Path | None, as_json: bool) -> None:
    """Run the API until a signal (TERM, INT) stops it; work in hand is finished first. A second signal ends it at once.

    Where ORDERHUB_BROKER_URL is memory:// (the default) the worker runs inside; else start `hub worker` beside it. On
    SQLite a second serving process is refused.
    """
    given = {"host": host, "port": port, "data_dir": data_dir}
    settings = load_settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    with (
        sole_serving_process(sqlite_file(settings), "hub serve"),
        open_runtime(settings) as runtime,
        _listening(settings) as door,
        _embedded_worker(runtime, wanted=not no_worker) as worker,
    ):
        address = _address(settings.host, door)
        if as_json:
            emit(
                {
                    "url": address,
                    "docs": f"{address}/docs",
                    "worker": worker is not None,
                    "database": _database(runtime),
                }
            )
        else:
            say(f"OrderHub listens on {address} (API at {address}/docs), {_database(runtime)}")
            say(
                "The worker runs inside."
                if worker is not None
                else "No worker runs inside: start `hub worker` beside it."
            )
        _run(runtime, door, worker)


def _run(runtime: Runtime, door: socket.socket, worker: WorkerProcess | None) -> None:
    server = _Server(
        uvicorn.Config(
            create_app(runtime, beat_alive=worker.beats if worker is not None else None),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )

    # uvicorn takes the signals, stops by itself and then raises them once more: without handlers of our own, that
    # would end the process before the worker has finished
    def stop() -> None:
        server.should_exit = True

    StopSignals(stop)
    settle()
    server.run(sockets=[door])
    if not server.started:
        raise HubError(500, "not_started", "The API did not start: its log lines above say why.")


class _Server(uvicorn.Server):
    """A second signal does not wait for requests that are being answered."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signals while it serves."""
        if self.should_exit:
            end_at_once(sig)
        super().handle_exit(sig, frame)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        family, _, _, _, place = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        door = socket.create_server(place[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise HubError(
            409, "cannot_listen",
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another --port, or stop what "
            "listens there.",
        ) from error  # fmt: skip
    with door:
        yield door


@contextmanager
def _embedded_worker(runtime: Runtime, *, wanted: bool) -> Iterator[WorkerProcess | None]:
    """The doorbell, and with it the worker where no broker carries work to other processes."""
    broker = connect(runtime, runtime.settings.broker_url)
    if not wanted or not is_in_process(runtime.settings.broker_url):
        yield None
        return
    worker = WorkerProcess(runtime, broker)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def _address(host: str, door: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{door.getsockname()[1]}"


def _database(runtime: Runtime) -> str:
    return runtime.database.url.render_as_string(hide_password=True)
