"""Facts of dosing: doses, routes, frequencies, days, cycles, lengths and moments."""

import pytest

from extractor.parse.dosing.amounts import choose_levels
from extractor.parse.dosing.days import code_days, code_schedule
from extractor.parse.dosing.sections import find_all
from extractor.schemas import Amount, Frequency, Period, TimeUnit
from extractor.text.book import read_text
from extractor.text.clean import clean_text

from .records import give, levels

Level = tuple[float | None, float | None, str]
DOUBT = 0.6
"""The highest stated confidence of a doubtful value. Calibrated, it is well below 0.8."""


def find(text: str, field: str) -> list[object]:
    """The values of a field in a text: doses as plain levels, periods as number and unit, others as text."""
    marks = getattr(find_all(read_text(clean_text(text).text)), field)
    if field == "amounts":
        return [(amount.low, amount.high, amount.unit) for mark in marks for amount in mark.value]
    if field in ("cycle", "length"):
        return [f"{mark.value.value:g} {mark.value.unit}" for mark in marks if mark.value]
    return [mark.value if field == "days" else str(mark.value) for mark in marks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from 75 mg up to 600 mg", [(75, 600, "mg")]),
        ("0.5 mg/kg/day", [(0.5, 0.5, "mg/kg/day")]),
        ("0.016 mg/kg/IgE [IU/mL]", [(0.016, 0.016, "mg/kg/IgE(IU/mL)")]),
        ("AUC 5", [(5, 5, "AUC")]),
        ("on day 1, 15 mg/kg", [(15, 15, "mg/kg")]),
        ("EX-108, 10 mg/kg", [(10, 10, "mg/kg")]),
        ("1-10×10^6/kg", [(10**6, 10**7, "cells/kg")]),
        ("1x10e6/kg-3x10e6/kg", [(10**6, 3 * 10**6, "cells/kg")]),
        ("0,1 mg/0,4 mg/1,6 mg", [(0.1, 0.1, "mg"), (0.4, 0.4, "mg"), (1.6, 1.6, "mg")]),
        ("40 mg/0.8 mL", [(40, 40, "mg")]),
        ("160/4.5 mcg", [(160, 160, "ug")]),
        ("area under the concentration-time curve (AUC) of 5 or 6", [(5, 5, "AUC"), (6, 6, "AUC")]),
        ("2·106 cells", [(2 * 10**6, 2 * 10**6, "cells")]),
        ("10 to the 6th power cells/kg", [(10**6, 10**6, "cells/kg")]),
        ("capsules containing 108 CFU", [(10**8, 10**8, "CFU")]),
        ("examplumab (EX 154, 10 mg/kg)", [(10, 10, "mg/kg")]),
        ("2.5 mg, 5 mg or 10 mg per day", [(2.5, 2.5, "mg/day"), (5, 5, "mg/day"), (10, 10, "mg/day")]),
        ("5 mg every 4 weeks to 10 mg every 2 weeks", [(5, 5, "mg"), (10, 10, "mg")]),
        ("2 examplumab-matched placebo capsules", [(2, 2, "capsule")]),
        (
            "1000, 500, and 200, respectively, TCID50",
            [(1000, 1000, "TCID50"), (500, 500, "TCID50"), (200, 200, "TCID50")],
        ),
        ("10.000 IU", [(10000, 10000, "IU")]),
        ("1x106~1x108 CAR-T/kg", [(10**6, 10**8, "cells/kg")]),
        ("6-18 mL per night", [(6, 18, "mL/day")]),
        ("50 mg\u2044kg\u2044d", [(50, 50, "mg/kg/day")]),
        # A capital G is the gauge of a needle, or the end of a code.
        ("a 21G needle, Peptide 919288G", []),
        ("supplied as film-coated tablets containing 20 mg", []),
        ("in a 500 mL bag", []),
        ("a diet of 1600 kcal", []),
        # An amount that only explains a dose is no dose.
        ("3 capsules (500 mg each)", [(3, 3, "capsule")]),
        ("(6/125 mcg) 1 puff", [(1, 1, "puff")]),
        ("0.5 mL (30 mcg)", [(30, 30, "ug")]),
        ("0.3 mL dose (6 mg)", [(6, 6, "mg")]),
        ("375 mg (300 mg for adolescents)", [(375, 375, "mg"), (300, 300, "mg")]),
        ("800 mg, given as two 400 mg tablets", [(800, 800, "mg")]),
        ("600 mg. Tablet strengths: 150 mg and 300 mg", [(600, 600, "mg")]),
        ("(200 mg/5 mL) 10 mg/kg", [(10, 10, "mg/kg")]),
        ("from 5 mg to 10 mg and then to 20 mg", [(5, 5, "mg"), (10, 10, "mg"), (20, 20, "mg")]),
        ("a total daily dose of 900 mg", [(900, 900, "mg/day")]),
        ("1/2 tablet", [(0.5, 0.5, "tablet")]),
        ("one and a half tablets", [(1.5, 1.5, "tablet")]),
        ("5/325 mg", [(5, 5, "mg")]),
        ("1.500 IU", [(1500, 1500, "IU")]),
    ],
)
def test_doses(text: str, expected: list[Level]) -> None:
    assert find(text, "amounts") == expected


