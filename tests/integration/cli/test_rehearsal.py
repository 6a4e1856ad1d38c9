"""An upgrade is rehearsed with what is stored: whatever a worse version does wrong is named, and nothing is written."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.cli.rehearsal import Report, rehearse
from hub.intake.rules.explained import Explanation
from hub.intake.service.store import Delivery, store_messages
from hub.kit.errors import HubError
from hub.sdk.values import Raw
from tests.builders import World, order_document

CHANNEL = """
import os, time
from dataclasses import replace
from hub.sdk.hooks import hookimpl
from plugins.channels.webhook.adapter import Webhook

def less(order, **changes):
    return order.model_copy(update=changes)

def cent(order):
    grand = order.totals.grand.model_copy(update={"minor": order.totals.grand.minor - 1})
    return less(order, totals=order.totals.model_copy(update={"grand": grand}))

def renamed(order):
    return less(order, lines=tuple(line.model_copy(update={"sku": None, "product_ref": line.sku}) for line in order.lines))

DEEDS = {
    "cent": cent,
    "dropped": lambda order: less(order, lines=order.lines[1:]),
    "renamed": renamed,
    "optional": lambda order: less(order, source_name="web"),
    "bug": lambda order: {}["Mia Muster"],
    "hang": lambda order: time.sleep(600),
    "crash": lambda order: os._exit(9),
    "killed": lambda order: os.kill(os.getpid(), 9),
    "nonsense": lambda order: less(order, lines="none at all"),
    "printing": lambda order: (print("not an answer"), os.write(1, b"nor this"), order)[2],
    "environment": lambda order: less(order, tags=tuple(name for name in os.environ if "DATABASE" in name or "HUB" in name)),
}

class Next(Webhook):
    manifest = replace(Webhook.manifest, version="2.0")

    def parse(self, raw):
        result = super().parse(raw)
        facts = []
        for fact in result.facts:
            deed = DEEDS.get(getattr(fact, "order", None) and fact.order.external_id)
            facts.append(fact.model_copy(update={"order": deed(fact.order)}) if deed else fact)
        return result.model_copy(update={"facts": tuple(facts)})

@hookimpl
def hub_channels():
    return [Next]
"""
CARRIER = """
from dataclasses import replace
from hub.sdk.hooks import hookimpl
from plugins.carriers.manual.adapter import Manual

class Next(Manual):
    manifest = replace(Manual.manifest, version="2.0")

    def parse_tracking(self, raw):
        return [scan.model_copy(update={"status": "unknown"}) for scan in super().parse_tracking(raw)][:1]

@hookimpl
def hub_carriers():
    return [Next]
"""
LEDGER = """
from dataclasses import replace
from hub.sdk.hooks import hookimpl
from tests.doubles import FakeErp

class Next(FakeErp):
    manifest = replace(FakeErp.manifest, version="2")

    def build(self, document):
        built = super().build(document)
        if document.kind == "payment":
            raise KeyError("no such account")
        return replace(built, payload={**built.payload, "total": {**built.payload["total"], "minor": 1}})

@hookimpl
def hub_erps():
    return [Next]
