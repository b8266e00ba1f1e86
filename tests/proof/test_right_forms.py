"""Right answers of a model stand, in whatever form the text has them."""

import pytest

from extractor.schemas import Frequency, Period, Route, TimeUnit
from tests.proof.test_regimens import dose, prove, weeks


def days(value):
    return Period(value=value, unit=TimeUnit.DAY)


def cycles(value):
    return Period(value=value, unit=TimeUnit.CYCLE)


STEPPED = (
    "Examplumab 840 mg IV every 2 weeks for 4 doses. Then radiotherapy. 1200 mg IV every 3 weeks "
    "afterwards."
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Examplumab 500 mg on day 1, then 250 from day 2 to 5.", dose(250)),
        ("Examplumab starts at 5 and rises to 10 mg daily.", dose(5)),
        ("Examplumab 300, 800, 2000 and 2000 SU.", dose(800, "SU")),
        ("Examplumab 135 ug/week for a year.", dose(135, "ug")),
        ("Examplumab 0.7 mg/kg/week subcutaneously.", dose(0.7, "mg/kg")),
        ("Examplumab 3-8 mg/(kg•h) throughout.", dose(8, "mg/kg/h", low=3)),
        ("Examplumab 5 mg per kg daily.", dose(5, "mg/kg")),
        ("Two pills of Examplumab at night.", dose(2, "tablet")),
        ("Examplumab Once A Day 100mg.", dose(100)),
        ("Examplumab: week 1 6 drops, week 2 8 drops.", dose(6, "drop")),
        ("Examplumab with 1500 impulses.", dose(1500, "impulse")),
        ("Examplumab 5 X 10 6 cells/kg IV.", dose(5_000_000, "cells/kg")),
        ("2 bottles of Examplumab (Testafast, 710 ml).", dose(710, "mL")),
        ("Examplumab 400 mg tablets equaling 1600 mg daily.", dose(1600, "mg/day")),
        ("0.5 mL (10 mg/mL) Examplumab.", dose(0.5, "mL")),
        (STEPPED, dose(1200)),
    ],
)
def test_a_right_amount_stands(text, values):
    assert "amounts" in prove(text, "Examplumab", amounts=values).model


@pytest.mark.parametrize(
    ("text", "quote", "field", "value"),
    [
        (STEPPED, "1200 mg IV every 3 weeks", "frequency", Frequency.Q3W),
        (
            "Examplumab 480 mg daily, or 100 mg nightly in part 2.",
            "100 mg nightly",
            "frequency",
            Frequency.QD,
        ),
        (
            "Testamide 5 mg b.i.d. and Examplumab at night.",
            "Examplumab at night",
            "frequency",
            Frequency.QD,
        ),
        (
            "Examplumab 60 mg IV as a bolus, then 20 mg PO.",
            "Examplumab 60 mg IV as a bolus",
            "route",
            Route.INTRAVENOUS,
        ),
        (
            "Examplumab cream 0.5 g vaginally each night.",
            "0.5 g vaginally each night",
            "route",
            Route.VAGINAL,
        ),
        ("Examplumab 5 mg every 21 days for 4 cycles.", None, "duration", cycles(4)),
        ("Examplumab 5 mg every 21 days for 4 cycles.", None, "cycle", days(21)),
        ("Examplumab (oral suspension) for 10 days.", None, "duration", days(10)),
        (
            "Examplumab 5 mg orally; treatment lasts six weeks.",
            None,
            "duration",
            weeks(6),
        ),
    ],
)
def test_a_right_schedule_stands(text, quote, field, value):
    assert field in prove(text, "Examplumab", quote, **{field: value}).model


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Examplumab 5 mg on day 14.", dose(14)),
        ("Examplumab 5 mg in 12 patients.", dose(12)),
        ("Examplumab 5 mg.", dose(5, "mg/kg")),
        ("Examplumab 5 mL.", dose(5)),
        ("Examplumab 15 ± 3 mg/kg IV.", dose(3, "mg/kg")),
        ("Examplumab 120 mg plus testamide 80 mg.", dose(80)),
        ("Examplumab 5 mg until glucose is below 90 mg/dL.", dose(90, "mg/dL")),
    ],
)
def test_what_is_no_dose_of_the_agent_is_refused(text, values):
    assert "amounts" not in prove(text, "Examplumab", amounts=values).model
