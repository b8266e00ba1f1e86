"""The queries of the pages on questions and on concept sets give the right answers for a few
invented trials.
"""

import json
import re
from pathlib import Path

import duckdb
import pytest

from extractor.apps.export import Destination, export_run, read_registry
from extractor.schemas import (
    Part,
    RegistryFields,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)


def list_queries(page):
    return [
        block.partition("```")[0]
        for block in Path(page).read_text("utf-8").split("```sql\n")[1:]
    ]


QUERIES = list_queries("docs/how-to/queries.md") + list_queries(
    "docs/how-to/concept-sets.md"
)


def criterion(kind, *limits, **fields):
    names = ("quantity", "comparator", "value", "unit", "value_high", "condition")
    constraints = [dict(zip(names, limit, strict=False)) for limit in limits]
    quote = "; ".join(" ".join(map(str, limit)) for limit in limits) or "text"
    return {
        "kind": kind,
        "section": "eligibility",
        "quote": quote,
        "constraints": constraints,
    } | fields


def window(comparator, value, unit="day", **parts):
    return {
        "quote": "text",
        "comparator": comparator,
        "value": value,
        "unit": unit,
    } | parts


def treatment(*windows, kind="exclusion"):
    return criterion(kind, category="prior_therapy", time_windows=windows)


def evidence(field, confidence):
    return {
        "field": field,
        "section": "eligibility",
        "start": 0,
        "end": 4,
        "quote": "text",
        "origin": "rule",
        "support": "literal",
        "confidence": confidence,
    }


def dose(low, high, unit, *arms):
    return {"low": low, "high": high, "unit": unit, "arms": arms}


LIFE = {
    "rank": "secondary",
    "index": 0,
    "measure": "SF-36",
    "instrument": {"name": "SF-36"},
    "concept": "quality_of_life",
    "time_kind": "at",
}


