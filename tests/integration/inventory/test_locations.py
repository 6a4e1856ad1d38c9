from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.inventory.rules.locations import Location
from hub.inventory.service.locations import (
    LocationVersionMismatch,
    create_location,
    get_location,
    get_locations,
    list_locations,
    update_location,
)
from hub.kit.db import Database
from hub.kit.errors import NotFound, StateConflict
from tests.integration.inventory.building import AT

PLACE = Location(
    code="BER", name="Berlin", kind="store", handling="outside", address={"country": "DE", "lines": ["Weg 1"]},
    latitude=52.5, longitude=13.4, capabilities=("cold_chain", "hazmat"), channel_refs={"shop-1": "987"},
    notify={"by": "webhook"}, rank=3,
)  # fmt: skip


def test_create_then_change_by_version(database: Database, published: Callable[[str], list[dict[str, Any]]]) -> None:
    with database.write() as session:
        assert create_location(session, location=PLACE, at=AT, actor="ada") == PLACE
        assert get_location(session, code="BER") == PLACE
        closed = replace(PLACE, enabled=False)
        assert update_location(session, location=closed, version=1, at=AT, actor="ada") == replace(closed, version=2)
        with pytest.raises(LocationVersionMismatch, match="version 2"):
            update_location(session, location=PLACE, version=1, at=AT, actor="ada")
        assert update_location(session, location=PLACE, version=None, at=AT, actor="ada").version == 3
    assert published("inventory.location_changed") == [{"location": "BER"}] * 3


def test_a_code_is_taken_once(database: Database) -> None:
    with database.write() as session:
        create_location(session, location=PLACE, at=AT, actor="ada")
        with pytest.raises(StateConflict, match="already"):
            create_location(session, location=PLACE, at=AT, actor="ada")


def test_unknown_locations(database: Database) -> None:
    with database.write() as session:
        with pytest.raises(NotFound):
            get_location(session, code="X")
        with pytest.raises(NotFound):
            update_location(session, location=PLACE, version=1, at=AT, actor="ada")


def test_list_in_the_order_of_codes(database: Database) -> None:
    with database.write() as session:
        for code in ("C", "A", "B"):
            create_location(session, location=replace(PLACE, code=code), at=AT, actor="ada")
        assert [item.code for item in list_locations(session)] == ["A", "B", "C"]
        assert [item.code for item in list_locations(session, after="A", limit=1)] == ["B"]
        assert set(get_locations(session, codes=["A", "C", "X"])) == {"A", "C"}
