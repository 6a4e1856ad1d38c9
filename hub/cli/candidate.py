"""The process in which a candidate version of a plugin reads and builds: `python -m hub.cli.candidate`.

It gets no settings of the hub, no database and no secret. Requests come as lines of JSON on standard input, each has
one line as its answer. What the candidate prints itself goes nowhere.
"""

import base64
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import Any, BinaryIO

import orjson

from hub.canonical.erp import ErpDocument
from hub.canonical.facts import ParseResult
from hub.canonical.shipping import TrackingEvent
from hub.cli.parsing import find_adapter, open_inert
from hub.host.loading import Found
from hub.host.plugins import PluginHost
from hub.intake.rules.documents import fact_document, scan_document
from hub.kit.errors import HubError
from hub.kit.log import configure_logging
from hub.sdk.adapters import Adapter, Carrier
from hub.sdk.errors import PluginError
from hub.sdk.values import Outgoing, Raw

Answer = dict[str, Any]


class Session:
    """One adapter class, and an adapter for each connection that was opened."""

    def __init__(self, adapter: type[Adapter[Any]]) -> None:
        self._class = adapter
        self._open: dict[str, Adapter[Any]] = {}

    def ready(self) -> Answer:
        """What was loaded."""
        return {"version": self._class.manifest.version, "kind": self._class.manifest.kind}

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """Do what is asked; a refusal of the candidate is an answer too, and so is a bug."""
        try:
            return _DEEDS[request["op"]](self, request)
        except PluginError as error:
            refusal = {"error": type(error).__name__, "code": error.code, "message": error.message, "path": error.path}
            return {"refused": refusal}
        except HubError as error:
            return {"failure": error.detail}
        except Exception as error:  # noqa: BLE001  a bug of the candidate is what the rehearsal is for
            return {"bug": where(error)}

    def open(self, request: Mapping[str, Any]) -> Answer:
        """An adapter with a connection's settings; `missing` are required ones that the connection does not have."""
        adapter, missing = open_inert(self._class, request["settings"])
        self._open[request["connection"]] = adapter
        return {"missing": sorted(set(missing) - set(request["secrets"]))}

    def read(self, request: Mapping[str, Any]) -> Answer:
        """Canonical documents of one raw document."""
        adapter: Any = self._open[request["connection"]]
        raw = Raw(**{**request["raw"], "body": base64.b64decode(request["raw"]["body"])})
        if isinstance(adapter, Carrier):
            scans = adapter.parse_tracking(raw)
            if not all(isinstance(scan, TrackingEvent) for scan in scans):
                return {"nonsense": "parse_tracking gave something that is no list of TrackingEvent"}
            return {"scans": [scan_document(scan) for scan in scans]}
        result = adapter.parse(raw)
        if not isinstance(result, ParseResult):
            return {"nonsense": f"parse gave {type(result).__name__}, not ParseResult"}
        return {
            "facts": [fact_document(fact) for fact in result.facts],
            "faults": [fault.model_dump(mode="json") for fault in result.faults],
            "unknowns": [unknown.model_dump(mode="json") for unknown in result.unknowns],
        }

    def build(self, request: Mapping[str, Any]) -> Answer:
        """The request that would be sent for one document."""
        adapter: Any = self._open[request["connection"]]
        outgoing = adapter.build(ErpDocument.model_validate_json(orjson.dumps(request["document"])))
        if not isinstance(outgoing, Outgoing):
            return {"nonsense": f"build gave {type(outgoing).__name__}, not Outgoing"}
        return {"request": asdict(outgoing)}


_DEEDS = {"open": Session.open, "read": Session.read, "build": Session.build}


def where(error: BaseException) -> str:
    """The kind of an error and its place in the code, without its words, which may quote what was read."""
    frames = extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def load(plugin: str, root: str, modules: Sequence[str]) -> type[Adapter[Any]]:
    """The adapter class of an id: of the modules below `root`, or without one of what is installed."""
    if not root:
        return find_adapter(plugin, modules)
    sys.path.insert(0, root)  # only now: whatever is called `hub` there is not ours
    found = [Found(name=module, origin=module, plugin=import_module(module)) for module in modules]
    return PluginHost(found).adapter(plugin)


def main(arguments: Sequence[str]) -> None:
    """Answer until there is nothing more to answer; `arguments` are the plugin's id, a root and modules."""
    answers = _take_standard_output()
    configure_logging(level="error")
    plugin, root, *modules = arguments
    try:
        session = Session(load(plugin, root, modules))
    except HubError as error:
        _write(answers, {"failure": error.detail})
        return
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever its import does, the rehearsal tells it
        _write(answers, {"failure": f"it cannot be imported: {where(error)}"})
        return
    _write(answers, session.ready())
    for line in sys.stdin.buffer:
        _write(answers, session.answer(orjson.loads(line)))


def _take_standard_output() -> BinaryIO:
    """The pipe for answers, which nobody else in this process can write to by printing."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _write(answers: BinaryIO, answer: Answer) -> None:
    try:
        line = orjson.dumps(answer, default=str)
    except (TypeError, ValueError) as error:
        line = orjson.dumps({"nonsense": f"it gave something that has no JSON form: {type(error).__name__}"})
    answers.write(line + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
