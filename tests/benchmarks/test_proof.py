"""Answers that a model repeats: which are accepted, and for which agent."""

import pytest

from benchmarks.data import read_lines
from benchmarks.proof.__main__ import FILES, format_counts, judge

LIMIT = {
    "task": "eligibility",
    "list": "inclusion",
    "text": "Haemoglobin of at least 9 g/dL",
}
OUTCOME = {"task": "outcome", "measure": "Pain", "time_frame": "At 12 weeks"}
DOSE = {
    "task": "dosing",
    "field": "dose",
    "interventions": [
        {"type": "DRUG", "name": name, "description": ""}
        for name in ("Examplin", "Testamide")
    ],
    "arms": [
        {
            "label": "A",
            "type": "EXPERIMENTAL",
            "description": "Examplin 100 mg once daily on top of testamide 30 mg twice daily",
        }
    ],
}


def case(base, answer, *, right):
    return base | {"id": "t-1", "kind": "plain", "answer": answer, "right": right}


def dose(agent, amount, *, right):
    quote = DOSE["arms"][0]["description"]
    return case(DOSE, {"agent": agent, "quote": quote, "dose": [amount]}, right=right)


async def test_right_answers_stand_and_those_that_the_text_does_not_state_fall():
    cases = [
        case(LIMIT, {"limits": ["Haemoglobin: >= 9 g/dL"]}, right=True),
        case(LIMIT, {"limits": ["Haemoglobin: >= 11 g/dL"]}, right=False),
        case(OUTCOME, {"times": ["12 week"]}, right=True),
        case(OUTCOME, {"times": ["24 week"]}, right=False),
        dose("testamide", "30 mg", right=True),
        dose("examplin", "100 mg", right=True),
        dose("testamide", "250 mg", right=False),
    ]

    verdicts = await judge(cases)

    fields = ["constraint"] * 2 + ["time_point"] * 2 + ["amount"] * 3
    assert [verdict.field for verdict in verdicts] == fields
    for verdict in verdicts:
        is_right = verdict.case["right"]
        assert (verdict.confidence is not None) is is_right
    table = [line.split() for line in format_counts(verdicts, 0.85).splitlines()]
    assert table[-1] == ["all", "3", "0", "0", "4", "0"]


async def test_a_wrong_answer_in_no_readable_form_is_a_mistake_of_its_writer():
    with pytest.raises(ValueError, match="limit"):
        await judge([case(LIMIT, {"limits": ["Haemoglobin"]}, right=False)])


KEPT = sorted((FILES[0].parent / "kept").glob("*.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "lies", "sure", "limits", "right", "refused"),
    [(FILES, 795, 23, 5, 569, 13), (KEPT, 261, 22, 4, 162, 7)],
    ids=["written for", "kept"],
)
async def test_a_liar_with_true_quotes_is_believed_no_more_than_before(
    files, lies, sure, limits, right, refused
):
    """``sure``, ``limits`` (of the sure ones) and ``refused`` are the most there may be. If there
    are fewer, write the new count here and in ``benchmarks/README.md``.
    """
    cases = [case for path in files for case in read_lines(path)]

    table = format_counts(await judge(cases), sure=0.85)

    rows = {
        line.split()[0]: [*map(int, line.split()[1:])]
        for line in table.splitlines()[1:]
    }
    assert (rows["all"][0], rows["all"][3]) == (lies, right)
    assert rows["all"][2] <= sure, table
    assert rows["constraint"][2] <= limits, table
    assert rows["all"][4] <= refused, table
