"""The steps of a treatment, for whom an amount is, and at most how much, as rules read them."""

import pytest

from extractor import Extractor
from tests.trust import trial

STEPS = {
    "Fictumab 400 mg SC on day 1, then 200 mg SC every 4 weeks for 48 weeks": [
        "1 loading: 400 mg once -",
        "2 maintenance: 200 mg Q4W 48 week",
    ],
    "25 mg once daily for 14 days; the dose is then doubled to 50 mg once daily": [
        "1 titration: 25 mg QD 14 day",
        "2 titration: 50 mg QD -",
    ],
    "2 mg monthly for 3 months, then as needed": [
        "1 None: 2 mg QM 3 month",
        "2 None: 2 mg PRN -",
    ],
    "40 mg daily for 5 days, tapered to 20 mg daily for 5 days and then 10 mg for 5 days": [
        "1 None: 40 mg QD 5 day",
        "2 taper: 20 mg QD 5 day",
        "3 taper: 10 mg QD 5 day",
    ],
    "300 mg weekly for 4 weeks then monthly for a total of 52 weeks": [
        "1 None: 300 mg QW 4 week of 52 week",
        "2 None: 300 mg QM - of 52 week",
    ],
    "10 mg in the morning and 5 mg in the evening": [
        "None None: 10 mg QD -",
        "None None: 5 mg QD -",
    ],
    "5 mg in the morning and 5 mg in the evening": ["None None: 5 mg BID -"],
    "10 or 20 mg once daily for 4 weeks": ["None None: 10 mg, 20 mg QD 4 week"],
    "200 mg on day 0, then every 4 weeks until week 24": [
        "None None: 200 mg Q4W 24 week"
    ],
    "100 mg daily with dose escalation up to 400 mg": [
        "None None: 100 mg, up to 400 mg QD -"
    ],
}
WHOM = {
    "100 mg (body weight <= 30 kg) or 200 mg (body weight > 30 kg)": [
        "body weight: <= 30 kg",
        "body weight: > 30 kg",
    ],
    "Children under 30 kg: 4 mg/kg every 2 weeks": ["weight: < 30 kg"],
    "75 mg; 30 mg if creatinine clearance is 30 to 60 mL/min": [
        "creatinine clearance: 30-60 mL/min"
    ],
    "8 mg/kg in participants aged 2 to 5 years": ["aged: 2-5 year"],
    "5 mg/kg for 12 weeks in adults": [],
}
MOST = {
    "5 mg/kg (up to 300 mg) every 8 weeks": ["300 mg per dose"],
    "0.1 mg/kg every 4 hours (maximum 2 mg per dose, 10 mg a day)": [
        "2 mg per dose",
        "10 mg per day",
    ],
    "20 mg once daily, not to exceed 80 mg in 24 hours": ["80 mg per day"],
    "up to 40 mg once daily": [],
    "20 mg daily, doubled weekly up to a maximum of 80 mg": [],
}
UNREAD = {
    "10 mg once daily for 4 weeks, then half the dose": ["then half the dose"],
    "60 mg once daily for 1 week, followed by a gradual taper": [
        "followed by a gradual taper"
    ],
    "10 mg once daily, then increased to a dose of 20 mg once daily": [],
    "100 or 150 mg once daily (<40 kg, >40 kg)": ["<40 kg, >40 kg"],
}


def read(text):
    """The regimens of an intervention; nothing about steps, people and maxima is sure."""
    drug = {"type": "DRUG", "name": "Fictumab", "description": text}
    record = trial(title="Fictumab in gout", interventions_0=drug)
    extraction = Extractor(effort="none").extract(record)
    told = ("step", "maximum", "total_duration", "as_needed")
    for regimen in extraction.dosing:
        for piece in regimen.evidence:
            if piece.field.startswith(told) or piece.field.endswith("condition"):
                assert piece.confidence < 0.85
    return extraction.dosing


@pytest.mark.parametrize(("text", "quotes"), UNREAD.items())
def test_a_step_and_people_that_are_in_no_regimen_are_reported(text, quotes):
    drug = {"type": "DRUG", "name": "Fictumab", "description": text}
    record = trial(title="Fictumab in gout", interventions_0=drug)
    extraction = Extractor(effort="none").extract(record)
    findings = [found for found in extraction.findings if found.kind == "dose_unread"]
    assert {found.citations[0].quote for found in findings} == {*quotes}
    levels = [
        piece.confidence
        for piece in extraction.dosing[0].evidence
        if piece.field.startswith("amounts")
    ]
    assert len(levels) == 1 or max(levels) < 0.85


def show(regimen):
    amounts = ", ".join(map(str, regimen.amounts))
    told = f"{regimen.step} {regimen.step_kind}: {amounts} {regimen.frequency} "
    told += str(regimen.duration or "-")
    return f"{told} of {regimen.total_duration}" if regimen.total_duration else told


@pytest.mark.parametrize(("text", "steps"), STEPS.items())
def test_steps_have_their_own_amount_rhythm_and_length(text, steps):
    assert list(map(show, read(text))) == steps


@pytest.mark.parametrize(("text", "limits"), WHOM.items())
def test_an_amount_says_for_whom_it_is(text, limits):
    amounts = [amount for regimen in read(text) for amount in regimen.amounts]
    assert [str(limit) for amount in amounts for limit in amount.limits] == limits


@pytest.mark.parametrize(("text", "maxima"), MOST.items())
def test_a_maximum_is_no_dose(text, maxima):
    regimens = read(text)
    assert [str(cap) for regimen in regimens for cap in regimen.maximum] == maxima
