"""`hub db backup` and `hub db restore`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hub.cli.databases import refuse_missing_database, sqlite_file
from hub.cli.environment import load_settings
from hub.cli.output import emit, json_option, note, say
from hub.cli.serving import sole_serving_process
from hub.cli.tables import print_facts, progress
from hub.flows.after_restore import Settled, settle
from hub.flows.runtime import build_runtime
from hub.kit import migrations
from hub.kit.backup import Manifest, Store, Told, back_up, compare, manifest_path, read_manifest
from hub.kit.backup_postgresql import PostgresqlStore
from hub.kit.backup_sqlite import SqliteStore
from hub.kit.clock import SYSTEM
from hub.kit.crypto import SecretBox
from hub.kit.settings import Settings

_STAGES = 4
"""Copied, compared, upgraded, made safe."""
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option("--overwrite", is_flag=True, help="Replace FILE where it is there already.")
@json_option
def backup(file: Path, overwrite: bool, as_json: bool) -> None:
    """Write the database to FILE, also while the hub works, read it back, and count it into FILE.json.

    The secrets of connections are in it as they are stored: sealed. Keep the key file elsewhere, and keep it:
    without it they cannot be opened. Labels are files in the data folder and are not in it.
    """
    settings = load_settings()
    refuse_missing_database(settings)
    file = file.absolute()
    with _told("backing up") as told:
        made = back_up(store_of(settings), file, clock=SYSTEM, overwrite=overwrite, told=told)
    if as_json:
        emit({"file": str(file), **made.model_dump()})
        return
    print_facts(_facts(file, made))
    note(f"Keep both files, {file.name} and {manifest_path(file).name}, and apart from them the key file.")


@click.command()
@click.argument("file", type=FILE)
@click.option("--overwrite", is_flag=True, help="Lose what is in the database now.")
@click.option(
    "--next-invoice", type=click.IntRange(min=1), help="Let the invoice numbers go on here, if it is further."
)
@json_option
def restore(file: Path, overwrite: bool, next_invoice: int | None, as_json: bool) -> None:
    """Put the database back to what FILE holds. Stop all processes of the hub first.

    Afterwards nothing goes out: live connections are paused and orders that are not shipped are held, because labels
    may have been bought and documents posted since the backup that it knows nothing of. A case says what to do.
    """
    settings = load_settings()
    keys = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    SecretBox.load(keys=keys, key_file=settings.resolved_key_file)  # without one, nothing could be made safe afterwards
    store = store_of(settings)
    manifest = read_manifest(store, file.absolute())
    with sole_serving_process(sqlite_file(settings), "hub db restore"):
        settled = _restored(settings, store, file.absolute(), manifest, overwrite=overwrite, next_invoice=next_invoice)
    if as_json:
        emit({"file": str(file.absolute()), **manifest.model_dump(), **_document(settled)})
        return
    print_facts({**_facts(file.absolute(), manifest), **_document(settled)})
    for line in _next_steps(settled):
        say(line)


def _restored(
    settings: Settings, store: Store, file: Path, manifest: Manifest, *, overwrite: bool, next_invoice: int | None
) -> Settled:
    """Until all of it is done, the database is what it was."""
    if not overwrite:
        store.refuse_to_overwrite()
    with _told("restoring") as told, store.restored(file) as url:
        told(1, _STAGES)
        compare(store.contents(url), manifest)
        told(2, _STAGES)
        migrations.upgrade(url)
        told(3, _STAGES)
        runtime = build_runtime(settings.model_copy(update={"database_url": url}))
        try:
            return settle(runtime, taken_at=manifest.taken_at, next_invoice=next_invoice)
        finally:
            runtime.close()


def store_of(settings: Settings) -> Store:
    """The kind of database that the settings name."""
    file = sqlite_file(settings)
    return SqliteStore(file) if file is not None else PostgresqlStore(settings.resolved_database_url)


def _facts(file: Path, made: Manifest) -> dict[str, object]:
    return {
        "file": file, "database": made.database, "taken_at": made.taken_at, "revision": made.revision,
        "tables": len(made.rows), "rows": sum(made.rows.values()), "bytes": made.bytes,
    }  # fmt: skip


def _document(settled: Settled) -> dict[str, object]:
    return {
        "paused": list(settled.paused), "sealed": list(settled.sealed), "orders_held": settled.held,
        "calls_in_doubt": settled.doubted, "days_to_prove": settled.days, "next_invoice": settled.next_invoice,
    }  # fmt: skip


def _next_steps(settled: Settled) -> Iterator[str]:
    yield "The database is what it was then. Nothing goes out yet; start the hub, and do what its case says:"
    yield "  hub cases list --kind restored"
    yield f"The next invoice is number {settled.next_invoice}: if a ledger has later ones, restore with --next-invoice."
    if settled.sealed:
        yield (
            f"The key does not open the secrets of {', '.join(settled.sealed)}: put the key file of then in place, or "
            "set them again with `hub connection set`."
        )


@contextmanager
def _told(label: str) -> Iterator[Told]:
    with progress(label, None) as bar:
        yield lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total)
