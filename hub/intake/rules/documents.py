"""The canonical form in which readings are kept and compared."""

from typing import Any

from hub.canonical.facts import Fact
from hub.canonical.shipping import TrackingEvent

SCAN = "scan"
"""Stands in the canonical form of a scan where that of a fact has its kind."""


def fact_document(fact: Fact) -> dict[str, Any]:
    """The canonical form of a fact: what its source did not say is left out."""
    # most kinds are their class's default and would be left out; without its kind nobody could read the fact again
    return {**fact.model_dump(mode="json", exclude_defaults=True), "kind": fact.kind}


def scan_document(scan: TrackingEvent) -> dict[str, Any]:
    """The canonical form of a scan."""
    return {**scan.model_dump(mode="json", exclude_defaults=True), "kind": SCAN}
