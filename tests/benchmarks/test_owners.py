"""Which marks of people count, with which numbers, and when the rules have them with their owner."""

from typing import Any

import pytest

from benchmarks.human.owners import compare, list_marked


def _mark(
    text: str, *marks: tuple[str, str], value: str, link: str = "Has_value"
) -> Any:
    """Return a row in which the first mark owns a value; the other marks have it as a quality."""
    kind = "Value" if link == "Has_value" else "Temporal"
    rows = [
        {
            "id": f"T{at}",
            "type": kind,
            "text": words,
            "spans": [[text.index(words), text.index(words) + len(words)]],
        }
        for at, (kind, words) in enumerate((*marks, (kind, value)))
    ]
    relations = [[link, "T0", rows[-1]["id"]]]
    relations += [["Has_qualifier", f"T{at}", "T0"] for at in range(1, len(marks))]
    return {
        "id": "NCT1_inc",
        "list": "inclusion",
        "text": text,
        "marks": rows,
        "relations": relations,
    }


@pytest.mark.parametrize(
    ("text", "value", "numbers"),
    [
        ("Platelets < 100,000/mm3", "< 100,000/mm3", (100000,)),
        ("Area < 1.5 cm^2", "< 1.5 cm^2", (1.5,)),
        ("Pressure < 20 cm H2O", "< 20 cm H2O", (20,)),
        ("Index between 5-30 h-1", "between 5-30 h-1", (5, 30)),
        ("ALT > x3 ULN", "> x3 ULN", (3,)),
        ("eGFR < 30 ml/min/1.73m2", "< 30 ml/min/1.73m2", (30,)),
        ("Score of 20 out of 30", "20 out of 30", (20,)),
        ("Score of 5 on item 10", "5 on item 10", (5,)),
        ("BMI 18-30 kg/m2", "18-30 kg/m2", (18, 30)),
        ("ECOG 0, 1 or 2", "0, 1 or 2", (0, 1, 2)),
    ],
)
def test_numbers_of_values(text: str, value: str, numbers: tuple[float, ...]) -> None:
    owner = ("Measurement", text.split(maxsplit=1)[0])
    (marked,) = list_marked(_mark(text, owner, value=value))
    assert marked.numbers == numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Genotype 2, 3, 5 or 6", "2, 3, 5 or 6"),
        ("BIRADS 3, 4a or 4b", "3, 4a or 4b"),
        ("Fibrosis F3 or F4", "F3 or F4"),
        ("Tumour T1-2", "1-2"),
        ("Stage 0-B", "0-B"),
    ],
)
def test_classes_are_no_limits(text: str, value: str) -> None:
    owner = ("Measurement", text.split(maxsplit=1)[0])
    assert not list(list_marked(_mark(text, owner, value=value)))


@pytest.mark.parametrize(
    ("text", "value", "numbers"),
    [
        (
            "Fever within 30 days prior to Visit 1",
            "within 30 days prior to Visit 1",
            (30,),
        ),
        ("Fever 2 to 4 weeks before Day 1", "2 to 4 weeks before Day 1", (2, 4)),
        ("Fever for 24 consecutive months", "for 24 consecutive months", (24,)),
    ],
)
def test_numbers_of_times(text: str, value: str, numbers: tuple[float, ...]) -> None:
    row = _mark(text, ("Condition", "Fever"), value=value, link="Has_temporal")
    (marked,) = list_marked(row)
    assert marked.numbers == numbers


def test_two_bounds_may_be_two_limits() -> None:
    text = "Age > 17 and < 60 years"

    (judged,) = compare(_mark(text, ("Person", "Age"), value="> 17 and < 60 years"))

    assert judged.found
    assert judged.owned


def test_people_are_the_condition() -> None:
    text = "Creatinine < 1.5 mg/dL for males and < 1.4 mg/dL for females"
    (judged,) = compare(_mark(text, ("Person", "males"), value="< 1.5 mg/dL"))
    assert judged.owned


def test_quality_belongs_to_what_has_it() -> None:
    text = "On stable metformin for 3 months"
    row = _mark(
        text,
        ("Qualifier", "stable"),
        ("Drug", "metformin"),
        value="for 3 months",
        link="Has_temporal",
    )

    (judged,) = compare(row)

    assert judged.owned
