"""Orders without coordinates get them from tables of places."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from hub.kit.errors import InvalidInput
from hub.routing import repository
from hub.routing.service.places import PlacesImport, import_places
from tests.builders import World, line, order_document
from tests.integration.routing.test_backtest import rules, run


def take(world: World, rows: str, country: str | None = None, **more: Any) -> PlacesImport:
    with world.write() as session:
        return import_places(session, rows=rows, country=country, at=world.clock.now(), actor="test", **more)


def decision(world: World, external_id: str) -> Any:
    with world.read() as session:
        return repository.latest_decision(session, world.order(external_id).order_id)


def to(postal_code: str, city: str = "Anytown", **more: Any) -> dict[str, Any]:
    known = {"name": "Ada Example", "country": "US", "region_code": "OR", "phone": "+12125550123"}
    return {**known, "lines": [f"1 Road of {postal_code}"], "city": city, "postal_code": postal_code, **more}


@pytest.fixture
def coasts(world: World) -> World:
    """W1 has no coordinates in this world; E and P do, and have stock."""
    world.locations("E", latitude=40.71, longitude=-74.0)
    world.locations("P", latitude=45.52, longitude=-122.68)
    world.stock(E_A=9, P_A=9)
    return world


def test_the_nearest_by_its_postal_code_or_its_city(coasts: World) -> None:
    take(coasts, "zip,latitude,longitude,country\n97201,45.51,-122.69,US\n")
    done = take(
        coasts, "name,countrycode,admin1code,latitude,longitude,population\nPórtland,US,ME,43.66,-70.26,68000\n"
    )
    assert (done.postal_codes, done.cities, done.faults) == (0, 1, ())
    coasts.send(order_document("1", line("1", "A", 1), ship_to=to("97201-0001")))
    coasts.send(order_document("2", line("1", "A", 1), ship_to=to("04101", "PORTLAND", region_code="ME")))
    assert [row.location for number in ("1", "2") for row in coasts.open_work(number)] == ["P", "E"]
    assert [decision(coasts, number).inputs["order"]["located_by"] for number in ("1", "2")] == [
        "postal 97201", "city portland",
    ]  # fmt: skip
    take(coasts, "zip,latitude,longitude,country\n97201,40.7,-74.01,US\n")
    coasts.send(order_document("3", line("1", "A", 1), ship_to=to("97201")))
    assert [row.location for row in coasts.open_work("3")] == ["E"], "it has its new coordinates"
    assert run(coasts, rules()).reproduced == 3, "each is computed with the coordinates that it had"


def test_a_real_table_with_faulty_rows(world: World, fixtures: Path) -> None:
    text = (fixtures / "geo/ca_fsa.csv").read_text("utf-8")
    with pytest.raises(InvalidInput) as refused:
        take(world, text, "CA")
    assert {fault["row"] for fault in refused.value.extra["errors"]} >= {125, 647}
    assert world.count("places") == 0
    told: list[tuple[int, int]] = []
    for _ in range(2):
        done = take(world, text, "CA", skip_faulty=True, tell=lambda *counts: told.append(counts))
    assert (world.count("places"), len({fault.row for fault in done.faults})) == (done.postal_codes, 9)
    assert told[-1] == (done.postal_codes, done.postal_codes)
    assert world.count("audit_entries") >= 2


def test_a_whole_table_of_cities(world: World, fixtures: Path) -> None:
    with gzip.open(fixtures / "geo/cities15000.csv.gz", "rt", encoding="utf-8") as text:
        rows = text.read()
    done = take(world, rows)
    assert world.count("places") == done.cities > 30_000
