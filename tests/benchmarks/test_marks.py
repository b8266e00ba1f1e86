"""Which marks of other projects count, with which numbers, and when a value of the rules is right."""

import tomllib
from pathlib import Path

import pytest

from benchmarks.confidence.marks import judge_chia, judge_leaf, list_marked

ROWS = tomllib.loads(Path(__file__).with_name("marks.toml").read_text("utf-8"))


def mark(text, *marks, value, link="Has_value"):
    """Return a row in which the first mark owns a value; the other marks have it as a quality."""
    kind = "Value" if link == "Has_value" else "Temporal"
    rows = []
    for at, (type_, words) in enumerate((*marks, (kind, value))):
        start = text.index(words)
        row = {"id": f"T{at}", "type": type_, "text": words}
        rows.append(row | {"spans": [[start, start + len(words)]]})
    relations = [[link, "T0", rows[-1]["id"]]]
    relations += [["Has_qualifier", f"T{at}", "T0"] for at in range(1, len(marks))]
    known = {"id": "NCT1_inc", "list": "inclusion", "text": text}
    return known | {"marks": rows, "relations": relations}


@pytest.mark.parametrize(("text", "value", "numbers"), ROWS["values"])
def test_numbers_of_values_without_those_of_units_names_and_classes(
    text, value, numbers
):
    owner = ("Measurement", text.split(maxsplit=1)[0])
    marked = [one.numbers for one in list_marked(mark(text, owner, value=value))]
    assert marked == [tuple(each) for each in numbers]


@pytest.mark.parametrize(("value", "numbers"), ROWS["times"])
def test_numbers_of_times(value, numbers):
    fever = ("Condition", "Fever")
    row = mark(f"Fever {value}", fever, value=value, link="Has_temporal")
    (marked,) = list_marked(row)
    assert marked.numbers == tuple(numbers)


CREATININE = "Creatinine < 1.5 mg/dL for males"
LIMIT = "eligibility.criteria.constraints"
WINDOW = "eligibility.criteria.time_windows"
STABLE = mark(
    "On stable metformin for 3 months",
    ("Qualifier", "stable"),
    ("Drug", "metformin"),
    value="for 3 months",
    link="Has_temporal",
)


@pytest.mark.parametrize(
    ("row", "judged"),
    [
        pytest.param(
            mark("Age > 17 and < 60 years", ("Person", "Age"), value="> 17 and < 60"),
            [(LIMIT, True)] * 2,
            id="two bounds in one mark",
        ),
        pytest.param(
            mark(CREATININE, ("Person", "males"), value="< 1.5 mg/dL"),
            [(LIMIT, True)],
            id="people are the condition",
        ),
        pytest.param(
            mark(
                "Haemoglobin > 9 g/dL", ("Measurement", "Haemoglobin"), value="> 9 g/dL"
            )
            | {"text": "Thrombocytes > 9 g/dL"},
            [(LIMIT, False)],
            id="another quantity",
        ),
        pytest.param(STABLE, [(WINDOW, True), (f"{WINDOW}.of", True)], id="a quality"),
    ],
)
def test_a_value_is_right_with_a_marked_number_and_owner(row, judged):
    assert [(one.field, one.right) for one in judge_chia(row)] == judged


@pytest.mark.parametrize(("comparator", "right"), [(">=", True), ("<=", False)])
def test_a_bound_is_right_with_its_comparator(comparator, right):
    known = {"as": "Numeric-Filter", "of": "Observation", "values": [9]}
    known |= {"operator": comparator, "start": 14, "end": 18}
    row = {"id": "NCT1", "text": "* Haemoglobin >= 9 g/dL", "comparisons": [known]}

    assert [one.right for one in judge_leaf(row)] == [right]
