"""How long stock has been lying."""

from datetime import timedelta

from hub.inventory.rules.levels import Transfer
from hub.inventory.service.change import adjust, receive, transfer
from hub.inventory.service.query import lying_since
from hub.kit.db import Database
from tests.integration.inventory.building import AT, entry, set_up


def since(database: Database, *skus: str) -> dict[str, int]:
    """Days after the first receipt at which the oldest unit that is left came."""
    with database.read() as session:
        found = lying_since(session, skus=skus)
    return {"_".join(key): (moment - AT).days for key, moment in found.items()}


def test_what_came_first_leaves_first(database: Database) -> None:
    set_up(database)
    with database.write() as session:
        for day, quantity in ((0, 5), (2, 3), (4, 1)):
            receive(session, entries=[entry("N_A", quantity)], at=AT + timedelta(days=day), actor="test")
        receive(session, entries=[entry("S_A", 1), entry("N_B", 1)], at=AT + timedelta(days=3), actor="test")
    assert since(database, "A") == {"N_A": 0, "S_A": 3}
    left = []
    for gone in (4, 1, 3, 1):
        with database.write() as session:
            adjust(session, entries=[entry("N_A", -gone)], at=AT + timedelta(days=9), actor="test")
        left.append(since(database, "A").get("N_A"))
    assert left == [0, 2, 4, None], "five, four, one and none are left"
    assert since(database) == {}


def test_stock_that_is_moved_is_new_where_it_comes(database: Database) -> None:
    set_up(database)
    with database.write() as session:
        receive(session, entries=[entry("N_A", 5)], at=AT, actor="test")
        transfer(
            session,
            transfers=[Transfer("A", "N", "S", entry("N_A", 2).quantity)],
            at=AT + timedelta(days=6),
            actor="test",
        )
    assert since(database, "A", "B") == {"N_A": 0, "S_A": 6}
