import pytest

from extractor.fields.value_forms import read_amount, read_limit, read_quantity, read_time, read_window
from extractor.ground.constraints import find_limit
from extractor.ground.support import find_amount, find_support
from extractor.ground.times import find_length
from extractor.mentions.rows import find_numbers, find_rows
from extractor.schemas import Age, Amount, Comparator, Constraint, Period, Quantity, Support, TimeUnit
from extractor.text.book import read_text
from extractor.text.passage import read_passage

DOSES = "Patients get 5 mg of drugamab in the morning on day 1, and of IL-6 antibody nothing"
LIMITS = "Hemoglobin >= 8 g/dL and ECOG <= 2. Bilirubin not more than 1.5 x ULN, 2 to 18 years, age 70 or older"


@pytest.mark.parametrize(
    ("text", "comparator", "value", "unit", "support"),
    [
        ("a rise greater than 12% or 200 mL", Comparator.MORE, 200, "mL", Support.PARSED),
        ("aged 18 years", Comparator.AT_LEAST, 18, "year", Support.INFERRED),
        ("ages between 6 months to 18 years", Comparator.AT_LEAST, 6, "months", Support.PARSED),
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
    assert find_limit(read_text(text), Quantity(comparator=comparator, value=value, unit=unit)).support is support


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
        ("T-score <= -2.5", {-2.5}),
        ("-2 or lower", {2, -2}),
        ("from (-1) to -.5", {1, -1, -0.5}),
        ("aged 18-65", {18, 65}),
        ("aged 18 -65", {18, 65}),
        ("day 28 +/-5", {28, 5}),
        ("two-three lines", {2, 3}),
        ("IL-6", set()),
    ],
)
def test_a_minus_makes_a_number_negative_and_may_be_a_dash(text, expected):
    assert {number.value for number in find_numbers(read_text(text))} == expected


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("Age <18 or >70 years", True),
        ("from 18 and <=75 years", True),
        ("18 mg for 70 years", False),
        ("18 weeks", False),
    ],
)
def test_an_age_may_share_the_unit_of_the_other_limit(text, stands):
    assert (find_support(Age(value=18, unit=TimeUnit.YEAR), read_passage(text)) is not None) is stands


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
        ("six 21-day cycles", 6, TimeUnit.CYCLE, True),
        ("48,72,96,120,144 and 168 hours", 120, TimeUnit.HOUR, True),
        ("up to16weeks", 16, TimeUnit.WEEK, True),
    ],
)
def test_a_time_is_found_with_its_unit(text, value, unit, stands):
    assert (find_length(read_text(text), Period(value=value, unit=unit)) is not None) is stands


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
    assert [
        find_limit(read_text(LIMITS), Quantity(comparator=comparator, value=values[0], value_high=values[1], unit=unit))
        for unit in units
    ] == [None] * len(units)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("platelets > or = to 75 x 10 to the ninth/L", "platelets: >= 75 x 10^9 /L"),
        ("blood counts of 3.5-14 thousand/microliter", "counts: 3500-14000 /microliter"),
        ("blood pressure of >= 150/85 mmHg", "systolic blood pressure: >= 150 mmHg"),
        ("blood pressure of >= 150/85 mmHg", "diastolic blood pressure: >= 85 mmHg"),
        ("grass IgE greater or equal to class 3 by ABC/DEF", "grass IgE class: >= 3"),
        ("smokers (>12 cigarettes per day for 2 years)", "cigarettes per day: > 12"),
        ("drinks >4 glasses of red wine per day", "glasses of red wine: > 4 per day"),
        ("no more than twice weekly nasal spray", "nasal spray: <= twice weekly"),
        ("at least 1 attack per 72 hours", "attack: >= 1 per 72 hours"),
        ("no weight change >= 12 lbs in a year", "weight change: < 12 lb"),
        ("no toxicity of category 3 or higher", "toxicity: < 3"),
        ("TSH below the lower limit of the reference range of 0.3 mIU/L or above the upper", "TSH: < 0.3 mIU/L"),
        ("Visual acuity 20/30 to 20/160", "Visual acuity: 20/30-20/160"),
        ("T-score less than or equal to-1.5", "T-score: <= -1.5"),
        ("a refractive error of - 7D or greater", "refractive error: >= -7 D"),
        ("T-score from -2.5 to -1", "T-score: -2.5 - -1"),
        ("Women of 55 and above with 4 or more risks", "risks: >= 4"),
        ("ALT </= x 4 normal values", "ALT: <= 4 x normal values"),
        ("ALT =< 2 x ULN, with metastases =< 4 times", "ALT: <= 4 x ULN"),
        ("Age younger than 21 and older than 75 years", "Age: < 21 years"),
        ("diagnosed prior to age 45", "age: < 45 years"),
        ("height within the 97th percentile", "height: <= 97th percentile"),
        ("PEEP > 6 cmH20", "PEEP: > 6 cmH2O"),
        ("age >= 3 weeks to 5 months", "age: <= 5 months"),
        ("gestational age 26+0 - 29+5 weeks", "gestational age: 26+0 - 29+5 weeks"),
        ("FEV1 < 75% predicted", "FEV1: < 75 %"),
        ("19-74years old, male", "years old: 19-74"),
        ("BMI between 21 kg/m^2 (lean) and 38 kg/m^2", "BMI: 21-38 kg/m^2"),
        ("weighs at least 48 kg (106 pounds), no more than 90 kg", "weighs: 48-90 kg"),
        ("heart rate <=95 bpm and >52 bpm", "heart rate: 52-95 bpm"),
        ("dementia (MMSE 13-0)", "MMSE: 0-13"),
        ("an implant of less than 20 x 30 cm", "implant: < 20 cm"),
    ],
)
def test_a_limit_is_supported_as_people_write_it(text, limit):
    assert find_support(read_limit(limit), read_passage(text)) is not None


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("platelets >= 75 x 10 to the ninth/L", "platelets: >= 75 x 10^6 /L"),
        ("blood pressure >= 150/85 mmHg", "systolic blood pressure: >= 85 mmHg"),
        ("blood pressure >= 150/85 mmHg", "diastolic blood pressure: >= 150 mmHg"),
        ("no greater than 2 x ULN", "ULN: > 2 x ULN"),
        ("weight change >= 12 lbs", "weight change: < 12 lb"),
        ("Women of 55 and above with 4 or more risks", "risks: > 4"),
        ("BMI of <21 or >42 kg/m2", "BMI: < 42 kg/m2"),
        ("ECOG <= 2 and hemoglobin >= 9 g/dL", "ECOG: <= 2 g/dL"),
        ("age >= 3 weeks to 5 months", "age: > 5 months"),
        ("gestational age 26+0 - 29+5 weeks", "gestational age: 26+0 - 29+6 weeks"),
        ("height within the 97th percentile", "height: >= 97 percentile"),
        ("Men: 12-18 g/dl and women: 10-17 g/dl", "women: 10-18 g/dl"),
        ("Visual acuity 20/30 to 20/160", "Visual acuity: 20/30-20/200"),
    ],
)
def test_another_limit_is_refused_however_it_is_written(text, limit):
    assert find_support(read_limit(limit), read_passage(text)) is None


