"""`hub worker` and `hub beat`: processes beside the API."""

from collections.abc import Sequence

import click

from hub.cli.bootstrap import open_runtime
from hub.cli.databases import is_in_process, sqlite_file
from hub.cli.environment import load_settings
from hub.cli.options import NAMES
from hub.cli.output import emit, json_option, note, say
from hub.cli.serving import sole_serving_process
from hub.cli.signals import StopSignals
from hub.flows.runtime import Runtime
from hub.jobs.repository import due_queues, end_leases
from hub.kit.errors import HubError
from hub.kit.settings import Settings
from hub.worker.broker import QUEUES
from hub.worker.run import Beat, WorkerProcess, connect


@click.command()
@click.option("--queues", type=NAMES, default=",".join(QUEUES), show_default=True, help="What to work on.")
@click.option("--threads", type=click.IntRange(1, 64), help="Jobs at a time.  [default: ORDERHUB_WORKER_THREADS or 4]")
@click.option("--no-beat", is_flag=True, help="Do not sweep for due work: a `hub beat` runs somewhere.")
@click.option("--until-done", is_flag=True, help="Do what is due now in this thread, then end.")
@json_option
def worker(queues: tuple[str, ...], threads: int | None, no_beat: bool, until_done: bool, as_json: bool) -> None:
    """Do work until a signal (TERM, INT) stops it; what is in hand is finished first, for at most
    ORDERHUB_DRAIN_SECONDS. A second signal ends it at once.

    Queues: intake (arriving orders), flow (decisions), outward (calls to others), bulk (what can wait).
    """
    unknown = sorted(set(queues) - set(QUEUES))
    if unknown:
        raise click.BadParameter(
            f"there is no queue {', '.join(unknown)}, only {', '.join(QUEUES)}", param_hint="--queues"
        )
    settings = load_settings()
    if threads is not None:
        settings = settings.model_copy(update={"worker_threads": threads})
    with sole_serving_process(sqlite_file(settings), "hub worker"), open_runtime(settings) as runtime:
        if until_done:
            _until_done(runtime, queues, as_json)
            return
        broker = connect(runtime, settings.broker_url, queues=queues)
        if no_beat and is_in_process(settings.broker_url):
            raise HubError(409, "no_doorbell", _no_broker("A worker without a beat would never hear of work"))
        process = WorkerProcess(runtime, broker, queues=queues, beat=not no_beat)
        stop = StopSignals()
        process.start()
        _say_started("worker", settings, as_json, {"queues": list(queues), "beat": not no_beat})
        stop.wait()
        process.stop()


@click.command()
@json_option
def beat(as_json: bool) -> None:
    """Ring for work that is due and start what is scheduled, until a signal stops it; a second one does no harm."""
    settings = load_settings()
    if is_in_process(settings.broker_url):
        raise HubError(409, "no_doorbell", _no_broker("A beat of its own would ring for nobody"))
    with open_runtime(settings) as runtime:
        connect(runtime, settings.broker_url)
        beating = Beat(runtime, ring=runtime.ring_queue)
        stop = StopSignals()
        beating.start()
        _say_started("beat", settings, as_json, {})
        stop.wait()
        beating.stop()


def _nobody(_: str) -> None:
    """Nobody needs to be told: this process looks for itself."""


def _until_done(runtime: Runtime, queues: Sequence[str], as_json: bool) -> None:
    done = 0
    if runtime.database.is_sqlite:  # we hold the lock of the one process, so nobody else owns a lease
        with runtime.database.write() as session:
            end_leases(session, at=runtime.clock.now())
    while True:
        runtime.tick(_nobody)
        with runtime.database.read() as session:
            due = [queue for queue in due_queues(session, now=runtime.clock.now()) if queue in queues]
        count = sum(runtime.runner.drain(queue) for queue in due)
        done += count
        if count == 0:
            break
    if as_json:
        emit({"jobs": done})
        return
    say(f"{done} jobs done; nothing more is due.")


def _say_started(what: str, settings: Settings, as_json: bool, facts: dict[str, object]) -> None:
    if as_json:
        emit({"process": what, "broker": settings.broker_url.split(":", 1)[0], **facts})
        return
    said = "; ".join(
        f"{name}: {', '.join(value) if isinstance(value, list) else value}" for name, value in facts.items()
    )
    note(f"The {what} runs{f' ({said})' if said else ''}. Stop it with TERM or INT.")


def _no_broker(why: str) -> str:
    return (
        f"{why}: memory:// reaches one process. `hub serve` has a worker and a beat inside; for several processes set "
        "ORDERHUB_BROKER_URL."
    )
