"""`hub parse`: reading alone, with any plugin."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli.main import main
from hub.cli.parsing import content_type, find_adapter, lenient_settings
from hub.kit.errors import HubError, InvalidInput

PLUGIN = """
from pydantic import BaseModel, Field, SecretStr, model_validator

from hub.canonical.facts import Fault, OtherFact, ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.errors import Malformed
from hub.sdk.hooks import hookimpl
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health

print("a plugin that talks while it is imported")


class Shop(BaseModel):
    base_url: str
    secret: SecretStr
    depth: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _fits(self):
        self.base_url.startswith("https")
        return self


class Acme(Channel[Shop]):
    manifest = Manifest(id="acme_shop", kind="channel", version="1.0", label="Acme")
    settings_model = Shop

    def check(self):
        return Health(ok=True)

    def parse(self, raw):
        print("and while it reads")
        word = raw.body.decode()
        if word == "broken":
            raise Malformed("it is broken", path="/word")
        if word == "bug":
            raise KeyError("a buyer's name")
        if word == "url":
            return self.settings.base_url.upper()
        if word == "call":
            self.http.request("GET", "https://acme.example")
        if word == "time":
            self.clock.now()
        faults = tuple(
            Fault(error="Malformed", code="bad_row", message=part, path=f"row {row}")
            for row, part in enumerate(word.split(","), 1) if part.startswith("x")
        )
        facts = tuple(
            OtherFact(document=part, raw={"type": raw.content_type, "name": raw.name, "depth": self.settings.depth})
            for part in word.split(",") if not part.startswith("x")
        )
        return ParseResult(facts=facts, faults=faults)


@hookimpl
def hub_channels():
    return [Acme]