TRIALS = {
    "A": {
        "eligibility": {
            "minimum_age": {"value": 18, "unit": "year"},
            "healthy_volunteers": True,
            "criteria": [
                criterion(
                    "inclusion",
                    ("Platelets", ">=", 75_000, "/mm3"),
                    ("LVEF", ">", 50, "%"),
                ),
                criterion(
                    "inclusion", ("ECOG", "between", 0, None, 2), category="diagnosis"
                ),
                criterion(
                    "exclusion", ("SBP", ">", 160, "mmHg"), ("DBP", ">", 100, "mmHg")
                ),
                treatment(window("<=", 28)),
                criterion("exclusion", quote="Pregnant or nursing women"),
                criterion(
                    "inclusion",
                    ("ALT or AST", "<", 3, "x ULN"),
                    ("Creatinine clearance", ">", 50, "mL/min"),
                ),
            ],
        },
        "dosing": [
            {"agent": "metformin", "frequency": "BID", "amounts": [dose(0.5, 0.5, "g")]}
        ],
        "endpoints": [
            {
                "rank": "primary",
                "index": 0,
                "measure": "OS",
                "concept": "overall_survival",
                "time_frame": "Up to 24 months",
                "time_kind": "up_to",
                "time_points": [{"value": 24, "unit": "month"}],
            }
        ],
    },
    "B": {
        "eligibility": {
            "minimum_age": {"value": 6, "unit": "month"},
            "criteria": [
                criterion("exclusion", ("PLT", "<", 100, "x 10^9/L"), ("ECOG", ">", 2)),
                criterion(
                    "exclusion", ("Hb", "<", 90, "g/L"), ("BP", ">", 160, "mmHg")
                ),
                treatment(window(">=", 14), kind="inclusion"),
                criterion(
                    "exclusion",
                    ("eGFR", "<", 30, "mL/min/1.73m2"),
                    evidence=[evidence("constraints[0]", 0.9)],
                ),
                criterion(
                    "exclusion",
                    quote="Cancer, except for basal cell carcinoma",
                    has_exception=True,
                    evidence=[
                        {
                            "field": "has_exception",
                            "section": "eligibility",
                            "start": 8,
                            "end": 39,
                            "quote": "except for basal cell carcinoma",
                            "origin": "rule",
                            "support": "literal",
                        }
                    ],
                ),
            ],
        },
        "dosing": [
            {
                "agent": "Metformin XR",
                "frequency": "BID",
                "amounts": [dose(500, 500, "mg")],
            },
            {
                "agent": "Metformin",
                "frequency": "QW",
                "amounts": [dose(2, 2, "g")],
                "cycle": {"value": 3, "unit": "week"},
                "duration": {"value": 6, "unit": "cycle"},
            },
        ],
        "endpoints": [
            {
                "rank": "primary",
                "index": 0,
                "measure": "PFS",
                "concept": "progression_free_survival",
                "time_frame": "Up to 6 cycles",
                "time_kind": "up_to",
                "time_points": [{"value": 6, "unit": "cycle"}],
            }
        ],
    },
    "C": {
        "eligibility": {
            "criteria": [
                criterion(
                    "inclusion",
                    ("platelets", ">=", 50, "x 10^9/L"),
                    ("platelets", ">=", 100, "x 10^9/L"),
                ),
                criterion(
                    "inclusion",
                    ("Hemoglobin", ">", 9, "g/dL"),
                    ("Hemoglobin", ">", 9, "mg/dL"),
                ),
                treatment(window(">=", 900)),
                criterion(
                    "exclusion",
                    quote="Part 1: Surgery or a live vaccine within 6 weeks of day 1",
                    time_windows=[
                        window(
                            "<=",
                            6,
                            "week",
                            of="Surgery or a live vaccine",
                            anchor="of day 1",
                        )
                    ],
                ),
                criterion("inclusion", ("MoCA score", "<=", 25)),
            ]
        },
        "endpoints": [
            {
                "rank": "secondary",
                "index": 0,
                "measure": "MoCA",
                "instrument": {"name": "MoCA"},
            }
        ],
    },
    "D": {
        "eligibility": {
            "groups": [
                {"id": "g1", "rule": "any"},
                {"id": "g2", "rule": "at_least", "n": 2, "parent": "g1"},
            ],
            "criteria": [
                criterion("inclusion", quote="Asthma", group="g1"),
                criterion(
                    "inclusion",
                    ("platelets", ">=", 200, "x 10^9/L"),
                    group="g2",
                    quote="Platelets >= 200 x 10^9/L",
                ),
                criterion("inclusion", quote="Rhinitis", group="g2"),
                criterion("inclusion", quote="Pregnant women"),
                criterion(
                    "exclusion",
                    ("Haemoglobin", "<", 13, "g/dL", None, "for men"),
                    ("Haemoglobin", "<", 120, "g/L", None, "for women"),
                    quote="Haemoglobin < 13 g/dL for men, or < 120 g/L for women",
                ),
                criterion(
                    "inclusion",
                    ("ALT", "<=", 3, "x ULN"),
                    ("ALT", "<=", 5, "x ULN", None, "with liver metastases"),
                ),
                treatment(
                    window(
                        "<=", 4, "week", of="rituximab", anchor="before the first dose"
                    ),
                    window("<=", 5, "half_life", of="warfarin"),
                ),
            ],
        },
        "dosing": [
            {
                "agent": "drugamide",
                "frequency": "QD",
                "amounts": [dose(10, 10, "mg", "High"), dose(5, 5, "mg", "Low")],
                "arms": ["High", "Low"],
            },
            {"agent": "sugar pill", "role": "placebo", "arms": ["Low", "Dummy"]},
        ],
        "endpoints": [
            LIFE
            | {
                "time_frame": "4 and 8 weeks after the last dose",
                "time_points": [
                    {"value": 4, "unit": "week"},
                    {"value": 8, "unit": "week"},
                ],
            }
        ],
    },
}
TRIALS["E"] = {
    "eligibility": {
        "criteria": [
            criterion(
                "inclusion",
                category="prior_therapy",
                quote="Have not received immunotherapy in the previous 5 years",
                negated=True,
                time_windows=[window("<=", 5, "year", of="immunotherapy")],
                evidence=[
                    evidence("negated", 0.9),
                    evidence("category", 0.9),
                    evidence("time_windows[0]", 0.95),
                    evidence("time_windows[0].of", 0.75),
                ],
            ),
            criterion(
                "inclusion",
                category="prior_therapy",
                quote="Treatment-naive, and have not taken insulin in the past 3 months",
                time_windows=[window("<=", 3, "month", of="insulin")],
            ),
            criterion(
                "exclusion",
                category="concomitant_therapy",
                quote="Antihistamines; they can be enrolled when they discontinued these for at least 4 weeks",
                time_windows=[window(">=", 4, "week", of="Antihistamines")],
            ),
            criterion(
                "exclusion",
                ("bursts", ">", 1),
                category="prior_therapy",
                quote="Use of >1 bursts of oral steroids in the past year",
                time_windows=[window("<=", 1, "year", of="oral steroids")],
            ),
            criterion(
                "inclusion",
                category="concomitant_therapy",
                quote="Stable dose of metformin for at least 8 weeks",
                time_windows=[window(">=", 8, "week", of="metformin")],
            ),
            criterion(
                "exclusion",
                category="prior_therapy",
                quote="Systemic steroids for more than 14 days",
                time_windows=[window(">", 14, of="Systemic steroids")],
            ),
            criterion(
                "exclusion",
                category="prior_therapy",
                quote="Omalizumab 2-4 weeks before randomization",
                time_windows=[
                    window(
                        "between",
                        2,
                        "week",
                        value_high=4,
                        of="Omalizumab",
                        anchor="before randomization",
                    )
                ],
                evidence=[evidence("time_windows[0]", 0.9)],
            ),
        ]
    },
    "endpoints": [
        {
            "rank": "primary",
            "index": 0,
            "measure": "Pain",
            "time_frame": "Week 12 and 24",
            "time_kind": "at",
            "time_points": [
                {"value": 12, "unit": "week"},
                {"value": 24, "unit": "week"},
            ],
        },
        {
            "rank": "primary",
            "index": 1,
            "measure": "Fever",
            "time_frame": "1 week after the end of treatment",
            "time_kind": "at",
            "time_points": [{"value": 1, "unit": "week"}],
        },
        {
            "rank": "primary",
            "index": 2,
            "measure": "Weight",
            "time_frame": "Baseline",
            "time_kind": "at",
        },
    ],
}
"""What a query on wash-outs, or on times of endpoints, could lose or take for another."""
ARMS = {
    "High": "EXPERIMENTAL",
    "Low": "EXPERIMENTAL",
    "Dummy": "PLACEBO_COMPARATOR",
    "Watching": "NO_INTERVENTION",
}
"""The registered arms of the last trial."""
ALL_LIMITS = """
["A", 0, 0, "laboratory value", "Platelets", "platelet_count", ">=", 75000.0, null, "/mm3", null, "inclusion", false, ">=", null, "Platelets >= 75000 /mm3; LVEF > 50 %", null, null, null, null, null]
["A", 0, 1, "other", "LVEF", "lvef", ">", 50.0, null, "%", null, "inclusion", false, ">", null, "Platelets >= 75000 /mm3; LVEF > 50 %", null, null, null, null, null]
["A", 1, 0, "score", "ECOG", "ecog_performance_status", "between", 0.0, 2.0, null, null, "inclusion", false, "between", null, "ECOG between 0 None 2", null, null, null, null, null]
["A", 2, 0, "vital sign", "SBP", "systolic_blood_pressure", ">", 160.0, null, "mmHg", null, "exclusion", false, "<=", null, "SBP > 160 mmHg; DBP > 100 mmHg", null, null, null, null, null]
["A", 2, 1, "vital sign", "DBP", "diastolic_blood_pressure", ">", 100.0, null, "mmHg", null, "exclusion", false, "<=", null, "SBP > 160 mmHg; DBP > 100 mmHg", null, null, null, null, null]
["A", 5, 0, "laboratory value", "ALT or AST", "alt_or_ast", "<", 3.0, null, "x ULN", null, "inclusion", false, "<", null, "ALT or AST < 3 x ULN; Creatinine clearance > 50 mL/min", null, null, null, null, null]
["A", 5, 1, "laboratory value", "Creatinine clearance", "creatinine_clearance", ">", 50.0, null, "mL/min", null, "inclusion", false, ">", null, "ALT or AST < 3 x ULN; Creatinine clearance > 50 mL/min", null, null, null, null, null]
["B", 0, 0, "laboratory value", "PLT", "platelet_count", "<", 100.0, null, "x 10^9/L", null, "exclusion", false, ">=", null, "PLT < 100 x 10^9/L; ECOG > 2", null, null, null, null, null]
["B", 0, 1, "score", "ECOG", "ecog_performance_status", ">", 2.0, null, null, null, "exclusion", false, "<=", null, "PLT < 100 x 10^9/L; ECOG > 2", null, null, null, null, null]
["B", 1, 0, "laboratory value", "Hb", "haemoglobin", "<", 90.0, null, "g/L", null, "exclusion", false, ">=", null, "Hb < 90 g/L; BP > 160 mmHg", null, null, null, null, null]
["B", 1, 1, "vital sign", "BP", "blood_pressure", ">", 160.0, null, "mmHg", null, "exclusion", false, "<=", null, "Hb < 90 g/L; BP > 160 mmHg", null, null, null, null, null]
["B", 3, 0, "laboratory value", "eGFR", "egfr", "<", 30.0, null, "mL/min/1.73m2", null, "exclusion", null, ">=", null, "eGFR < 30 mL/min/1.73m2", 0.9, "eligibility", 0, 4, "text"]
["C", 0, 0, "laboratory value", "platelets", "platelet_count", ">=", 50.0, null, "x 10^9/L", null, "inclusion", false, ">=", null, "platelets >= 50 x 10^9/L; platelets >= 100 x 10^9/L", null, null, null, null, null]
["C", 0, 1, "laboratory value", "platelets", "platelet_count", ">=", 100.0, null, "x 10^9/L", null, "inclusion", false, ">=", null, "platelets >= 50 x 10^9/L; platelets >= 100 x 10^9/L", null, null, null, null, null]
["C", 1, 0, "laboratory value", "Hemoglobin", "haemoglobin", ">", 9.0, null, "g/dL", null, "inclusion", false, ">", null, "Hemoglobin > 9 g/dL; Hemoglobin > 9 mg/dL", null, null, null, null, null]
["C", 1, 1, "laboratory value", "Hemoglobin", "haemoglobin", ">", 9.0, null, "mg/dL", null, "inclusion", false, ">", null, "Hemoglobin > 9 g/dL; Hemoglobin > 9 mg/dL", null, null, null, null, null]
["C", 4, 0, "score", "MoCA score", "moca", "<=", 25.0, null, null, null, "inclusion", false, "<=", null, "MoCA score <= 25", null, null, null, null, null]
["D", 1, 0, "laboratory value", "platelets", "platelet_count", ">=", 200.0, null, "x 10^9/L", null, "inclusion", false, null, ">=", "Platelets >= 200 x 10^9/L", null, null, null, null, null]
["D", 4, 0, "laboratory value", "Haemoglobin", "haemoglobin", "<", 13.0, null, "g/dL", "for men", "exclusion", false, null, ">=", "Haemoglobin < 13 g/dL for men, or < 120 g/L for women", null, null, null, null, null]
["D", 4, 1, "laboratory value", "Haemoglobin", "haemoglobin", "<", 120.0, null, "g/L", "for women", "exclusion", false, null, ">=", "Haemoglobin < 13 g/dL for men, or < 120 g/L for women", null, null, null, null, null]
["D", 5, 0, "laboratory value", "ALT", "alt", "<=", 3.0, null, "x ULN", null, "inclusion", false, null, "<=", "ALT <= 3 x ULN; ALT <= 5 x ULN None with liver metastases", null, null, null, null, null]
["D", 5, 1, "laboratory value", "ALT", "alt", "<=", 5.0, null, "x ULN", "with liver metastases", "inclusion", false, null, "<=", "ALT <= 3 x ULN; ALT <= 5 x ULN None with liver metastases", null, null, null, null, null]
["E", 3, 0, "other", "bursts", "count", ">", 1.0, null, null, null, "exclusion", false, "<=", null, "Use of >1 bursts of oral steroids in the past year", null, null, null, null, null]
"""
LABORATORY_VALUES_AND_SCORES = """
["A", "inclusion", "laboratory value", "Platelets", ">=", 75000.0, null, "/mm3", ">=", null, "Platelets >= 75000 /mm3; LVEF > 50 %", null, null, null, null, null]
["A", "inclusion", "score", "ECOG", "between", 0.0, 2.0, null, "between", null, "ECOG between 0 None 2", null, null, null, null, null]
["A", "inclusion", "laboratory value", "ALT or AST", "<", 3.0, null, "x ULN", "<", null, "ALT or AST < 3 x ULN; Creatinine clearance > 50 mL/min", null, null, null, null, null]
["A", "inclusion", "laboratory value", "Creatinine clearance", ">", 50.0, null, "mL/min", ">", null, "ALT or AST < 3 x ULN; Creatinine clearance > 50 mL/min", null, null, null, null, null]
["B", "exclusion", "laboratory value", "PLT", "<", 100.0, null, "x 10^9/L", ">=", null, "PLT < 100 x 10^9/L; ECOG > 2", null, null, null, null, null]
["B", "exclusion", "score", "ECOG", ">", 2.0, null, null, "<=", null, "PLT < 100 x 10^9/L; ECOG > 2", null, null, null, null, null]
["B", "exclusion", "laboratory value", "Hb", "<", 90.0, null, "g/L", ">=", null, "Hb < 90 g/L; BP > 160 mmHg", null, null, null, null, null]
["B", "exclusion", "laboratory value", "eGFR", "<", 30.0, null, "mL/min/1.73m2", ">=", null, "eGFR < 30 mL/min/1.73m2", 0.9, "eligibility", 0, 4, "text"]
["C", "inclusion", "laboratory value", "platelets", ">=", 50.0, null, "x 10^9/L", ">=", null, "platelets >= 50 x 10^9/L; platelets >= 100 x 10^9/L", null, null, null, null, null]
["C", "inclusion", "laboratory value", "platelets", ">=", 100.0, null, "x 10^9/L", ">=", null, "platelets >= 50 x 10^9/L; platelets >= 100 x 10^9/L", null, null, null, null, null]
["C", "inclusion", "laboratory value", "Hemoglobin", ">", 9.0, null, "g/dL", ">", null, "Hemoglobin > 9 g/dL; Hemoglobin > 9 mg/dL", null, null, null, null, null]
["C", "inclusion", "laboratory value", "Hemoglobin", ">", 9.0, null, "mg/dL", ">", null, "Hemoglobin > 9 g/dL; Hemoglobin > 9 mg/dL", null, null, null, null, null]
["C", "inclusion", "score", "MoCA score", "<=", 25.0, null, null, "<=", null, "MoCA score <= 25", null, null, null, null, null]
["D", "inclusion", "laboratory value", "platelets", ">=", 200.0, null, "x 10^9/L", null, ">=", "Platelets >= 200 x 10^9/L", null, null, null, null, null]
["D", "exclusion", "laboratory value", "Haemoglobin", "<", 13.0, null, "g/dL", null, ">=", "Haemoglobin < 13 g/dL for men, or < 120 g/L for women", null, null, null, null, null]
["D", "exclusion", "laboratory value", "Haemoglobin", "<", 120.0, null, "g/L", null, ">=", "Haemoglobin < 13 g/dL for men, or < 120 g/L for women", null, null, null, null, null]
["D", "inclusion", "laboratory value", "ALT", "<=", 3.0, null, "x ULN", null, "<=", "ALT <= 3 x ULN; ALT <= 5 x ULN None with liver metastases", null, null, null, null, null]
["D", "inclusion", "laboratory value", "ALT", "<=", 5.0, null, "x ULN", null, "<=", "ALT <= 3 x ULN; ALT <= 5 x ULN None with liver metastases", null, null, null, null, null]
"""
ALL_WINDOWS = """
["A", "exclusion", false, null, "<=", 28.0, null, "day", 28.0, null, null, null, "text", null]
["B", "inclusion", false, null, ">=", 14.0, null, "day", 14.0, null, null, null, "text", null]
["C", "exclusion", false, null, ">=", 900.0, null, "day", 900.0, null, null, null, "text", null]
["C", "exclusion", false, "Surgery or a live vaccine", "<=", 6.0, null, "week", 42.0, null, "of day 1", "first_dose", "Part 1: Surgery or a live vaccine within 6 weeks of day 1", null]
["D", "exclusion", false, "rituximab", "<=", 4.0, null, "week", 28.0, null, "before the first dose", "first_dose", "text", null]
["D", "exclusion", false, "warfarin", "<=", 5.0, null, "half_life", null, null, null, null, "text", null]
["E", "inclusion", true, "immunotherapy", "<=", 5.0, null, "year", 1826.25, null, null, null, "Have not received immunotherapy in the previous 5 years", 0.75]
["E", "inclusion", false, "insulin", "<=", 3.0, null, "month", 91.3125, null, null, null, "Treatment-naive, and have not taken insulin in the past 3 months", null]
["E", "exclusion", false, "Antihistamines", ">=", 4.0, null, "week", 28.0, null, null, null, "Antihistamines; they can be enrolled when they discontinued these for at least 4 weeks", null]
["E", "exclusion", false, "oral steroids", "<=", 1.0, null, "year", 365.25, null, null, null, "Use of >1 bursts of oral steroids in the past year", null]
["E", "inclusion", false, "metformin", ">=", 8.0, null, "week", 56.0, null, null, null, "Stable dose of metformin for at least 8 weeks", null]
["E", "exclusion", false, "Systemic steroids", ">", 14.0, null, "day", 14.0, null, null, null, "Systemic steroids for more than 14 days", null]
["E", "exclusion", null, "Omalizumab", "between", 2.0, 4.0, "week", 14.0, 28.0, "before randomization", "randomisation_or_enrolment", "Omalizumab 2-4 weeks before randomization", 0.9]
"""


