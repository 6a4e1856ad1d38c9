"""`hub plugin rehearse`, as a person runs it before an upgrade."""

import json
from pathlib import Path

import pytest

from tests.e2e.command_line import Hub
from tests.e2e.test_cli import pulled


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


CANDIDATE = """
from dataclasses import replace
from hub.sdk.hooks import hookimpl
from plugins.channels.spreadsheet.adapter import Spreadsheet

class Next(Spreadsheet):
    manifest = replace(Spreadsheet.manifest, version="9.0")

    def parse(self, raw):
        result = super().parse(raw)
        facts = [fact.model_copy(update={"order": fact.order.model_copy(update={"source_name": "file"})})
                 for fact in result.facts]
        return result.model_copy(update={"facts": tuple(facts)})

@hookimpl
def hub_channels():
    return [Next]
"""


def test_an_upgrade_is_rehearsed_and_refused_until_its_differences_are_explained(hub: Hub) -> None:
    assert "Nothing is stored" in (hub.ok("init") and hub.refused("plugin", "rehearse", "spreadsheet"))
    pulled(hub)
    same = hub.process("plugin", "rehearse", "spreadsheet", "--json")
    assert (same.returncode, json.loads(same.stdout)["outcomes"]) == (0, {"unchanged": 1})
    (hub.folder / "candidate.py").write_text(CANDIDATE)
    rehearse = ("plugin", "rehearse", "spreadsheet", "--candidate", "candidate.py")
    refused = hub.run(*rehearse)
    assert refused.returncode == 1
    assert "order.source_name" in refused.stdout
    assert "Refused: 1 unexplained" in refused.stderr
    (hub.folder / "explained.yaml").write_text(
        "explained:\n  - path: order.source_name\n    kind: added\n    reason: 9.0 tells where it comes from\n"
    )
    assert "Accepted: every difference is explained" in hub.ok(*rehearse, "--explain", "explained.yaml")
    toml = '[[explained]]\npath = "order.*"\nreason = "9.0 tells where it comes from"\n'
    (hub.folder / "explained.toml").write_text(toml)
    assert hub.json(*rehearse, "--explain", "explained.toml")["refused"] is False
    (hub.folder / "bad.yaml").write_text("explained:\n  - path: order.source_name\n")
    assert "explained/0/reason: Field required" in hub.refused(*rehearse, "--explain", "bad.yaml")
