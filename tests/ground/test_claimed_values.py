"""Which values of a user's own field a text bears out: each text with values that it states, and others near them."""

from typing import Any

import pytest

from extractor.fields.attributes import Attribute
from extractor.fields.declaration import CustomField
from extractor.ground.claims import check_claim
from extractor.parse.drafts import Reading
from extractor.schemas import Support
from extractor.text.passage import read_passage


def check_value(text: str, kind: str, value: str, line: str) -> Reading[Any] | None:
    """What a line bears out of a claim of one value, with the text as its quote."""
    attribute = Attribute(name="value", type=kind, required=True)
    field = CustomField(name="stated", definition="What the text states.", attributes=(attribute,))
    claim = {"quote": text, "value": attribute.read(value)}
    return check_claim(claim, field, read_passage(line))[0].get("value")


def support(text: str, kind: str, value: str) -> Support | None:
    """How the text bears out a claim of one value, with the whole text as its quote; None if it does not."""
    found = check_value(text, kind, value, text)
    return found.support if found else None


def check(text: str, kind: str, stated: list[str], others: list[str]) -> None:
    values = [*stated, *others]
    assert [value for value in values if support(text, kind, value)] == stated


@pytest.mark.parametrize(
    ("text", "kind", "stated", "others"),
    [
        ("Stable for 12 months", "duration", ["12 month", "1 year"], ["1 month", "2 month"]),
        ("Aged 18 years", "age", ["18 year"], ["1 year"]),
        ("MRI every 28 days", "time_point", ["28 day"], ["1 day"]),
        ("Washout of one week", "duration", ["1 week"], ["2 week", "1 month"]),
        ("A one-week run-in", "duration", ["1 week"], ["1 day"]),
        ("Blood on Days: 1, 2, 4; Week 12: 3 tubes", "time_point", ["2 day", "12 week"], ["3 week", "2 week"]),
        ("Dosing on Cycle 4 Day 9", "time_point", ["9 day", "4 cycle"], ["4 day"]),
        ("Tumour biopsy on C4D9", "time_point", ["9 day", "4 cycle"], ["4 day"]),
        ("Seen at Visit 5 (week 20)", "time_point", ["20 week"], ["5 week"]),
        ("Group 4, day 25", "time_point", ["25 day"], ["4 day"]),
        ("Scan on Day 35 (± 4 days)", "time_point", ["35 day"], ["4 day"]),
        ("Scan at week 12 +/- 4 days", "time_point", ["12 week"], ["4 day"]),
        ("Given in cycles 3 and 4, Day 9", "time_point", ["9 day", "4 cycle"], ["3 day", "4 day"]),
        ("Pain 4 days 2 hours after surgery", "time_point", ["4 day", "2 hour"], []),
        ("Each cycle 21 days", "duration", ["21 day"], []),
        ("Age 19-64", "age", ["19 year", "64 year"], ["19 month", "64 week"]),
        ("Aged >= 19 and <= 64", "age", ["19 year", "64 year"], ["64 month"]),
        ("Women between 19 and 64, BMI 20-29", "age", ["19 year", "64 year"], ["20 year", "29 year"]),
        ("Age at onset below 45; 80 patients planned", "age", ["45 year"], ["80 year"]),
        ("70 years old or 65-69 with a fracture", "age", ["70 year", "65 year", "69 year"], ["65 month"]),
        ("80 adults will be enrolled", "age", [], ["80 year"]),
        ("ECOG 0-2, age not stated", "age", [], ["2 year", "0 month"]),
        ("Arthritis for 3,5 years", "duration", ["3.5 year"], ["3 year", "5 year", "35 year"]),
        ("Infused over 0,5 hours", "duration", ["0.5 hour"], ["0 hour", "5 hour"]),
        ("Children aged 2,5 years or older", "quantity", [">= 2.5 year"], [">= 5 year", ">= 2 year"]),
        ("Seen at 1,3,5 months", "time_point", ["1 month", "3 month", "5 month"], ["3.5 month"]),
        ("Mean of 1,2 and 3 hours", "time_point", ["1 hour", "2 hour", "3 hour"], []),
        ("Seen at 24,36 and 48 weeks", "time_point", ["24 week", "36 week", "48 week"], []),
        ("Fortnightly injections", "duration", ["2 week"], ["1 week", "14 week"]),
        ("Quarterly visits and an annual scan", "duration", ["3 month", "1 year"], ["1 month", "4 month"]),
        ("Rest for a month", "duration", ["1 month"], ["1 week"]),
        ("Infusions every other week", "duration", ["2 week"], ["1 week"]),
        ("Injected on alternate days, a fortnight in all", "duration", ["2 day", "2 week"], ["1 day", "1 week"]),
        ("Asthma for 3 years and 4 months", "duration", ["40 month"], ["3 year", "4 month"]),
        ("Less than 7 years 2 months of age", "age", ["86 month"], ["7 year", "2 month"]),
        ("Aged 7 years or 2 months", "age", ["7 year", "2 month"], ["86 month"]),
        ("At three (T1), six (T2) and nine months after 5 visits", "time_point", ["3 month", "6 month"], ["5 month"]),
        ("Asthma over the past year", "duration", ["1 year"], ["1 month"]),
    ],
)
def test_a_time_is_the_number_beside_its_unit(text, kind, stated, others):
    check(text, kind, stated, others)


