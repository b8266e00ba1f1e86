"""Numbers with a unit: single, lists, ranges, powers of ten; and what is printed is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.text.book import read_text
from extractor.text.clean import clean_text
from extractor.text.quantities import Quantity, find_quantities, find_quantity_lists, write_quantity
from extractor.text.units import UnitPlace, list_units


def read(text):
    return [(each.low, each.high, each.unit.dose) for each in find_quantities(read_text(clean_text(text).text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5-10 mg", [(5, 10, "mg")]),
        ("5mg-10mg", [(5, 10, "mg")]),
        ("5 mg to 10 mg", [(5, 10, "mg")]),
        ("5 or 10 mg", [(5, 5, "mg"), (10, 10, "mg")]),
        ("5, 10 and 20 mg", [(5, 5, "mg"), (10, 10, "mg"), (20, 20, "mg")]),
        ("75 - 150 - 225 mg", [(75, 75, "mg"), (150, 150, "mg"), (225, 225, "mg")]),
        ("2 x 10^6 cells/kg", [(2_000_000, 2_000_000, "cells/kg")]),
        (
            "1, 2 or 5 x 10^6 cells",
            [(10**6, 10**6, "cells"), (2 * 10**6, 2 * 10**6, "cells"), (5 * 10**6, 5 * 10**6, "cells")],
        ),
        ("1.5 E6 viable T cells per kg", [(1_500_000, 1_500_000, "cells/kg")]),
        ("2 million units", [(2_000_000, 2_000_000, "U")]),
        ("5 x 107 stem cells", [(50_000_000, 50_000_000, "cells")]),
        ("up to 5 mg", [(None, 5, "mg")]),
        ("at least 5 mg", [(5, None, "mg")]),
        ("six (6) tablets", [(6, 6, "tablet")]),
        ("0,5 ml", [(0.5, 0.5, "mL")]),
        ("2x20 drops", [(20, 20, "drop")]),
        ("Cohort 1, 10 mg", [(10, 10, "mg")]),
        ("XY 154, 10 mg", [(10, 10, "mg")]),
        ("XY-154", []),
        ("12 of them, 5 years old", [(5, 5, None)]),
    ],
)
def test_quantities(text, expected):
    assert read(text) == expected


def test_levels_of_one_list_come_together():
    lists = find_quantity_lists(read_text("5, 10 or 20 mg and then 2 tablets"))
    assert [len(levels) for levels in lists] == [3, 1]


UNITS = [unit for unit in list_units() if unit.dose]
PER = [unit for unit in list_units() if unit.code in ("kg", "m2", "d", "h")]
numbers = st.one_of(st.integers(1, 10**7), st.decimals("0.001", "999", places=3).map(float))


@given(
    unit=st.sampled_from(UNITS),
    per=st.lists(st.sampled_from(PER), max_size=1),
    ends=st.tuples(numbers, numbers),
    kind=st.integers(0, 3),
)
def test_what_is_printed_is_read_back(unit, per, ends, kind):
    low, high = sorted(ends)
    shown = [(low, low), (None, high), (low, None), (low, high)][kind]
    quantity = Quantity(*shown, UnitPlace((unit, *per), 0, 0), 0, 0)
    again = list(find_quantities(read_text(write_quantity(quantity))))
    assert [(one.low, one.high, one.unit.dose) for one in again] == [(*shown, quantity.unit.dose)]


def test_a_power_that_no_number_can_hold_is_left_unread():
    assert read("2 E6 mg, 1.5 E 99999 mg")[0] == (2_000_000, 2_000_000, "mg")