@pytest.mark.parametrize(
    "text",
    [
        "with a maximum dose of 70 mg/d",
        "reduced to 20 mg/m2",
        "platelets 50 x 10^9/L",
        "ferritin of 1000 ng/mL",
        "EX-0243 tablets",
        "CD19 CAR T cells, 28 days later",
        "AUC 0-24",
        "a cumulative dose of 5100 SU",
        "Day 4 G-CSF",
        "2.5 mL/25 mg",
        "0 mg",
    ],
)
def test_limits_packages_and_samples_are_no_doses(text: str) -> None:
    assert find(text, "amounts") == []


@pytest.mark.parametrize("number", ["9" * 309, "9" * 309 + ",5", "9" * 5000])
def test_a_number_too_large_to_represent_is_no_amount(number):
    assert [levels(regimen) for regimen in give(f"{number} mg every {number} weeks")] == []


@pytest.mark.parametrize(
    ("levels", "kept"),
    [
        ([(250, 250, "mg"), (200, 200, "mL")], [(250, 250, "mg")]),
        ([(1, 1, "capsule"), (5, 5, "mg")], [(5, 5, "mg")]),
        ([(200, 200, "mL")], [(200, 200, "mL")]),
        ([(0.5, 0.5, "%"), (1, 1, "drop")], [(1, 1, "drop")]),
        ([(10, 10, "mg"), (20, 20, "mg")], [(10, 10, "mg"), (20, 20, "mg")]),
    ],
)
def test_levels(levels: list[Level], kept: list[Level]) -> None:
    made, expected = ([Amount(low=low, high=high, unit=unit) for low, high, unit in each] for each in (levels, kept))
    assert choose_levels(made) == tuple(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 mg IVPB over 30 minutes", ["intravenous"]),
        ("Given IT", ["intrathecal"]),
        ("vaccine ID on days 1 and 8", ["intradermal"]),
        ("ragweed IT beside examplumab", []),
        ("patient ID 12", []),
        ("injected intra-muscularly", ["intramuscular"]),
        ("100 U by intra-detrusor injection", ["other"]),
        ("20 mL as a femoral nerve block", ["other"]),
        ("atrioventricular block", []),
        ("5 mg by oral inhalation", ["inhaled"]),
        ("gel applied to the scalp", ["topical"]),
        ("54 Gy by 3D-CRT", ["external_beam"]),
        ("a diagnosis by DSM-IV", []),
        ("grade IV disease", []),
        ("given without an IV line", []),
        ("subcutaneously, not intravenously", ["subcutaneous"]),
        ("to lower oxygen consumption", []),
        ("par-enteral", []),
        ("rectal cancer", []),
    ],
)
def test_routes(text: str, expected: list[object]) -> None:
    assert find(text, "route") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q12h", ["Q12H"]),
        ("IV continuously for 5 days", ["continuous"]),
        ("10 mg/kg divided into 2 equal doses", ["BID"]),
        ("every 20 minutes", []),
        ("once every 2 weeks (q2w) or once every 4 weeks (q4w)", ["other"]),
        ("5 mg po hs", ["QD"]),
        ("two doses 4 weeks apart", ["Q4W"]),
        ("one dose of examplumab", ["once"]),
        ("5 mg/kg IV x 1", ["once"]),
        ("a single intravenous (IV) infusion", ["once"]),
        ("in a single-dose pre-filled syringe every 2 weeks", ["Q2W"]),
        ("25 mg/m2 for 3 days (days -5 to -3)", []),
        ("20 mg 2 hours before sexual intercourse", ["PRN"]),
        # A total per day is no frequency.
        ("up to 300 mg per day", []),
        ("300 mg daily", ["QD"]),
        # The number of an amount is none of a frequency.
        ("60 mg/m2 weekly", ["QW"]),
        ("60 mg/m^2 weekly x 6", ["QW"]),
        ("60 mg/m2 3-weekly", ["Q3W"]),
        ("AUC 2 weekly", ["QW"]),
        ("AUC 5, 3-weekly", ["Q3W"]),
        ("12 weekly online sessions", ["QW"]),
        # Compounds, and words that do not hold.
        ("non-daily", []),
        ("semi-weekly", ["BIW"]),
        ("bi-daily", ["BID"]),
        ("alternate-day", ["QOD"]),
        ("biweekly (twice a week)", ["BIW"]),
        ("not daily but weekly", ["QW"]),
        ("once a week instead of once a day", ["QW"]),
        ("twice every 2 weeks", ["other"]),
        ("every day except Sundays", ["other"]),
        ("every Sunday", ["QW"]),
        # Steps, visits and pauses have their own rhythm.
        ("5 mg once daily, increased by 5 mg weekly", ["QD"]),
        ("5 mg once daily with weekly increments of 5 mg", ["QD"]),
        ("5 mg once daily, titrated every 2 weeks to 20 mg", ["QD"]),
        ("5 mg twice daily, with monthly clinic visits", ["BID"]),
        ("one dose of 5 mg; participants are contacted monthly", ["once"]),
        ("for 4 weeks on / 2 weeks off", []),
        ("total daily dose of 900 mg in three divided doses", ["TID"]),
    ],
)
def test_frequencies(text: str, expected: list[object]) -> None:
    assert find(text, "frequency") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("days 1, 8 and 15", [(1, 8, 15)]),
        ("D-5 to -3", [(-5, -4, -3)]),
        ("day 7 at 2.5 mg", [(7,)]),
        ("C1D8", [(8,)]),
        ("in 5 mL of D5W", []),
        ("starting on day 7 of each cycle", []),
        ("28 days (14 days each)", []),
        ("days 7(+/-3) and 21(+/-3)", [(7, 21)]),
        ("Day 1, Week 4 and Week 8", [(1, 28, 56)]),
        ("on day 0, month 3 and month 6", [(0, 90, 180)]),
        ("according to a 0-1-6 month schedule", [(0, 30, 180)]),
        ("IgE to Fel d 1 and Can d 2", []),
    ],
)
def test_days(text: str, expected: list[object]) -> None:
    assert find(text, "days") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one course is defined as 28 days", []),
        ("every 21 days for up to 6 cycles", ["21 day"]),
        ("5 mg for 5 days during 6 cycles", []),
        ("starting on day 7 of each 21-day cycle", ["21 day"]),
        ("in a 4-weeks-on / 2-weeks-off schedule", ["6 week"]),
        ("for 3 weeks, then 1 week off (28-day cycle)", ["28 day"]),
        ("on days 1, 15, 29 and every 28 days", []),
    ],
)
def test_cycles(text: str, expected: list[object]) -> None:
    assert find(text, "cycle") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 mg twice daily for 2 more weeks", ["2 week"]),
        ("on day 1 courses II-VII", []),
        ("washout for 2 weeks before surgery", []),
        ("for 8 (eight) weeks", ["8 week"]),
        ("monitored in long-term follow-up for 15 years", []),
        ("Each cycle lasts 3 weeks.", []),
        ("a maximum of 6 21-day cycles", ["6 cycle"]),
        ("once daily x 12 weeks", ["12 week"]),
        ("once daily for 5 days a week", []),
        ("dosing may be interrupted for up to 28 days", []),
        ("treatment breaks of up to 14 days", []),
    ],
)
def test_lengths_of_treatment(text: str, expected: list[object]) -> None:
    assert find(text, "length") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 minutes before infusion, with food", ["30 minutes before infusion", "with food"]),
        ("for 7 days prior to surgery", ["prior to surgery"]),
        ("starting on day 7 of each cycle", ["starting on day 7 of each cycle"]),
        ("from day 0 up to week 48", ["from day 0 up to week 48"]),
        ("at approximately the same time each day", ["at approximately the same time each day"]),
        ("until the maintenance dose is reached", []),
        ("an hour after the EX12.5 infusion", ["after the EX12.5 infusion"]),
        ("one tablet at bedtime", ["at bedtime"]),
        ("0.5 mL at 2, 4 and 6 months of age", ["at 2, 4 and 6 months of age"]),
        ("2 mg intraoperatively", ["intraoperatively"]),
    ],
)
def test_moments(text: str, expected: list[object]) -> None:
    assert find(text, "moment") == expected


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
def test_days_imply_a_frequency(days: tuple[int, ...], cycle: int | None, expected: str) -> None:
    assert code_days(days, cycle and Period(value=cycle, unit=TimeUnit.DAY)).value == expected


