import pytest

from extractor.parse.eligibility.category import CriterionLine, describe_lines, read_category, score_lines, target_words
from extractor.parse.parsed import Span
from extractor.schemas import Category, CriterionKind
from extractor.text.passage import read_passage, read_section

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


def line(text, kind=INCLUSION):
    return CriterionLine(read_section("eligibility", text).whole, kind)


def score(text, kind=INCLUSION, target=frozenset()):
    return score_lines([line(text, kind)], target)[0]


@pytest.mark.parametrize(
    ("kind", "text", "category"),
    [
        (INCLUSION, "Age 18 to 65 years", Category.AGE),
        (INCLUSION, "Histologically confirmed lung cancer with measurable disease", Category.DIAGNOSIS),
        (INCLUSION, "Tumour with a mutation of EGFR in exon 19", Category.BIOMARKER),
        (EXCLUSION, "Prior treatment with rituximab", Category.PRIOR_THERAPY),
        (EXCLUSION, "Concurrent use of oral anticoagulants", Category.CONCOMITANT_THERAPY),
        (INCLUSION, "Platelet count of at least 75,000/mm3", Category.ORGAN_FUNCTION),
        (INCLUSION, "ECOG performance status 0-1", Category.PERFORMANCE_STATUS),
        (INCLUSION, "Life expectancy of more than 3 months", Category.LIFE_EXPECTANCY),
        (EXCLUSION, "Pregnant or breastfeeding women", Category.REPRODUCTIVE),
        (EXCLUSION, "Uncontrolled hypertension or unstable angina", Category.COMORBIDITY),
        (EXCLUSION, "Active hepatitis B infection", Category.INFECTION),
        (EXCLUSION, "Known hypersensitivity to any excipient", Category.ALLERGY),
        (EXCLUSION, "Current smoker", Category.LIFESTYLE),
        (INCLUSION, "Able to give written informed consent", Category.CONSENT_COMPLIANCE),
        (EXCLUSION, "Participation in another clinical trial", Category.LOGISTICS),
        (INCLUSION, "Body mass index below 35", Category.OTHER),
    ],
)
def test_plain_criteria(kind, text, category):
    assert score(text, kind).category is category


def test_the_list_tells_the_target_disease_from_another_one():
    assert score("Schizophrenia").category is Category.DIAGNOSIS
    assert score("Schizophrenia", EXCLUSION).category is Category.COMORBIDITY


def test_confidence_falls_without_evidence():
    assert score("Pregnant or lactating women", EXCLUSION).confidence > 0.95
    assert score("Zorp", EXCLUSION).confidence < 0.6


def test_a_heading_is_likelier_to_be_no_criterion():
    assert score("Inclusion criteria for healthy controls:").no_criterion > score("Active asthma").no_criterion


def test_the_word_that_decides_is_shown():
    passage = read_passage("Women who are pregnant")
    read = read_category(passage, score(passage.text, EXCLUSION))
    assert [passage.raw[span.start : span.end] for span in read.spans] == ["pregnant"]


def test_a_line_without_known_words_shows_all_of_itself():
    passage = read_passage("Zorpness")
    assert read_category(passage, score(passage.text)).spans == (Span("eligibility", 0, 8),)


def test_no_lines_have_no_scores():
    assert score_lines([]) == []


def test_features_name_the_list_and_what_introduces_the_line():
    section = read_section("eligibility", "Any of: known asthma")
    found = describe_lines([CriterionLine(section.whole.part(3, 5), EXCLUSION, lead_in=section.whole.part(0, 3))])[0]
    assert {"w asthma", "p known asthma", "e asthma", "^ known", "s known asthma", "h any"} <= set(found)
    assert "w any" not in found


def test_a_term_of_the_vocabulary_is_a_hint():
    assert "v age" in describe_lines([line("Of legal age")])[0]


def test_a_line_that_names_the_target_is_marked():
    target = target_words(read_passage("Galcanezumab in cluster headache"))
    assert "m i named 2" in describe_lines([line("Cluster headache")], target)[0]
    assert "m i named -" in describe_lines([line("Cluster headache")])[0]