"""


def written(folder: Path, code: str) -> str:
    path = folder / "candidate.py"
    path.write_text(code)
    return str(path)


def rehearsed(world: World, plugin: str, candidate: str | None, **more: Any) -> Report:
    values = {"last": 100, "explanations": (), "deadline": 20.0, **more}
    return rehearse(world.runtime, plugin, candidate=candidate, **values)


def rows(world: World) -> dict[str, int]:
    return {table: world.count(table) for table in ("inbound_messages", "orders", "order_events", "jobs", "cases")}


def kinds(report: Report) -> dict[tuple[str, str], str]:
    return {(one.kind, one.detail): "".join(one.ids) for one in report.failures.values()}


def test_every_way_to_be_worse_is_named_with_its_message(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERHUB_DATABASE_URL", "sqlite:///not-for-the-candidate")
    names = (
        "cent", "dropped", "renamed", "optional", "bug", "crash", "killed", "nonsense", "printing", "environment", "fine",
    )  # fmt: skip
    stored = world.send(*(order_document(name) for name in names), {"type": "order.upserted", "data": {"id": "no"}})
    ids = {name: entry.message_id for name, entry in zip(names, stored, strict=False)}
    before = rows(world)
    report = rehearsed(world, "webhook", written(tmp_path, CHANNEL))
    assert rows(world) == before
    assert (report.installed, report.candidate, report.refused) == ("1.0", "2.0", True)
    shown = {(group.path, group.kind): group.examples[0] for group in report.unexplained}
    assert {key: value["message_id"] for key, value in shown.items()} == {
        ("order.totals.grand", "changed"): ids["cent"], ("order.lines", "removed"): ids["dropped"],
        ("order.lines[].sku", "removed"): ids["renamed"], ("order.lines[].product_ref", "added"): ids["renamed"],
        ("order.source_name", "added"): ids["optional"],
    }  # fmt: skip
    cent = shown["order.totals.grand", "changed"]
    assert (cent["before"], cent["after"]) == ("10.00 USD", "9.99 USD")
    failures = kinds(report)
    (bug,) = [key for key in failures if key[0] == "exception"]
    assert (failures.pop(bug), bug[1].partition(":")[0]) == (ids["bug"], "KeyError at candidate.py")
    assert failures == {
        ("crash", "its process ended with status 9"): ids["crash"],
        ("crash", "its process ended by signal SIGKILL"): ids["killed"],
        ("nonsense", "it does not fit the canonical model in 1 places"): ids["nonsense"],
    }
    assert report.tally.outcomes == {"changed": 4, "unchanged": 3, "still_failing": 1}
    assert "Muster" not in json.dumps(report.document())


def test_a_candidate_that_hangs_costs_its_deadline_and_is_not_started_for_ever(
    small_world: World, tmp_path: Path
) -> None:
    small_world.send(*(order_document(name) for name in ("fine", "hang")))
    report = rehearsed(small_world, "webhook", written(tmp_path, CHANNEL), deadline=3.0)
    assert [kind for kind, _ in kinds(report)] == ["hang"]
    assert report.tally.outcomes == {"unchanged": 1}


def test_after_some_deaths_the_rest_is_not_tried(small_world: World, tmp_path: Path) -> None:
    small_world.send(*(order_document() for _ in range(7)))
    dying = CHANNEL.replace("result = super().parse(raw)", "os._exit(1)")
    report = rehearsed(small_world, "webhook", written(tmp_path, dying))
    assert [(one.kind, one.count) for one in report.failures.values()] == [("crash", 5), ("not_tried", 2)]


def test_what_is_explained_is_accepted_and_what_is_not_needed_is_told(small_world: World, tmp_path: Path) -> None:
    small_world.send(*(order_document(name) for name in ("optional", "fine")))
    added = Explanation(path="order.source_name", kind="added", reason="2.0 tells where an order came from")
    stale = Explanation(path="order.tags[]", reason="does not happen")
    candidate = written(tmp_path, CHANNEL)
    report = rehearsed(small_world, "webhook", candidate, explanations=(added, stale))
    assert (report.refused, report.unused) == (False, [stale])
    wrong = added.model_copy(update={"kind": "removed"})
    assert rehearsed(small_world, "webhook", candidate, explanations=(wrong,)).refused


def test_scans_are_compared_with_those_that_were_read(world: World, tmp_path: Path) -> None:
    world.connect("hand", "carrier", "manual", {"name": "Hand", "services": [{"code": "S", "name": "S"}]})
    at = world.clock.now().isoformat()
    scans = [{"tracking_number": "N1", "status": status, "occurred_at": at} for status in ("in_transit", "delivered")]
    store_report(world, {"events": scans})
    assert not rehearsed(world, "manual", None).refused
    report = rehearsed(world, "manual", written(tmp_path, CARRIER))
    shown = {(group.path, group.kind): (group.examples[0]["before"], group.examples[0]["after"])
             for group in report.unexplained}  # fmt: skip
    assert shown["scan.status", "changed"] == ("in_transit", "unknown")
    assert ("scan", "removed") in shown


def store_report(world: World, report: Mapping[str, Any]) -> None:
    delivery = Delivery(world.connections["hand"], Raw(body=json.dumps(report).encode(), kind="tracking"))
    with world.write() as session:
        store_messages(session, deliveries=[delivery], at=world.clock.now())
    world.drain()


def test_documents_of_the_books_are_built_by_both_versions(world: World, tmp_path: Path) -> None:
    world.double("erp", "fake_erp")
    world.stock(W1_A=5)
    world.send(order_document("1"))
    assert [kind for kind, _, _ in world.documents("1")] == ["payment", "sales_order"]
    assert not rehearsed(world, "fake_erp", None).refused
    report = rehearsed(world, "fake_erp", written(tmp_path, LEDGER))
    (group,) = report.unexplained
    assert (group.path, group.examples[0]["before"], group.examples[0]["after"]) == (
        "request.payload.total", "10.00 USD", "0.01 USD",
    )  # fmt: skip
    assert [one.kind for one in report.failures.values()] == ["exception"]


def test_a_wheel_a_package_and_a_project_are_candidates(small_world: World, tmp_path: Path) -> None:
    small_world.send(order_document("cent"))
    wheel = tmp_path / "next_shop-2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("next_shop/__init__.py", CHANNEL)
        archive.writestr("next_shop-2.0.dist-info/entry_points.txt", "[hub.plugins]\nwebhook = next_shop\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "project" / "src")
    project = tmp_path / "project"
    (project / "pyproject.toml").write_text('[project.entry-points."hub.plugins"]\nwebhook = "next_shop"\n')
    for candidate in (wheel, project, project / "src" / "next_shop"):
        assert [group.path for group in rehearsed(small_world, "webhook", str(candidate)).unexplained] == [
            "order.totals.grand"
        ]
    left = {path for path in project.rglob("*") if "__pycache__" in path.name}
    assert left == set(), "nothing is written beside the candidate"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('Mia Muster')", "it cannot be imported: ValueError at candidate.py:1"),
        (CHANNEL.replace('version="2.0"', 'version="2.0", id="other"'), "no plugin 'webhook'"),
        ("x = 1", "no plugin 'webhook'"),
        (CARRIER.replace("Manual.manifest, ", "Manual.manifest, id='webhook', "), "of kind carrier"),
    ],
)
def test_what_is_no_candidate_is_told(small_world: World, tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(HubError, match=said):
        rehearsed(small_world, "webhook", written(tmp_path, code))


def test_without_anything_stored_or_without_such_a_version_nothing_is_proven(small_world: World) -> None:
    with pytest.raises(HubError, match="Nothing is stored"):
        rehearsed(small_world, "webhook", "1.0")
    with pytest.raises(HubError, match="neither a path nor the installed version"):
        rehearsed(small_world, "webhook", "3.1")


def test_a_setting_that_the_connection_does_not_have_is_a_failure_and_a_secret_is_not(
    small_world: World, tmp_path: Path
) -> None:
    small_world.shop("sealed", settings={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU"})
    small_world.send(order_document("fine"), to="sealed")
    wants = CHANNEL.replace(
        "class Next(Webhook):",
        "from pydantic import SecretStr\n"
        "class Wanting(Webhook.settings_model):\n    secret: SecretStr\n    region: str\n\n"
        "class Next(Webhook):\n    settings_model = Wanting",
    )
    report = rehearsed(small_world, "webhook", written(tmp_path, wants))
    assert list(kinds(report)) == [("settings", "the settings of sealed do not fit: it wants region")]
