"""The count of answers that stand: what is told of a plain right answer, and of one that the text does not state."""

from benchmarks.proof.__main__ import find_unreadable, format_counts, judge

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


def test_a_wrong_answer_in_no_readable_form_is_a_mistake_of_its_writer():
    cases = [case(1, LIMIT, {"limits": ["Haemoglobin"]}, right=False), case(2, LIMIT, {"dose": ["5 mg"]}, right=True)]
    assert [line.partition(":")[0] for line in find_unreadable(cases)] == ["t-1", "t-2"]
