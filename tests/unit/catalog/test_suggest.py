from hub.catalog.rules.suggest import Candidates, Suggestion, likelier

KNOWN = Candidates({"MUG-BLUE": "MUG-BLUE", "Mug, green": "MUG-GREEN", "deutschland": "DE"})


def test_the_nearest_text_is_suggested_whatever_its_case_and_punctuation() -> None:
    assert KNOWN.nearest("mug_blue") == Suggestion("MUG-BLUE", 1.0)
    assert KNOWN.nearest("GREEN/MUG") == Suggestion("MUG-GREEN", 1.0)
    near = KNOWN.nearest("Deutchland")
    assert near is not None
    assert (near.meaning, 0.9 < near.confidence < 1.0) == ("DE", True)


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert KNOWN.nearest("0815-XK") is None
    assert KNOWN.nearest("---") is None, "punctuation alone says nothing"
    assert Candidates({}).nearest("mug") is None


def test_the_likelier_of_two_is_taken() -> None:
    low, high = Suggestion("A", 0.7), Suggestion("B", 0.9)
    assert (likelier(low, None, high), likelier(None), likelier(high, Suggestion("C", 0.9))) == (high, None, high)
