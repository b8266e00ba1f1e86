"""Which amounts of a statement are its doses."""

import pytest

from extractor.parse.dosing.amounts import choose_levels
from extractor.schemas import Amount


def make(*levels: tuple[float, float, str]) -> list[Amount]:
    return [Amount(low=low, high=high, unit=unit) for low, high, unit in levels]


@pytest.mark.parametrize(
    ("levels", "kept"),
    [
        ([(250, 250, "mg"), (200, 200, "mL")], [(250, 250, "mg")]),
        ([(1, 1, "capsule"), (5, 5, "mg")], [(5, 5, "mg")]),
        ([(200, 200, "mL")], [(200, 200, "mL")]),
        ([(150, 250, "mg"), (150, 150, "mg"), (250, 250, "mg")], [(150, 250, "mg")]),
        (
            [(32, 75, "mg"), (32, 32, "mg"), (50, 50, "mg"), (75, 75, "mg")],
            [(32, 32, "mg"), (50, 50, "mg"), (75, 75, "mg")],
        ),
        ([(10, 10, "mg"), (20, 20, "mg")], [(10, 10, "mg"), (20, 20, "mg")]),
    ],
)
def test_levels(levels: list[tuple[float, float, str]], kept: list[tuple[float, float, str]]) -> None:
    assert choose_levels(make(*levels)) == tuple(make(*kept))
