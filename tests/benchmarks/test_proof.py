"""The count of answers that stand: what is told of a plain right answer, and of one that the
text does not state.
"""

import pytest

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
LIVER = "if liver metastases"
BIOPSY = "before biopsy"


def extraction_of(criteria=(), dosing=(), groups=()):
    source = {"path": "a.json", "format": "ctgov_json"}
    people = {"criteria": list(criteria), "groups": list(groups)}
    return TrialExtraction.model_validate(
        {"record_id": "A", "source": source, "eligibility": people, "dosing": dosing}
    )


@pytest.mark.parametrize(
    ("field", "answer", "said", "right", "fate"),
    [
        ("condition", {"limits": [f"ALT: <= 5 x ULN @ {LIVER}"]}, None, True, "stands"),
        (
            "condition",
            {"limits": ["ALT: <= 5 x ULN @ with metastases of the liver"]},
            None,
            True,
            "stands",
        ),
        ("condition", {"limits": [f"ALT: <= 3 x ULN @ {LIVER}"]}, None, False, "falls"),
        (
            "condition",
            {"limits": [f"ALT: <= 3 x ULN @ {LIVER}"]},
            "in men",
            False,
            "bare",
        ),
        ("condition", {"limits": ["ALT: <= 3 x ULN @ for men"]}, None, True, "bare"),
        ("condition", {"limits": ["ALT: <= 5 x ULN"]}, LIVER, False, "falls"),
        ("condition", {"limits": ["ALT: <= 3 x ULN"]}, LIVER, False, "stands"),
        ("condition", {"limits": ["ALT: <= 9 x ULN @ for men"]}, LIVER, False, "falls"),
        ("windows", {"windows": ["within 2 weeks | <= 14 day"]}, None, True, "stands"),
        ("windows", {"windows": ["within 3 days | <= 2 week"]}, None, False, "falls"),
        ("windows", {"windows": ["within 3 days | >= 3 day"]}, None, False, "falls"),
        (
            "of",
            {"windows": ["within 3 days | <= 3 day | warfarin"]},
            "aspirin",
            False,
            "falls",
        ),
        (
            "of",
            {"windows": ["within 3 days | <= 3 day | aspirin"]},
            "warfarin",
            False,
            "stands",
        ),
        (
            "anchor",
            {"windows": [f"within 3 days | <= 3 day | aspirin | {BIOPSY}"]},
            BIOPSY,
            False,
            "bare",
        ),
        (
            "anchor",
            {"windows": [f"within 2 weeks {BIOPSY} | <= 2 week | | the biopsy"]},
            None,
            True,
            "stands",
        ),
        ("arms", {"arms": [2, 1]}, [1, 2], True, "stands"),
        ("arms", {"arms": [1, 2, 3]}, [1, 2], False, "falls"),
        ("arms", {"arms": [1, 2]}, [2], False, "stands"),
        ("dose_arms", {"dose": ["10 mg @ 1"]}, [1], True, "stands"),
        ("dose_arms", {"dose": ["10 mg @ 2"]}, [1], False, "falls"),
        ("dose_arms", {"dose": ["5 mg @ 2"]}, [2], True, "bare"),
        ("rule", {"rule": "2"}, "2", True, "stands"),
        ("rule", {"rule": "any"}, "2", False, "falls"),
    ],
)
def test_a_part_of_a_value_stands_falls_or_is_missing(field, answer, said, right, fate):
    found = extraction_of(CRITERIA, [REGIMEN | {"amounts": AMOUNTS}], [GROUP])
    labels = [{"label": label} for label in ("High", "low", "Placebo")]
    asked = {"agent": "Examplin", "quote": "5 or 10 mg"} | answer
    one = {
        "id": "t-1",
        "text": GROUP["lead_in"],
        "field": field,
        "arms": labels,
        "answer": asked,
        "right": right,
    }
    item = read_answer(asked)

    [told] = follow_parts(one | ({"said": said} if said else {}), item, found)

    assert ("stands" if told.held else "bare" if told.bare else "falls") == fate


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