def test_a_rate_is_given_continuously() -> None:
    (regimen,) = give("infused at 0.5 ug/kg/h")
    assert regimen.rules["frequency"].value == "continuous"
    assert regimen.rules["frequency"].spans


_CYCLE = Period(value=21, unit=TimeUnit.DAY)


@pytest.mark.parametrize(
    ("stated", "days", "cycle", "cyclic", "expected"),
    [
        (Frequency.QD, (1,), _CYCLE, False, "QD"),
        (Frequency.ONCE, (1, 8, 15), None, False, "QW"),
        (Frequency.ONCE, (1,), _CYCLE, False, "Q3W"),
        (Frequency.Q4W, (1, 8, 15), None, False, "QW"),
        (Frequency.QW, (1, 2, 3, 4, 5), None, False, "other"),
        (None, (1,), None, False, "once"),
        (None, (1,), None, True, None),
        (None, (-1,), None, True, "once"),
        (None, (), _CYCLE, False, None),
        (Frequency.OTHER, (1, 2, 3), None, False, "other"),
        (Frequency.OTHER, (1, 2, 3), _CYCLE, False, "QD"),
    ],
)
def test_words_days_and_cycle_together(stated, days, cycle, cyclic, expected) -> None:
    assert code_schedule(stated, days, cycle, cyclic=cyclic) == expected


