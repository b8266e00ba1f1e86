"""Rows of doubts: which values, items and empty fields have one, and what it says."""

import pytest

from extractor.apps.report.record import RunRecord
from extractor.apps.sheets.doubts import (
    COLUMNS,
    OPEN_REASONS,
    UNREAD_REASONS,
    DoubtRow,
    Wanted,
    list_doubts,
)
from extractor.plurals import percent
from extractor.run.finished import TextState
from extractor.schemas import TrialExtraction
from extractor.schemas.vocabulary import DOUBTFUL_BELOW


def evidence(field, confidence, quote="words", section="eligibility"):
    return {
        "field": field,
        "section": section,
        "start": 0,
        "end": len(quote),
        "quote": quote,
        "origin": "rule",
        "support": "literal",
        "confidence": confidence,
    }


def finding(kind, field, *quotes):
    citations = [
        {"section": "eligibility", "start": 0, "end": len(quote), "quote": quote}
        for quote in quotes
    ]
    return {
        "kind": kind,
        "severity": "info",
        "field": field,
        "message": "see there",
        "citations": citations,
    }


WINDOW = {
    "quote": "warfarin within 10 days before biopsy",
    "comparator": "<=",
    "value": 10,
    "unit": "day",
    "of": "warfarin",
    "anchor": "before biopsy",
}
EXTRACTION = TrialExtraction.model_validate(
    {
        "record_id": "A",
        "eligibility": {
            "minimum_age": {"value": 18, "unit": "year"},
            "confidence": 0.7,
            "evidence": [evidence("minimum_age", 0.7, "18 years")],
            "criteria": [
                {
                    "kind": "exclusion",
                    "section": "eligibility",
                    "quote": WINDOW["quote"],
                    "time_windows": [WINDOW],
                    "confidence": 0.5,
                    "evidence": [
                        evidence("quote", 0.99, WINDOW["quote"]),
                        evidence("time_windows[0]", 0.8, "within 10 days"),
                        evidence("time_windows[0].of", 0.5, "warfarin"),
                        evidence("time_windows[0].anchor", 0.9, "before biopsy"),
                    ],
                },
                {
                    "kind": "inclusion",
                    "section": "eligibility",
                    "quote": "Off statins since Easter 2020",
                    "confidence": 0.99,
                    "evidence": [
                        evidence("quote", 0.99, "Off statins since Easter 2020")
                    ],
                },
            ],
        },
        "dosing": [
            {
                "agent": "fictumab",
                "section": "arms[0]",
                "quote": "fictumab",
                "confidence": 0.4,
                "evidence": [
                    evidence("agent", 0.9, "fictumab", "arms[0]"),
                    evidence("quote", 0.95, "fictumab", "arms[0]"),
                ],
            }
        ],
        "endpoints": [
            {
                "rank": "primary",
                "index": 0,
                "measure": "Pain",
                "time_frame": "3 to 400",
                "confidence": 0.99,
                "evidence": [
                    evidence("measure", 1, "Pain", "primary_outcomes[0]"),
                    evidence("time_frame", 1, "3 to 400", "primary_outcomes[0]"),
                ],
            }
        ],
        "custom": {
            "diet": [
                {
                    "of": "eligibility.criteria[1]",
                    "values": {"value": "vegan"},
                    "confidence": 0.6,
                    "evidence": [evidence("values.value", 0.6, "vegan")],
                }
            ]
        },
        "findings": [
            finding("number_unread", "endpoints[0].time_points", "400"),
            finding("criterion_unread", "eligibility.criteria", "Fever"),
            finding("age_differs", "eligibility.minimum_age", "18 years"),
            finding("number_unread", "eligibility.criteria[0].constraints", "> 3 x"),
            finding("language_other", "eligibility", "Fieber", "Husten"),
            finding("source_doubtful", "source"),
        ],
        "absences": [
            {
                "field": "eligibility.criteria[1].time_window",
                "reason": "unread_number",
            },
            {
                "field": "eligibility.criteria[1].time_windows",
                "reason": "unread_number",
            },
            {"field": "eligibility.criteria[1].constraints", "reason": "not_reported"},
            {
                "field": "eligibility.maximum_age",
                "reason": "contradictory",
                "sections": ["eligibility", "arms[1]"],
            },
            {"field": "endpoints[0].time_points", "reason": "unread_number"},
            {"field": "endpoints[0].instrument", "reason": "not_asked"},
            {"field": "endpoints[0].specimens", "reason": "section_absent"},
            {"field": "dosing[0].custom.diet", "reason": "model_refused"},
            {"field": "custom.site", "reason": "not_asked"},
        ],
    }
)
TIME = "warfarin: ≤ 10 days before biopsy"
ROWS = [
    "Who may take part; minimum age; 18 years; 18 years; Eligibility; 0.7; doubtful_value; eligibility.minimum_age",
    "Who may take part; maximum age; -; -; Eligibility | Arm 2; -; contradictory; eligibility.maximum_age",
    f"Exclusion criterion 1; time windows; {TIME}; within 10 days; Eligibility; 0.8; doubtful_value; "
    "eligibility.criteria[0].time_windows[0]",
    f"Exclusion criterion 1; time windows: what it limits; {TIME}; warfarin; Eligibility; 0.5; doubtful_value; "
    "eligibility.criteria[0].time_windows[0]",
    "Exclusion criterion 1; constraints; -; > 3 x; Eligibility; -; unread_number; findings[3]",
    "Inclusion criterion 2; time windows; -; Off statins since Easter 2020; Eligibility; -; unread_number; "
    "eligibility.criteria[1].time_windows",
    "Regimen 1; whether it belongs here and is complete; -; fictumab; Arm 1; 0.4; doubtful_item; dosing[0]",
    "Regimen 1; diet; -; fictumab; Arm 1; -; model_refused; dosing[0].custom.diet",
    "Primary endpoint 1; time points; -; 400; Eligibility; -; unread_number; findings[0]",
    "Primary endpoint 1; instrument; -; Pain; Primary outcome 1; -; not_asked; endpoints[0].instrument",
    "Diet of inclusion criterion 2; diet; vegan; vegan; Eligibility; 0.6; doubtful_value; custom.diet[0].values.value",
    "The record; criteria; -; Fever; Eligibility; -; criterion_unread; findings[1]",
    "The record; the text; -; Fieber | Husten; Eligibility; -; language_other; findings[4]",
    "The record; the text; -; -; -; -; source_doubtful; findings[5]",
    "The record; site; -; -; -; -; not_asked; custom.site",
]


