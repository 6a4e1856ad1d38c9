from dataclasses import replace

from hub.cases.rules.cases import MAX_KEY, NewCase, fold, stored_key

CASE = NewCase("kind", "b", "order", "1", "first", "Do it.")


def test_one_of_each_key_in_the_order_of_keys() -> None:
    folded = fold([CASE, replace(CASE, title="second"), replace(CASE, dedupe_key="a")])
    assert [(case.dedupe_key, case.title, times) for case, times in folded] == [("a", "first", 1), ("b", "first", 2)]


def test_long_keys_stay_apart() -> None:
    one, two = "x" * 400, "x" * 399 + "y"
    assert len(stored_key(one)) == MAX_KEY
    assert stored_key(one) != stored_key(two)
    assert stored_key("x" * MAX_KEY) == "x" * MAX_KEY