@pytest.mark.parametrize(
    ("surer", "doubtful"),
    [
        ("5 mg once daily", "5 mg once daily, or twice daily"),
        ("5 mg weekly", "5 mg after exercise weekly"),
        ("5 mg every 3 weeks", "5 mg with a warm meal that the kitchen of the ward cooks for all people every 3 weeks"),
        ("5 mg once", "5 mg once, for 2 months"),
        ("5 mg once daily", "5 mg/day"),
        ("5 mg every 3 weeks", "5 mg every 3 weeks, then tapered"),
        ("5 mg every 2 weeks", "5 mg biweekly"),
        ("5 mg on days 1, 8 and 15", "5 mg on day 1"),
    ],
)
def test_a_frequency_is_as_sure_as_its_wording(surer, doubtful):
    sure, unsure = (give(f"Examplumab {text}")[0].rules["frequency"] for text in (surer, doubtful))
    assert None not in (sure.value, unsure.value)
    assert sure.confidence > unsure.confidence


@pytest.mark.parametrize(
    ("surer", "doubtful"),
    [("1.25 mg", "1.250 mg"), ("10 mg", "2 x 10 mg"), ("3.125 mg", "3.120 mg"), ("1,250 mg", "1.250 mg")],
)
def test_an_amount_that_can_be_read_in_two_ways_is_unsure(surer, doubtful):
    sure, unsure = (give(f"Examplumab {text} once daily")[0].rules["amounts"] for text in (surer, doubtful))
    assert sure.confidence > 0.8 > unsure.confidence


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("5 mg IP on day 1", ["intraperitoneal"]),
        ("1 mL of IP/Placebo", []),
        ("the thumb IP joint", []),
        ("endobronchial injection", ["other"]),
        ("endobronchial biopsy", []),
        ("intrauterine pregnancy", []),
        ("the Rome IV criteria", []),
        ("their vaping status", []),
    ],
)
def test_words_of_names_and_of_the_body_are_no_routes(text, route):
    assert find(text, "route") == route


