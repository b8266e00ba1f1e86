"""The count of answers that stand: what is told of a plain right answer, and of one that the
text does not state.
"""

from pathlib import Path

import pytest

from benchmarks.data import read_lines
from benchmarks.proof.__main__ import format_counts, judge, read_answer
from benchmarks.proof.parts import follow_parts
from extractor.schemas import TrialExtraction

LIMIT = {
    "task": "eligibility",
    "list": "inclusion",
    "text": "Haemoglobin of at least 9 g/dL",
}
OUTCOME = {
    "task": "outcome",
    "measure": "Pain on a visual analogue scale",
    "time_frame": "At 12 weeks",
}


def case(number, base, answer, *, right):
    return base | {
        "id": f"t-{number}",
        "kind": "plain",
        "answer": answer,
        "right": right,
    }


async def test_a_right_answer_stands_and_one_that_the_text_does_not_state_falls():
    cases = [
        case(1, LIMIT, {"limits": ["Haemoglobin: >= 9 g/dL"]}, right=True),
        case(2, LIMIT, {"limits": ["Haemoglobin: >= 11 g/dL"]}, right=False),
        case(3, OUTCOME, {"times": ["12 week"]}, right=True),
        case(4, OUTCOME, {"times": ["24 week"]}, right=False),
    ]
    verdicts = await judge(cases)
    assert [
        (verdict.field, verdict.confidence is not None) for verdict in verdicts
    ] == [
        ("constraint", True),
        ("constraint", False),
        ("time_point", True),
        ("time_point", False),
    ]
    assert all(
        verdict.support is not None
        for verdict in verdicts
        if verdict.confidence is not None
    )
    table = [line.split() for line in format_counts(verdicts, 0.85).splitlines()]
    assert table[-1] == ["all", "2", "0", "0", "0", "0", "2", "0", "0"]


CRITERIA = [
    {
        "kind": "inclusion",
        "section": "eligibility",
        "quote": "ALT <= 3 x ULN (<= 5 x ULN if liver metastases)",
        "constraints": [
            {"quantity": "ALT", "comparator": "<=", "value": 3, "unit": "x ULN"},
            {
                "quantity": "ALT",
                "comparator": "<=",
                "value": 5,
                "unit": "x ULN",
                "condition": "if liver metastases",
            },
        ],
        "time_windows": [
            {
                "quote": "within 3 days",
                "comparator": "<=",
                "value": 3,
                "unit": "day",
                "of": "aspirin",
            },
            {
                "quote": "within 2 weeks before biopsy",
                "comparator": "<=",
                "value": 2,
                "unit": "week",
                "of": "warfarin",
                "anchor": "before biopsy",
            },
        ],
    }
]
REGIMEN = {
    "agent": "Examplin",
    "section": "arms[0]",
    "quote": "5 or 10 mg",
    "arms": ["High", "Low"],
}
AMOUNTS = [
    {"low": 10, "high": 10, "unit": "mg", "arms": ["High"]},
    {"low": 5, "high": 5, "unit": "mg"},
]
GROUP = {"id": "g1", "lead_in": "At least two of these:", "rule": "at_least", "n": 2}
PARTS = Path(__file__).with_name("parts.jsonl")


def extraction_of(criteria=(), dosing=(), groups=()):
    source = {"path": "a.json", "format": "ctgov_json"}
    people = {"criteria": list(criteria), "groups": list(groups)}
    return TrialExtraction.model_validate(
        {"record_id": "A", "source": source, "eligibility": people, "dosing": dosing}
    )


@pytest.mark.parametrize("row", read_lines(PARTS), ids=str)
def test_a_part_of_a_value_stands_falls_or_is_missing(row):
    found = extraction_of(CRITERIA, [REGIMEN | {"amounts": AMOUNTS}], [GROUP])
    labels = [{"label": label} for label in ("High", "low", "Placebo")]
    answer = {"agent": "Examplin", "quote": "5 or 10 mg"} | row["answer"]
    base = {"id": "t-1", "text": GROUP["lead_in"], "arms": labels}

    [told] = follow_parts(base | row | {"answer": answer}, read_answer(answer), found)

    fate = "stands" if told.held else "bare" if told.bare else "falls"
    assert fate == row["fate"]


async def test_a_dose_counts_for_its_agent_alone():
    text = "Examplin 100 mg once daily on top of testamide 30 mg twice daily"
    drugs = [
        {"type": "DRUG", "name": name, "description": ""}
        for name in ("Examplin", "Testamide")
    ]
    base = {"task": "dosing", "field": "dose", "interventions": drugs}
    base |= {"arms": [{"label": "A", "type": "EXPERIMENTAL", "description": text}]}
    answers = [
        ("testamide", "30 mg", True),
        ("examplin", "100 mg", True),
        ("testamide", "250 mg", False),
    ]
    cases = [
        case(number, base, {"agent": agent, "quote": text, "dose": [dose]}, right=right)
        for number, (agent, dose, right) in enumerate(answers)
    ]

    verdicts = await judge(cases)

    assert [
        (verdict.field, verdict.confidence is not None) for verdict in verdicts
    ] == [
        ("amount", True),
        ("amount", True),
        ("amount", False),
    ]


async def test_a_wrong_answer_in_no_readable_form_is_a_mistake_of_its_writer():
    with pytest.raises(ValueError, match="limit"):
        await judge([case(1, LIMIT, {"limits": ["Haemoglobin"]}, right=False)])
