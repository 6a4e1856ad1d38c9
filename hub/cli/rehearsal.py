"""Rehearse an upgrade: feed a candidate what is kept, compare its answers with what is stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Row

from hub.cli.candidate_place import Place, installed, place_of
from hub.cli.candidate_process import Candidate, CandidateFailed
from hub.cli.tables import advance, progress
from hub.connections.service.adapters import ConnectionInfo
from hub.flows import rehearsal as flow
from hub.flows.runtime import Runtime
from hub.intake import repository
from hub.intake.rules.differences import payload_differences
from hub.intake.rules.explained import Explanation, reason_for
from hub.intake.rules.tally import EXAMPLES, Group, Tally
from hub.intake.service.parse import Parsed, raw_of
from hub.kit.errors import HubError, InvalidInput

CHUNK = 100
"""Messages that are in memory at once; while the candidate works no transaction is open."""
STORED_REFUSED = "newly_failing"


@dataclass(slots=True)
class Failures:
    """Questions that were not answered as they must be, by how and why; `ids` are some of them."""

    kind: str
    detail: str
    count: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What came of a rehearsal."""

    plugin: str
    installed: str
    candidate: str
    explanations: Sequence[Explanation]
    tally: Tally = field(default_factory=Tally)
    failures: dict[tuple[str, str], Failures] = field(default_factory=dict)

    def fail(self, subject_id: str, kind: str, detail: str) -> None:
        """One question failed."""
        found = self.failures.setdefault((kind, detail), Failures(kind, detail))
        found.count += 1
        found.ids.extend([subject_id] if len(found.ids) < EXAMPLES else ())

    def reason(self, group: Group) -> str | None:
        """Why there is a kind of difference; None where nobody has explained it."""
        return reason_for(self.explanations, group.path, group.kind)

    @property
    def unexplained(self) -> list[Group]:
        """Kinds of differences that nobody has explained."""
        return [group for group in self.tally.groups if self.reason(group) is None]

    @property
    def unused(self) -> list[Explanation]:
        """Explanations of differences that there are not."""
        groups = self.tally.groups
        return [entry for entry in self.explanations if not any(entry.fits(one.path, one.kind) for one in groups)]

    @property
    def refused(self) -> bool:
        """Whether the candidate must not be installed as it is."""
        return bool(self.failures or self.unexplained)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        told = self.tally.document()
        for row, group in zip(told["paths"], self.tally.groups, strict=True):
            row["explained"] = self.reason(group)
        return {
            "plugin": self.plugin, "installed": self.installed, "candidate": self.candidate, "refused": self.refused,
            **told, "failures": [
                {"kind": one.kind, "error": one.detail, "messages": one.count, "examples": one.ids}
                for one in self.failures.values()
            ],
            "unused_explanations": [entry.model_dump() for entry in self.unused],
        }  # fmt: skip


def rehearse(
    runtime: Runtime, plugin: str, *, last: int, candidate: str | None, explanations: Sequence[Explanation],
    deadline: float,
) -> Report:  # fmt: skip
    """Compare a candidate (a path, the installed version, or None for it) with what is stored; writes nothing.

    Raises `HubError` where there is no such plugin or candidate, or nothing to compare with.
    """
    ours = runtime.host.adapter(plugin)
    now = ours.manifest.version
    with TemporaryDirectory(prefix="hub-rehearsal-") as name:
        folder = Path(name)
        place = _place(runtime, now, candidate, folder)
        with _process(runtime, plugin, place, deadline, name) as process:
            ready = process.start()
            if ready["kind"] != ours.manifest.kind:
                raise InvalidInput("other_kind", f"The candidate is of kind {ready['kind']}, {plugin} is not.")
            report = Report(plugin, now, str(ready["version"]), explanations)
            with runtime.database.read() as session:
                connections = flow.connections_of(session, plugin)
            if ours.manifest.kind == "erp":
                base = installed(runtime.settings.plugin_modules)
                with _process(runtime, plugin, base, deadline, name) as before:
                    _rehearse_documents(runtime, connections, report, before, process, last)
            else:
                _rehearse_messages(runtime, connections, report, process, last)
    if not report.tally.compared and not report.failures:
        raise HubError(
            409, "nothing_to_compare", f"Nothing is stored that {plugin} has read or built: wait for its first."
        )  # fmt: skip
    return report


