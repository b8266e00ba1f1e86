"""Frequencies, listed days, cycles, lengths of treatment, moments."""

import pytest

from extractor.parse.dosing.days import Schedule, code_days, code_schedule, find_days, find_moments
from extractor.parse.dosing.facts import find_all
from extractor.parse.dosing.schedule import find_cycles, find_frequencies, find_lengths
from extractor.schemas import Frequency, Period, TimeUnit
from extractor.text.book import read_text

from .records import give

_CYCLE = Period(value=21, unit=TimeUnit.DAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 3 weeks", ["Q3W"]),
        ("every three (3) weeks", ["Q3W"]),
        ("q12h", ["Q12H"]),
        ("q3wk", ["Q3W"]),
        ("12 hourly", ["Q12H"]),
        ("25 mg t.d.s.", ["TID"]),
        ("4x/day", ["QID"]),
        ("every 28 days", ["Q4W"]),
        ("every 30 days", ["QM"]),
        ("every 2 or 4 weeks", ["other"]),
        ("orally once or twice daily", ["other"]),
        ("IV continuously for 5 days", ["continuous"]),
        ("every 2 weeks or every 4 weeks", ["other"]),
        ("at intervals of 4-6 weeks", ["other"]),
        ("10 days every 28 days", ["QD"]),
        ("4 times/day", ["QID"]),
        ("10 mg/kg divided into 2 equal doses", ["BID"]),
        ("divided in three dosages", ["TID"]),
        ("divided into two groups", []),
        ("2 mg per night", ["QD"]),
        ("2-3 times daily", ["other"]),
        ("5 days a week", ["other"]),
        ("twice weekly", ["BIW"]),
        ("a single intravenous infusion", ["once"]),
        ("once daily", ["QD"]),
        ("Once the intake exceeds the need", []),
        ("every 20 minutes", []),
        ("2 x 20 drops daily", ["BID"]),
        ("once every 2 weeks (q2w) or once every 4 weeks (q4w)", ["other"]),
        ("Q3W/Q2W", ["other"]),
        ("every 2. or 4. week", ["other"]),
        ("up to 3 weekly infusions", ["QW"]),
        ("three servings per week", ["TIW"]),
        ("5 fractions by week", ["other"]),
        ("6 doses weekly", ["QW"]),
        ("1 session/week", ["QW"]),
        ("500 mg/12 h", ["Q12H"]),
        ("10 mg taken once", ["once"]),
        ("10 mg given once a week", ["QW"]),
        ("a single stimulation session", ["once"]),
        ("2 doses, day 1 and day 8", []),
        ("Monday, Wednesday and Friday", ["TIW"]),
        ("Monday to Friday", ["other"]),
        ("5 mg po hs", ["QD"]),
        ("two doses 4 weeks apart", ["Q4W"]),
        ("with a dose interval of 2 weeks", ["Q2W"]),
        ("then taper by 5 mg every 4 weeks", []),
        ("response assessed every 8 weeks", []),
        ("once in 2 or 4 weeks", ["other"]),
        ("once in two weeks", ["Q2W"]),
        ("0.5 mg/kg/4 wks", ["Q4W"]),
        ("one dose of examplumab", ["once"]),
        ("1 dose of fictumab", ["once"]),
        ("phase 1 dose escalation", []),
        ("one dose of two doses", []),
        ("5 mg/kg IV x 1", ["once"]),
        ("5 mg/kg IV x 1 week", []),
        ("a single intravenous (IV) infusion", ["once"]),
        ("in a single-dose pre-filled syringe every 2 weeks", ["Q2W"]),
        ("2 capsules in the morning and two capsules at night", ["BID"]),
        ("morning, noon, and evening", ["TID"]),
        ("500 mg if necessary", ["PRN"]),
        ("40 mg per day in two divided doses", ["BID"]),
        ("25 mg/m2 IV for 3 consecutive days", ["QD"]),
        ("25 mg/m2 over 3 hours for 3 days", ["QD"]),
        ("25 mg/m2 for 3 days (days -5 to -3)", []),
        ("25 mg twice daily for 3 days", ["BID"]),
        ("5 mg, monitored for 7 days", []),
        ("dose increased every 4 weeks", []),
        ("two tablets in the evening", ["QD"]),
        ("1 puff morning and 1 puff evening", ["BID"]),
        ("one drop in the morning, one at noon and one in the evening", ["TID"]),
        ("a single daily dose", ["QD"]),
        ("40 mg/kg/day in 4 doses", ["QID"]),
        ("every 48 hours", ["QOD"]),
        ("at 3 monthly intervals", ["Q3M"]),
        ("20 mg 2 hours before sexual intercourse", ["PRN"]),
        ("5 mg upon request", ["PRN"]),
        ("continous infusion", ["continuous"]),
        ("in two nightly dosages", ["BID"]),
        ("five consecutive days of stimulation", ["QD"]),
        ("30 mg/m2 x3 days", ["QD"]),
        ("3 d/week", ["TIW"]),
        ("one (1) injection", ["once"]),
        ("1 session/month", ["QM"]),
    ],
)
def test_frequencies(text: str, expected: list[str]) -> None:
    assert [mark.value.value for mark in find_frequencies(read_text(text))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on day 1", [(1,)]),
        ("days 1, 8 and 15", [(1, 8, 15)]),
        ("D-5 to -3", [(-5, -4, -3)]),
        ("Day -5 to Day -3", [(-5, -4, -3)]),
        ("days -6, -5, -4, and -3", [(-6, -5, -4, -3)]),
        ("d 1-5", [(1, 2, 3, 4, 5)]),
        ("D1/D8 of each cycle", [(1, 8)]),
        ("on day 1 or 2", [(1,)]),
        ("at weeks 0, 4, 16", [(0, 28, 112)]),
        ("day 7 at 2.5 mg", [(7,)]),
        ("on 1-5 days of each cycle", [(1, 2, 3, 4, 5)]),
        ("C1D8", [(8,)]),
        ("at months 0 and 6", [(0, 180)]),
        ("at 0, 4 and 8 weeks", [(0, 28, 56)]),
        ("seen at 3, 6 and 12 months", []),
        ("vitamin D3", []),
        ("in 5 mL of D5W", []),
        ("up to week 52", []),
        ("starting on day 7 of each cycle", []),
        ("28 days (14 days each)", []),
        ("days 7(+/-3) and 21(+/-3)", [(7, 21)]),
        ("on Day 0 (week 1) and 84 (week 12)", [(0, 84)]),
        ("Day 1, Week 4 and Week 8", [(1, 28, 56)]),
        ("day 1 and again on day 15", [(1, 15)]),
        ("on day 0, month 3 and month 6", [(0, 90, 180)]),
        ("on day one", [(1,)]),
        ("500 mg on the first day", [(1,)]),
        ("according to a 0-1-6 month schedule", [(0, 30, 180)]),
        ("a 0, 4, 24 week schedule", [(0, 28, 168)]),
    ],
)
def test_days(text: str, expected: list[tuple[int, ...]]) -> None:
    assert [mark.value for mark in find_days(read_text(text))] == expected


