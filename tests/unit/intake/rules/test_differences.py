"""Two readings of one document: every place where they differ, exactly, and nothing personal."""

import copy
from typing import Any

import pytest

from hub.intake.rules.differences import differences, payload_differences, redacted
from hub.intake.rules.explained import Explanation, reason_for
from hub.intake.rules.tally import EXAMPLES, Tally

Document = dict[str, Any]


def order(number: str = "1") -> Document:
    return {
        "kind": "order", "external_id": number,
        "order": {
            "external_id": number, "number": "N-1", "tags": ["a", "b", "c"],
            "lines": [
                {"external_id": "1", "name": "Blue mug", "quantity": "2", "total": {"minor": 2500, "currency": "EUR"}},
                {"external_id": "2", "sku": "B", "quantity": "1.5"},
            ],
            "ship_to": {"name": "Mia Muster", "lines": ["Hauptstr. 1"], "country": "DE"},
            "buyer": {"email": "mia@example.com"},
            "notes": {"buyer": "ring at Huber"},
        },
    }  # fmt: skip


def changed(path: str, value: Any) -> Document:
    document = copy.deepcopy(order())
    *parents, last = path.split("/")
    place: Any = document["order"]
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[int(last) if last.isdigit() else last] = value
    return document


CENT = {"minor": 2499, "currency": "EUR"}
CASES: tuple[tuple[str, Any, tuple[str, str, str | None, str | None]], ...] = (
    ("lines/0/total", CENT, ("order.lines[0].total", "changed", "25.00 EUR", "24.99 EUR")),
    ("lines/0/total", {"minor": 2500, "currency": "JPY"}, ("order.lines[0].total", "changed", "25.00 EUR", "2500 JPY")),
    ("lines/0/total", None, ("order.lines[0].total", "changed", "25.00 EUR", "null")),
    ("lines/1/quantity", "1.50", ("order.lines[1].quantity", "changed", "1.5", "1.50")),
    ("lines/0/name", "Red mug", ("order.lines[0].name", "changed", "Blue mug", "Red mug")),
    ("source_name", "web", ("order.source_name", "added", None, "web")),
    ("ship_to/country", "AT", ("order.ship_to.country", "changed", "DE", "AT")),
    ("ship_to/name", "Max Muster", ("order.ship_to.name", "changed", "***", "***")),
    ("ship_to/lines/0", "Hauptstr. 2", ("order.ship_to.lines[0]", "changed", "***", "***")),
    ("buyer/email", None, ("order.buyer.email", "changed", "***", "null")),
    ("notes/buyer", "ring twice", ("order.notes.buyer", "changed", "***", "***")),
    ("number", "N-1 Mia Muster", ("order.number", "changed", "N-1", "***")),
)


@pytest.mark.parametrize(("path", "value", "expected"), CASES, ids=[f"{case[0]}={case[1]}" for case in CASES])
def test_a_difference_is_shown_exactly_unless_it_is_personal(
    path: str, value: Any, expected: tuple[str, str, str | None, str | None]
) -> None:
    (found,) = differences([order()], [changed(path, value)])
    assert (found.path, found.kind, found.before, found.after) == expected


def test_the_same_is_no_difference() -> None:
    assert differences([order()], [order()]) == ()


def test_entries_belong_together_by_their_ids_and_else_by_what_they_say() -> None:
    shorter = order()
    del shorter["order"]["lines"][0], shorter["order"]["tags"][0]
    found = [(change.path, change.kind, change.before) for change in differences([order()], [shorter])]
    goods = '{"external_id":"1","name":"Blue mug","quantity":"2","total":"25.00 EUR"}'
    assert found == [("order.tags[0]", "removed", "a"), ("order.lines[0]", "removed", goods)]


def test_another_sequence_of_lines_is_a_difference() -> None:
    turned = order()
    turned["order"]["lines"].reverse()
    (found,) = differences([order()], [turned])
    assert (found.path, found.before, found.after) == ("order.lines[]", '["1","2"]', '["2","1"]')


def test_a_renamed_field_is_one_removed_and_one_added() -> None:
    renamed = order()
    renamed["order"]["lines"][1]["product_ref"] = renamed["order"]["lines"][1].pop("sku")
    found = {(change.pattern, change.kind) for change in differences([order()], [renamed])}
    assert found == {("order.lines[].sku", "removed"), ("order.lines[].product_ref", "added")}


def test_documents_of_a_file_are_compared_each_with_its_own() -> None:
    (change,) = differences([order("1"), order("2")], [changed("source_name", "web"), order("2")])
    assert (change.path, change.pattern) == ("order[0].source_name", "order.source_name")
    (gone,) = differences([order("1"), order("2")], [order("2")])
    assert (gone.pattern, gone.kind) == ("order", "removed")
    assert "Muster" not in (gone.before or "")


def test_of_a_document_nothing_personal_is_shown_in_any_form_of_it() -> None:
    summary = {"number": "N-1", "customer": "x", "facts": {"who": "anybody"}, "remark": "for Mia Muster", "total": 5}
    shown = redacted(summary, about=[order()])
    assert shown == {"number": "N-1", "customer": "***", "facts": {"who": "***"}, "remark": "***", "total": 5}


def test_a_request_in_a_form_of_its_own_shows_nothing_personal_of_its_document() -> None:
    document = {"kind": "invoice", "customer": {"name": "Mia Muster"}, "total": {"minor": 1, "currency": "EUR"}}
    before = {"payload": {"text": "Mia Muster, 1", "amount": "1.00", "city": "Ulm"}}
    after = {"payload": {"text": "Mia Muster, 2", "amount": "0.99", "city": "Bonn"}}
    found = {
        change.path: (change.before, change.after) for change in payload_differences(before, after, about=document)
    }
    assert found == {
        "request.payload.text": ("***", "***"), "request.payload.amount": ("1.00", "0.99"),
        "request.payload.city": ("***", "***"),
    }  # fmt: skip


def test_the_sum_names_some_messages_of_each_kind_and_counts_all() -> None:
    tally = Tally()
    changes = differences([order()], [changed("lines/0/total", CENT)])
    for number in range(EXAMPLES + 2):
        tally.add(f"m{number}", "changed", changes * 2)
    tally.add("other", "unchanged", ())
    told = tally.document()
    assert (told["compared"], told["outcomes"]) == (EXAMPLES + 3, {"changed": EXAMPLES + 2, "unchanged": 1})
    (group,) = told["paths"]
    assert (group["path"], group["messages"], group["places"]) == ("order.lines[].total", 5, 10)
    assert [entry["message_id"] for entry in group["examples"]] == ["m0", "m1", "m2"]


@pytest.mark.parametrize(
    ("pattern", "kind", "fits"),
    [
        ("order.lines[].total", "changed", True), ("order.lines[].total", None, True),
        ("order.lines[].total", "added", False), ("order.*.total", "changed", True), ("*.total", "changed", False),
        ("**", "changed", True), ("order.lines[].tota", "changed", False), ("order?lines[].total", None, False),
    ],
)  # fmt: skip
def test_an_explanation_fits_by_path_and_kind(pattern: str, kind: Any, fits: bool) -> None:
    explained = [Explanation(path=pattern, kind=kind, reason="as it must be")]
    assert (reason_for(explained, "order.lines[].total", "changed") == "as it must be") is fits