def list_rows(**wanted):
    result = RunRecord(EXTRACTION, None, TextState.MISSING)
    shown = []
    for row in list_doubts(result, Wanted(**wanted)):
        place = row.address.removeprefix("report.html#A/")
        cells = (row.item, row.field, row.value, row.quote, row.place)
        cells += (row.confidence, row.reason, place)
        shown.append("; ".join("-" if cell is None else str(cell) for cell in cells))
    return shown


def test_each_doubtful_value_item_and_unread_field_has_a_row_in_the_order_of_the_record():
    assert list_rows() == ROWS


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"below": 0.0}, [1, 4, 5, 7, 8, 9, 11, 12, 13, 14]),
        ({"below": 0.8}, [0, 1, *range(3, 15)]),
        ({"fields": frozenset({"time_windows"})}, [2, 3, 5]),
        ({"fields": frozenset({"diet"})}, [7, 10]),
        ({"fields": frozenset({"item"})}, [6]),
        ({"fields": frozenset({"text"})}, [12, 13]),
        ({"reasons": frozenset({"unread_number"})}, [4, 5, 8]),
        ({"reasons": frozenset({"doubtful_item"})}, [6]),
        (
            {"reasons": frozenset(UNREAD_REASONS)},
            [1, 4, 5, 7, 8, 9, 11, 12, 13, 14],
        ),
        (
            {"without": frozenset({"time_windows", "item", "diet", "text"})},
            [0, 1, 4, 8, 9, 11, 14],
        ),
        (
            {
                "fields": frozenset({"time_windows"}),
                "reasons": frozenset({"unread_number"}),
            },
            [5],
        ),
    ],
)
def test_rows_are_chosen_by_confidence_field_and_reason(wanted, numbers):
    assert list_rows(**wanted) == [ROWS[number] for number in numbers]


def test_the_columns_are_the_cells_of_a_row():
    assert [column.name for column in COLUMNS] == list(DoubtRow._fields)


@pytest.mark.parametrize(
    ("task", "item", "field", "meaning"),
    [
        (
            {"eligibility": {"criteria": [{"kind": "inclusion"}]}},
            "Inclusion criterion 1",
            "whether it is a criterion",
            "these words may be no criterion of their own",
        ),
        (
            {"dosing": [{"agent": "fictumab"}]},
            "Regimen 1",
            "whether it is a regimen",
            "these words may be no regimen of their own",
        ),
    ],
)
def test_doubtful_words_are_doubted_as_an_item(task, item, field, meaning):
    ((name, part),) = task.items()
    (fields,) = part["criteria"] if name == "eligibility" else part
    fields |= {"section": "eligibility", "quote": "words"}
    fields |= {"evidence": [evidence("quote", 0.6)], "confidence": 0.6}
    extraction = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}} | task
    )

    (row,) = list_doubts(RunRecord(extraction, None, TextState.MISSING), Wanted())

    assert (row.item, row.field, row.meaning) == (item, field, meaning)
    assert (row.value, row.quote, row.item_index) == (None, "words", 0)


def test_fields_that_are_rightly_empty_are_no_doubt():
    assert {"not_reported", "section_absent"}.isdisjoint(OPEN_REASONS)
    assert {"unread_number", "ambiguous", "not_asked"} <= set(OPEN_REASONS)


def test_a_value_below_the_bound_never_reads_as_if_it_reached_it():
    below = DOUBTFUL_BELOW - 0.001

    assert percent(below) == "84 %"
    assert percent(DOUBTFUL_BELOW) == "85 %"
    assert Wanted().below == DOUBTFUL_BELOW
