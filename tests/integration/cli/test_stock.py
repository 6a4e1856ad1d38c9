"""`hub stock keep|import` as people at a warehouse use them."""

import pytest

from tests.builders import World
from tests.e2e.command_line import Hub
from tests.integration.cli.terminal import at_terminal


@pytest.fixture
def ada(small_world: World) -> Hub:
    small_world.stock(W1_A=3)
    return at_terminal(small_world, "ada")


def free(world: World) -> int:
    return int(world.level("W1_A").available)


def test_stock_is_kept_for_a_caller_longer_and_given_free(ada: Hub, small_world: World) -> None:
    (kept,) = ada.json("stock", "keep", "create", "call-7", "--line", "A", "2", "--minutes", "10")
    assert free(small_world) == 1
    assert "1 of 'A' are missing" in ada.refused("stock", "keep", "create", "call-8", "--line", "A", "2")
    (longer,) = ada.json("stock", "keep", "extend", kept["soft_reservation_id"], "--minutes", "90")
    assert longer["expires_at"] > kept["expires_at"]
    (gone,) = ada.json("stock", "keep", "release", kept["soft_reservation_id"])
    assert (gone["state"], free(small_world)) == ("released", 3)
    assert "released" in ada.refused("stock", "keep", "extend", kept["soft_reservation_id"])


def test_a_table_is_taken_whole_or_its_faults_are_told(ada: Hub, small_world: World) -> None:
    (ada.folder / "stock.csv").write_text("location,sku,on_hand\nW1,A,5\nW9,A,1\nW1,B,x\n")
    refused = ada.refused("stock", "import", "stock.csv")
    assert free(small_world) == 3
    assert "W9" in refused
    told = ada.run("stock", "import", "stock.csv", "--skip-faulty")
    assert (told.returncode, told.stderr.count("left out: ")) == (0, 2)
    assert "1 levels set, 2 rows left out." in told.stdout
    assert free(small_world) == 5
