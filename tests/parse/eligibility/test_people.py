from itertools import count

import pytest

from extractor.mentions.constraints import find_limits
from extractor.parse import parse_record
from extractor.parse.eligibility import read_eligibility
from extractor.parse.eligibility.people import Stated, read_ages, read_healthy, read_sex
from extractor.schemas import Category, CriterionKind, RegistryFields, Section, Sex, Source, TrialRecord
from extractor.text.passage import read_passage, read_section

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
        ("Men aged 40-70 years or women aged 50-75 years", Category.AGE, Sex.ALL),
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


def test_healthy_people_that_a_summary_mentions_are_not_sure():
    mentioned, named = (
        read_healthy([], [read_passage("It was given to healthy volunteers", section)])
        for section in ("detailed_description", "title")
    )
    assert (mentioned.value, named.value) == (True, True)
    assert mentioned.confidence < 0.8 < named.confidence


def test_ages_that_differ_between_criteria_are_alternatives():
    low, high = read_ages([stated("Age 18 to 40 years"), stated("Age 66 to 75 years")], [])
    assert [one.value for one in low.alternatives] == [66]
    assert [one.value for one in high.alternatives] == [40]


@pytest.mark.parametrize(
    "text",
    [
        "Age over 20, ECOG performance status of 0 to 2",
        "2 to 4 risk factors",
        "Parents who have a child less than 3 years old",
        "Risk factors such as smoking or age > 66",
        "At least two of the following: age > 61 years, obesity, snoring",
        "No data are available in patients < 12 years of age",
        "Bone age below 13 years",
        "Age-adjusted index of 3 or less",
    ],
)
def test_other_numbers_are_no_ages_of_participants(text):
    found = ages([stated(text)])
    assert found in {(None, None), ((20, "year"), None)}


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Patients over 77 years are excluded", INCLUSION, (None, (77, "year"))),
        ("Volunteers who are not at least 21 years old", EXCLUSION, ((21, "year"), None)),
        ("Patients must not be older than 72", INCLUSION, (None, (72, "year"))),
        ("Age > 70 years with dementia", EXCLUSION, (None, None)),
        ("Not between 18 and 60 years of age", EXCLUSION, ((18, "year"), (60, "year"))),
        ("Aged 6 to 17 years 11 months", INCLUSION, ((6, "year"), (215, "month"))),
        ("Age under 5 years and 10 months", INCLUSION, (None, (70, "month"))),
        ("Aged 2 years 6 months or older", INCLUSION, ((30, "month"), None)),
    ],
)
def test_refused_and_negated_ages_and_those_in_two_units_keep_their_sense(text, kind, expected):
    assert ages([stated(text, kind)]) == expected


def test_alternatives_leave_a_side_open():
    assert ages([stated("Aged 60 years or over, or aged 40 to 59 years with gout")]) == ((40, "year"), None)
    assert ages([stated("Age > 50 years, or < 50 years of age at high risk")]) == (None, None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("No upper age limit; patients aged 70 or older need a geriatric assessment", INCLUSION),
        ("Smokers aged over 40 years", EXCLUSION),
        ("Age 18 75 years", INCLUSION),
    ],
)
def test_an_age_that_may_be_that_of_some_is_not_sure(text, kind):
    assert all(age.confidence < 0.8 for age in read_ages([stated(text, kind)], []) if age.value)


@pytest.mark.parametrize(
    ("line", "sure"),
    [
        ("Age 18 to 60 years", True),
        ("Patients aged 18 to 60 years with asthma", True),
        ("Contact with household members aged 18 to 60 years", False),
        ("Bone age of 9 years, controls aged 18 to 60 years", False),
    ],
)
def test_without_a_registered_age_only_a_plain_one_is_sure(line, sure):
    text = f"Inclusion Criteria:\n\n* Asthma\n* {line}"
    record = TrialRecord(
        record_id="A", source=Source(path="a", format="flat"), sections=(Section(name="eligibility", text=text),)
    )
    found = parse_record(record).whole.rules
    stated = [age for age in (found["minimum_age"], found["maximum_age"]) if age.value]
    assert all((age.confidence >= 0.8) is sure for age in stated)
    assert stated or not sure


def beside(lines, low=None, high=None, summary=""):
    """The ages of a record with these inclusion criteria and registered ages, as values and as alternatives."""
    text = "Inclusion Criteria:\n\n* Asthma\n" + "".join(f"* {line}\n" for line in lines)
    sections = {
        "eligibility": read_section("eligibility", text),
        "brief_summary": read_section("brief_summary", summary),
    }
    whole, _ = read_eligibility(sections, count(), RegistryFields(minimum_age=low, maximum_age=high))
    return whole.rules["minimum_age"], whole.rules["maximum_age"]


@pytest.mark.parametrize(
    "line",
    [
        "Age 18 to 60 years",
        "Age: 18-60, inclusive",
        "Age of at least 18 and less than 60 years",
        "Men and women between 18 and 60 years of age, with a body weight of 50 to 90 kg",
    ],
)
def test_a_plain_age_stands_beside_another_registered_one_and_is_not_sure(line):
    low, high = beside([line], "18 Years", "75 Years")
    assert (low.value.value, high.value.value) == (18, 60)
    assert low.confidence > 0.8 > high.confidence


@pytest.mark.parametrize(
    "line",
    [
        "In the second cohort, participants are younger than 40 years",
        "Aged up to 40 years if a carrier",
        "At least two of the following signs:\n   * Age < 40 years\n   * Wheeze",
        "Younger than 40 years at the time of the first transplantation",
        "An adolescent aged 13 to 16 years\n* Both parents",
    ],
)
def test_an_age_that_is_not_plainly_that_of_participants_gives_way_to_the_registered_one(line):
    _, high = beside([line], "18 Years", "75 Years")
    assert high.value is None
    if high.alternatives:
        assert high.confidence < 0.8


def test_a_summary_never_decides_against_the_registered_age():
    summary = "It is common in people aged 20 to 30 years."
    assert beside([], "18 Years", "75 Years", summary)[1].value is None
    assert beside([], "18 Years", None, summary)[1].value is None  # one registered end: the other has no limit
    assert beside([], "20 Years", None, summary)[1].value.value == 30  # its range has the registered end
    assert beside([], summary=summary)[1].value.value == 30
    assert beside([], "20 Years", "30 Years", summary)[1].value.value == 30


def test_of_several_ages_the_registered_one_counts():
    lines = ["Part 1: age 18 to 55 years", "Part 2: age 18 to 65 years"]
    assert beside(lines, "18 Years", "55 Years")[1].value.value == 55
    assert beside(lines)[1].value.value == 65


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Less than 45 years of age at the time of seizure onset", (None, None)),
        ("Age < 45 years when the diagnosis of onset was made, at disease onset", (None, None)),
        ("Bone age for girls of at most 8 years, for boys at most 10 years", (None, None)),
        ("Women of non-childbearing potential, defined as aged 60 years or older", (None, None)),
        ("Outpatients 18 75 years of age", (None, (75, "year"))),
        ("18 and 75 years of age", ((18, "year"), (75, "year"))),
        ("Men in the range of age from 18 to 55 years", ((18, "year"), (55, "year"))),
        ("Age below 1500 months", (None, None)),
    ],
)
def test_misread_ages_without_a_registered_one(text, expected):
    assert ages([stated(text)]) == expected
