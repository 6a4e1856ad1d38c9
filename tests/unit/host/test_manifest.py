"""What makes a manifest acceptable."""

from dataclasses import replace

import pytest

from hub.host.rules.manifest import fault_of, fault_of_range
from hub.sdk.manifest import Manifest

GOOD = Manifest(id="acme_mall", kind="channel", version="1.2.0", label="Acme Mall")


def test_a_good_manifest_has_no_fault() -> None:
    assert fault_of(GOOD, kind="channel") is None
    assert fault_of(replace(GOOD, version="2.0.0rc1"), kind="channel") is None


@pytest.mark.parametrize(
    ("manifest", "word"),
    [
        (replace(GOOD, id="Acme"), "id"),
        (replace(GOOD, id="a"), "id"),
        (replace(GOOD, id="1acme"), "id"),
        (replace(GOOD, id="acme-mall"), "id"),
        (replace(GOOD, kind="carrier"), "kind 'carrier'"),
        (replace(GOOD, version="newest"), "version"),
        (replace(GOOD, label=" "), "label"),
        (replace(GOOD, hub_api=">=2"), "needs hub_api >=2"),
        ({"id": "acme"}, "dict"),
        (None, "NoneType"),
    ],
)
def test_each_fault_is_named(manifest: object, word: str) -> None:
    assert word in (fault_of(manifest, kind="channel") or "")


@pytest.mark.parametrize("wanted", [">=1,<2", ">=1.0", "==1", "==1.0.0", "<=1", "!=2", ">0.9,<1.1"])
def test_ranges_that_hold_this_hub(wanted: str) -> None:
    assert fault_of_range(wanted) is None


@pytest.mark.parametrize("wanted", [">=2", "<1", ">1", "!=1.0", "==1.1", ">=1,<1.0"])
def test_ranges_that_do_not(wanted: str) -> None:
    assert "install a matching version" in (fault_of_range(wanted) or "")


@pytest.mark.parametrize("wanted", ["", "1", "~=1.0", ">=1;<2", ">= one"])
def test_what_is_not_a_range(wanted: str) -> None:
    assert "not a range" in (fault_of_range(wanted) or "")
