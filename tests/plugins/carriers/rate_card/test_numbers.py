from hypothesis import assume, given
from hypothesis import strategies as st

from plugins.carriers.rate_card.numbers import check_digit, is_valid, tracking_number

references = st.text("0123456789abcdef", min_size=32, max_size=32)


def test_the_check_digit_is_that_of_gs1() -> None:
    assert check_digit("37610425002123456") == "9"
    assert check_digit("629104150021") == "3"


@given(references, st.integers(1, 50))
def test_numbers_are_stable_and_valid(reference: str, position: int) -> None:
    number = tracking_number("CP", reference, position)
    assert number == tracking_number("CP", reference, position)
    assert len(number) == 20
    assert number.startswith("CP")
    assert is_valid(number)


@given(references, st.integers(2, 19), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(reference: str, place: int, shift: int) -> None:
    number = tracking_number("CP", reference, 1)
    wrong = str((int(number[place]) + shift) % 10)
    assert not is_valid(number[:place] + wrong + number[place + 1 :])


@given(references, references, st.integers(1, 9), st.integers(1, 9))
def test_other_parcels_have_other_numbers(one: str, other: str, first: int, second: int) -> None:
    assume((one, first) != (other, second))
    assert tracking_number("CP", one, first) != tracking_number("CP", other, second)


def test_text_that_is_no_number_is_not_valid() -> None:
    assert not is_valid("")
    assert not is_valid("CP٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠")
    assert not is_valid("HELLO")