def read_rows(lines):
    """Return the rows of a table, of which each line is one as JSON."""
    return [tuple(json.loads(line)) for line in lines.split("\n") if line]


ANSWERS = [
    [],
    read_rows(ALL_LIMITS),
    read_rows(LABORATORY_VALUES_AND_SCORES),
    read_rows(ALL_WINDOWS),
    [
        ("category", "concomitant_therapy", 1),
        ("category", "diagnosis", 1),
        ("category", "prior_therapy", 5),
        ("dosage_form", "pill", 1),
        ("instrument_canonical", "moca", 1),
        ("instrument_canonical", "sf_36", 1),
        ("quantity_canonical", "alt", 1),
        ("quantity_canonical", "alt_or_ast", 1),
        ("quantity_canonical", "blood_pressure", 1),
        ("quantity_canonical", "count", 1),
        ("quantity_canonical", "creatinine_clearance", 1),
        ("quantity_canonical", "diastolic_blood_pressure", 1),
        ("quantity_canonical", "ecog_performance_status", 2),
        ("quantity_canonical", "egfr", 1),
        ("quantity_canonical", "haemoglobin", 3),
        ("quantity_canonical", "lvef", 1),
        ("quantity_canonical", "moca", 1),
        ("quantity_canonical", "platelet_count", 4),
        ("quantity_canonical", "systolic_blood_pressure", 1),
    ],
    [("A", 75), ("B", 100)],
    [(">", 50, None, 1)],
    [
        ("diastolic_blood_pressure", "<=", 100, None, 1),
        ("systolic_blood_pressure", "<=", 160, None, 1),
    ],
    [
        ("D", "haemoglobin", "male", ">=", 13, None, "g/dL"),
        ("D", "haemoglobin", "female", ">=", 12, None, "g/dL"),
    ],
    [
        ("D", "ALT", "<=", 3, "x ULN", "others"),
        ("D", "ALT", "<=", 5, "x ULN", "with liver metastases"),
    ],
    [
        ("A", "lvef", 50, None, "%"),
        ("B", "haemoglobin", 9, None, "g/dL"),
        ("C", "haemoglobin", 9, None, "g/dL"),
    ],
    [
        ("A", 3, False, "all", None),
        ("D", 3, True, "some", None),
        ("D", 5, True, "some", "with liver metastases"),
    ],
    [
        ("A", "creatinine_clearance", 50, False, "mL/min"),
        ("B", "egfr", 30, True, "mL/min/{1.73_m2}"),
    ],
    [
        ("A", "admits"),
        ("B", "does not admit"),
        ("C", "does not admit"),
        ("D", "depends"),
        ("E", "states no limit"),
    ],
    [("D", "Dummy", "PLACEBO_COMPARATOR"), ("D", "Low", "EXPERIMENTAL")],
    [
        ("D", "High", "drugamide", 10, 10, "mg", "QD"),
        ("D", "Low", "drugamide", 5, 5, "mg", "QD"),
        ("D", "Low", "sugar pill", None, None, None, None),
        ("D", "Dummy", "sugar pill", None, None, None, None),
        ("D", "Watching", None, None, None, None, None),
    ],
    [("D", "Watching", "NO_INTERVENTION")],
    [(1000, 1000, "mg/d", 2)],
    [],
    [
        ("A", None, 28, 28, "day", "not stated", "text", None, None),
        ("D", "rituximab", 28, 4, "week", "first_dose", "text", None, None),
        ("D", "warfarin", None, 5, "half_life", "not stated", "text", None, None),
        (
            "E",
            "immunotherapy",
            5 * 365.25,
            5,
            "year",
            "not stated",
            "Have not received immunotherapy in the previous 5 years",
            None,
            0.75,
        ),
        (
            "E",
            "insulin",
            3 * 30.4375,
            3,
            "month",
            "not stated",
            "Treatment-naive, and have not taken insulin in the past 3 months",
            None,
            None,
        ),
        (
            "E",
            "antihistamine",
            28,
            4,
            "week",
            "not stated",
            "Antihistamines; they can be enrolled when they discontinued these for at least 4 weeks",
            None,
            None,
        ),
        (
            "E",
            "oral steroid",
            365.25,
            1,
            "year",
            "not stated",
            "Use of >1 bursts of oral steroids in the past year",
            "bursts > 1.0",
            None,
        ),
        (
            "E",
            "omalizumab",
            28,
            2,
            "week",
            "randomisation_or_enrolment",
            "Omalizumab 2-4 weeks before randomization",
            None,
            0.9,
        ),
    ],
    [
        ("C", "part 1", "live vaccine", 42, "first_dose"),
        ("C", "part 1", "surgery", 42, "first_dose"),
    ],
    [(59.65625, 3)],
    [
        ("not stated", 6, 91.3125),
        ("first_dose", 2, 35),
        ("randomisation_or_enrolment", 1, 28),
    ],
    [("at", 28, None, "last_dose", 1), ("at", 56, None, "last_dose", 1)],
    [
        (
            "A",
            0,
            "OS",
            "Up to 24 months",
            24,
            "month",
            104.4,
            None,
            "not stated",
            None,
        ),
        ("B", 0, "PFS", "Up to 6 cycles", 6, "cycle", 18, None, "not stated", None),
        ("E", 0, "Pain", "Week 12 and 24", 12, "week", 12, None, "not stated", None),
        ("E", 0, "Pain", "Week 12 and 24", 24, "week", 24, None, "not stated", None),
        (
            "E",
            1,
            "Fever",
            "1 week after the end of treatment",
            1,
            "week",
            1,
            None,
            "last_dose",
            None,
        ),
        ("E", 2, "Weight", "Baseline", None, None, None, None, "not stated", None),
    ],
    [
        ("A", "not stated", 730.5),
        ("B", "not stated", 126),
        ("E", "last_dose", 7),
        ("E", "not stated", 168),
    ],
    [("A", "OS", 730.5, "not stated")],
    [("B", "Metformin", 21, 126)],
    [(0.333, 3)],
    [
        ("A", "ecog_performance_status", "between 0.0 2.0", None),
        ("B", "ecog_performance_status", "<= 2.0", None),
        ("C", "moca", "<= 25.0", False),
        ("D", "sf_36", None, False),
    ],
    [("A", True, 2), ("B", None, 2), ("D", False, None)],
    [
        (
            "B",
            "exclusion",
            "Cancer, except for basal cell carcinoma",
            "except for basal cell carcinoma",
        ),
        (
            "E",
            "exclusion",
            "Antihistamines; they can be enrolled when they discontinued these for at least 4 weeks",
            None,
        ),
    ],
    [(False, 1), (True, 1), (None, 3)],
    [("A", "ECOG between 0 None 2")],
    [(0.5, ">=", 1), (18, ">=", 1), (40, ">=", 1)],
    [
        ("B", 0.5, None, None),
        ("C", 40, None, "female"),
        ("D", None, None, None),
        ("E", None, None, None),
    ],
    [
        (
            "C",
            "part 1",
            "exclusion",
            "Part 1: Surgery or a live vaccine within 6 weeks of day 1",
        )
    ],
    [
        ("D", "inclusion", "g1", None, "any", None, "Asthma"),
        (
            "D",
            "inclusion",
            "g2",
            "g1",
            "at_least",
            2,
            "Platelets >= 200 x 10^9/L | Rhinitis",
        ),
    ],
    [
        (
            "E",
            "omalizumab",
            28,
            2,
            "week",
            "randomisation_or_enrolment",
            "Omalizumab 2-4 weeks before randomization",
            None,
            0.9,
        ),
    ],
    [("E", "immunotherapy", 5 * 365.25, 0.75, 0.95, 0.9)],
    [
        (
            "A",
            0,
            0,
            "platelet_count",
            1,
            "Platelets in blood",
            ">=",
            None,
            75_000,
            None,
            8784,
            None,
            None,
        ),
        (
            "B",
            0,
            0,
            "platelet_count",
            1,
            "Platelets in blood",
            ">=",
            None,
            100,
            None,
            None,
            None,
            None,
        ),
        (
            "B",
            1,
            0,
            "haemoglobin",
            2,
            "Haemoglobin in blood",
            ">=",
            None,
            90,
            None,
            8636,
            None,
            None,
        ),
        (
            "C",
            0,
            0,
            "platelet_count",
            1,
            "Platelets in blood",
            ">=",
            None,
            50,
            None,
            None,
            None,
            None,
        ),
        (
            "C",
            0,
            1,
            "platelet_count",
            1,
            "Platelets in blood",
            ">=",
            None,
            100,
            None,
            None,
            None,
            None,
        ),
        (
            "C",
            1,
            0,
            "haemoglobin",
            2,
            "Haemoglobin in blood",
            ">",
            None,
            9,
            None,
            None,
            None,
            None,
        ),
        (
            "D",
            1,
            0,
            "platelet_count",
            1,
            "Platelets in blood",
            None,
            ">=",
            200,
            None,
            None,
            None,
            None,
        ),
        (
            "D",
            4,
            0,
            "haemoglobin",
            2,
            "Haemoglobin in blood",
            None,
            ">=",
            13,
            None,
            None,
            "male",
            "for men",
        ),
        (
            "D",
            4,
            1,
            "haemoglobin",
            2,
            "Haemoglobin in blood",
            None,
            ">=",
            120,
            None,
            8636,
            "female",
            "for women",
        ),
    ],
    [
        ("haemoglobin", 2, "Haemoglobin in blood"),
        ("platelet_count", 1, "Platelets in blood"),
        ("platelet_count", 3, "Platelets in blood by automated count"),
    ],
]
CONCEPTS = """
CREATE TABLE concept AS SELECT * FROM (VALUES
    (1, 'Platelets in blood', 'Measurement', 'LOINC', 'S', '26515-7'),
    (2, 'Haemoglobin in blood', 'Measurement', 'LOINC', 'S', '718-7'),
    (3, 'Platelets in blood by automated count', 'Measurement', 'LOINC', 'S', '0-0'),
    (4, 'Platelets, an old name', 'Measurement', 'LOINC', NULL, '9317-9'),
    (8784, 'cells per microliter', 'Unit', 'UCUM', 'S', '/uL'),
    (8636, 'gram per liter', 'Unit', 'UCUM', 'S', 'g/L')
) AS rows(concept_id, concept_name, domain_id, vocabulary_id, standard_concept, concept_code);
CREATE TABLE concept_ancestor AS SELECT * FROM (VALUES (1, 1), (1, 3), (1, 4), (2, 2), (2, 8636))
    AS rows(ancestor_concept_id, descendant_concept_id);
"""


