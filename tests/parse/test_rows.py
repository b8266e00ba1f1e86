"""All readings of the numbers of a line: after a minus that is surely one, all are below zero."""

import pytest

from extractor.concepts.limits.rows import find_numbers
from extractor.language.book import read_text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("between -3 and 4 million", [-3, 4000000]),
        ("temperature -3 to 4 x 10^6", [-3, 4000000]),
        ("T-score between -3 and -4 x 10^6", [-4000000, -3]),
        ("at most -1.500", [-1500, -1.5]),
        ("base excess minus 2.500", [-2500, -2.5]),
        ("between -3 and -1", [-3, -1]),
        ("3-4 million", [3, 4000000]),
    ],
)
def test_a_sure_minus_is_that_of_all_readings(text, values):
    numbers = find_numbers(read_text(text))

    assert sorted(number.value for number in numbers) == values
