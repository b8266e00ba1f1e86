"""What of the structure of an eligibility text is in doubt: it is not sure, it is told, and a
model is asked for it.
"""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.concepts.parse import parse_record
from extractor.model.asking.planner import plan_questions
from extractor.options import ExtractionOptions
from extractor.schemas import AbsenceReason, FindingKind
from extractor.schemas.vocabulary import Effort
from tests.trust import trial

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

SURE = 0.85
MISSPELT = (
    "Inclusion Criteria:\n\n* Asthma\n* Able to walk\n\nExclsuion Critera:\n\n* Anaemia\n* "
    "Age over 80 years"
)
TIDY = (
    "Inclusion Criteria:\n\n* Asthma\n* Able to walk\n\nExclusion Criteria:\n\n* Anaemia\n* "
    "Age over 80 years"
)


def find_doubts(text):
    extraction = Extractor().extract(trial(eligibility=text))
    return extraction, [
        finding
        for finding in extraction.findings
        if finding.kind is FindingKind.STRUCTURE_DOUBTFUL
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Inclusion Criteria:\n\n* Asthma\n\nSafety exclusion\nAnaemia\nScabies",
        "Inclusion Criteria:\n\n* Asthma\n* Reasons that make people ineligible\n* Anaemia",
        "The clinic of each centre is open on all days. The doctor sees the charts.",
    ],
)
def test_what_is_doubted_is_told_and_its_last_item_is_not_sure(text):
    extraction, doubts = find_doubts(text)

    assert len(doubts) == 1
    assert extraction.eligibility.criteria[-1].confidence < SURE


def test_a_model_is_asked_for_the_list_of_doubtful_lines_alone():
    options = ExtractionOptions(effort=Effort.MEDIUM)

    asked = plan_questions(parse_record(trial(eligibility=MISSPELT)), options)

    assert [question.chunk.text for question in asked if "kind" in question.fields] == [
        "Anaemia",
        "Age over 80 years",
    ]


@pytest.mark.parametrize(
    "text",
    ROWS["test_a_description_with_words_of_eligibility_and_no_criterion_is_told"],
)
def test_a_description_with_words_of_eligibility_and_no_criterion_is_told(text):
    extraction = Extractor().extract(trial(detailed_description=text))

    told = [
        finding
        for finding in extraction.findings
        if finding.kind is FindingKind.STRUCTURE_DOUBTFUL
    ]
    (absence,) = [
        absence
        for absence in extraction.absences
        if absence.field == "eligibility.criteria"
    ]
    assert extraction.eligibility.criteria == ()
    assert [cited.section for finding in told for cited in finding.citations] == [
        "detailed_description"
    ]
    assert absence.reason is AbsenceReason.NOT_ASKED


def list_kind_confidences(extraction):
    return [
        next(e.confidence for e in criterion.evidence if e.field == "kind")
        for criterion in extraction.eligibility.criteria
    ]


@pytest.mark.parametrize(
    "headings",
    ROWS["test_no_item_is_sure_below_the_headings_of_both_lists"],
)
def test_no_item_is_sure_below_the_headings_of_both_lists(headings):
    extraction, doubts = find_doubts(
        f"{headings}\n\n* Asthma\n* Able to walk\n* Pregnancy"
    )

    assert len(doubts) == 1
    assert len(extraction.eligibility.criteria) == 3
    assert max(list_kind_confidences(extraction)) < SURE


@pytest.mark.parametrize(
    "item",
    ROWS[
        "test_an_item_that_reads_like_an_exclusion_is_not_sure_where_no_heading_opens_exclusions"
    ],
)
def test_an_item_that_reads_like_an_exclusion_is_not_sure_where_no_heading_opens_exclusions(
    item,
):
    extraction, doubts = find_doubts(
        f"Inclusion Criteria:\n\n* Asthma\n* {item}\n* Able to walk"
    )

    sure = list_kind_confidences(extraction)
    assert [one >= SURE for one in sure] == [True, False, True]
    assert [cited.quote for doubt in doubts for cited in doubt.citations] == [item]


LISTS = (
    "Inclusion Criteria:\n\n- Asthma\n- Able to walk\n\nExclusion Criteria:\n\n- Anaemia\n- "
    "Scabies\n\n"
)


@pytest.mark.parametrize(
    "text",
    ROWS["test_another_section_ends_the_list_and_is_told"],
)
def test_another_section_ends_the_list_and_is_told(text):
    extraction, doubts = find_doubts(LISTS + text)

    assert [criterion.quote for criterion in extraction.eligibility.criteria] == [
        "Asthma",
        "Able to walk",
        "Anaemia",
        "Scabies",
    ]
    assert len(doubts) == 1


@pytest.mark.parametrize(
    "heading",
    ROWS["test_a_subheading_of_criteria_raises_no_doubt"],
)
def test_a_subheading_of_criteria_raises_no_doubt(heading):
    extraction, doubts = find_doubts(f"{LISTS}{heading}\n- Heart failure\n- Angina")

    assert [criterion.quote for criterion in extraction.eligibility.criteria][4:] == [
        "Heart failure",
        "Angina",
    ]
    assert doubts == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("* Able to walk\n* Stroke", ["inclusion", "inclusion"]),
        ("I1: Able to walk\nE1: Stroke", ["inclusion", "exclusion"]),
    ],
)
def test_no_item_is_sure_of_its_list_without_any_heading(text, kinds):
    extraction, _ = find_doubts(text)

    assert [one.kind.value for one in extraction.eligibility.criteria] == kinds
    assert max(list_kind_confidences(extraction)) < SURE


@pytest.mark.parametrize(
    "headings",
    ROWS["test_headings_of_leaflets_open_the_lists"],
)
def test_headings_of_leaflets_open_the_lists(headings):
    include, exclude = headings
    text = f"{include}\n- Asthma\n- Able to walk\n{exclude}\n- Anaemia\n- Scabies"
    found = Extractor().extract_text(text).eligibility.criteria

    kinds = ["inclusion", "inclusion", "exclusion", "exclusion"]
    assert [one.kind.value for one in found] == kinds
