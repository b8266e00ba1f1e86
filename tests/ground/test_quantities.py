import pytest

from extractor.ground.support import find_amount, find_limit
from extractor.ground.values import find_numbers, find_time
from extractor.schemas import Amount, Comparator, Support, TimeUnit
from extractor.text.book import read_text

DOSES = "Patients get 5 mg of drugamab in the morning on day 1, and of IL-6 antibody nothing"
LIMITS = "Hemoglobin >= 8 g/dL and ECOG <= 2. Bilirubin not more than 1.5 x ULN, 2 to 18 years, age 70 or older"


@pytest.mark.parametrize(
    ("comparator", "values", "unit", "quote"),
    [
        (Comparator.AT_LEAST, (8, None), "g/dL", "8"),
        (Comparator.AT_MOST, (2, None), None, "2"),
        (Comparator.AT_MOST, (1.5, None), "x ULN", "1.5"),
        (Comparator.BETWEEN, (2, 18), "years", "2 to 18"),
        (Comparator.AT_LEAST, (70, None), None, "70"),
    ],
)
def test_a_limit_is_found_with_its_comparator_and_unit(comparator, values, unit, quote):
    tokens = read_text(LIMITS)
    found = find_limit(tokens, comparator, values, unit)
    assert tokens.read(found.first, found.end) == quote
    assert found.support is Support.PARSED


@pytest.mark.parametrize(
    ("text", "comparator", "value", "unit", "support"),
    [
        ("a rise greater than 12% or 200 mL", Comparator.MORE, 200, "mL", Support.PARSED),
        ("aged 18 years", Comparator.AT_LEAST, 18, "year", Support.INFERRED),
        ("ages between 6 months to 18 years", Comparator.AT_LEAST, 6, "months", Support.INFERRED),
        ("must not have a level less than 12 g/dL", Comparator.AT_LEAST, 12, "g/dL", Support.INFERRED),
        ("age < 6 and > 18 years", Comparator.LESS, 6, "year", Support.PARSED),
        ("creatinine (mg/dL): at most 1.5", Comparator.AT_MOST, 1.5, "mg/dL", Support.PARSED),
        ("at most 10 mg prednisone per day", Comparator.AT_MOST, 10, "mg/day", Support.PARSED),
        ("AST up to 3 times the upper limit of normal (ULN)", Comparator.AT_MOST, 3, "x ULN", Support.PARSED),
        ("more than twice the upper limit of normal", Comparator.MORE, 2, "x ULN", Support.PARSED),
        ("with at least 350 CD4/uL", Comparator.AT_LEAST, 350, "/uL", Support.PARSED),
        ("at least 2 cycles of therapy", Comparator.AT_LEAST, 2, None, Support.PARSED),
        ("at least one prescription a month", Comparator.AT_LEAST, 1, "a month", Support.PARSED),
    ],
)
def test_a_limit_without_a_comparator_is_inferred(text, comparator, value, unit, support):
    assert find_limit(read_text(text), comparator, (value, None), unit).support is support


@pytest.mark.parametrize(
    ("text", "amount", "quote"),
    [
        ("5 mg of drugamab daily", Amount(low=5, high=5, unit="mg"), "5 mg"),
        ("2 micrograms per puff", Amount(low=2, high=2, unit="ug"), None),
        ("at 2 x 10e7 CAR T cells", Amount(low=20_000_000, high=20_000_000, unit="cells"), None),
        ("infused at 10^6/kg", Amount(low=1_000_000, high=1_000_000, unit="cells/kg"), None),
        ("carboplatin AUC 5 on day 1", Amount(low=5, high=5, unit="AUC"), None),
        ("one capsule with 5 x 10^9 (cfu)", Amount(low=5e9, high=5e9, unit="CFU"), None),
        ("1 x 10^6 or 3 x 10^6 CAR-positive T cells/kg", Amount(low=3_000_000, high=3_000_000, unit="cells/kg"), None),
    ],
)
def test_an_amount_is_found_with_its_unit(text, amount, quote):
    tokens = read_text(text)
    found = find_amount(tokens, amount)
    assert quote is None or tokens.read(found.first, found.end) == quote


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T-score <= -2.5", {2.5, -2.5}),
        ("-2 or lower", {2, -2}),
        ("from (-1) to -.5", {1, -1, 0.5, -0.5}),
        ("aged 18-65", {18, 65}),
        ("aged 18 -65", {18, 65}),
        ("day 28 +/-5", {28, 5}),
        ("two-three lines", {2, 3}),
        ("IL-6", set()),
    ],
)
def test_a_number_after_a_minus_is_also_negative(text, expected):
    assert {number.value for number in find_numbers(read_text(text))} == expected


