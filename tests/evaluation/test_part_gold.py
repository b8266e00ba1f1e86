"""Gold of some fields is scored for these alone."""

import pytest

import extractor
from extractor.apps.evaluation import check_gold, evaluate
from extractor.apps.evaluation.gold_check import check_annotation
from extractor.errors import ArgumentError
from tests.commands import invoke

from .annotations import criterion, limit, make_gold

AGE = {"minimum_age": {"value": 18, "unit": "year"}}
LIMITS = "eligibility.criteria.constraints"


def score(gold, fields=(), predicted=None):
    found = [predicted or make_gold()]
    return evaluate([{"record_id": "A", **gold}], found, resamples=0, fields=fields)


def name_scored(report):
    return [field.name for field in report.fields if field.records]


@pytest.mark.parametrize(
    ("gold", "scored"),
    [
        ({"eligibility": AGE}, ["eligibility.minimum_age"]),
        ({"eligibility": {"sex": None}}, ["eligibility.sex"]),
        ({}, []),
        ({"eligibility": {}}, []),
        (
            {"eligibility": {"criteria": [criterion("Known allergy to peanuts")]}},
            [
                "eligibility.criteria",
                "eligibility.criteria.quote",
                "eligibility.criteria.kind",
                "eligibility.criteria.section",
                "eligibility.criteria.category",
            ],
        ),
    ],
)
def test_a_key_that_gold_does_not_have_is_not_scored(gold, scored):
    assert name_scored(score(gold)) == scored


def test_one_value_that_agrees_is_all():
    report = score({"eligibility": AGE})
    assert report.figure("all") == 1.0
    assert report.errors == ()
    assert report.describe_scored().startswith(
        "eligibility.minimum_age; not scored (no key"
    )


@pytest.mark.parametrize(
    ("gold", "field", "invented"),
    [
        ({"eligibility": {"sex": None}}, "eligibility.sex", 1),
        ({"eligibility": {"criteria": []}}, "eligibility.criteria", 6),
        ({"dosing": []}, "dosing.route", 2),
        ({"endpoints": []}, "endpoints.outcomes", 3),
    ],
)
def test_null_and_an_empty_list_say_that_there_is_none(gold, field, invented):
    report = score(gold)

    (figures,) = [figures for figures in report.fields if figures.name == field]
    assert figures.records == 1
    assert figures.stated == 0
    assert figures.invented == invented
    assert report.figure("all") == 0.0


def test_one_item_with_a_key_speaks_for_its_list():
    said = [
        criterion("Known allergy to peanuts", "exclusion", constraints=[]),
        criterion("Age 18 to 75 years"),
    ]
    (found,) = (
        field
        for field in score({"eligibility": {"criteria": said}}).fields
        if field.name == LIMITS
    )
    # of criteria without a counterpart, too: gold was read for all limits
    assert (found.records, found.stated, found.invented) == (1, 0, 5)


@pytest.mark.parametrize(
    ("fields", "scored"),
    [
        (["minimum_age,sex"], ["eligibility.minimum_age", "eligibility.sex"]),
        ("constraints", [LIMITS]),
        (["dosing.route"], ["dosing.route"]),
        (["eligibility.minimum_age"], ["eligibility.minimum_age"]),
        (["category"], ["eligibility.criteria.category", "endpoints.category"]),
    ],
)
def test_fields_are_chosen_by_any_part_of_their_path(fields, scored):
    gold = make_gold()
    for item in gold["eligibility"]["criteria"]:
        item.pop("time_windows", None)
    assert name_scored(score(gold, fields)) == scored


def test_a_field_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(
        ArgumentError, match=r"minimum_agee: no such field \(did you mean"
    ):
        score(make_gold(), ["minimum_agee"])


def test_gold_may_name_what_it_was_read_for():
    """An item needs keys of which gold says nothing, such as the kind of a criterion."""
    said = criterion("Platelets", constraints=[limit("Platelet count", ">=", 1, "/L")])
    gold = {"eligibility": {"criteria": [said], **AGE}, "scored": ["constraints"]}
    assert name_scored(score(gold)) == [LIMITS]
    whole = extractor.TrialExtraction.model_validate({"record_id": "A", **gold})
    assert whole.to_gold()["scored"] == ["constraints"]
    (flaw,) = check_gold_of({"record_id": "A", "scored": ["limits"]})
    assert flaw.path == "scored[0]"


def check_gold_of(gold):
    return list(check_annotation(gold, None))


def test_part_gold_is_no_problem_for_the_check(tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"record_id": "A", "eligibility": {"minimum_age": null}}\n')

    (flaw,) = check_gold(path, [])

    assert flaw.problem == "there is no record 'A'"


def test_the_summary_and_the_page_say_what_was_scored(tmp_path):
    gold = tmp_path / "gold.jsonl"
    found = tmp_path / "found.jsonl"
    gold.write_text('{"record_id": "A", "eligibility": {"sex": "all"}}\n')
    found.write_text('{"record_id": "A", "eligibility": {"sex": "all"}}\n')
    page = tmp_path / "page.html"
    result = invoke("evaluate", str(gold), str(found), "--html", str(page))
    said = "eligibility.sex; not scored (no key in gold) 48 others"
    assert f"scored: {said}" in result.stdout.splitlines()
    assert "dosing" not in result.stdout
    assert f"<b>Scored</b>: {said}." in page.read_text("utf-8")
    both = invoke("evaluate", str(gold), str(found), "--fields", "minimum_age,sex")
    assert "scored: eligibility.sex; not scored (--fields) 48 others" in both.stdout
    none = invoke("evaluate", str(gold), str(found), "--fields", "dosing")
    assert "scored: nothing: gold has no key of a field to score" in none.stdout


ALLERGY = criterion("Known allergy to peanuts")
STROKE = criterion("History of stroke")
ANAEMIA = criterion("Severe anaemia")


@pytest.mark.parametrize(
    ("given", "predicted", "score", "beside"),
    [
        ([ALLERGY], [ALLERGY, STROKE, ANAEMIA], 1.0, 2),
        ([ALLERGY, STROKE], [ALLERGY, ANAEMIA], 2 / 3, 1),
        ([ALLERGY], [ALLERGY], 1.0, 0),
        # an empty list says that there is none
        ([], [STROKE], 0.0, 0),
    ],
)
def test_only_the_given_items_are_scored(given, predicted, score, beside):
    gold, found = (
        {"record_id": "A", "eligibility": {"criteria": criteria}}
        for criteria in (given, predicted)
    )
    report = evaluate([gold], [found], resamples=0, only_given=True)
    assert report.figure("eligibility.criteria") == pytest.approx(score)
    assert report.beside == beside
    # without the option, all others are invented
    whole = evaluate([gold], [found], resamples=0)
    assert whole.beside is None
    assert sum(error.count for error in whole.errors if error.kind == "invented") == (
        beside + (not given)
    )


def test_a_value_on_an_item_that_gold_does_not_give_is_missed():
    given = criterion("Known allergy to peanuts", constraints=[limit("ANC", ">=", 1)])
    found = criterion("Severe anaemia", constraints=[limit("ANC", ">=", 1)])
    gold, predicted = (
        {"record_id": "A", "eligibility": {"criteria": criteria}}
        for criteria in ([given], [ALLERGY, found])
    )
    report = evaluate([gold], [predicted], resamples=0, only_given=True)
    assert [error.kind.value for error in report.errors] == ["missed"]
