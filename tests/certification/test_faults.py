"""The list of faults that certification is measured by."""

from collections import Counter
from pathlib import Path

import yaml

FAULTS = yaml.safe_load((Path(__file__).with_name("faults.yaml")).read_text("utf-8"))
MEMBERS = {"id", "kind", "area", "fault", "rule", "harm"}


def test_every_fault_says_what_is_wrong_what_is_right_and_whom_it_hurts() -> None:
    assert [fault for fault in FAULTS if set(fault) != MEMBERS or not all(fault.values())] == []
    assert [name for name, count in Counter(fault["id"] for fault in FAULTS).items() if count > 1] == []


def test_there_are_enough_of_each_kind() -> None:
    kinds = Counter(fault["kind"] for fault in FAULTS)
    assert kinds.total() >= 60
    assert min(kinds[kind] for kind in ("channel", "carrier", "erp")) >= 10