@pytest.mark.parametrize(
    ("text", "window", "sense"),
    [
        ("steroids for more than 9 days", "for more than 9 days | >= 9 day", Comparator.MORE),
        ("a transplant less than 8 months prior to entry", "less than 8 months prior to entry | <= 8 month", "<"),
        ("no recurrence for > 4 years", "for > 4 years | >= 4 year", Comparator.MORE),
        ("stable over the 5 months prior to entry", "over the 5 months prior to entry | >= 5 month", ">="),
        ("steroids for more than 9 days", "for more than 9 days | <= 9 day", None),
        ("steroids for more than 9 days", "for more than 9 days | >= 8 day", None),
        ("within 6 months of entry", "within 6 months of entry | >= 6 month", None),
    ],
)
def test_a_window_has_the_sense_of_its_quote(text, window, sense):
    found = find_support(read_window(window), read_passage(text))
    assert (found and found.value.comparator) == sense


@pytest.mark.parametrize(
    ("text", "period", "stands"),
    [
        ("in each 3-week cycle", "21 day", True),
        ("in a Q3W cycle", "21 day", True),
        ("about 5½ weeks", "5.5 week", True),
        ("5 planned and 2 optional 28-day cycles", "5 cycle", True),
        ("in each 3-week cycle", "28 day", False),
        ("for 2 months", "60 day", False),
    ],
)
def test_a_period_is_found_in_a_unit_of_the_same_length(text, period, stands):
    assert (find_support(read_time(Period, period), read_passage(text)) is not None) is stands


@pytest.mark.parametrize(
    ("text", "dose"),
    [
        ("take one tablet daily", "one tablet"),
        ("1½ tablets", "1.5 tablet"),
        ("500/120 mg twice daily", "500/120 mg"),
        ("drugamab (10mg,40mg) qd", "40 mg"),
        ("80mg Cohort3,140mg Cohort4", "140 mg"),
    ],
)
def test_a_dose_is_supported_as_people_write_it(text, dose):
    assert find_support(read_amount(dose), read_passage(text)) is not None


