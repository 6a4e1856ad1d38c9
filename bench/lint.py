"""What the linter of rules finds: of the faults that were written down before it, and where there are none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from bench.place import Place
from bench.report import Figure
from hub.kit.rules.lint import lint
from hub.kit.rules.lint_effects import World
from hub.kit.rules.rule_set import SECTIONS, RuleSet, read_rule_set
from hub.kit.rules.validation import KnownReferences

ROOT = Path(__file__).parents[1]
SEEDED = ROOT / "tests" / "unit" / "routing" / "lint_faults.yaml"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LOCATIONS = {"BER": frozenset({"cold", "install"}), "HAM": frozenset({"cold"}), "MUC": frozenset({"hazmat"})}
SERVICES = frozenset({"swift/standard", "swift/express", "cedar/ground"})
"""The hub and the day that the list of faults is written for."""
WORLD = World(LOCATIONS, SERVICES)
KNOWN = KnownReferences(
    locations=frozenset(LOCATIONS), services=SERVICES, capabilities=frozenset().union(*LOCATIONS.values()),
    products=frozenset({"MUG", "TEE"}),
)  # fmt: skip
SHARE = 100


def linting(place: Place) -> list[Figure]:
    """The share of the seeded faults that is found, each at its rule, and findings at rules without a fault."""
    listed: dict[str, list[dict[str, Any]]] = yaml.safe_load(SEEDED.read_text("utf-8"))
    faults = [(kind, fault) for kind, found in listed.items() for fault in found]
    missed, false = [], 0
    for number, (kind, fault) in enumerate(faults, 1):
        told = [(one.kind, one.rule) for one in lint(_rules(fault), now=NOW, world=WORLD, references=KNOWN).findings]
        if (kind, fault["rule"]) not in told:
            missed.append(f"{kind}: {fault['name']}")
        false += len(set(told) - {(kind, fault["rule"])})
        place.tell(number)
    shipped = sorted((ROOT / "examples").rglob("rules*.yaml"))
    for path in shipped:
        false += len(lint(read_rule_set(yaml.safe_load(path.read_text("utf-8"))), now=NOW).findings)
    hits = len(faults) - len(missed)
    note = f"{hits} of {len(faults)} seeded faults of {len(listed)} kinds"
    if missed:
        note += f"; not found: {', '.join(missed)}"
    share = round(SHARE * hits / len(faults), 1)
    return [
        Figure("routing_lint", share, "%", SHARE, not missed, note=note),
        Figure(
            "routing_lint_false", false, "alarms", 0, not false,
            note=f"at other rules of these {len(faults)} sets, and at the shipped rules of {len(shipped)} example",
        ),
    ]  # fmt: skip


def _rules(fault: Mapping[str, Any]) -> RuleSet:
    """The rule set around a fault; rules without a name are named by their id."""
    return read_rule_set(
        {
            section: [{"name": rule["id"], **rule} for rule in rules]
            for section, rules in fault.items()
            if section in SECTIONS
        }
    )
