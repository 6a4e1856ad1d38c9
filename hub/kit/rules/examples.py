"""What each action looks like when it is written; each is checked against the action itself by a test."""

from typing import Any

EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "hold": (
        {"reason_code": "large_order", "message": "More than 1,000.00: look at the buyer first."},
        {
            "reason_code": "cooling_off", "message": "The buyer may still change it.", "release": "timer",
            "release_after_minutes": 30,
        },
    ),
    "tag": ({"tags": ["vip"]},),
    "release": ({"reason_codes": ["address_incomplete"]},),
    "auto_approve": ({},),
    "priority": ({"priority": 10},),
    "assign": ({"to": "key accounts"},),
    "add_gift": ({"sku": "SAMPLE"}, {"sku": "MUG", "quantity": 2, "max_per_customer": 2, "max_total": 500}),
    "exclude": ({"locations": ["STORE-7"], "reason": "closed for the inventory"}, {"reason": "too far"}),
    "only": ({"locations": ["W1"]}, {"locations": ["W1"], "unknown": "fallback", "fallback": ["W2"]}),
    "require": ({"capabilities": ["hazmat"]},),
    "prefer": ({"locations": ["W1"], "weight": 10}, {"weight": -5}),
    "rank": (
        {"by": [{"ranker": "cost"}, {"ranker": "distance"}]}, {"by": [{"ranker": "arrival"}]},
        {"mode": "weighted", "by": [{"ranker": "cost", "weight": 3}, {"ranker": "load", "weight": 1}]},
    ),
    "split": (
        {"max_splits": 1}, {"max_splits": 2, "ship_complete": False, "minimum_total_minor": 5000},
        {"keep_together": [["TABLE", "TABLE-LEGS"]]},
    ),
    "capacity": ({"when_full": "next_day"},),
    "transfer": ({"cost_minor": 300, "days": 1, "max_sources": 1},),
    "on_unfillable": (
        {"do": "park"}, {"do": "backorder"}, {"do": "cancel_after", "after_minutes": 2880},
        {"do": "fallback", "locations": ["DROPSHIP"]},
    ),
    "strategy": ({"use": "wave", "split_minor": 300, "late_minor": 500, "seconds": 2},),
    "allow_services": ({"services": ["dhl/*"]},),
    "exclude_services": ({"services": ["dhl/express"]},),
    "prefer_services": ({"services": ["ups/ground", "dhl/*"]},),
    "merge": ({"window_minutes": 120, "max_orders": 4, "max_grams": 20_000},),
    "choose": ({"by": "cheapest", "late": "refuse", "max_total_minor": 2500},),
}  # fmt: skip
"""By the name of the action, without that name."""


def examples_of(action: str) -> list[dict[str, Any]]:
    """How an action is written, whole."""
    return [{"action": action, **example} for example in EXAMPLES[action]]
