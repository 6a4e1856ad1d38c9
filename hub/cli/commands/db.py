"""`hub db`: the versions of the database's tables; its backups are in `hub.cli.commands.backup`."""

from dataclasses import asdict
from typing import TextIO

import click
from alembic.script import ScriptDirectory

from hub.cli.commands.backup import backup, restore
from hub.cli.databases import refuse_missing_database, refuse_while_served, sqlite_file
from hub.cli.environment import load_settings
from hub.cli.output import emit, json_option, say
from hub.cli.tables import print_table
from hub.kit import migrations
from hub.kit.db import Database
from hub.kit.errors import InvalidInput
from hub.kit.read_role import make_read_role
from hub.kit.schema import check_schema, script_location


@click.group()
def db() -> None:
    """Bring the database's tables up or down, back it up and restore it.

    Every other command refuses a database that does not fit.
    """


@db.command()
@click.argument("revision", default="head")
@json_option
def upgrade(revision: str, as_json: bool) -> None:
    """Bring the tables up to REVISION, by default to the newest; makes a SQLite file where there is none."""
    settings = load_settings()
    sqlite_file(settings)  # refuses a database that the hub does not know
    url = settings.resolved_database_url
    before = migrations.current(url)
    if before != migrations.head():
        refuse_while_served(settings, "run `hub db upgrade` again")
    after = migrations.upgrade(url, revision)
    if as_json:
        emit({"before": before, "revision": after})
        return
    say(
        f"The database is at revision {after}." if before != after else f"The database was at revision {after} already."
    )


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask; data of the tables that go is gone.")
@json_option
def downgrade(revision: str, yes: bool, as_json: bool) -> None:
    """Take the tables down to REVISION, or to `base`: everything. Back up first."""
    settings = load_settings()
    refuse_missing_database(settings)
    refuse_while_served(settings, "run `hub db downgrade` again")
    if not yes:
        click.confirm(
            f"Take {_address(settings.resolved_database_url)} down to {revision}? Data is lost.", abort=True, err=True
        )
    before = migrations.current(settings.resolved_database_url)
    after = migrations.downgrade(settings.resolved_database_url, revision)
    if as_json:
        emit({"before": before, "revision": after})
        return
    say(f"The database is at revision {after}." if after else "The database is empty.")


@db.command()
@json_option
def current(as_json: bool) -> None:
    """Show the revision of the database and the newest one."""
    settings = load_settings()
    refuse_missing_database(settings)
    have, newest = migrations.current(settings.resolved_database_url), migrations.head()
    if as_json:
        emit({"revision": have, "head": newest})
        return
    say(f"{have or 'none'} ({'newest' if have == newest else f'the newest is {newest}'})")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """Exit with 1, and say what to run, unless the database fits this version of the hub."""
    settings = load_settings()
    refuse_missing_database(settings)
    database = Database(settings.resolved_database_url)
    try:
        check_schema(database.engine)
    finally:
        database.dispose()
    if as_json:
        emit({"ok": True, "revision": migrations.head()})
        return
    say(f"The database fits: revision {migrations.head()}.")


@db.command()
@json_option
def history(as_json: bool) -> None:
    """List the revisions that this version of the hub knows, newest first."""
    scripts = ScriptDirectory(str(script_location()))
    rows = [{"revision": script.revision, "what": script.doc} for script in scripts.walk_revisions()]
    if as_json:
        emit(rows)
        return
    print_table(rows, ("revision", "what"), empty="There are no revisions.")


@db.command("read-role")
@click.argument("name", metavar="ROLE")
@click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    help="The password that it gets, on one line; - reads it.",
)
@json_option
def read_role(name: str, password_file: TextIO | None, as_json: bool) -> None:
    """Make ROLE on PostgreSQL: a user who may read everything and write nothing. It may be run again.

    Name it in ORDERHUB_READ_DATABASE_URL, and backtests read as that user. Without a password the server must let the
    role in by other means.
    """
    settings = load_settings()
    password = password_file.readline().rstrip("\r\n") if password_file is not None else None
    if password == "":
        raise InvalidInput("empty_password", "The password file is empty: write the password on its first line.")
    made = make_read_role(settings.resolved_database_url, name, password=password)
    if as_json:
        emit(asdict(made))
        return
    say(f"The role {made.name} {'was made' if made.created else 'was there'} and reads {made.tables} tables.")
    say("Set ORDERHUB_READ_DATABASE_URL to the database's address with this user, then restart the hub.")


db.add_command(backup)
db.add_command(restore)


def _address(url: str) -> str:
    """The database without its password."""
    database = Database(url, pool_size=1)
    try:
        return database.url.render_as_string(hide_password=True)
    finally:
        database.dispose()
