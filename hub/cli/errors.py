"""Every error of a command becomes one line on standard error that says what to do, and an exit status.

1: it could not be done. 2: the command line is wrong. With `--json` the same error is a problem document (RFC 9457) on
standard output. Only `--debug` shows a traceback.
"""

import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import orjson

from hub.kit.errors import HubError
from hub.sdk.errors import PluginError

DEBUG = "hub.debug"
_SHOWN_FAULTS = 20
_TEXTS = ("detail", "message", "reason")
_ROW = ("row", "column")
_PLACES = ("path", "field", "pointer", "variable")
_PLUGIN_STATUS = 502


@contextmanager
def told(ctx: click.Context, *, as_json: bool) -> Iterator[None]:
    """Turn errors of the block into a line and an exit status; click's own pass through."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except click.ClickException as error:
        if as_json:
            _print_problem({"status": 400, "code": "usage", "detail": error.format_message()})
        raise
    except BrokenPipeError:
        # whoever read our output has enough; the interpreter must not complain about it while it ends
        sys.stdout = None
        raise click.exceptions.Exit(1) from None
    except Exception as error:
        if ctx.meta.get(DEBUG):
            raise
        problem = problem_of(error)
        if as_json:
            _print_problem(problem)
        for line in lines_of(problem):
            click.echo(line, err=True)
        raise click.exceptions.Exit(1) from error


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem document of any error; texts of unexpected ones are left out, they may quote personal data."""
    if isinstance(error, HubError):
        return {"status": error.status, "code": error.code, "detail": error.detail, **error.extra}
    if isinstance(error, PluginError):
        return {
            "status": _PLUGIN_STATUS, "code": error.code, "error": type(error).__name__, "detail": error.message,
            "path": error.path,
        }  # fmt: skip
    database = _of_database(error)
    if database is not None:
        return database
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return {"status": 500, "code": "system", "detail": f"{place}{error.strerror}."}
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return {
        "status": 500, "code": "internal",
        "detail": f"The hub failed with {type(error).__name__}{place}. Run the command again as `hub --debug ...` and "
        "report what it prints.",
    }  # fmt: skip


def lines_of(problem: Mapping[str, Any]) -> Iterator[str]:
    """The error in a line, and below it one for each fault where there are several."""
    place = f"{problem['path']}: " if problem.get("path") else ""
    yield f"error: {place}{' '.join(str(problem['detail']).split())}"
    faults = [fault for fault in problem.get("errors") or () if _text(fault) not in str(problem["detail"])]
    for fault in faults[:_SHOWN_FAULTS]:
        yield f"  {describe_fault(fault)}"
    if len(faults) > _SHOWN_FAULTS:
        yield f"  and {len(faults) - _SHOWN_FAULTS} more; --json has all"


def describe_fault(fault: Mapping[str, Any]) -> str:
    """One fault of many: where it is, then what it is; whatever shape its domain gave it."""
    places = [f"{name} {fault[name]}" for name in _ROW if fault.get(name) is not None]
    if not places:
        places = [str(fault[name]) for name in _PLACES if fault.get(name) is not None][:1]
    return f"{', '.join(places)}: {_text(fault)}" if places else _text(fault)


def _text(fault: Mapping[str, Any]) -> str:
    return next((str(fault[name]) for name in _TEXTS if fault.get(name)), "")


def _of_database(error: Exception) -> dict[str, Any] | None:
    """A database that is away, busy or refuses us; nothing is imported where no command has used one."""
    module = sys.modules.get("sqlalchemy.exc")
    if module is None or not isinstance(error, module.DBAPIError | module.ArgumentError | module.NoSuchModuleError):
        return None
    original = getattr(error, "orig", None) or error
    text = str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__
    if "database is locked" in text or "lock timeout" in text:
        detail = "The database is busy with another writer for too long: try again, or stop what writes so long."
        return {"status": 503, "code": "database_busy", "detail": detail}
    if isinstance(
        error, module.OperationalError | module.InterfaceError | module.ArgumentError | module.NoSuchModuleError
    ):
        detail = f"The database cannot be used: {text}. Check ORDERHUB_DATABASE_URL, and that the server runs."
        return {"status": 503, "code": "database_unavailable", "detail": detail}
    return None


def _print_problem(problem: Mapping[str, Any]) -> None:
    click.echo(orjson.dumps({"type": "about:blank", **problem}, option=orjson.OPT_INDENT_2, default=str).decode())
