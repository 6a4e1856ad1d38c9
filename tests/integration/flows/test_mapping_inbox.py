"""What nobody knows the meaning of is one row for all that waits for it, and one answer lets all of it go on."""

from typing import Any

import pytest

from hub.catalog.rules.products import NewProduct
from hub.catalog.rules.suggest import Suggestion
from hub.flows import read_codes, review_orders
from hub.flows.mapping_inbox import Missing, decide, list_missing
from hub.flows.replay import preview
from hub.kit.errors import InvalidInput
from hub.reports.repository import Place
from tests.builders import World, event, line, order_document

MANY = 600


def inbox(
    world: World, *, field: str | None = None, ignored: bool = False, after: Place | None = None, limit: int = 50
) -> list[Missing]:
    with world.read() as session:
        return list_missing(session, connection=None, field=field, ignored=ignored, after=after, limit=limit)


def say(world: World, field: str, value: str, meaning: str | None, *, to: str = "shop") -> tuple[int, int]:
    """Decide, and run what follows."""
    with world.write() as session:
        waited = decide(
            session, connection=world.connections[to], field=field, value=value, meaning=meaning, by="tester",
            at=world.clock.now(),
        )  # fmt: skip
    world.drain()
    return waited


def abroad(external_id: str, country: str, **changes: Any) -> dict[str, Any]:
    """An order to a country as its sender writes it."""
    document = order_document(external_id, **changes)
    return {**document, "ship_to": {**document["ship_to"], "country": country}}


def test_hundreds_of_orders_of_one_unknown_sku_are_one_row_and_one_fix(world: World) -> None:
    world.store(*(order_document(f"{number}", line("1", "A-typo", 2)) for number in range(MANY)))
    world.drain()
    since = world.clock.now()
    (row,) = inbox(world)
    assert (row.connection, row.field, row.value, row.name) == ("shop", "sku", "A-typo", "Product A-typo")
    assert (row.orders, row.messages, row.amounts, row.since) == (MANY, 0, {"USD": MANY * 2000}, since)
    before = max(job.job_id for job in world.jobs())
    assert say(world, "sku", "A-typo", "A") == (MANY, 0)
    assert inbox(world) == []
    with world.read() as session:
        assert review_orders.orders_repository.hold_counts(session) == {}
    assert (world.order("0").review, world.holds(f"{MANY - 1}")) == ("auto_approved", [])
    asked = [job for job in world.jobs(kind=review_orders.RESUME) if job.job_id > before]
    assert len(asked) == MANY // review_orders.AT_ONCE + 1, "one page after the other, the last of them empty"
    assert len([job for job in world.jobs(kind=review_orders.AGAIN) if job.state == "done"]) == MANY


def test_a_country_that_nobody_knows_is_read_again_when_somebody_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_codes, "AT_ONCE", 2)
    world.stock(W1_A=50)
    world.send(*(abroad(f"{number}", "Unitd States") for number in range(5)), abroad("other", "Utopia"))
    assert world.holds("0") == ["country_unknown"]
    assert world.open_work("0") == []
    first, other = inbox(world)
    assert {first.value, other.value} == {"Unitd States", "Utopia"}
    (row,) = [entry for entry in (first, other) if entry.value == "Unitd States"]
    assert (row.field, row.orders, row.messages, row.amounts) == ("country", 5, 0, {"USD": 5000})
    assert row.suggestion == Suggestion("US", 0.96)
    assert say(world, "country", "Unitd States", "US") == (5, 0)
    assert [world.holds(f"{number}") for number in range(5)] == [[]] * 5
    assert len(world.open_work("4")) == 1
    assert [entry.value for entry in inbox(world)] == ["Utopia"]
    assert world.order("0").document["ship_to"]["country"] == "US"
    assert world.holds("other"), "what it means was not said of others"


def test_what_was_said_once_holds_for_all_that_comes_and_for_replays(world: World) -> None:
    world.stock(W1_A=50)
    say(world, "country", "Unitd States", "US")
    (stored,) = world.send(abroad("1", "Unitd States"))
    assert (inbox(world), world.holds("1"), len(world.open_work("1"))) == ([], [], 1)
    with world.write() as session:
        (difference,) = preview(session, world.runtime.services, [stored.message_id])
    assert difference.outcome == "same"


