"""Numbers, and numbers with a unit."""

import pytest

from extractor.text.book import read_text, rule
from extractor.text.clean import clean_text
from extractor.text.numbers import read_number
from extractor.text.quantities import find_quantities, find_quantity_lists


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,500/mL", [1500]),
        ("1.0 x 10^9/L", [1_000_000_000]),
        ("2.3 x 10^9/L", [2_300_000_000]),
        ("0.5 x 109/L", [500_000_000]),
        ("1x10(6) cells", [1_000_000]),
        ("1e6 cells", [1_000_000]),
        ("twenty-four hours", [24]),
        ("2 million cells", [2_000_000]),
        (".5 mg", [0.5]),
        ("FEV1/FVC < 0,7", [0.7]),
    ],
)
def test_every_spelling_is_read(text, values):
    assert [read_number(found.text) for found in rule("number").find(read_text(text))] == values


def test_other_text_is_no_number():
    assert read_number("many") is None
    assert read_number("1.2.3") is None


@pytest.mark.parametrize("text", ["9" * 400, "9" * 305 + " billion", "9" * 305 + " x 10^9", "9" * 5000])
def test_numbers_too_large_to_be_finite_are_refused(text):
    assert read_number(text) is None


def quantities(text):
    return [(each.low, each.high, each.unit.dose) for each in find_quantities(read_text(clean_text(text).text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5-10 mg", [(5, 10, "mg")]),
        ("5 mg to 10 mg", [(5, 10, "mg")]),
        ("5, 10 and 20 mg", [(5, 5, "mg"), (10, 10, "mg"), (20, 20, "mg")]),
        ("75 - 150 - 225 mg", [(75, 75, "mg"), (150, 150, "mg"), (225, 225, "mg")]),
        ("2 x 10^6 cells/kg", [(2_000_000, 2_000_000, "cells/kg")]),
        (
            "1, 2 or 5 x 10^6 cells",
            [(10**6, 10**6, "cells"), (2 * 10**6, 2 * 10**6, "cells"), (5 * 10**6, 5 * 10**6, "cells")],
        ),
        ("2x20 drops", [(20, 20, "drop")]),
        ("XY-154", []),
        ("12 of them, 5 years old", [(5, 5, None)]),
    ],
)
def test_quantities(text, expected):
    assert quantities(text) == expected


def test_levels_of_one_list_are_grouped():
    lists = find_quantity_lists(read_text("5, 10 or 20 mg and then 2 tablets"))
    assert [len(levels) for levels in lists] == [3, 1]


def test_a_power_too_large_to_represent_is_left_unread():
    assert quantities("2 E6 mg, 1.5 E 99999 mg")[0] == (2_000_000, 2_000_000, "mg")
