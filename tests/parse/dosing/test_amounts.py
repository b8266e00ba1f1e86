"""Numbers with a unit, lists, ranges, counts of cells; and numbers that are no doses."""

import pytest

from extractor.parse.dosing.amounts import drop_explaining, find_amounts
from extractor.parse.parsed import CERTAIN
from extractor.text.book import read_text
from extractor.text.clean import clean_text

from .records import give, levels


def read(text: str) -> list[tuple[float | None, float | None, str]]:
    return [(a.low, a.high, a.unit) for mark in find_amounts(read_text(clean_text(text).text)) for a in mark.value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300 mg", [(300, 300, "mg")]),
        ("25mcg of venom", [(25, 25, "ug")]),
        ("0,2 ml + 0,3 ml", [(0.2, 0.2, "mL"), (0.3, 0.3, "mL")]),
        ("1,200 mg", [(1200, 1200, "mg")]),
        ("10, 100 and finally 1000 SQ", [(10, 10, "SQ"), (100, 100, "SQ"), (1000, 1000, "SQ")]),
        ("150 to 375 mg", [(150, 375, "mg")]),
        ("from 75 mg up to 600 mg", [(75, 600, "mg")]),
        ("up to 40 mg", [(None, 40, "mg")]),
        ("0.3, 1 and 3 mg/kg", [(0.3, 0.3, "mg/kg"), (1, 1, "mg/kg"), (3, 3, "mg/kg")]),
        ("75 - 150 - 225 mg/m²", [(75, 75, "mg/m2"), (150, 150, "mg/m2"), (225, 225, "mg/m2")]),
        ("10 milligrams per kilogram (mg/kg)", [(10, 10, "mg/kg")]),
        ("100 mg/m^2/day", [(100, 100, "mg/m2")]),
        ("0.5 mg/kg/day", [(0.5, 0.5, "mg/kg/day")]),
        ("0.24 mg/kg/week", [(0.24, 0.24, "mg/kg/week")]),
        ("a total daily dose of 60 mg", [(60, 60, "mg/day")]),
        ("0.016 mg/kg/IgE [IU/mL]", [(0.016, 0.016, "mg/kg/IgE(IU/mL)")]),
        ("AUC 5", [(5, 5, "AUC")]),
        ("AUC 5 mg/mL/min", [(5, 5, "AUC")]),
        ("two puffs", [(2, 2, "puff")]),
        ("1 tablet per day", [(1, 1, "tablet")]),
        ("2x20 drops", [(20, 20, "drop")]),
        ("on day 1, 15 mg/kg", [(15, 15, "mg/kg")]),
        ("EX-108, 10 mg/kg", [(10, 10, "mg/kg")]),
        ("1 x 10^6, 2 x 10^6 CAR+ T cells/kg", [(10**6, 10**6, "cells/kg"), (2 * 10**6, 2 * 10**6, "cells/kg")]),
        ("1-10×10^6/kg", [(10**6, 10**7, "cells/kg")]),
        ("5 x 107 stem cells", [(5 * 10**7, 5 * 10**7, "cells")]),
        ("108 CFU", [(10**8, 10**8, "CFU")]),
        ("3000000 cells/kg", [(3000000, 3000000, "cells/kg")]),
        ("5mg-10mg", [(5, 10, "mg")]),
        ("1x10e6/kg-3x10e6/kg", [(10**6, 3 * 10**6, "cells/kg")]),
        ("2 x 10*6 cells", [(2 * 10**6, 2 * 10**6, "cells")]),
        ("4 x 10^9 viral particles", [(4 * 10**9, 4 * 10**9, "vp")]),
        ("2 g/m2 or 0.5-1 g/m2", [(2, 2, "g/m2"), (0.5, 1, "g/m2")]),
        ("0,1 mg/0,4 mg/1,6 mg", [(0.1, 0.1, "mg"), (0.4, 0.4, "mg"), (1.6, 1.6, "mg")]),
        ("levels of 0.5; 1.5; 4.5 mg/kg", [(0.5, 0.5, "mg/kg"), (1.5, 1.5, "mg/kg"), (4.5, 4.5, "mg/kg")]),
        ("40 mg/0.8 mL", [(40, 40, "mg")]),
        ("160/4.5 mcg", [(160, 160, "ug")]),
        ("0.4 μg•kg-1•h-1", [(0.4, 0.4, "ug/kg/h")]),
        ("3 mg/(kg•h)", [(3, 3, "mg/kg/h")]),
        ("5 mg per kg body weight per day", [(5, 5, "mg/kg/day")]),
        ("a minimum of 8 mg", [(8, None, "mg")]),
        ("area under the concentration-time curve (AUC) of 5 or 6", [(5, 5, "AUC"), (6, 6, "AUC")]),
        ("a patch containing 250 mcg", [(250, 250, "ug")]),
        ("2% w/v", [(2, 2, "%")]),
        ("3·5 mg", [(3.5, 3.5, "mg")]),
        ("2·106 cells", [(2 * 10**6, 2 * 10**6, "cells")]),
        ("1.5 E6 cells/kg", [(1500000, 1500000, "cells/kg")]),
        ("1.0E+06 cells", [(10**6, 10**6, "cells")]),
        ("ten to the ninth CFU", [(10**9, 10**9, "CFU")]),
        ("10 to the 6th power cells/kg", [(10**6, 10**6, "cells/kg")]),
        ("capsules containing 108 CFU", [(10**8, 10**8, "CFU")]),
        ("examplumab (EX 154, 10 mg/kg)", [(10, 10, "mg/kg")]),
        ("IV 5, 10 mg", [(5, 5, "mg"), (10, 10, "mg")]),
        ("2.5 mg, 5 mg or 10 mg per day", [(2.5, 2.5, "mg/day"), (5, 5, "mg/day"), (10, 10, "mg/day")]),
        ("30 ug/min/kg", [(30, 30, "ug/kg/min")]),
        ("9 ug/sec", [(9, 9, "ug/sec")]),
        ("4 J/cm2", [(4, 4, "J/cm2")]),
        ("5 ug/disc", [(5, 5, "ug/disc")]),
        ("500 mg/12 h", [(500, 500, "mg")]),
        ("up to a target dose of 30 mg", [(None, 30, "mg")]),
        ("doses ranging from 150 mg every 4 weeks to 600 mg every 2 weeks", [(150, 600, "mg")]),
        ("5 mg every 4 weeks to 10 mg every 2 weeks", [(5, 5, "mg"), (10, 10, "mg")]),
        ("four placebo tablets", [(4, 4, "tablet")]),
        ("2 examplumab-matched placebo capsules", [(2, 2, "capsule")]),
        ("one pill", [(1, 1, "pill")]),
        ("a bolus of 2 insulin units", [(2, 2, "U")]),
        (
            "1000, 500, and 200, respectively, TCID50",
            [(1000, 1000, "TCID50"), (500, 500, "TCID50"), (200, 200, "TCID50")],
        ),
        ("3 mg kg-1 loading dose", [(3, 3, "mg/kg")]),
        ("10.000 IU", [(10000, 10000, "IU")]),
        ("5 x 10e10 vp", [(5 * 10**10, 5 * 10**10, "vp")]),
        ("1x106~1x108 CAR-T/kg", [(10**6, 10**8, "cells/kg")]),
        ("6-18 mL per night", [(6, 18, "mL/day")]),
        ("50 mg\u2044kg\u2044d", [(50, 50, "mg/kg/day")]),
        ("100 Hz", [(100, 100, "Hz")]),
        ("2 ug XY93 + 3 ug YZ", [(2, 2, "ug"), (3, 3, "ug")]),
    ],
)
def test_doses_are_read(text: str, expected: list[tuple[float | None, float | None, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "not to exceed 2 mg",
        "with a maximum dose of 70 mg/d",
        "reduced to 20 mg/m2",
        "tapered by 5 mg",
        "dissolved in 250 mL",
        "150 mg vials",
        "10 mL of blood",
        "2.8 g/100 kcal",
        "platelets 50 x 10^9/L",
        "glucose of 150 mg/dL",
        "sodium of 140 mmol/L",
        "ferritin of 1000 ng/mL",
        "EX-0243 tablets",
        "CD19 CAR T cells, 28 days later",
        "0.9% NaCl",
        "6 months",
        "AUC 0-24",
        "a bottle containing 250 mL",
        "designed to deliver 150 mg",
        "reconstituted with 1.4 mL",
        "a cumulative dose of 5100 SU",
        "Day 4 G-CSF",
        "2.5 mL/25 mg",
        "150 mg/capsule",
        "0 mg",
        "EXA-861 tablets",
        "with 240 mL of water",
    ],
)
def test_limits_packages_and_samples_are_no_doses(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 capsules (500 mg each)", [(3, "capsule")]),
        ("(6/125 mcg) 1 puff", [(1, "puff")]),
        ("2 puffs of 80 mcg", [(2, "puff")]),
        ("3 mg tab 1 tab", [(3, "mg")]),
        ("0.5 mL (30 mcg)", [(30, "ug")]),
        ("0.5 mL containing 4.5 mg", [(4.5, "mg")]),
        ("0.3 mL dose (6 mg)", [(6, "mg")]),
        ("30 Gy in 15 fractions of 2 Gy", [(2, "Gy")]),
        ("375 mg (300 mg for adolescents)", [(375, "mg"), (300, "mg")]),
        ("5 mg, 2 tablets", [(5, "mg"), (2, "tablet")]),
    ],
)
def test_what_only_explains_a_dose_is_none(text: str, expected: list[tuple[float, str]]) -> None:
    tokens = read_text(text)
    kept = drop_explaining(tokens, find_amounts(tokens))
    assert [(amount.high, amount.unit) for mark in kept for amount in mark.value] == expected


def test_a_counted_piece_is_less_sure_than_a_weight() -> None:
    weighed, cells, counted = find_amounts(read_text("300 mg; 2 x 10^6 cells/kg; 2 tablets"))
    assert min(weighed.confidence, cells.confidence) >= CERTAIN > counted.confidence


@pytest.mark.parametrize("number", ["9" * 309, "9" * 309 + ",5", "9" * 5000])
def test_a_number_too_large_to_be_held_is_no_amount(number):
    assert [levels(regimen) for regimen in give(f"{number} mg every {number} weeks")] == []