def list_sections(name):
    def write(index, label, kind):
        parts = (
            Part(name="label", start=0, end=len(label)),
            Part(name="type", start=len(label), end=len(label + kind)),
        )
        return Section(name=f"arms[{index}]", text=label + kind, parts=parts)

    return (
        tuple(write(index, *arm) for index, arm in enumerate(ARMS.items()))
        if name == "D"
        else ()
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    for trial in TRIALS.values():
        for regimen in trial.get("dosing", ()):
            regimen |= {"section": "arms[0]", "quote": "text"}
    lines = [
        TrialExtraction.model_validate({"record_id": name} | trial)
        for name, trial in TRIALS.items()
    ]
    (folder / "extractions.jsonl").write_text(
        "".join(line.model_dump_json() + "\n" for line in lines), "utf-8"
    )
    source = Source(path="a.json", format="ctgov_json")
    phase = RegistryFields(phases=("PHASE1", "PHASE2"))
    adults = phase.model_copy(
        update={
            "healthy_volunteers": "No",
            "minimum_age": "40 Years",
            "sex": "FEMALE",
        }
    )
    records = [
        TrialRecord(
            record_id=name,
            source=source,
            sections=list_sections(name),
            registry=adults if name == "C" else phase,
        )
        for name in TRIALS
    ]
    registry = {record.record_id: read_registry(record) for record in records}
    export_run(
        folder, Destination.choose(folder / "t.duckdb", None), (), registry=registry
    )
    with duckdb.connect(str(folder / "t.duckdb")) as opened:
        opened.execute(CONCEPTS)
        for query in QUERIES:
            if "TEMP VIEW" in query:
                opened.execute(query)
        yield opened


@pytest.mark.parametrize(("query", "answer"), list(zip(QUERIES, ANSWERS, strict=True)))
def test_a_query_gives_the_right_answer(database, query, answer):
    assert database.execute(query).fetchall() == answer


@pytest.mark.parametrize(
    "page", ["how-to/export", "contributing/changes", "contributing/figures"]
)
def test_the_queries_of_other_pages_run(database, page):
    queries = list_queries(f"docs/{page}.md")
    assert queries
    for query in queries:
        database.execute(query)


UNNAMED = criterion(
    "inclusion",
    ("fasting 17-hydroxyprogesterone (17-OHP) level", "<", 2, "ng/mL"),
    ("urinary albumin concentration", "<", 30, "mg/dL"),
    ("VAS back pain score", ">=", 40, "mm"),
    ("PEDT", ">", 8, "points"),
    ("Body mass index", "<", 30, "kg/m2"),
    ("positive straight leg raise", ">", 30, "degrees"),
    ("HKDI", ">", 3),
)


def test_limits_without_a_canonical_name_are_kept(tmp_path):
    extraction = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {"criteria": [UNNAMED]}}
    )
    (tmp_path / "extractions.jsonl").write_text(
        extraction.model_dump_json() + "\n", "utf-8"
    )
    export_run(tmp_path, Destination.choose(tmp_path / "t.duckdb", None))

    with duckdb.connect(str(tmp_path / "t.duckdb")) as opened:
        opened.execute(QUERIES[0])
        kept = opened.execute(QUERIES[2]).fetchall()
        sorts = opened.execute("SELECT sort FROM all_limits ORDER BY ALL").fetchall()

    assert [(sort, quantity) for _, _, sort, quantity, *_ in kept] == [
        ("laboratory value", "fasting 17-hydroxyprogesterone (17-OHP) level"),
        ("laboratory value", "urinary albumin concentration"),
        ("score", "VAS back pain score"),
        ("score", "PEDT"),
        ("not known", "positive straight leg raise"),
        ("not known", "HKDI"),
    ]
    assert ("bmi",) in sorts


def test_each_question_stands_in_the_table_at_the_top():
    page = Path("docs/how-to/queries.md").read_text("utf-8")
    contents, _, rest = page.partition("\n## ")
    headings = re.findall(r"^##+ (.+)$", f"## {rest}", re.M)

    assert re.findall(r"\[([^]]+)\]\(#", contents) == headings