def test_an_unknown_payment_state_is_said_per_connection(world: World) -> None:
    world.stock(W1_A=50)
    world.shop("second")
    world.send(order_document("1", payment={"state": "bezahlt"}))
    world.send(order_document("2", payment={"state": "bezahlt"}), to="second")
    assert [(row.connection, row.field, row.orders) for row in inbox(world)] == [
        ("second", "payment_state", 1), ("shop", "payment_state", 1),
    ]  # fmt: skip
    say(world, "payment_state", "bezahlt", "paid")
    assert (world.order("1").payment, world.holds("1")) == ("paid", [])
    assert [row.connection for row in inbox(world)] == ["second"]


def test_documents_without_an_order_wait_too(world: World) -> None:
    told = {"order_id": "later", "id": "T-1", "kind": "vorkasse", "amount": "10.00", "currency": "USD"}
    world.send({"type": "order.paid", "data": told})
    (row,) = inbox(world)
    assert (row.field, row.value, row.orders, row.messages, row.amounts) == ("transaction_kind", "vorkasse", 0, 1, {})
    assert say(world, "transaction_kind", "vorkasse", "sale") == (0, 1)
    assert inbox(world) == []
    world.send(order_document("later", payment={"state": "unpaid"}))
    assert world.order("later").payment == "paid"


def test_an_order_that_is_told_anew_waits_for_what_it_says_now(world: World) -> None:
    world.send(abroad("1", "Utopia", revision=1))
    world.send(abroad("1", "Atlantis", revision=2))
    assert [(row.value, row.orders) for row in inbox(world)] == [("Atlantis", 1)]
    world.send(abroad("1", "US", revision=3))
    assert inbox(world) == []


def test_an_order_that_is_over_waits_for_nothing(world: World) -> None:
    world.send(abroad("1", "Utopia", lines=[line("1", "X")]))
    assert {row.field for row in inbox(world)} == {"country", "sku"}
    world.send(event("order.cancelled", order_id="1"))
    assert inbox(world) == []


def test_what_is_ignored_is_listed_apart_until_it_gets_a_meaning(world: World) -> None:
    world.send(order_document("1", line("1", "X"), line("2", "X")), abroad("2", "Utopia"))
    assert (say(world, "sku", "X", None), say(world, "country", "Utopia", None)) == ((1, 0), (1, 0))
    assert inbox(world) == []
    assert [(row.value, row.ignored) for row in inbox(world, ignored=True)] == [("Utopia", True), ("X", True)]
    assert world.holds("1"), "to ignore a name is not to know what to ship"
    world.send(abroad("3", "Utopia"))
    assert [row.orders for row in inbox(world, field="country", ignored=True)] == [1], "not noted any more"
    say(world, "sku", "X", "A")
    say(world, "country", "Utopia", "US")
    assert (world.holds("1"), world.holds("2"), inbox(world), inbox(world, ignored=True)) == ([], [], [], [])


def test_the_list_goes_page_by_page_from_what_waits_longest(world: World) -> None:
    for number, sku in enumerate(("Z", "Y", "X")):
        world.send(order_document(f"{number}", line("1", sku)))
        world.clock.advance(60)
    world.send(order_document("3", line("1", "Y")))
    pages, after = [], None
    while page := inbox(world, after=after, limit=1):
        pages += page
        after = page[-1].place
    assert [(row.value, row.orders) for row in pages] == [("Z", 1), ("Y", 2), ("X", 1)]
    assert inbox(world, field="country") == []
    assert len(inbox(world, field="sku")) == 3


def test_a_sku_is_compared_with_skus_aliases_and_names(world: World) -> None:
    world.product(NewProduct("MUG-BLUE", "Blue mug, large"), NewProduct("TEE-RED", "T-shirt, red"))
    say(world, "sku", "Shirt 0815", "TEE-RED")
    world.send(
        order_document("1", line("1", "mug_blue")), order_document("2", line("1", "shirt-0816")),
        order_document("3", line("1", "99", name="blue Mug LARGE")), order_document("4", line("1", "#", name="?")),
    )  # fmt: skip
    found = {row.value: row.suggestion.meaning if row.suggestion else None for row in inbox(world)}
    assert found == {"mug_blue": "MUG-BLUE", "shirt-0816": "TEE-RED", "99": "MUG-BLUE", "#": None}


@pytest.mark.parametrize(
    ("field", "meaning", "told"),
    [
        ("country", "Germny", "Did you mean DE?"),
        ("payment_state", "bezahlt", "There are: authorized, cod_due"),
        ("type", "order.created", "mend the plugin"),
        ("sku", "NOPE", "cannot be right"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_says_what_can(
    small_world: World, field: str, meaning: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        say(small_world, field, "?", meaning)
    assert told in str(refused.value)
