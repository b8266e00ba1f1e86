import pytest

from extractor.parse.eligibility.limits import find_limits
from extractor.parse.eligibility.people import Stated, read_ages, read_healthy, read_sex
from extractor.schemas import Category, CriterionKind, Sex
from extractor.text.passage import read_passage

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


def stated(text, kind=INCLUSION, category=Category.AGE, **more):
    passage = read_passage(text)
    return Stated(passage, kind, category, find_limits(passage.tokens, kind), **more)


def ages(criteria, *summary):
    low, high = read_ages(criteria, [read_passage(text, "brief_summary") for text in summary])
    return tuple((age.value.value, age.value.unit.value) if age.value else None for age in (low, high))


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Age 18-75 years", INCLUSION, ((18, "year"), (75, "year"))),
        ("Age < 18 years", EXCLUSION, ((18, "year"), None)),
        ("Age <18 or >70 years", EXCLUSION, ((18, "year"), (70, "year"))),
        ("<18 years of age", INCLUSION, (None, (18, "year"))),
        ("Infants aged 6 months to 5 years", INCLUSION, ((6, "month"), (5, "year"))),
        ("Adults", INCLUSION, (None, None)),
        ("Are at least 6 years", INCLUSION, ((6, "year"), None)),
        ("Born between 37 and 42 weeks", INCLUSION, (None, None)),
    ],
)
def test_ages_of_one_criterion(text, kind, expected):
    assert ages([stated(text, kind)]) == expected


@pytest.mark.parametrize(
    ("text", "category", "expected"),
    [
        ("Infants between 6 and 36 months with eczema", Category.DIAGNOSIS, ((6, "month"), (36, "month"))),
        ("Non-smoking women aged 18 to 65", Category.LIFESTYLE, ((18, "year"), (65, "year"))),
        ("18 years or older with an ECOG of 0-1", Category.PERFORMANCE_STATUS, ((18, "year"), None)),
        ("Karnofsky of 60 or more for those > 16 years", Category.PERFORMANCE_STATUS, (None, None)),
        ("Children with at least 2 years of asthma", Category.DIAGNOSIS, (None, None)),
    ],
)
def test_ages_in_criteria_of_other_categories(text, category, expected):
    assert ages([stated(text, category=category)]) == expected


def test_widest_ages_over_cohorts():
    criteria = [stated("Cohort A: age 18 to 60 years"), stated("Cohort B: age 12 to 80 years")]
    assert ages(criteria) == ((12, "year"), (80, "year"))


def test_ages_of_donors_do_not_count_but_ages_under_a_heading_do():
    assert ages([stated("Donors aged 18-75 years", donor=True)]) == (None, None)
    assert ages([stated("16 and over", heading="Age:")]) == ((16, "year"), None)


def test_the_summary_fills_gaps_of_the_criteria():
    summary = "We study patients with glioma, aged 18 - 70 years old, for 5 years."
    assert ages([stated("Aged 20 years or older")], summary) == ((20, "year"), (70, "year"))
    assert ages([], "Patients are followed every 3 months for 2 years.") == (None, None)


@pytest.mark.parametrize(
    ("text", "category", "sex"),
    [
        ("Male or female", Category.SEX, Sex.ALL),
        ("Age 18 years or older, no limitation on gender", Category.AGE, Sex.ALL),
        ("Women with breast cancer", Category.DIAGNOSIS, Sex.FEMALE),
        ("Male or non-pregnant, non-lactating females", Category.REPRODUCTIVE, Sex.ALL),
        ("Non-pregnant adult females.", Category.REPRODUCTIVE, Sex.FEMALE),
        ("Women of childbearing potential must use contraception", Category.REPRODUCTIVE, None),
        ("Asthma", Category.DIAGNOSIS, None),
    ],
)
def test_sex(text, category, sex):
    assert read_sex([stated(text, category=category)]).value is sex


@pytest.mark.parametrize(
    ("section", "text", "sex"),
    [
        ("title", "A new tablet in Norwegian men", Sex.MALE),
        ("title", "A vaccine for male and female adults", Sex.ALL),
        ("title", "Polycystic Ovary Syndrome", Sex.FEMALE),
        ("title", "Tablets for MEN syndrome", None),
        ("summary", "We will enrol 120 women in six clinics.", Sex.FEMALE),
        ("summary", "The gel is studied in men and women with asthma.", Sex.ALL),
        ("summary", "Women often ask for it.", None),
    ],
)
def test_titles_and_summaries_give_a_sex_missing_from_the_criteria(section, text, sex):
    criteria, texts = [stated("Asthma", category=Category.DIAGNOSIS)], [read_passage(text, section)]
    assert read_sex(criteria, *((texts,) if section == "title" else ((), texts))).value is sex


def test_a_condition_of_one_sex_does_not_count_if_the_criteria_name_both():
    lines = ("Women must use contraception", "Men must use contraception")
    criteria = [stated(line, category=Category.REPRODUCTIVE) for line in lines]
    assert read_sex(criteria, [read_passage("Testicular lymphoma", "conditions")]).value is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A study in healthy volunteers", True),
        ("Healthy term infants", True),
        ("Healthy volunteers are not accepted", False),
        ("Cells from healthy individuals", None),
    ],
)
def test_healthy_volunteers(text, expected):
    assert read_healthy([], [read_passage(text, "title")]).value is expected


def test_ages_that_differ_between_criteria_are_alternatives():
    low, high = read_ages([stated("Age 18 to 40 years"), stated("Age 66 to 75 years")], [])
    assert [one.value for one in low.alternatives] == [66]
    assert [one.value for one in high.alternatives] == [40]
