import pytest

from extractor.ground.support import find_amount, find_limit
from extractor.schemas import Amount, Comparator, Support
from extractor.text.book import read_text

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
def test_a_limit_stands_with_its_comparator_and_unit(comparator, values, unit, quote):
    tokens = read_text(LIMITS)
    found = find_limit(tokens, comparator, values, unit)
    assert tokens.read(found.first, found.end) == quote
    assert found.support is Support.PARSED


@pytest.mark.parametrize(
    ("comparator", "values", "unit"),
    [
        (Comparator.LESS, (8, None), "g/dL"),
        (Comparator.MORE, (8, None), "g/dL"),
        (Comparator.AT_LEAST, (8, None), "mg/kg"),
        (Comparator.AT_LEAST, (9, None), "g/dL"),
        (Comparator.AT_LEAST, (1.5, None), "x ULN"),
        (Comparator.BETWEEN, (2, 70), None),
        (Comparator.LESS, (18, None), None),
        (Comparator.BETWEEN, (2, None), "years"),
        (Comparator.AT_LEAST, (8, None), None),
        (Comparator.AT_LEAST, (8, None), "g"),
        (Comparator.AT_MOST, (2, None), "x ULN"),
    ],
)
def test_another_comparator_unit_or_number_is_no_support(comparator, values, unit):
    assert find_limit(read_text(LIMITS), comparator, values, unit) is None


@pytest.mark.parametrize(
    ("text", "comparator", "value", "unit", "support"),
    [
        ("a rise greater than 12% or 200 mL", Comparator.MORE, 200, "mL", Support.PARSED),
        ("aged 18 years", Comparator.AT_LEAST, 18, "year", Support.INFERRED),
        ("ages between 6 months to 18 years", Comparator.AT_LEAST, 6, "months", Support.INFERRED),
        ("must not have a level less than 12 g/dL", Comparator.AT_LEAST, 12, "g/dL", Support.INFERRED),
        ("age < 6 and > 18 years", Comparator.LESS, 6, "year", Support.PARSED),
        ("at most 4 puffs a day", Comparator.AT_MOST, 4, None, Support.PARSED),
        ("creatinine (mg/dL): at most 1.5", Comparator.AT_MOST, 1.5, "mg/dL", Support.PARSED),
        ("at most 10 mg prednisone per day", Comparator.AT_MOST, 10, "mg/day", Support.PARSED),
        ("AST up to 3 times the upper limit of normal (ULN)", Comparator.AT_MOST, 3, "x ULN", Support.PARSED),
        ("a weight of at least 50 kilograms (kg)", Comparator.AT_LEAST, 50, "kg", Support.PARSED),
        ("more than twice the upper limit of normal", Comparator.MORE, 2, "x ULN", Support.PARSED),
        ("with at least 350 CD4/uL", Comparator.AT_LEAST, 350, "/uL", Support.PARSED),
        ("at least 2 cycles of therapy", Comparator.AT_LEAST, 2, None, Support.PARSED),
        ("at least one prescription a month", Comparator.AT_LEAST, 1, "a month", Support.PARSED),
    ],
)
def test_a_limit_is_inferred_where_its_comparator_is_not_stated(text, comparator, value, unit, support):
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
def test_an_amount_stands_with_its_unit(text, amount, quote):
    tokens = read_text(text)
    found = find_amount(tokens, amount)
    assert quote is None or tokens.read(found.first, found.end) == quote


@pytest.mark.parametrize(("low", "high", "unit"), [(5, 5, "Gy"), (5, 5, "g"), (6, 6, "mg"), (5, 7, "mg"), (1, 1, "mg")])
def test_another_unit_or_number_is_no_amount(low, high, unit):
    text = "Patients get 5 mg of drugamab in the morning on day 1, and of IL-6 antibody nothing"
    assert find_amount(read_text(text), Amount(low=low, high=high, unit=unit)) is None


def test_a_dose_of_a_day_is_inferred_from_that_of_one_giving():
    found = find_amount(read_text("take 40 mg after meals"), Amount(low=40, high=40, unit="mg/day"))
    assert found.support is Support.INFERRED


@pytest.mark.parametrize(
    ("text", "low", "unit"),
    [
        ("at 1 x 10^6 cells/kg", 1, "cells/kg"),
        ("on Day 1, 15 mg/kg", 1, "mg/kg"),
        ("CT-P39, 150 mg/mL", 39, "mg/mL"),
    ],
)
def test_a_factor_a_day_and_a_name_are_no_amounts(text, low, unit):
    assert find_amount(read_text(text), Amount(low=low, high=low, unit=unit)) is None
