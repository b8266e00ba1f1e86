"""Category and negation of criteria."""

import pytest

from extractor import Extractor
from extractor.parse.eligibility.category import score_lines
from extractor.parse.eligibility.outline import OutlineEntry
from extractor.schemas import Category, CriterionKind
from extractor.text.passage import read_passage
from tests.trust import trial

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


def score(text, kind=INCLUSION):
    return score_lines([OutlineEntry(read_passage(text), kind)])[0]


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
    assert score(text, kind)[0].value is category


def test_the_list_decides_between_the_target_disease_and_another_one():
    assert score("Schizophrenia")[0].value is Category.DIAGNOSIS
    assert score("Schizophrenia", EXCLUSION)[0].value is Category.COMORBIDITY


def test_confidence_falls_without_evidence_and_a_heading_is_likelier_no_criterion():
    assert score("Pregnant or lactating women", EXCLUSION)[0].confidence > 0.95
    assert score("Zorp", EXCLUSION)[0].confidence < 0.6
    assert score("Inclusion criteria for healthy controls:")[1] > score("Active asthma")[1]


def read(line):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Asthma")
    return Extractor(effort="none").extract(record).eligibility.criteria[0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("No history of stroke", "No"),
        ("Patients who have not had chemotherapy", "Patients who have not"),
        ("Female participants must not be pregnant", "Female participants must not"),
        ("Absence of fever", "Absence of"),
        ("History of stroke", None),
        ("Not more than two strokes", None),
        ("Fever that is not controlled", None),
    ],
)
def test_a_negated_criterion_cites_the_words_that_negate_it(line, words):
    criterion = read(line)
    assert criterion.negated is (words is not None)
    assert [piece.quote for piece in criterion.evidence if piece.field == "negated"] == [words or line]
