"""The spreadsheet channel: takes files from a folder and reads orders out of them."""

from datetime import timedelta
from typing import ClassVar

from hub.canonical.facts import ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.errors import PluginError
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health, Raw, RawPage, Window
from plugins.channels.spreadsheet.client import Folder
from plugins.channels.spreadsheet.mapping import read_file
from plugins.channels.spreadsheet.settings import SpreadsheetSettings

NANOSECONDS = 1_000_000_000


class Spreadsheet(Channel[SpreadsheetSettings]):
    """Orders in CSV, TSV, XLSX, XLSM, XLS and ODS files, with any columns."""

    settings_model = SpreadsheetSettings
    manifest: ClassVar[Manifest] = Manifest(
        id="spreadsheet",
        kind="channel",
        version="1.0",
        label="Folder of spreadsheets",
        personal_data_fields=("buyer_*", "ship_*", "bill_*", "note_buyer"),
        max_concurrency=1,
    )

    def offers(self, capability: str) -> bool:
        """Without a folder, files only come by hand."""
        return super().offers(capability) and (self.settings.folder is not None or capability != "list_changes")

    def check(self) -> Health:
        """Whether the folder can be listed, and how many files wait in it; nothing is moved or written."""
        try:
            files = self._folder().scan()
        except PluginError as error:
            return Health(ok=False, problems=(error.message,))
        return Health(ok=True, details={"files": str(len(files))})

    def parse(self, raw: Raw) -> ParseResult:
        """PURE: the orders of a file, and a fault for each one that cannot be read; see `mapping.read_file`."""
        return read_file(raw, self.settings)

    def list_changes(self, window: Window, limit: int) -> RawPage:
        """Whole files that changed or arrived in the window, oldest first; a page is a position in that order.

        A file that was written less than `settle_seconds` ago waits for a later window.
        """
        now = self.clock.now()
        settle = timedelta(seconds=self.settings.settle_seconds)
        settled_ns = int((now - settle).timestamp() * 1_000_000) * 1_000
        overlap_ns = (self.settings.settle_seconds + 1) * NANOSECONDS
        documents, next_page = self._folder().page(window, limit, settled_ns, overlap_ns)
        return RawPage(documents=tuple(documents), next_page=next_page, source_time=now)

    def _folder(self) -> Folder:
        settings = self.settings
        return Folder(settings.folder, settings.patterns, settings.max_file_bytes, self.log)
