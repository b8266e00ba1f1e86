"""What is certain of a regimen, and what is not."""

import pytest

from extractor.parse.parsed import CERTAIN

from .records import give, make_section, read


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("Examplumab 300 mg subcutaneously", {"route", "cycle", "frequency", "duration", "timing"}),
        ("Examplumab 300 mg subcutaneously every 4 weeks", {"route", "cycle", "frequency", "timing"}),
        (
            "Examplumab 300 mg subcutaneously weekly or monthly on days 1 and 8 of each 21-day cycle",
            {"route", "cycle", "timing"},
        ),
    ],
)
def test_a_field_is_certain_where_nothing_else_could_be_meant(text: str, certain: set[str]) -> None:
    (regimen,) = give(text)
    names = ("route", "cycle", "frequency", "duration", "timing")
    assert {name for name in names if getattr(regimen, name).confidence >= CERTAIN} == certain


def test_a_time_that_was_not_read_leaves_the_duration_uncertain() -> None:
    (plain,) = give("Examplumab 300 mg subcutaneously")
    (timed,) = give("Examplumab 300 mg subcutaneously, the visits are 12 weeks apart")
    assert timed.duration.value is None
    assert timed.duration.confidence < CERTAIN <= plain.duration.confidence


def test_a_cycle_that_another_passage_speaks_of_leaves_its_absence_uncertain() -> None:
    intervention = make_section("interventions[0]", type="DRUG", name="Examplumab", description="300 mg IV")
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Patients are treated in cycles")
    (alone,) = read(intervention).regimens
    (beside,) = read(arm, intervention).regimens
    assert alone.cycle.value is beside.cycle.value is None
    assert beside.cycle.confidence < CERTAIN <= alone.cycle.confidence


def test_a_frequency_that_is_told_once_is_surer_than_one_of_two() -> None:
    (once,) = give("Examplumab 300 mg IV every 4 weeks")
    (either,) = give("Examplumab 300 mg IV every 2 or 4 weeks, weekly at first")
    assert either.frequency.confidence < CERTAIN <= once.frequency.confidence