def test_a_meal_that_does_not_matter_is_quoted_whole():
    assert find("once daily with or without food", "moment") == ["with or without food"]


def test_a_number_of_times_is_no_day():
    assert find("9g /day (3 times a day)", "days") == []


@pytest.mark.parametrize(
    "text",
    [
        "Examplumab 10 mg",
        "10 mg of Examplumab",
        "Participants receive Examplumab at a dose of 10 mg once daily",
    ],
)
def test_an_amount_beside_its_agent_is_sure(text):
    (regimen,) = give(text)
    assert levels(regimen) == [(10, 10, "mg")]
    assert regimen.rules["amounts"].confidence > DOUBT


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Examplumab with fictizide 10 mg", "Examplumab", "DRUG"),  # of an agent that no rule knows
        ("10 mg fictizide", "Examplumab", "DRUG"),
        ("Examplumab 10 mg/mL", "Examplumab", "DRUG"),  # of a solution
        ("Examplumab, a total dose of 10 mg", "Examplumab", "DRUG"),  # of several givings
        ("10 mg twice daily", "Examplumab + Testimab", "DRUG"),  # of one of two
        ("10 mL daily", "Fictional drainage", "PROCEDURE"),
    ],
)
def test_an_amount_that_may_be_of_something_else_is_unsure(text, name, kind):
    regimens = [regimen for regimen in give(text, name, kind) if regimen.rules["amounts"].value]
    assert regimens
    assert all(regimen.rules["amounts"].confidence <= DOUBT for regimen in regimens)


def test_a_route_before_another_agent_is_not_lent():
    first, second = give("Examplumab 5 mg and oral Testimab 10 mg", "Examplumab and Testimab")
    assert (first.rules["route"].value, second.rules["route"].value) == (None, "oral")


def test_a_procedure_can_have_a_route():
    (regimen,) = give("injected intravenously daily", "Fictional procedure", "PROCEDURE")
    assert regimen.rules["route"].value == "intravenous"


def test_a_rhythm_of_an_unknown_thing_is_unsure():
    (sure,), (unsure,) = give("Examplumab 5 mg once daily"), give("Examplumab 5 mg, once daily zorping")
    assert unsure.rules["frequency"].confidence <= DOUBT < sure.rules["frequency"].confidence