"""
Parse = Callable[..., Result]


@pytest.fixture(scope="module")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "orderhub_acme_for_tests.py").write_text(PLUGIN)
    return folder


@pytest.fixture
def parse(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Parse:
    """Run `hub parse acme_shop` on files with the given contents, in a folder without anything else."""
    monkeypatch.syspath_prepend(plugin_folder)
    monkeypatch.setenv("ORDERHUB_PLUGIN_MODULES", '["orderhub_acme_for_tests"]')
    monkeypatch.chdir(tmp_path)

    def run(*options: str, standard_input: str = "", **files: str) -> Result:
        for name, content in files.items():
            Path(f"{name}.json").write_text(content)
        names = [f"{name}.json" for name in files]
        return CliRunner().invoke(main, ["parse", "acme_shop", *names, *options], input=standard_input)

    return run


def told(outcome: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outcome.stdout)
    return found


def test_one_object_a_file_and_nothing_else_on_standard_output(parse: Parse) -> None:
    outcome = parse("--json", a="one,two", b="three")
    assert outcome.exit_code == 0, outcome.output
    assert [(report["file"], len(report["documents"])) for report in told(outcome)] == [("a.json", 2), ("b.json", 1)]
    document = told(outcome)[0]["documents"][0]
    assert (document["kind"], document["lines"], document["grand_total"]) == ("other", [], None)
    assert document["facts"] == {"type": "application/json", "name": "a.json", "depth": 1}


def test_a_refused_file_is_named_and_the_others_are_still_read(parse: Parse) -> None:
    outcome = parse("--json", a="broken", b="good")
    refused, good = told(outcome)
    assert refused["refused"] == {"error": "Malformed", "code": "malformed", "message": "it is broken", "path": "/word"}
    assert (good["refused"], len(good["documents"])) == (None, 1)
    assert outcome.exit_code == 1
    assert outcome.stderr.splitlines()[-1] == "error: a.json: /word: it is broken (Malformed, malformed)"


def test_a_bad_row_stands_beside_the_good_ones(parse: Parse) -> None:
    outcome = parse("--json", a="one,xtwo")
    (report,) = told(outcome)
    fault = {key: report["faults"][0][key] for key in ("error", "code", "message", "path")}
    assert fault == {"error": "Malformed", "code": "bad_row", "message": "xtwo", "path": "row 2"}
    assert (len(report["documents"]), report["refused"], outcome.exit_code) == (1, None, 0)


def test_a_file_of_nothing_but_faults_is_refused(parse: Parse) -> None:
    outcome = parse("--json", a="xone,xtwo")
    (report,) = told(outcome)
    assert report["refused"]["message"] == "xone"
    assert (len(report["faults"]), outcome.exit_code) == (2, 1)


def test_a_missing_file_is_a_named_error(parse: Parse) -> None:
    outcome = parse("nowhere.json", "--json", a="one")
    reports = {report["file"]: report["refused"] for report in told(outcome)}
    assert reports["nowhere.json"]["error"] == "Unreadable"
    assert reports["a.json"] is None
    assert outcome.exit_code == 1


def test_a_bug_of_the_plugin_refuses_the_file_and_tells_nothing_personal(parse: Parse) -> None:
    outcome = parse("--json", a="bug", b="good")
    assert told(outcome)[0]["refused"]["code"] == "plugin_bug"
    assert "buyer's name" not in outcome.output
    assert told(outcome)[1]["refused"] is None


@pytest.mark.parametrize(("word", "deed"), [("call", "call anybody"), ("time", "ask for the time")])
def test_reading_may_neither_call_nor_ask_for_the_time(parse: Parse, word: str, deed: str) -> None:
    (report,) = told(parse("--json", a=word))
    assert report["refused"]["code"] == "plugin_impure"
    assert deed in report["refused"]["message"]


def test_missing_settings_are_named_where_reading_needs_them(parse: Parse) -> None:
    (report,) = told(parse("--json", a="url"))
    assert "base_url, secret" in report["refused"]["message"]


def test_given_settings_are_used_and_checked(parse: Parse) -> None:
    (report,) = told(parse("--json", "--settings", '{"depth": 3}', a="one"))
    assert report["documents"][0]["facts"]["depth"] == 3
    outcome = parse("--json", "--settings", '{"depth": 0}', a="one")
    assert json.loads(outcome.stdout)["errors"] == [
        {"path": "depth", "reason": "Input should be greater than or equal to 1"}
    ]
    assert outcome.exit_code == 1


def test_standard_input_is_a_file(parse: Parse) -> None:
    (report,) = told(parse("-", "--json", standard_input="one"))
    assert report["file"] == "-"
    assert report["documents"][0]["facts"] == {"type": "application/octet-stream", "name": None, "depth": 1}


def test_people_get_a_table(parse: Parse) -> None:
    outcome = parse(a="one,xtwo")
    assert outcome.stdout.startswith("a.json: 1 documents, 1 faults\n")
    assert "fault row 2: xtwo (Malformed, bad_row)" in outcome.stdout


def test_an_unknown_plugin_is_refused_with_those_there_are() -> None:
    outcome = CliRunner().invoke(main, ["parse", "webhok", "x.json"])
    assert outcome.exit_code == 1
    assert "'webhook'" in outcome.stderr


def test_a_plugin_without_documents_says_so() -> None:
    outcome = CliRunner().invoke(main, ["parse", "beancount", "x.json", "--json"])
    assert (json.loads(outcome.stdout)["code"], outcome.exit_code) == ("nothing_to_parse", 1)


def test_a_carrier_reads_tracking(tmp_path: Path) -> None:
    scan = {"tracking_number": "RC1", "status": "in_transit", "occurred_at": "2026-03-02T09:00:00Z", "code": "DEP"}
    (tmp_path / "scan.json").write_text(json.dumps({"events": [scan]}))
    outcome = CliRunner().invoke(main, ["parse", "rate_card", str(tmp_path / "scan.json"), "--json"])
    (report,) = told(outcome)
    assert report["refused"] is None, outcome.stderr
    (document,) = report["documents"]
    assert (document["kind"], document["tracking_numbers"], document["status"]) == ("shipment", ["RC1"], "in_transit")
    assert document["events"][0]["occurred_at"] == "2026-03-02T09:00:00Z"


def test_every_plugin_of_ours_reads_without_settings() -> None:
    for plugin in ("webhook", "spreadsheet", "shopify", "rate_card", "manual"):
        adapter = find_adapter(plugin, ())
        settings, _ = lenient_settings(adapter, {})
        assert isinstance(settings, adapter.settings_model)


def test_wrong_settings_beside_missing_ones_are_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        lenient_settings(find_adapter("shopify", ()), {"page_size": 0})
    assert "page_size" in str(refusal.value.extra)


def test_only_the_entry_point_of_the_name_is_asked_first() -> None:
    with pytest.raises(HubError, match="no plugin 'nosuch'"):
        find_adapter("nosuch", ())


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("orders.CSV", b"{", "text/csv"),
        ("orders.xlsx", b"", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("-", b"\xef\xbb\xbf \n[1]", "application/json"),
        ("-", b"<a/>", "application/xml"),
        ("-", b"PK\x03\x04rest", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("orders", b"a;b", "application/octet-stream"),
    ],
)
def test_the_type_goes_by_the_name_then_by_the_beginning(name: str, body: bytes, expected: str) -> None:
    assert content_type(name, body) == expected
