import pytest

from hub.jobs.rules.circuit import CLOSED, Circuit, block_seconds


def after(*calls: str, circuit: Circuit = CLOSED) -> Circuit:
    """`-` is a failure, `+` a success; none of them is a probe."""
    for call in "".join(calls):
        circuit = circuit.after(failed=call == "-", probe=False)
    return circuit


@pytest.mark.parametrize(
    ("calls", "opens"),
    [
        ("----", 0),
        ("-----", 1),
        ("----+----", 0),
        ("-+" * 9 + "-", 1),  # ten of the last nineteen: half of twenty
        ("-+" * 9, 0),
        ("--++" * 4 + "+" * 8 + "--", 0),  # ten, but of the last twenty only four
    ],
)
def test_five_in_a_row_or_half_of_twenty_open_it(calls: str, opens: int) -> None:
    assert after(calls).opened == opens


def test_only_the_probe_closes_it_and_a_failed_one_opens_it_for_longer() -> None:
    opened = after("-----")
    assert after("+-+-----", circuit=opened) == opened
    again = opened.after(failed=True, probe=True)
    assert again.opened == 2
    assert again.after(failed=False, probe=True) == CLOSED


def test_blocks_double_to_ten_minutes() -> None:
    assert [block_seconds(opened) for opened in (1, 2, 3, 5, 6, 99)] == [30, 60, 120, 480, 600, 600]
