"""`hub routing gifts`: what rules have given, at a terminal."""

from tests.builders import World, order_document
from tests.integration.cli.test_routing_life import at_terminal

GIFTS = """gift:
  - id: welcome
    name: Welcome
    then: [{action: add_gift, sku: B, quantity: 2, max_total: 5}]
"""


def test_what_was_given_and_what_is_left(small_world: World) -> None:
    (small_world.folder / "gifts.yaml").write_text(GIFTS)
    ada = at_terminal(small_world, "ada")
    assert "No rule gives anything" in ada.ok("routing", "gifts")
    ada.ok("routing", "activate", "gifts.yaml", "--comment", "welcome")
    small_world.send(order_document("1"))
    (given,) = ada.json("routing", "gifts")["gifts"]
    assert given == {
        "rule": "welcome", "sku": "B", "active": True, "given": 2, "since": None, "max_per_order": None,
        "max_per_customer": None, "max_total": 5, "left": 3,
    }  # fmt: skip
    assert "welcome" in ada.ok("routing", "gifts")


def test_lint_names_a_gift_that_is_no_product(small_world: World) -> None:
    (small_world.folder / "gifts.yaml").write_text(GIFTS.replace("sku: B", "sku: MUGG"))
    refused = at_terminal(small_world, "ada").run("routing", "lint", "gifts.yaml")
    assert refused.returncode == 1
    assert "there is no product 'MUGG'" in refused.stdout + refused.stderr
