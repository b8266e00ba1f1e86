"""What of the structure of an eligibility text is in doubt: it is not sure, it is told, and a
model is asked for it.
"""

import pytest

from extractor import Extractor
from extractor.concepts.parse import parse_record
from extractor.model.asking.planner import plan_questions
from extractor.options import ExtractionOptions
from extractor.schemas import AbsenceReason, FindingKind
from extractor.schemas.vocabulary import Effort
from tests.trust import trial

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
    [
        "People aged between 18 and 65 with asthma can take part.",
        "You can't take part if you smoke.",
        "Eligibility is checked by a nurse.",
        "PATIENT CHARACTERISTICS: see the protocol",
        "The exclusion of smokers is discussed.",
    ],
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
    [
        "Inclusion criteria Exclusion criteria",
        "Inclusion / Exclusion Criteria:",
        "Inclusion and exclusion criteria",
        "Inclusion criteria\nExclusion criteria",
        "Exclusion Criteria:\n\nInclusion Criteria:",
    ],
)
def test_no_item_is_sure_below_the_headings_of_both_lists(headings):
    extraction, doubts = find_doubts(
        f"{headings}\n\n* Asthma\n* Able to walk\n* Pregnancy"
    )

    assert len(doubts) == 1
    assert len(extraction.eligibility.criteria) == 3
    assert max(list_kind_confidences(extraction)) < SURE


@pytest.mark.parametrize(
    "text",
    [
        "Eligibility Criteria\n\nExclusion Criteria:\n\n* Anaemia\n* Stroke",
        "Inclusion and Exclusion Criteria\n\n" + TIDY,
        "Inclusion Criteria:\n\n* Asthma\n* Able to walk\n\nExclusion Criteria:\n\nNone",
        "Inclusion Criteria:\n\n* History of asthma\n\nExclusion Criteria:\n\n* Pregnant women",
        "Inclusion Criteria:\n\n* Not pregnant\n* No history of stroke",
    ],
)
def test_headings_and_items_that_are_clear_are_not_doubted(text):
    extraction, doubts = find_doubts(text)

    assert doubts == []
    assert min(list_kind_confidences(extraction)) >= SURE


@pytest.mark.parametrize(
    "item",
    [
        "Blood dyscrasias",
        "History of infection",
        "Patients who have failed any inhibitor",
        "Patients who are contraindicated for surgery",
        "Known hypersensitivity to milk",
        "Pregnant or breastfeeding",
        "Alcohol or drug abuse",
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
    [
        "Sites / Locations\n- General Hospital of Ulm\n- Clinic Two",
        "Premedication:\n- Cetirizine 10 mg\n- Paracetamol 1 g",
        "Study Drug Administration:\n- Fictumab is given by mouth",
        "What will happen to me?\nYou will have a scan.",
        "How do I take part?\nFill in the form.",
    ],
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
    "text",
    [
        "Study Procedures:\n- Known allergy to the dye",
        "Will I be paid?\nYou get 50 dollars.",
        "2 Getting started\nThe first step is to fill in the form that we will send.",
    ],
)
def test_what_may_follow_the_end_of_a_list_is_kept_and_is_not_sure(text):
    extraction, doubts = find_doubts(LISTS + text)

    assert len(doubts) == 1
    of_lists = extraction.eligibility.criteria[:4]
    following = extraction.eligibility.criteria[4:]
    assert following
    for criterion in of_lists:
        assert find_confidence(criterion, "kind") >= SURE
    for criterion in following:
        assert find_confidence(criterion, "kind") < SURE
        assert criterion.confidence < SURE


def find_confidence(criterion, field):
    (piece, *_) = criterion.evidence_for(field)
    return piece.confidence


@pytest.mark.parametrize(
    "heading",
    [
        "Cardiac:",
        "Laboratory values:",
        "Prior therapy:",
        "For women:",
        "Renal Disease",
        "Sites of disease:",
    ],
)
def test_a_subheading_of_criteria_raises_no_doubt(heading):
    extraction, doubts = find_doubts(f"{LISTS}{heading}\n- Heart failure\n- Angina")

    assert [criterion.quote for criterion in extraction.eligibility.criteria][4:] == [
        "Heart failure",
        "Angina",
    ]
    assert doubts == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Inclusion Criteria:\nAsthma\nPhase Two\nExclusion Criteria:\nAnaemia",
            "Phase Two",
        ),
        (
            "A Study of Fictinib, Protocol XY-4711\n\nInclusion Criteria:\n\n* Asthma\n\n"
            "Exclusion Criteria:\n\n* Anaemia",
            "A Study of Fictinib, Protocol XY-4711",
        ),
        (
            "Exclusion Criteria:\nUse of insulin\nweight loss\nStroke",
            "Use of insulin\nweight loss",
        ),
    ],
)
def test_a_line_that_may_be_a_title_or_two_items_is_doubted(text, line):
    [doubt] = find_doubts(text)[1]

    assert [piece.quote for piece in doubt.citations] == [line]
