"""Whom the SQL of a definition finds: people on, below and above each limit, on the days of each window.

A trial is a list of criteria. Beside each criterion stand, by hand, what a fitting person has and what its text says of
other people. The program makes a person for each of these facts; this person fits all other criteria.
"""

from dataclasses import dataclass, field

import pytest

from extractor.export.cohorts import export_cohorts
from tests.export.test_cohorts import extract

from .omop_database import FEMALE, MALE, add_person, open_cdm, write_vocabulary

# Concepts of units in OMOP's vocabulary.
PER_L, PER_UL, CELLS_PER_UL, THOUSAND_PER_UL = 9444, 8647, 8784, 8848
G_DL, G_L, PERCENT, KG, LB, KG_M2, MMHG, KPA = 8713, 8636, 8554, 9529, 8739, 9531, 8876, 44777602
MG_DL, UMOL_L = 8840, 8749
GFR, FORMER_GFR, CELSIUS, FAHRENHEIT, MMOL_L, MEQ_L, U_L, IU_L = 720870, 9117, 586323, 9289, 8753, 9557, 8645, 8923


@dataclass
class Line:
    """A criterion, the facts of who fits it, and other facts with what it says of them."""

    text: str
    fit: dict = field(default_factory=dict)
    cases: list = field(default_factory=list)


def had(table, concept, days):
    return {"events": [(table, concept, days)]}


def measured(concept, value, unit, days=3, high=None):
    return {"events": [("measurement", concept, days, value, unit, high)]}


def near(concept, bounds, fits):
    """Values just below, on and just above a bound, in each unit that a database may have."""
    factors = dict(zip((0.998, 1, 1.002), fits, strict=True))
    return [(measured(concept, bounds[unit] * one, unit), factors[one]) for unit in bounds for one in factors]


def floor(concept, bounds):
    return near(concept, bounds, (False, True, True))


def ceiling(concept, bounds):
    return near(concept, bounds, (True, True, False))


def born(year):
    return {"born": year}


def sick(concept, days):
    return had("condition_occurrence", concept, days)


