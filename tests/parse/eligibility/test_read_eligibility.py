import json
from itertools import count
from pathlib import Path

import pytest

from extractor.parse.eligibility import read_eligibility
from extractor.parse.parsed import ChunkKind
from extractor.text.passage import read_section

SEEDS = Path(__file__).parents[3] / "seeds"


def read(**sections):
    return read_eligibility({name: read_section(name, text) for name, text in sections.items()}, count(1))


def as_gold(criterion):
    window = criterion.time_window.value
    return {
        "kind": criterion.kind.value.value,
        "section": criterion.chunk.span.section,
        "lead_in": criterion.lead_in.value,
        "category": criterion.category.value.value,
        "constraints": [constraint.model_dump(mode="json") for constraint in criterion.constraints.value],
        "time_window": window.model_dump(mode="json") if window else None,
    }


@pytest.mark.parametrize("path", sorted((SEEDS / "records").glob("*.txt")), ids=lambda path: path.stem)
def test_seeds(path):
    title, summary, *rest = path.read_text("utf-8").split("\n")
    parsed = read(title=title, brief_summary=summary, detailed_description=rest[-1])
    gold = json.loads((SEEDS / "gold" / f"{path.stem}.json").read_text("utf-8"))["eligibility"]
    found = [criterion for criterion in parsed.criteria if criterion.stands.value]
    expected = [{key: value for key, value in criterion.items() if key != "quote"} for criterion in gold["criteria"]]
    assert [as_gold(criterion) for criterion in found] == expected
    quotes = [summary[criterion.chunk.span.start : criterion.chunk.span.end] for criterion in found]
    assert quotes == [criterion["quote"] for criterion in gold["criteria"]]
    people = (parsed.minimum_age, parsed.maximum_age, parsed.sex, parsed.healthy_volunteers)
    assert [reading.value for reading in people] == [None] * 4


def test_sentence_in_summary_and_description_is_annotated_once():
    sentence = "Patients are eligible if they have asthma."
    parsed = read(brief_summary=sentence, detailed_description=f"Background. {sentence}")
    assert [criterion.chunk.span.section for criterion in parsed.criteria] == ["brief_summary"]


def test_chunks_are_numbered_in_reading_order():
    parsed = read(eligibility="Inclusion Criteria:\n\n* Asthma\n* Any of the following:\n\n  * Cough\n  * Wheeze")
    assert [(c.chunk.number, c.chunk.kind) for c in parsed.criteria] == [
        (1, ChunkKind.ITEM),
        (2, ChunkKind.LEAD_IN),
        (3, ChunkKind.ITEM),
        (4, ChunkKind.ITEM),
    ]


def test_lead_in_line_does_not_stand():
    parsed = read(eligibility="Inclusion Criteria:\n\n* Any of the following:\n\n  * Cough\n  * Wheeze")
    assert [criterion.stands.value for criterion in parsed.criteria] == [False, True, True]


def test_every_value_has_a_span_and_every_span_its_text():
    text = "Inclusion Criteria:\n\n* Age \\>= 18 years\n\nExclusion Criteria:\n\n* Steroids within 4 weeks"
    parsed = read(eligibility=text)
    age, steroids = parsed.criteria
    assert [text[span.start : span.end] for span in age.constraints.spans] == ["Age \\>= 18 years"]
    assert [text[span.start : span.end] for span in steroids.time_window.spans] == ["within 4 weeks"]
    assert [text[span.start : span.end] for span in parsed.minimum_age.spans] == ["\\>= 18 years"]


def test_sentence_of_exclusion_without_any_heading():
    (criterion,) = read(eligibility="Smokers will be excluded").criteria
    assert criterion.kind.value == "exclusion"