@contextmanager
def _process(runtime: Runtime, plugin: str, place: Place, deadline: float, folder: str) -> Iterator[Candidate]:
    with Candidate(plugin, place, deadline=deadline, folder=folder) as process:
        yield process


def _place(runtime: Runtime, version: str, candidate: str | None, folder: Path) -> Place:
    if candidate is None or candidate == version:
        return installed(runtime.settings.plugin_modules)
    path = Path(candidate)
    if not path.exists():
        raise InvalidInput(
            "no_candidate", f"{candidate!r} is neither a path nor the installed version, which is {version}: name a "
            "folder or a wheel.",
        )  # fmt: skip
    return place_of(path, folder)


def _rehearse_messages(
    runtime: Runtime, connections: Mapping[str, ConnectionInfo], report: Report, process: Candidate, last: int
) -> None:
    with runtime.database.read() as session:
        ids = flow.last_messages(session, connections, limit=last)
    with progress("comparing", len(ids)) as bar:
        for start in advance(bar, range(0, len(ids), CHUNK), by=CHUNK):
            with runtime.database.read() as session:
                messages = repository.by_ids(session, ids[start : start + CHUNK])
            read = list(_read(runtime, connections, report, process, messages))
            with runtime.database.read() as session:
                compared = flow.compare_with_stored(session, read)
            for parsed, (reading, changes) in zip(read, compared, strict=True):
                report.tally.add(parsed.message.message_id, reading, changes)
                if reading == STORED_REFUSED and parsed.error is not None:
                    report.fail(parsed.message.message_id, "refused", f"{parsed.error.code}: {_place_of(parsed)}")


def _read(
    runtime: Runtime, connections: Mapping[str, ConnectionInfo], report: Report, process: Candidate,
    messages: Iterable[Row[Any]],
) -> Iterator[Parsed]:  # fmt: skip
    """Readings of those messages that the candidate has answered in a form that fits."""
    for message in messages:
        connection = connections[message.connection_id]
        try:
            answer = process.read(connection, _secrets(runtime, connection), raw_of(message))
            yield flow.reading_of(message, connection, answer, report.candidate)
        except CandidateFailed as error:
            report.fail(message.message_id, error.kind, error.detail)
        except ValueError as error:
            report.fail(message.message_id, "nonsense", str(error))


def _rehearse_documents(
    runtime: Runtime, connections: Mapping[str, ConnectionInfo], report: Report, before: Candidate, after: Candidate,
    last: int,
) -> None:  # fmt: skip
    with runtime.database.read() as session:
        found = [
            (row.document_id, connections[row.connection_id], row.body)
            for row in flow.last_documents(session, connections, limit=last)
        ]
    with progress("comparing", len(found)) as bar:
        for document_id, connection, body in advance(bar, found):
            secrets = _secrets(runtime, connection)
            try:
                ours = before.build(connection, secrets, body)
            except CandidateFailed as error:
                ours = {"refused": {"code": error.kind, "message": error.detail}}
            try:
                theirs = after.build(connection, secrets, body)
            except CandidateFailed as error:
                report.fail(document_id, error.kind, error.detail)
                continue
            _compare_requests(report, document_id, ours, theirs, body)


def _compare_requests(
    report: Report, document_id: str, ours: Mapping[str, Any], theirs: Mapping[str, Any], body: Mapping[str, Any]
) -> None:
    if "refused" in theirs:
        known = "refused" in ours
        report.tally.add(document_id, "still_failing" if known else "newly_failing", ())
        if not known:
            report.fail(document_id, "refused", str(theirs["refused"]["code"]))
    elif "refused" in ours:
        report.tally.add(document_id, "newly_readable", ())
    else:
        changes = payload_differences(ours["request"], theirs["request"], about=body)
        report.tally.add(document_id, "changed" if changes else "unchanged", changes)


def _secrets(runtime: Runtime, connection: ConnectionInfo) -> list[str]:
    """Names of the secrets that a connection has; the candidate does not get them."""
    return sorted(runtime.secrets.open(connection.sealed)) if connection.sealed else []


def _place_of(parsed: Parsed) -> str:
    """Where a refusal points to; its words may quote what was read."""
    return str(parsed.error.path or "the whole document") if parsed.error is not None else ""
