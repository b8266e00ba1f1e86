"""What of the structure of an eligibility text is in doubt: it is not sure, it is told, and a model is asked for it."""

import pytest

from extractor import Extractor
from extractor.options import Effort, ExtractionOptions
from extractor.schemas import FindingKind
from extractor.stages.ask.planner import plan_questions
from extractor.stages.parse import parse_record
from tests.trust import trial

SURE = 0.85
MISSPELT = "Inclusion Criteria:\n\n* Asthma\n* Able to walk\n\nExclsuion Critera:\n\n* Anaemia\n* Age over 80 years"
TIDY = "Inclusion Criteria:\n\n* Asthma\n* Able to walk\n\nExclusion Criteria:\n\n* Anaemia\n* Age over 80 years"


def find_doubts(text):
    extraction = Extractor().extract(trial(eligibility=text))
    return extraction, [one for one in extraction.findings if one.kind is FindingKind.STRUCTURE_DOUBTFUL]


def test_a_misspelt_heading_makes_its_list_unsure_and_is_told_with_its_place():
    extraction, doubts = find_doubts(MISSPELT)

    sure = {
        one.quote: next(e.confidence for e in one.evidence if e.field == "kind")
        for one in extraction.eligibility.criteria
    }
    assert {quote for quote, confidence in sure.items() if confidence >= SURE} == {"Asthma", "Able to walk"}
    (doubt,) = doubts
    assert [cited.quote for cited in doubt.citations] == ["Exclsuion Critera:"]


def test_the_age_of_a_doubtful_list_is_not_sure():
    ages = {
        text: next(one.confidence for one in find_doubts(text)[0].eligibility.evidence if one.field == "maximum_age")
        for text in (MISSPELT, TIDY)
    }

    assert ages[MISSPELT] < SURE


def test_a_tidy_text_has_no_doubt():
    assert find_doubts(TIDY)[1] == []


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


def test_an_item_that_could_be_two_is_not_sure():
    extraction, doubts = find_doubts("Inclusion Criteria:\n\n- Severe asthma - Able to walk alone\n- Consent")

    (first, _) = extraction.eligibility.criteria
    assert first.confidence < SURE
    assert [one.message for one in doubts] == ["this item could be two"]


def test_a_model_is_asked_for_the_list_of_doubtful_lines_alone():
    options = ExtractionOptions(effort=Effort.MEDIUM)

    asked = plan_questions(parse_record(trial(eligibility=MISSPELT)), options)

    assert [one.chunk.text for one in asked if "kind" in one.fields] == ["Anaemia", "Age over 80 years"]
