import pytest

from extractor.ground.quantities import find_amount, find_limit, find_time
from extractor.parse.passage import passage_of
from extractor.schemas import Amount, Comparator, TimeUnit

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
    start, end = find_limit(LIMITS, comparator, values, unit)
    assert LIMITS[start:end] == quote


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
    ],
)
def test_another_comparator_unit_or_number_is_no_support(comparator, values, unit):
    assert find_limit(LIMITS, comparator, values, unit) is None


@pytest.mark.parametrize(
    ("text", "amount", "quote"),
    [
        ("5 mg of drugamab daily", Amount(low=5, high=5, unit="mg"), "5 mg"),
        ("2 micrograms per puff", Amount(low=2, high=2, unit="ug"), None),
        ("1 x 10^6 or 3 x 10^6 CAR-positive T cells/kg", Amount(low=3_000_000, high=3_000_000, unit="cells/kg"), None),
    ],
)
def test_an_amount_stands_with_its_unit(text, amount, quote):
    start, end = find_amount(passage_of(text), amount)
    assert quote is None or text[start:end] == quote


@pytest.mark.parametrize(
    "amount", [Amount(low=5, high=5, unit="Gy"), Amount(low=6, high=6, unit="mg"), Amount(low=5, high=7, unit="mg")]
)
def test_another_unit_or_number_is_no_amount(amount):
    assert find_amount(passage_of("Patients get 5 mg of drugamab daily"), amount) is None


@pytest.mark.parametrize(
    ("text", "value", "unit", "stands"),
    [
        ("day 30", 30, TimeUnit.DAY, True),
        ("up to 2 years", 2, TimeUnit.YEAR, True),
        ("days 45, 90 and 120", 120, TimeUnit.DAY, True),
        ("not treated within 30 days", 30, TimeUnit.MONTH, False),
        ("5 mg daily", 5, TimeUnit.MONTH, False),
    ],
)
def test_a_time_stands_with_its_unit(text, value, unit, stands):
    assert (find_time(text, value, unit) is not None) is stands
