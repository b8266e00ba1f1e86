"""Rows of doubts: which values, items and empty fields have one, and what it says."""

import pytest

from extractor.apps.report.record import RunRecord
from extractor.apps.sheets.doubts import (
    COLUMNS,
    OPEN_REASONS,
    DoubtRow,
    Wanted,
    list_doubts,
)
from extractor.run.finished import TextState
from extractor.schemas import TrialExtraction


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
    "Inclusion criterion 2; time windows; -; Off statins since Easter 2020; Eligibility; -; unread_number; "
    "eligibility.criteria[1].time_windows",
    "Regimen 1; the item as a whole; -; fictumab; Arm 1; 0.4; doubtful_item; dosing[0]",
    "Regimen 1; diet; -; fictumab; Arm 1; -; model_refused; dosing[0].custom.diet",
    "Primary endpoint 1; time points; -; 3 to 400; Primary outcome 1; -; unread_number; endpoints[0].time_points",
    "Primary endpoint 1; instrument; -; Pain; Primary outcome 1; -; not_asked; endpoints[0].instrument",
    "Diet of inclusion criterion 2; diet; vegan; vegan; Eligibility; 0.6; doubtful_value; custom.diet[0].values.value",
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
        ({"below": 0.0}, [1, 4, 6, 7, 8, 10]),
        ({"below": 0.8}, [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"fields": frozenset({"time_windows"})}, [2, 3, 4]),
        ({"fields": frozenset({"diet"})}, [6, 9]),
        ({"reasons": frozenset({"unread_number"})}, [4, 7]),
        ({"reasons": frozenset({"doubtful_item"})}, [5]),
        (
            {
                "fields": frozenset({"time_windows"}),
                "reasons": frozenset({"unread_number"}),
            },
            [4],
        ),
    ],
)
def test_rows_are_chosen_by_confidence_field_and_reason(wanted, numbers):
    assert list_rows(**wanted) == [ROWS[number] for number in numbers]


def test_the_columns_are_the_cells_of_a_row():
    assert [column.name for column in COLUMNS] == list(DoubtRow._fields)


def test_fields_that_are_rightly_empty_are_no_doubt():
    assert {"not_reported", "section_absent"}.isdisjoint(OPEN_REASONS)
    assert {"unread_number", "ambiguous", "not_asked"} <= set(OPEN_REASONS)
