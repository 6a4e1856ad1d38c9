"""The example of alarms names figures that exist, with labels that they have, and says what to do."""

import re
from typing import Any

import pytest
import yaml

from hub.api.gauges import GAUGES
from hub.api.metrics import COUNTERS
from tests.peers import REPOSITORY

FILE = REPOSITORY / "examples" / "monitoring" / "alerts.yaml"
LABELS = {one.name: set(one.labels) for one in (*GAUGES, *COUNTERS)}
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(FILE.read_text("utf-8"))["groups"] for rule in group["rules"]
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_names_figures_and_labels_that_exist(rule: dict[str, Any]) -> None:
    assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "what_to_do"}
    named = set(re.findall(r"orderhub_\w+", rule["expr"]))
    assert named
    assert named <= set(LABELS)
    matched = re.findall(r"(orderhub_\w+)\{(\w+)", rule["expr"])
    assert [(name, label) for name, label in matched if label not in LABELS[name]] == []
    known = set().union(*(LABELS[name] for name in named)) | {"instance"}
    used = re.findall(r"(?:by|on) \((\w+)\)", rule["expr"]) + re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
    assert set(used) <= known


def test_every_figure_that_tells_of_trouble_has_an_alarm() -> None:
    told = {name for rule in RULES for name in re.findall(r"orderhub_\w+", rule["expr"])}
    quiet = {
        "orderhub_open_holds", "orderhub_shipments_open", "orderhub_reviewed_recently", "orderhub_auto_approval_ratio",
        "orderhub_messages_stored_total", "orderhub_retention_rows", "orderhub_low_stock", "orderhub_shadow_seconds",
    }  # fmt: skip
    assert set(LABELS) - told == quiet
