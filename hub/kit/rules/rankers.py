"""The rankers and strategies that rules may name beside those of plugins."""

RANKERS: dict[str, str] = {
    "preference": "weights of `prefer` rules, the highest first",
    "proximity": "same region, then same country, then elsewhere",
    "distance": "great-circle kilometres to the ship-to",
    "ship_day": "days until it can ship",
    "cost": "the cheapest acceptable service for the whole order, in minor units",
    "arrival": "hours until the service chosen for the whole order delivers it, where carriers say so",
    "stock_age": "days that the stock has been lying there, the oldest first",
    "stock": "units that would remain of the scarcest SKU, the most first",
    "load": "share of the day's capacity in use",
    "rank": "the location's own rank",
}
"""The hub's own rankers. Lower is better; what has no value ranks last. Plugins add theirs by name."""


STRATEGIES: dict[str, str] = {
    "greedy": "one order after the other, each from the best place that is left",
    "wave": "all orders of a batch together, at the least cost (extra `optimize`); never dearer than greedy",
}
"""The hub's own strategies. Plugins add theirs by name."""
