import pytest

from extractor.parse.eligibility.category import Setting, read_category, target_words
from extractor.parse.passage import passage_of
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Category, CriterionKind

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


@pytest.mark.parametrize(
    ("kind", "text", "category"),
    [
        (INCLUSION, "Age 18 to 65 years", Category.AGE),
        (INCLUSION, "Histologically confirmed lung cancer with measurable disease", Category.DIAGNOSIS),
        (INCLUSION, "EGFR mutation in exon 19", Category.BIOMARKER),
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
    assert read_category(passage_of(text), Setting(kind)).value is category


def test_target_disease_is_told_from_another_one():
    text = passage_of("Cluster headache")
    target = target_words("Galcanezumab in cluster headache")
    assert read_category(text, Setting(INCLUSION, target=target)).value is Category.DIAGNOSIS
    assert read_category(text, Setting(EXCLUSION)).value is Category.COMORBIDITY


def test_negated_condition_among_the_inclusions_is_a_comorbidity():
    assert read_category(passage_of("No serious mental disorder"), Setting(INCLUSION)).value is Category.COMORBIDITY


def test_confidence_falls_without_evidence():
    clear = read_category(passage_of("Pregnant or lactating women"), Setting(EXCLUSION))
    vague = read_category(passage_of("Grey hair"), Setting(EXCLUSION))
    assert clear.confidence > 0.9
    assert vague.confidence < 0.75


@pytest.mark.parametrize("name", ["categories", "comparators", "comparator_suffixes", "limit_units", "graded_scales"])
def test_every_entry_has_an_example_that_yields_its_value(name):
    vocabulary = load_vocabulary(name)
    wrong = [e.example for e in vocabulary.entries if e.value not in {m.value for m in vocabulary.find(e.example)}]
    assert wrong == []


def test_categories_are_of_the_closed_set():
    assert {entry.value for entry in load_vocabulary("categories").entries} <= set(Category)