def test_an_age_in_another_unit_is_refused():
    supports = [
        find_support(read_time(Age, age), read_passage("over 48 hours old")) for age in ("2 day", "48 day", "3 day")
    ]
    assert [found is not None for found in supports] == [True, False, False]


@pytest.mark.parametrize("text", ["Doses of 5 mg and 10 kg", "AST of 5 mg to BMI of 10 kg"])
def test_numbers_of_two_units_are_no_range(text):
    assert find_support(Amount(low=5, high=10, unit="kg"), read_passage(text)) is None
    assert find_support(Amount(low=5, high=10, unit="kg"), read_passage("5 kg to 10 kg")) is not None


@pytest.mark.parametrize(
    ("text", "range_", "stands"),
    [
        ("ECOG 0, 1 or 2", (0, 2), True),
        ("ECOG 0, 1 or 2", (0, 1), False),
        ("ECOG 0, 1 or 2", (1, 2), False),
        ("NYHA II/III/IV", (3, 4), False),
        ("NYHA III/IV", (3, 4), True),
        ("age 18-65 or 70-80", (70, 80), True),
        ("IHC 1, 2+ or 3+", (1, 2), False),
        ("ECOG 0, 1, 2 or 3", (0, 2), False),
        ("ECOG 0, 1, 2 or 3", (0, 3), True),
        ("grades 1, 2 and 3, 2 weeks apart", (1, 3), True),
        ("IHC 1, 2+ or 3+", (2, 3), False),
        ("2, 4 or 8 weeks apart", (2, 4), False),
        ("0, 2, 6 months", (0, 2), False),
        ("0.2 mg, 0.4 mg or 0.8 mg", (0.2, 0.4), False),
        ("0.2 mg, 0.4 mg or 0.8 mg", (0.4, 0.8), False),
        ("grade 1, grade 2 or grade 3", (2, 3), False),
        ("grade 1, grade 2 or grade 3", (1, 2), False),
        ("ECOG 0, 1 & 2", (0, 1), False),
        ("ECOG 0; 1; or 2", (1, 2), False),
        ("type I, II and/or III", (2, 3), False),
        ("type I, II and/or III", (1, 3), True),
        ("ECOG 0, 1 (or 2 if bedridden)", (1, 2), False),
        ("ECOG 0 to 1, or 2", (1, 2), False),
        ("a 0-, 1- and 6-month schedule", (1, 6), False),
        ("0 or 1 prior lines, 2 weeks washout", (0, 1), True),
        ("0 or 1, 2 weeks apart", (0, 1), True),
        ("2 or 3 weeks, 4 visits", (2, 3), True),
        ("ECOG 0 or 1 or Karnofsky 70", (0, 1), True),
    ],
)
def test_a_part_of_a_list_is_no_range(text, range_, stands):
    tokens = read_text(text)
    assert any(range_ in bounds for _, _, bounds in find_rows(tokens, find_numbers(tokens))) is stands


@pytest.mark.parametrize(
    ("text", "range_", "support"),
    [
        ("heart rate below 50 or above 110", (50, 110), None),
        ("sodium less than 130 or greater than 150", (130, 150), None),
        ("Hb >= 12 in women and >= 13 in men", (12, 13), None),
        ("QTc <= 450 in men and <= 470 in women", (450, 470), None),
        ("MELD <= 20; Maddrey >= 32", (20, 32), None),
        ("pain >= 40 on a 100-point scale", (40, 100), None),
        ("heart rate above 50 and below 110", (50, 110), Support.INFERRED),
        ("heart rate must not be below 50 or above 110", (50, 110), Support.PARSED),
        ("at least 50 and at most 110", (50, 110), Support.PARSED),
        ("at most 110 and at least 50", (50, 110), Support.PARSED),
        ("18 or older and 80 or younger", (18, 80), Support.PARSED),
        ("ECOG 0 or 1, at least 3 visits", (0, 1), Support.PARSED),
        ("IHC 1+, or IHC 2+/ISH-", (1, 2), Support.PARSED),
        ("a maximum of 2-3 lines", (2, 3), Support.PARSED),
        ("18-65, at least 3 visits", (18, 65), Support.PARSED),
        ("between 18 and 65 inclusive", (18, 65), Support.PARSED),
        ("1 to 3 and 10 x 10^6", (1e6, 3e6), Support.INFERRED),
    ],
)
def test_two_limits_are_a_range_only_if_they_enclose_it(text, range_, support):
    found = find_limit(read_text(text), Quantity(comparator=Comparator.BETWEEN, value=range_[0], value_high=range_[1]))
    assert (found and found.support) is support


