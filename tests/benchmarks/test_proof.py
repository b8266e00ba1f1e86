"""The count of answers that stand: what is told of a plain right answer, and of one that the text does not state."""

import pytest

from benchmarks.proof.__main__ import format_counts, judge

LIMIT = {"task": "eligibility", "list": "inclusion", "text": "Haemoglobin of at least 9 g/dL"}
OUTCOME = {"task": "outcome", "measure": "Pain on a visual analogue scale", "time_frame": "At 12 weeks"}


def case(number, base, answer, *, right):
    return base | {"id": f"t-{number}", "kind": "plain", "answer": answer, "right": right}


async def test_a_right_answer_stands_and_one_that_the_text_does_not_state_falls():
    cases = [
        case(1, LIMIT, {"limits": ["Haemoglobin: >= 9 g/dL"]}, right=True),
        case(2, LIMIT, {"limits": ["Haemoglobin: >= 11 g/dL"]}, right=False),
        case(3, OUTCOME, {"times": ["12 week"]}, right=True),
        case(4, OUTCOME, {"times": ["24 week"]}, right=False),
    ]
    verdicts = await judge(cases)
    assert [(one.field, one.confidence is not None) for one in verdicts] == [
        ("constraint", True),
        ("constraint", False),
        ("time_point", True),
        ("time_point", False),
    ]
    assert all(one.support is not None for one in verdicts if one.confidence is not None)
    table = [line.split() for line in format_counts(verdicts, 0.85).splitlines()]
    assert table[-1] == ["all", "2", "0", "0", "0", "2", "0"]


async def test_a_dose_counts_for_its_agent_alone():
    text = "Examplin 100 mg once daily on top of testamide 30 mg twice daily"
    drugs = [{"type": "DRUG", "name": name, "description": ""} for name in ("Examplin", "Testamide")]
    base = {"task": "dosing", "field": "dose", "interventions": drugs}
    base |= {"arms": [{"label": "A", "type": "EXPERIMENTAL", "description": text}]}
    answers = [("testamide", "30 mg", True), ("examplin", "100 mg", True), ("testamide", "250 mg", False)]
    cases = [
        case(number, base, {"agent": agent, "quote": text, "dose": [dose]}, right=right)
        for number, (agent, dose, right) in enumerate(answers)
    ]
    verdicts = await judge(cases)
    assert [(one.field, one.confidence is not None) for one in verdicts] == [
        ("amount", True),
        ("amount", True),
        ("amount", False),
    ]


async def test_a_wrong_answer_in_no_readable_form_is_a_mistake_of_its_writer():
    with pytest.raises(ValueError, match="limit"):
        await judge([case(1, LIMIT, {"limits": ["Haemoglobin"]}, right=False)])