@pytest.mark.parametrize(
    ("text", "value", "unit", "stands"),
    [
        ("days 45, 90 and 120", 120, TimeUnit.DAY, True),
        ("not treated within 30 days", 30, TimeUnit.MONTH, False),
        ("the third week", 3, TimeUnit.WEEK, True),
        ("on C6D1", 6, TimeUnit.CYCLE, True),
        ("week12, week24", 24, TimeUnit.WEEK, True),
        ("day 42 (last visit), 49±1, 56±2", 56, TimeUnit.DAY, True),
        ("weeks " + ", ".join(map(str, range(4, 100, 4))), 60, TimeUnit.WEEK, True),
        ("day 7, 3 months", 7, TimeUnit.MONTH, False),
        ("20 mg/m2 once", 2, TimeUnit.MONTH, False),
        ("after B7-H3 cells", 3, TimeUnit.HOUR, False),
        ("(or)" * 2000 + " 5 (or)" * 2000, 5, TimeUnit.DAY, False),  # in linear time
        ("for 6 courses", 6, TimeUnit.CYCLE, True),
        ("six 21-day cycles", 6, TimeUnit.CYCLE, True),
        ("48,72,96,120,144 and 168 hours", 120, TimeUnit.HOUR, True),
        ("up to16weeks", 16, TimeUnit.WEEK, True),
    ],
)
def test_a_time_is_found_with_its_unit(text, value, unit, stands):
    assert (find_time(read_text(text), value, unit) is not None) is stands


@pytest.mark.parametrize(
    ("text", "bounds", "unit"),
    [
        *((DOSES, bounds, unit) for bounds, unit in (((5, 5), "Gy"), ((5, 5), "g"), ((6, 6), "mg"), ((5, 7), "mg"))),
        (DOSES, (1, 1), "mg"),
        ("at 1 x 10^6 cells/kg", (1, 1), "cells/kg"),
        ("on Day 1, 15 mg/kg", (1, 1), "mg/kg"),
        ("CT-P39, 150 mg/mL", (39, 39), "mg/mL"),
    ],
)
def test_other_units_and_numbers_factors_days_and_names_are_no_amounts(text, bounds, unit):
    assert find_amount(read_text(text), Amount(low=bounds[0], high=bounds[1], unit=unit)) is None


def test_a_daily_dose_is_inferred_from_a_single_dose():
    found = find_amount(read_text("take 40 mg after meals"), Amount(low=40, high=40, unit="mg/day"))
    assert found.support is Support.INFERRED


@pytest.mark.parametrize(
    ("comparator", "values", "units"),
    [
        (Comparator.MORE, (8, None), ["g/dL"]),
        (Comparator.AT_LEAST, (8, None), ["mg/kg", "g", None]),
        (Comparator.AT_LEAST, (9, None), ["g/dL"]),
        (Comparator.AT_LEAST, (1.5, None), ["x ULN"]),
        (Comparator.BETWEEN, (2, 70), [None]),
        (Comparator.BETWEEN, (2, None), ["years"]),
        (Comparator.AT_MOST, (2, None), ["x ULN"]),
    ],
)
def test_another_comparator_unit_or_number_is_no_support(comparator, values, units):
    assert [find_limit(read_text(LIMITS), comparator, values, unit) for unit in units] == [None] * len(units)