@pytest.mark.parametrize(
    ("text", "limit", "stands"),
    [
        ("1-3 prior lines", "lines: >= 1", True),
        ("1-3 prior lines", "lines: <= 3", True),
        ("1-3 prior lines", "lines: <= 1", False),
        ("1-3 prior lines", "lines: > 3", False),
        ("1-3 prior lines", "lines: < 3", False),
        ("weight: 50 kg to 100 kg", "weight: >= 100 kg", False),
        ("eGFR between 20 and 45 mL/min", "eGFR: >= 45 mL/min", False),
        ("eGFR between 20 and 45 mL/min", "eGFR: <= 45 mL/min", True),
        ("NYHA class II-III", "NYHA: > 3", False),
        ("pulse outside of 50 to 90", "pulse: < 50", True),
        ("pulse outside of 50 to 90", "pulse: > 90", True),
        ("pulse outside of 50 to 90", "pulse: > 50", False),
        ("no NYHA class III-IV", "NYHA: < 3", True),
        ("T-score from -1 to -2.5", "T-score: >= -2.5", True),
        ("T-score from -1 to -2.5", "T-score: <= -2.5", False),
        ("grade 2 - ECOG 1", "ECOG: = 1", True),
    ],
)
def test_an_end_of_a_range_is_a_limit_in_its_own_direction(text, limit, stands):
    assert (find_support(read_limit(limit), read_passage(text)) is not None) is stands


@pytest.mark.parametrize(
    ("text", "limit", "stands"),
    [
        ("neutrophils >= 1.2 and platelets >= 90", "platelets: >= 1.2", False),
        ("neutrophils >= 1.2 and platelets >= 90", "neutrophils: >= 90", False),
        ("neutrophils >= 1.2 and platelets >= 90", "neutrophils: >= 1.2", True),
        ("neutrophils >= 1.2 and platelets >= 1.2", "platelets: >= 1.2", True),
        ("SBP 140-180 mmHg or DBP 90-110 mmHg", "DBP: 140-180 mmHg", False),
        ("SBP 140-180 mmHg or DBP 90-110 mmHg", "SBP: 90-110 mmHg", False),
        ("EASI >= 16, IGA score of 3 or more", "IGA: >= 16", False),
        ("ALT or AST <= 3", "ALT: <= 3", True),
        ("Hemoglobin >= 13 in men and >= 12 in women", "hemoglobin: >= 12", True),
        ("Hemoglobin in men >= 13 and in women >= 12", "hemoglobin: >= 12", True),
        ("at least 40 on the VAS for 2 weeks", "VAS: >= 40", True),
        ("30 < BMI < 45", "BMI: > 30", True),
        ("18 years of age up to 70", "age: >= 18 years", True),
        ("> 30 cigarettes per day or 3 cigars", "cigarettes: > 30", True),
    ],
)
def test_the_number_of_another_quantity_is_refused(text, limit, stands):
    assert (find_support(read_limit(limit), read_passage(text)) is not None) is stands


def test_a_name_that_is_no_quote_of_the_passage_is_sought_once():
    text = "ALT≤2.5×upper limit of normal（≤5×ULN"
    part = read_passage(text).section.between(text.index("×upper"), len(text))
    limit = Constraint(quantity="×upper limit of normal", comparator=Comparator.AT_MOST, value=5, unit="×ULN")
    assert find_support(limit, part) is None


@pytest.mark.parametrize(
    ("text", "limit", "stands"),
    [
        ("More than 2 prior lines are not permitted", "<= 2", True),
        ("HbA1c above 9 % is not allowed", "<= 9 %", True),
        ("eGFR below 30 mL/min will not be permitted", ">= 30 mL/min", True),
        ("Aged 75 years or older who are not eligible", "< 75 years", False),
        ("More than 5 lesions but large lesions are not allowed", "<= 5", False),
        ("Stable for >= 4 weeks and steroids are not permitted", "< 4 weeks", False),
    ],
)
def test_what_is_not_permitted_is_the_opposite_limit(text, limit, stands):
    found = find_limit(read_text(text), read_quantity(limit))
    assert bool(found) is stands


@pytest.mark.parametrize(
    ("text", "comparator", "unit", "stands"),
    [
        ("2+ prior lines", ">=", None, True),
        ("2+ prior lines", "<=", None, False),
        ("aged 70+ years", "=", None, False),
        ("aged 70+ years", "=", "+", False),
        ("Gleason 4+3", "=", "+", False),
        ("HER2 IHC 2+/ISH+", "=", "+", True),
    ],
)
def test_a_plus_is_a_lower_bound_or_a_score(text, comparator, unit, stands):
    (first, *_) = find_numbers(read_text(text))
    assert (
        bool(find_limit(read_text(text), Quantity(comparator=Comparator(comparator), value=first.value, unit=unit)))
        is stands
    )
