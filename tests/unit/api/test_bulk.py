import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.api.bulk import MAX_ORDERS, Bulk, read_bulk
from hub.kit.errors import HubError


def refused(body: object) -> tuple[int, list[tuple[str, str]]]:
    with pytest.raises(HubError) as caught:
        read_bulk(body if isinstance(body, bytes) else orjson.dumps(body))
    return caught.value.status, [(fault["pointer"], fault["code"]) for fault in caught.value.extra["errors"]]


def test_each_order_becomes_a_document_of_its_own() -> None:
    orders = [{"id": "a", "lines": []}, {"id": "b", "revision": 7}, {"id": "c", "updated_at": "2026-01-02T00:00:00Z"}]
    bulk = read_bulk(orjson.dumps({"connection": "portal", "orders": orders}))
    assert [orjson.loads(raw.body) for _, raw in bulk.documents] == orders
    found = [(raw.kind, raw.external_id, raw.revision) for _, raw in bulk.documents]
    assert found == [("order", "a", None), ("order", "b", "7"), ("order", "c", "2026-01-02T00:00:00Z")]


def test_a_single_order() -> None:
    bulk = read_bulk(b'{"connection": "portal", "order": {"id": "a"}}')
    assert (bulk.count, bulk.documents[0][1].external_id) == (1, "a")


def test_faults_of_items_leave_the_others() -> None:
    bulk = read_bulk(orjson.dumps({"connection": "p", "orders": [{"id": "a"}, 5, {"id": ""}, {"id": " b"}, {}]}))
    assert [index for index, _ in bulk.documents] == [0]
    assert [(fault["index"], fault["pointer"], fault["code"]) for fault in bulk.faults] == [
        (1, "#/orders/1", "dict_type"),
        (2, "#/orders/2/id", "invalid_id"),
        (3, "#/orders/3/id", "invalid_id"),
        (4, "#/orders/4/id", "missing"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        (b"{", 400, ("#", "json_invalid")),
        (b'{"connection": "p", "order": {"id": "a", "x": NaN}}', 400, ("#", "json_invalid")),
        ([], 422, ("#", "dict_type")),
        ({"orders": [{"id": "a"}]}, 422, ("#/connection", "missing")),
        ({"connection": 5, "orders": [{"id": "a"}]}, 422, ("#/connection", "string_type")),
        ({"connection": "p"}, 422, ("#/orders", "missing")),
        ({"connection": "p", "orders": [], "order": {}}, 422, ("#/orders", "missing")),
        ({"connection": "p", "orders": []}, 422, ("#/orders", "too_short")),
        ({"connection": "p", "orders": [{"id": "a"}] * (MAX_ORDERS + 1)}, 422, ("#/orders", "too_long")),
        ({"connection": "p", "orders": {"id": "a"}}, 422, ("#/orders", "list_type")),
        ({"connection": "p", "order": {"id": "a"}, "conection/x": 1}, 422, ("#/conection~1x", "extra_forbidden")),
    ],
)
def test_another_shape_is_refused_with_its_place(body: object, status: int, fault: tuple[str, str]) -> None:
    assert refused(body) == (status, [fault])


MEMBERS = st.sampled_from(["connection", "orders", "order", "id", "x"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_no_document_is_a_bug(document: object) -> None:
    outcome: object
    try:
        outcome = read_bulk(orjson.dumps(document))
    except HubError as error:
        outcome = error
    if isinstance(outcome, HubError):
        assert outcome.status in (400, 422)
        assert outcome.extra["errors"]
    else:
        assert isinstance(outcome, Bulk)
        assert len(outcome.documents) + len(outcome.faults) == outcome.count