@pytest.mark.parametrize(
    ("days", "cycle", "expected"),
    [
        ((1, 4, 8, 11), None, "BIW"),
        ((1, 3, 5, 8, 10, 12), 28, "TIW"),
        ((1, 2, 3, 8), 21, "other"),
        ((1, 8, 15), 28, "QW"),
        ((1, 15), 28, "Q2W"),
        ((1, 22), None, "other"),
        ((0, 28), None, "Q4W"),
        ((0, 56), None, "Q8W"),
        ((1,), 21, "Q3W"),
        ((1,), None, "once"),
        ((1, 2, 3, 4, 5), 28, "QD"),
        ((0, 28, 112), None, "other"),
    ],
)
def test_days_amount_to_a_frequency(days: tuple[int, ...], cycle: int | None, expected: str) -> None:
    assert code_days(days, cycle and Period(value=cycle, unit=TimeUnit.DAY)).value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day 1 of each 21-day cycle", [(21, "day")]),
        ("treatment repeats every 14 days", [(14, "day")]),
        ("days 1 and 8 every 21 days", [(21, "day")]),
        ("1 cycle of 4 weeks", [(4, "week")]),
        ("injected every 3 weeks", []),
        ("4 weeks as a treatment cycle", [(4, "week")]),
        ("(28 days/cycle)", [(28, "day")]),
        ("d1, 8, q3w", [(3, "week")]),
        ("repeated at 21-day intervals", [(21, "day")]),
        ("every 3 weeks (Q3W) on Day 1 of each cycle", [(3, "week")]),
        ("for 3 weeks, then 1 week off", [(4, "week")]),
        ("four-weekly cycles", [(4, "week")]),
        ("over the course of 28 days", []),
        ("a 10-day course", []),
        ("6 days every 28 days", [(28, "day")]),
        ("day 1 of each 21-cycle", [(21, "day")]),
        ("a treatment cycle consists of 28 days", [(28, "day")]),
        ("one cycle is defined as 28 days", [(28, "day")]),
        ("one course is defined as 28 days", []),
        ("every 21 days (1 cycle)", [(21, "day")]),
        ("every 21 days for up to 6 cycles", [(21, "day")]),
        ("every 3 weeks for 6 cycles", []),
        ("5 mg for 5 days during 6 cycles", []),
        ("starting on day 7 of each 21-day cycle", [(21, "day")]),
    ],
)
def test_cycles(text: str, expected: list[tuple[int, str]]) -> None:
    periods = [mark.value for mark in find_cycles(read_text(text))]
    assert [(p.value, p.unit.value) for p in periods if p] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("daily for 12 weeks", [(12, "week")]),
        ("up to 6 cycles", [(6, "cycle")]),
        ("5 mg twice daily for 2 more weeks", [(2, "week")]),
        ("on day 1 courses II-VII", []),
        ("six 21 day cycles", [(6, "cycle")]),
        ("for 3 consecutive days", [(3, "day")]),
        ("a 12-week treatment period", [(12, "week")]),
        ("for 3-5 days", []),
        ("infused over 30 minutes", []),
        ("for 2 weeks before surgery", [(2, "week")]),
        ("washout for 2 weeks before surgery", []),
        ("over the course of 28 days", [(28, "day")]),
        ("24 doses (24 weeks)", [(24, "week")]),
        ("for 8 (eight) weeks", [(8, "week")]),
        ("through week 48", [(48, "week")]),
        ("daily in three weeks", [(3, "week")]),
        ("for 12 weeks, then weekly for 4 weeks, for a total of 16 weeks", [(16, "week")]),
        ("a 21-day treatment cycle", []),
        ("followed up for 2 years after", []),
        ("monitored in long-term follow-up for 15 years", []),
        ("visits will take place over 26 weeks", []),
        ("this regimen was followed daily for 24 weeks", [(24, "week")]),
        ("followed up and receives 5 mg for 4 weeks", [(4, "week")]),
    ],
)
def test_lengths_of_treatment(text: str, expected: list[tuple[int, str]]) -> None:
    periods = [mark.value for mark in find_lengths(read_text(text))]
    assert [(p.value, p.unit.value) for p in periods if p] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 minutes before infusion, with food", ["30 minutes before infusion", "with food"]),
        ("for 7 days prior to surgery", ["prior to surgery"]),
        ("at least 30 days after transplantation", ["at least 30 days after transplantation"]),
        ("starting on day 7 of each cycle", ["starting on day 7 of each cycle"]),
        ("from day 0 up to week 48", ["from day 0 up to week 48"]),
        ("5 days per week during radiotherapy", ["5 days per week during radiotherapy"]),
        ("at approximately the same time each day", ["at approximately the same time each day"]),
        ("until they are 6 months of age", ["until they are 6 months of age"]),
        ("until disease progression", []),
        ("until ANC >5000/uL", ["until ANC >5000/uL"]),
        ("during the 12 weeks", []),
        ("until the maintenance dose is reached", []),
        ("during 12 weeks", []),
        ("after dissolving it in water", []),
        ("the following doses", []),
        ("within 2 hours of birth", ["within 2 hours of birth"]),
        ("within 4 weeks of treatment", []),
        ("for 3 weeks, then 1 week off", ["for 3 weeks, then 1 week off"]),
        ("between chemotherapy cycles", ["between chemotherapy cycles"]),
        ("between 6 and 12 months of age", ["between 6 and 12 months of age"]),
        ("an hour after the EX12.5 infusion", ["after the EX12.5 infusion"]),
        ("no sooner than 48 hours after surgery", ["no sooner than 48 hours after surgery"]),
        ("morning, noon, and evening", ["morning, noon, and evening"]),
        ("before surgery\nmesna 5 mg", ["before surgery"]),
        ("every 12 hours following the instructions", ["following the instructions"]),
        ("during five months", []),
        ("during the past 12 months", []),
    ],
)
def test_moments(text: str, expected: list[str]) -> None:
    assert [mark.value for mark in find_moments(read_text(text))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one tablet at bedtime", "at bedtime"),
        ("50 mg every evening", "every evening"),
        ("0.5 mL at 12 months of age", "at 12 months of age"),
        ("0.5 mL at 2, 4 and 6 months of age", "at 2, 4 and 6 months of age"),
        ("2 mL at the time of intubation", "at the time of intubation"),
        ("single dose in Visit 3", "in Visit 3"),
        ("5 mg under fasting conditions", "under fasting conditions"),
        ("2 mg intraoperatively", "intraoperatively"),
    ],
)
def test_times_of_day_events_and_visits_are_moments(text: str, expected: str) -> None:
    assert [mark.value for mark in find_moments(read_text(text))] == [expected]


