"""Read a document with a plugin and nothing else: no database, no network, no clock, no key.

Reading is pure, so the adapter gets tools that refuse to be used, and only the plugin that is asked for is imported.
"""

import mimetypes
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError, create_model

from hub.host.loading import GROUP, Found
from hub.host.plugins import PluginHost
from hub.intake.rules.summary import summarise, summarise_scans
from hub.kit.errors import InvalidInput
from hub.kit.log import configure_logging
from hub.sdk.adapters import Adapter, Carrier, Channel, Erp
from hub.sdk.errors import Malformed, PluginError
from hub.sdk.values import Raw

TYPES = {
    ".json": "application/json", ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".txt": "text/plain",
    ".xml": "application/xml", ".edi": "application/edifact", ".x12": "application/edi-x12", ".eml": "message/rfc822",
    ".pdf": "application/pdf", ".xls": "application/vnd.ms-excel",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
}  # fmt: skip
"""Content types by the suffix of a file's name."""
STANDARD_INPUT = "-"


@dataclass(slots=True)
class Input:
    """One file as it was given: its bytes, or why there are none."""

    name: str
    body: bytes = b""
    fault: str | None = None


@dataclass(slots=True)
class Report:
    """What a plugin says of one file. `refused` is the one error of a file of which nothing can be read."""

    file: str
    refused: dict[str, Any] | None = None
    documents: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {"file": self.file, "refused": self.refused, "documents": self.documents, "faults": self.faults}

    def line(self) -> str:
        """The refusal as a line for people."""
        return f"error: {self.file}: {placed(self.refused or {})}"


def placed(found: Mapping[str, Any]) -> str:
    """A refusal, a fault or a warning in a line: its place (unless its words name that), its words, its names."""
    path, message = found.get("path"), str(found.get("message"))
    place = f"{path}: " if path and not message.startswith(str(path)) else ""
    names = ", ".join(str(found[name]) for name in ("error", "code") if found.get(name))
    return f"{place}{message} ({names})"


def read_input(name: str) -> Input:
    """The bytes of a file, or of standard input for `-`."""
    if name == STANDARD_INPUT:
        return Input(name, sys.stdin.buffer.read())
    try:
        return Input(name, Path(name).read_bytes())
    except OSError as error:
        return Input(name, fault=error.strerror or type(error).__name__)


def content_type(name: str, body: bytes) -> str:
    """By the name's suffix; without a known one, by how the body begins."""
    known = TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0]
    if known is not None:
        return known
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:4]
    if start[:1] in (b"{", b"["):
        return TYPES[".json"]
    if start[:1] == b"<":
        return TYPES[".xml"]
    if start == b"%PDF":
        return TYPES[".pdf"]
    return TYPES[".xlsx"] if start == b"PK\x03\x04" else "application/octet-stream"


def open_reader(plugin: str, settings: Mapping[str, Any], *, modules: Sequence[str]) -> Callable[[Input], Report]:
    """A function that reads files with the plugin of that id; `modules` are further plugin modules.

    Raises `HubError` where there is no such plugin, it has nothing to read, or the settings given do not fit.
    """
    # a warning about some other plugin, or what a library prints, must not get between the lines of the answer
    configure_logging(level="error")
    with redirect_stdout(sys.stderr):
        adapter, missing = open_inert(find_adapter(plugin, modules), settings)
    parse = _parser_of(adapter)

    def read(given: Input) -> Report:
        if given.fault is not None:
            refused = {"error": "Unreadable", "code": "unreadable", "message": given.fault, "path": None}
            return Report(given.name, refused=refused)
        with redirect_stdout(sys.stderr):
            return _report(given, parse, plugin, missing)

    return read


def open_inert(adapter: type[Adapter[Any]], settings: Mapping[str, Any]) -> tuple[Adapter[Any], tuple[str, ...]]:
    """An adapter that can do nothing but read and build, and the names of required settings that are missing."""
    built, missing = lenient_settings(adapter, settings)
    http: Any = _Inert("call anybody")
    clock: Any = _Inert("ask for the time")
    state: Any = _Inert("keep a state")
    return adapter(settings=built, http=http, clock=clock, log=_Silence(), state=state), missing