@pytest.mark.parametrize(
    ("text", "kind", "stated", "others"),
    [
        ("Platelets >= 150,000/uL", "quantity", [">= 150000 /uL"], [">= 150 /uL"]),
        ("Platelets >= 150,000/uL", "constraint", ["platelets: >= 150000 /uL"], ["platelets: >= 150 /uL"]),
        ("Viral load of at least 2,500 IU/mL", "amount", ["2500 IU/mL"], ["2.5 IU/mL", "2 IU/mL", "500 IU/mL"]),
        ("It will enroll 1,350 people", "number", ["1350"], ["1.35", "1", "350"]),
        ("Creatinine <= 1,4 mg/dL", "quantity", ["<= 1.4 mg/dL"], ["<= 14 mg/dL", "<= 4 mg/dL"]),
    ],
)
def test_a_comma_before_three_digits_marks_thousands(text, kind, stated, others):
    check(text, kind, stated, others)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("quantity", ">= 150000 /mm3", Support.INFERRED),
        ("quantity", ">= 150 /mm3", None),  # no limit of platelets
        ("number", "150", Support.INFERRED),
    ],
)
def test_a_number_with_two_readings_is_no_sure_support(kind, value, expected):
    assert support("Platelets >= 150.000/mm3", kind, value) is expected


@pytest.mark.parametrize(
    ("text", "stated", "others"),
    [
        ("Examplumab 25 mg weekly", ["25 mg"], ["25 mg/day", "25 mg/month"]),
        ("Examplumab 25 mg per month", ["25 mg", "25 mg/month"], ["25 mg/week"]),
        ("Examplumab 90 mg every 3 months", ["90 mg"], ["90 mg/day"]),
        ("Examplumab 25 mg after meals", ["25 mg", "25 mg/day"], ["35 mg/day"]),
        ("Examplumab 25 mg daily, then 75 mg weekly", ["25 mg/day", "75 mg"], ["75 mg/day"]),
        ("Suspension of 150 mg/6 mL", ["150 mg/6 mL"], ["150 mg/12 mL", "150 mg/0.6 mL"]),
        ("At least 35 mg of examplumab", ["at least 35 mg"], ["up to 35 mg"]),
        ("No more than 35 mg of examplumab", ["up to 35 mg"], ["at least 35 mg"]),
    ],
)
def test_an_amount_has_its_rhythm_volume_and_end(text, stated, others):
    check(text, "amount", stated, others)


def test_a_ratio_is_another_quantity_than_its_parts():
    text = "FEV1 below 70 % and FEV1/FVC below 0.6"
    check(text, "constraint", ["FEV1: < 70 %", "FEV1/FVC: < 0.6"], ["FEV1: < 0.6"])
    check("AST/ALT < 4 x ULN", "constraint", ["AST: < 4 x ULN", "ALT: < 4 x ULN"], [])


@pytest.mark.parametrize(
    ("quote", "value", "stands"),
    [("26-35", "35 year", True), ("26-35", "26 year", True), ("26-35", "45 year", False), ("26-35", "35 month", False)],
)
def test_the_unit_of_a_quoted_number_may_stand_behind_the_quote(quote, value, stands):
    line = "Groups by age: 26-35, 36-45 or 46-55 years old, seen for 3 months"
    assert bool(check_value(quote, "age", value, line)) is stands
