"""Orders by a seed: what two senders sell, and how each order changes afterwards. Their totals are known without a hub."""

import random
from dataclasses import dataclass
from typing import Any

SKUS = 40
HOT = 3
"""The first SKUs are wanted far more often than there are units of them."""
SHOP, PORTAL = "shop", "portal"
PLACES = (
    ("New York", "NY", "10001"),
    ("Chicago", "IL", "60601"),
    ("Denver", "CO", "80202"),
    ("Seattle", "WA", "98101"),
)
PLACED_AT = "{:%Y-%m-%dT%H:%M:%SZ}"

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sale:
    """One order and every state it takes, the first to the last; a state is the whole order under a revision."""

    account: str
    id: str
    states: tuple[State, ...]


def sku(number: int) -> str:
    """The SKU of a number."""
    return f"CHAOS-{number:02d}"


def total(state: State) -> int:
    """What the order is worth, in cents."""
    return sum(line["quantity"] * line["price"] for line in state["lines"])


def sales(seed: int, count: int, placed_at: str) -> list[Sale]:
    """The orders of a run: every second one is the shop's; a fifth change, a tenth are cancelled, some are refunded."""
    return [_sale(random.Random(f"{seed}:{number}"), number, placed_at) for number in range(count)]


def _sale(rng: random.Random, number: int, placed_at: str) -> Sale:
    account = (SHOP, PORTAL)[number % 2]
    name = f"{account}-{number}"
    city, region, code = rng.choice(PLACES)
    lines = [_line(rng, position) for position in range(rng.choice((1, 1, 2)))]
    first: State = {
        "id": name, "number": f"{account[0].upper()}{number:06d}", "revision": 1, "placed_at": placed_at,
        "lines": lines, "paid": rng.random() < 0.5, "cancelled": False, "refund": 0,
        "ship_to": {
            "name": f"Buyer {number}", "lines": [f"{number + 1} Sample Street"], "city": city, "region": region,
            "postal_code": code, "country": "US", "phone": f"+1212555{number % 10_000:04d}",
        },
        "email": f"buyer{number}@example.com",
    }  # fmt: skip
    states = [first]
    fate = rng.random()
    if fate < 0.2:
        first["paid"] = False  # what more costs more is on credit: no second payment to account for
        more = [{**line, "quantity": line["quantity"] + 1} for line in lines]
        states.append({**first, "revision": 2, "lines": more})
    elif fate < 0.3:
        states.append({**first, "revision": 2, "cancelled": True})
    elif fate < 0.4 and account == SHOP and first["paid"]:
        states.append({**first, "revision": 2, "refund": 100})
    return Sale(account, name, tuple(states))


def _line(rng: random.Random, position: int) -> dict[str, Any]:
    wanted = rng.randrange(HOT) if rng.random() < 0.3 else rng.randrange(SKUS)
    return {
        "id": str(position + 1), "sku": sku(wanted), "quantity": rng.choice((1, 1, 2)), "price": rng.randrange(900, 5000)
    }  # fmt: skip


def portal_body(state: State) -> dict[str, Any]:
    """The state as the hub's own webhook format has it."""
    grand = f"{total(state) / 100:.2f}"
    lines = [
        {
            "id": line["id"], "sku": line["sku"], "name": line["sku"], "quantity": line["quantity"],
            "unit_price": f"{line['price'] / 100:.2f}", "total": f"{line['quantity'] * line['price'] / 100:.2f}",
        }
        for line in state["lines"]
    ]  # fmt: skip
    payment: dict[str, Any] = {"state": "on_credit", "method": "invoice"}
    if state["paid"]:
        movement = {"id": f"T-{state['id']}", "amount": grand, "kind": "sale", "state": "success"}
        payment = {"state": "paid", "method": "card", "transactions": [movement]}
    return {
        "id": state["id"], "number": state["number"], "revision": state["revision"], "placed_at": state["placed_at"],
        "currency": "USD", "buyer": {"name": state["ship_to"]["name"], "email": state["email"]},
        "ship_to": state["ship_to"], "lines": lines, "grand_total": grand, "payment": payment,
        "cancelled": state["cancelled"],
    }  # fmt: skip