def test_a_total_per_day_does_not_tell_how_often() -> None:
    assert find_all(read_text("up to 300 mg per day")).frequency == ()
    assert [mark.value for mark in find_all(read_text("300 mg daily")).frequency] == ["QD"]


def test_a_rate_is_given_continuously() -> None:
    (regimen,) = give("infused at 0.5 ug/kg/h")
    assert regimen.frequency.value == "continuous"
    assert regimen.frequency.spans
    (regimen,) = give("5 mg orally")
    assert regimen.frequency.value is None


def test_the_number_of_an_allergen_is_no_day() -> None:
    assert find_days(read_text("IgE to Fel d 1 and Can d 2")) == ()


def test_the_length_of_a_cycle_is_not_that_of_the_treatment() -> None:
    assert find_all(read_text("Each cycle lasts 3 weeks.")).length == ()
    assert [mark.value for mark in find_all(read_text("a maximum of 6 21-day cycles")).length] == [
        Period(value=6, unit=TimeUnit.CYCLE)
    ]


def test_several_lengths_in_a_sentence_are_no_certain_length_of_all() -> None:
    alone, first, second = find_lengths(read_text("5 mg for 6 weeks. 5 mg for 4 weeks, then 2 mg for 8 weeks"))
    assert alone.confidence > 0.9
    assert max(first.confidence, second.confidence) < 0.5


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(Frequency.QD, days=(1,), cycle=_CYCLE), "QD"),
        (Schedule(Frequency.ONCE, days=(1, 8, 15)), "QW"),
        (Schedule(Frequency.ONCE, days=(1,), cycle=_CYCLE), "Q3W"),
        (Schedule(Frequency.Q4W, days=(1, 8, 15)), "QW"),
        (Schedule(Frequency.QW, days=(1, 2, 3, 4, 5)), "other"),
        (Schedule(None, days=(1,)), "once"),
        (Schedule(None, days=(1,), cyclic=True), None),
        (Schedule(None, days=(-1,), cyclic=True), "once"),
        (Schedule(None, cycle=_CYCLE), None),
        (Schedule(Frequency.OTHER, days=(1, 2, 3)), "other"),
        (Schedule(Frequency.OTHER, days=(1, 2, 3), cycle=_CYCLE), "QD"),
    ],
)
def test_words_days_and_cycle_together(schedule: Schedule, expected: str | None) -> None:
    assert code_schedule(schedule) == expected