def find_adapter(plugin: str, modules: Sequence[str]) -> type[Adapter[Any]]:
    """The adapter of an id. The entry point of that name is tried alone first: importing all plugins takes longer."""
    places = [entry.value for entry in entry_points(group=GROUP, name=plugin)]
    for place in places:
        try:
            alone = PluginHost([Found(name=plugin, origin=place, plugin=import_module(place))])
        except ImportError:
            break  # the whole host says in words what is wrong with it
        if any(info.id == plugin and info.state == "active" for info in alone.plugins()):
            return alone.adapter(plugin)
    return PluginHost.load(modules=modules).adapter(plugin)


def lenient_settings(adapter: type[Adapter[Any]], values: Mapping[str, Any]) -> tuple[BaseModel, tuple[str, ...]]:
    """Settings of which required ones may be missing, and the names of those.

    What is given is checked as always. What is missing becomes None: reading needs no secret and no address; where it
    does need one, the refusal names it.
    """
    model = adapter.settings_model
    try:
        return model.model_validate(values), ()
    except ValidationError as error:
        missing = {str(fault["loc"][0]): (Any, None) for fault in error.errors() if _is_missing_setting(fault)}
        if len(missing) < error.error_count():
            raise _invalid(adapter, error) from error
    lenient = create_model(f"Lenient{model.__name__}", __base__=model, **missing)  # type: ignore[call-overload]
    try:
        found: BaseModel = lenient.model_validate(values)
    except ValidationError as error:
        raise _invalid(adapter, error) from error
    except (AttributeError, TypeError):
        # a check over several settings stumbled over one that is not there
        found = lenient.model_construct(**values)
    return found, tuple(sorted(missing))


def _is_missing_setting(fault: Mapping[str, Any]) -> bool:
    return fault["type"] == "missing" and len(fault["loc"]) == 1


def _invalid(adapter: type[Adapter[Any]], error: ValidationError) -> InvalidInput:
    """What is wrong with the settings that were given; those that are missing are not wrong here."""
    faults = [
        {"path": "/".join(str(part) for part in fault["loc"]), "reason": fault["msg"]}
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
        if not _is_missing_setting(fault)
    ]
    listed = "; ".join(f"{fault['path']}: {fault['reason']}" for fault in faults)
    return InvalidInput(
        "invalid_settings", f"The settings do not fit {adapter.manifest.id}: {listed}", extra={"errors": faults}
    )


Parser = Callable[[Raw], tuple[list[dict[str, Any]], list[dict[str, Any]]]]


def _parser_of(adapter: Adapter[Any]) -> Parser:
    if isinstance(adapter, Carrier):
        if "parse_tracking" in adapter.capabilities():
            return lambda raw: (summarise_scans(adapter.parse_tracking(raw)), [])
    elif isinstance(adapter, Channel) or (isinstance(adapter, Erp) and "parse" in adapter.capabilities()):
        return lambda raw: _fact_documents(adapter, raw)
    raise InvalidInput(
        "nothing_to_parse", f"The {adapter.manifest.kind} {adapter.manifest.id} reads no documents; a channel does."
    )


def _fact_documents(adapter: Any, raw: Raw) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    result = adapter.parse(raw)
    return [summarise(fact) for fact in result.facts], [fault.model_dump() for fault in result.faults]


def _report(given: Input, parse: Parser, plugin: str, missing: Sequence[str]) -> Report:
    name = None if given.name == STANDARD_INPUT else Path(given.name).name
    report = Report(given.name)
    try:
        report.documents, report.faults = parse(
            Raw(body=given.body, content_type=content_type(given.name, given.body), name=name)
        )
    except PluginError as error:
        report.refused = _refusal(error)
    except Exception as error:  # noqa: BLE001  a bug of the plugin refuses its file and no other
        hint = f"; it may need settings that were not given: {', '.join(missing)}" if missing else ""
        report.refused = _refusal(Malformed(f"{plugin} failed with {type(error).__name__}{hint}", code="plugin_bug"))
    if not report.documents and report.faults:
        first = report.faults[0]
        report.refused = {key: first[key] for key in ("error", "code", "message", "path")}
    return report


def _refusal(error: PluginError) -> dict[str, Any]:
    return {"error": type(error).__name__, "code": error.code, "message": error.message, "path": error.path}


class _Inert:
    """Stands for what reading must not use."""

    def __init__(self, deed: str) -> None:
        self._deed = deed

    def __getattr__(self, name: str) -> NoReturn:
        raise Malformed(f"the plugin tried to {self._deed} while it read a document", code="plugin_impure")


class _Silence:
    """A log that nobody reads."""

    def info(self, event: str, **fields: Any) -> None:
        """Dropped."""

    def warning(self, event: str, **fields: Any) -> None:
        """Dropped."""