NOTHING = {}
ONCOLOGY = {
    "Inclusion": [
        Line("Age 18 to 75 years", born(1980), [(born(2003), 0), (born(2002), 1), (born(1945), 1), (born(1944), 0)]),
        Line(
            "Hemoglobin >= 9 g/dL",
            measured(402, 12, G_DL),
            [
                *floor(402, {G_DL: 9, G_L: 90}),
                (measured(402, 12, G_DL, days=30), True),
                (measured(402, 12, G_DL, days=31), False),
                (measured(402, 12, 0), False),
                (NOTHING, False),
            ],
        ),
        Line(
            "Platelet count >= 100 x 10^9/L",
            measured(401, 200, PER_L),
            floor(401, {PER_L: 100, THOUSAND_PER_UL: 100, PER_UL: 100_000, CELLS_PER_UL: 100_000}),
        ),
        Line(
            "Total bilirubin <= 1.5 x ULN",
            measured(405, 1, 8840, high=1.2),
            [
                (measured(405, 1.79, 8840, high=1.2), True),
                (measured(405, 1.81, 8840, high=1.2), False),
                (measured(405, 30, 8749, high=20), True),
                (measured(405, 31, 8749, high=20), False),
            ],
        ),
        Line(
            "ECOG performance status 0-1",
            measured(406, 0, None),
            [(measured(406, 1, None), True), (measured(406, 2, None), False), (NOTHING, False)],
        ),
    ],
    "Exclusion": [
        Line(
            "Prior treatment with rituximab",
            NOTHING,
            [(had("drug_exposure", 203, 3000), False), (had("drug_exposure", 201, 10), True)],
        ),
        Line(
            "Myocardial infarction within 6 months before screening",
            NOTHING,
            [(sick(103, 0), False), (sick(104, 183), False), (sick(104, 184), True), (sick(105, 10), True)],
        ),
    ],
}
DIABETES = {
    "Inclusion": [
        Line(
            "HbA1c between 7 and 10 %",
            measured(407, 8, PERCENT),
            [*floor(407, {PERCENT: 7}), *ceiling(407, {PERCENT: 10})],
        ),
        Line(
            "BMI < 40 kg/m2",
            measured(404, 30, KG_M2),
            [*near(404, {KG_M2: 40}, (True, False, False)), (NOTHING, False)],
        ),
    ],
    "Exclusion": [
        Line("History of pancreatitis", NOTHING, [(sick(108, 3000), False), (sick(108, 0), False)]),
        Line("eGFR < 45 mL/min/1.73 m2", NOTHING, floor(408, {GFR: 45, FORMER_GFR: 45})),
        Line("Systolic blood pressure > 160 mmHg", NOTHING, ceiling(409, {MMHG: 160, KPA: 21.3315})),
        Line(
            "Received methotrexate within 4 weeks before enrollment",
            NOTHING,
            [(had("drug_exposure", 202, 28), False), (had("drug_exposure", 202, 29), True)],
        ),
    ],
}
CHILDREN = {
    "Inclusion": [
        Line(
            "Male patients aged 6 to 11 years",
            {"born": 2011, "sex": MALE},
            [
                ({"born": 2011, "sex": FEMALE}, False),
                *(({"born": year, "sex": MALE}, fits) for year, fits in ((2008, 0), (2009, 1), (2014, 1), (2015, 0))),
            ],
        ),
        Line("Body weight >= 20 kg", measured(410, 30, KG), floor(410, {KG: 20, LB: 44.0925})),
    ],
    "Exclusion": [
        Line("Temperature > 38 °C", NOTHING, ceiling(411, {CELSIUS: 38, FAHRENHEIT: 100.4})),
        Line("Asthma or epilepsy", NOTHING, [(sick(102, 900), False), (sick(109, 900), False), (sick(105, 900), True)]),
        Line(
            "Serum creatinine > 2 mg/dL",
            NOTHING,
            [
                *ceiling(414, {MG_DL: 2}),
                *ceiling(415, {UMOL_L: 176.8}),
                (measured(415, 200, MG_DL), True),  # no unit of this code
            ],
        ),
        Line("Serum potassium > 5.5 mmol/L", NOTHING, ceiling(412, {MMOL_L: 5.5, MEQ_L: 5.5})),
    ],
}
ALTERNATIVES = {
    "Inclusion": [
        Line(
            "Hemoglobin < 9 g/dL or platelet count < 50 x 10^9/L",
            measured(402, 8, G_DL),
            [
                (measured(401, 49, PER_L), True),
                (measured(401, 50, PER_L), False),
                (measured(402, 9, G_DL), False),
                ({"events": measured(402, 9, G_DL)["events"] + measured(401, 49, PER_L)["events"]}, True),
            ],
        ),
        Line("No history of asthma or stroke", NOTHING, [(sick(101, 3), False), (sick(105, 2000), False)]),
    ],
    "Exclusion": [
        Line(
            "ALT or AST > 100 U/L",
            NOTHING,
            [*ceiling(403, {U_L: 100, IU_L: 100}), *ceiling(413, {U_L: 100, IU_L: 100})],
        ),
        Line(
            "Platelet count > 20 and < 40 x 10^9/L",
            NOTHING,
            [(measured(401, value, PER_L), fits) for value, fits in ((20, 1), (20.1, 0), (39.9, 0), (40, 1))],
        ),
        Line("Kidney transplant within the past year", NOTHING, [(had("procedure_occurrence", 301, 365), False)]),
    ],
}


def combine(facts):
    """One person's facts from those for several criteria."""
    person = {name: value for one in facts for name, value in one.items() if name != "events"}
    return person | {"events": [event for one in facts for event in one.get("events", ())]}


@pytest.mark.parametrize(
    "trial", [ONCOLOGY, DIABETES, CHILDREN, ALTERNATIVES], ids=lambda trial: trial["Inclusion"][0].text
)
def test_the_sql_finds_exactly_those_whom_the_text_admits(tmp_path, trial):
    sections = ("* " + "\n* ".join(line.text for line in trial[kind]) for kind in ("Inclusion", "Exclusion"))
    text = "Inclusion Criteria:\n\n{}\n\nExclusion Criteria:\n\n{}\n".format(*sections)
    vocabulary = write_vocabulary(tmp_path / "vocabulary")
    counts = export_cohorts([(extract(text), None)], tmp_path / "cohorts", vocabulary, "duckdb")
    lines = [line for kind in trial.values() for line in kind]
    assert (counts.criteria, counts.expressed) == (len(lines), len(lines))
    people = [("fits", combine([line.fit for line in lines]), True)]
    for line in lines:
        rest = [other.fit for other in lines if other is not line]
        people += [(f"{line.text}: {facts}", combine([*rest, facts]), bool(fits)) for facts, fits in line.cases]
    with open_cdm() as database:
        for number, (_, person, _) in enumerate(people):
            add_person(database, number, **person)
        database.execute((tmp_path / "cohorts" / "NCT90000001.sql").read_text("utf-8"))
        found = {number for (number,) in database.execute("SELECT subject_id FROM cohort").fetchall()}
    wrong = [(name, fits) for number, (name, _, fits) in enumerate(people) if (number in found) != fits]
    assert wrong == []
