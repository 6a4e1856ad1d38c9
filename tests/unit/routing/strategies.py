"""Planning problems of every kind, for what must hold for all of them."""

from datetime import timedelta

from hypothesis import strategies as st

from hub.routing.rules.area import area_of
from hub.sdk.hooks import Exclusion
from tests.unit.routing.builders import NOW, facts, line, location, order, problem, quotes, rules

SKUS = ("A", "B", "C")
RULES = [
    rules(),
    rules(
        sourcing=[
            {"id": "near", "when": ["location.same_country"], "then": [{"action": "prefer", "weight": 3}]},
            {"id": "far", "when": ["location.distance_km > 500", "order.lines > 1"], "then": [{"action": "exclude"}]},
            {"id": "part", "when": ["'part' in order.tags"], "then": [{"action": "split", "ship_complete": False}]},
            {"id": "move", "then": [{"action": "transfer", "cost_minor": 50, "max_sources": 2}]},
            {"id": "cold", "when": ["'cold' in order.tags"], "then": [{"action": "require", "capabilities": ["cold"]}]},
            {
                "id": "rank",
                "then": [{"action": "rank", "mode": "weighted", "by": [{"ranker": "load"}, {"ranker": "cost"}]}],
            },
        ],
        courier=[{"id": "c", "then": [{"action": "choose", "by": "cheapest", "late": "refuse"}]}],
    ),
]


NEARBY = area_of({"serves": [{"country": "DE", "from": "10", "to": "12"}], "excludes": [{"country": "FR"}]})


@st.composite
def problems(draw):
    places = [
        location(
            f"W{number}",
            at=(48.0 + 4 * number, 9.0),
            country=draw(st.sampled_from(["DE", "FR"])),
            capacity=draw(st.sampled_from([None, 1, 3])),
            enabled=draw(st.integers(0, 9)) > 0,
            capabilities=frozenset({"cold"} if draw(st.booleans()) else ()),
            area=draw(st.sampled_from([None, None, None, NEARBY])),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    stock = {(place.code, sku): draw(st.integers(-1, 5)) * 500 for place in places for sku in SKUS}
    orders = []
    for number in range(draw(st.integers(1, 7))):
        chosen = draw(st.lists(st.sampled_from(SKUS), min_size=1, max_size=3))
        lines = [
            line(
                sku,
                draw(st.sampled_from([0.5, 1, 2])),
                line_id=f"L{index}",
                group=draw(st.sampled_from([None, None, "set"])),
                ships=draw(st.integers(0, 9)) > 0,
                due_at=draw(st.sampled_from([None, None, None, NOW, NOW + timedelta(days=2)])),
            )
            for index, sku in enumerate(chosen)
        ]
        tags = draw(st.lists(st.sampled_from(["part", "cold"]), unique=True))
        orders.append(
            order(
                f"o{number}",
                *lines,
                facts=facts(tags=tags, lines=len(lines)),
                priority=draw(st.integers(1, 2)),
                placed_at=NOW - timedelta(minutes=draw(st.integers(0, 2))),
                deliver_by=draw(st.sampled_from([None, NOW + timedelta(days=4)])),
                postal_code=draw(st.sampled_from(["10115", "80331", ""])),
                excluded_locations=draw(st.sampled_from([{}, {"W0": "refused"}])),
            )
        )
    extra: dict[str, object] = {"filters": [("odd", _odd)]} if draw(st.booleans()) else {}
    extra["may_transfer"] = draw(st.booleans())
    return problem(orders, places, stock, rules=draw(st.sampled_from(RULES)), rates=quotes, rates_version="1", **extra)


def _odd(request):
    return [Exclusion(code, "odd", {"n": 1}) for code in request.locations if code == "W1"]
