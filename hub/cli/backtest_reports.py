"""The files that `hub routing backtest` writes: a page and a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from hub.cli.output import note
from hub.kit.errors import InvalidInput
from hub.routing.report.page import report_html
from hub.routing.report.picture import load_figures, report_png

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
html_option = click.option("--html", type=_FILE, help="Write a page with plots and all differences to this file.")
png_option = click.option(
    "--png", type=_FILE, help="Write a picture of the plots to this file; needs `pip install orderhub[plots]`."
)


def refuse_missing_plots(png: Path | None) -> None:
    """A picture that cannot be drawn is refused before the work begins, not after it."""
    if png is not None:
        load_figures()


def write_reports(document: Mapping[str, Any], *, html: Path | None, png: Path | None) -> None:
    """Write what was asked for; `document` is a backtest as the API answers it."""
    if html is not None:
        _write(html, report_html(document).encode())
    if png is not None:
        _write(png, report_png(document))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInput("cannot_write", f"{path} cannot be written: {error.strerror}. Name another file.") from error
    note(f"Wrote {path}.")
