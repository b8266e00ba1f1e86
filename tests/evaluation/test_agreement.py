"""Two annotators: how far they agree, and their differences in neutral words."""

import copy
import json
import re

import pytest

from extractor.apps.evaluation.agreement import compare_annotators
from extractor.apps.evaluation.agreement_page import render_agreement_page
from extractor.errors import GoldError
from tests.commands import invoke

QUOTES = ("Platelets >= 100 x 10^9/L", "ECOG 0-1", "Fever", "Adults")


def make_gold(record_id="A"):
    """Gold of one record with four criteria and a regimen."""
    limit = {
        "quantity": "platelets",
        "comparator": ">=",
        "value": 100000000000,
        "unit": "/L",
    }
    criteria = [
        {
            "kind": "inclusion",
            "section": "eligibility",
            "quote": quote,
            "category": "other",
            "constraints": [limit] if quote.startswith("Platelets") else [],
        }
        for quote in QUOTES
    ]
    return {
        "record_id": record_id,
        "eligibility": {"sex": "female", "criteria": criteria},
        "dosing": [
            {"agent": "examplib", "section": "title", "quote": "examplib 10 mg"}
        ],
        "endpoints": [],
    }


def make_two(tmp_path):
    """The folders of two annotators, who differ in one limit, one criterion and the sex."""
    anna = make_gold()
    ben = copy.deepcopy(anna)
    ben["eligibility"]["criteria"][0]["constraints"][0]["value"] = 75000000000
    ben["eligibility"]["criteria"].pop(2)
    ben["eligibility"]["sex"] = "all"
    for name, golds in (
        ("anna", [anna, make_gold("only-anna")]),
        ("ben", [ben, make_gold("only-ben")]),
    ):
        (tmp_path / name).mkdir()
        for gold in golds:
            file = tmp_path / name / f"{gold['record_id']}.json"
            file.write_text(json.dumps(gold), "utf-8")
    return tmp_path / "anna", tmp_path / "ben"


def test_each_difference_is_told_once_by_the_names_of_the_folders(tmp_path):
    agreement = compare_annotators(*make_two(tmp_path), resamples=0)
    assert (agreement.one, agreement.other) == ("anna", "ben")
    assert (agreement.only_one, agreement.only_other) == (("only-anna",), ("only-ben",))
    told = [(row.item, row.field, row.relation) for row in agreement.differences]
    assert told == [
        ("record", "sex", "differs"),
        ("criterion 1", "constraints", "differs"),
        ("criterion 3", "whole item", "only in anna"),
    ]
    by_name = {field.name: field for field in agreement.fields}
    criteria = by_name["eligibility.criteria"]
    assert (criteria.both, criteria.differ) == (3, 0)
    assert (criteria.only_one, criteria.only_other) == (1, 0)
    assert criteria.f1 == pytest.approx(2 * 3 / (4 + 3))


def test_agreement_is_the_same_in_either_order(tmp_path):
    anna, ben = make_two(tmp_path)
    one = compare_annotators(anna, ben)
    other = compare_annotators(ben, anna)
    assert one.total.f1 == other.total.f1
    assert one.describe_share() == other.describe_share()
    assert {row.relation for row in other.differences} == {"differs", "only in anna"}


def test_the_total_is_the_mean_of_the_fields_that_say_so(tmp_path):
    anna, ben = make_two(tmp_path)
    agreement = compare_annotators(anna, ben)
    in_mean = [field.f1 for field in agreement.fields if field.in_mean]
    assert len(in_mean) < len(agreement.fields)
    assert agreement.total.f1 == pytest.approx(sum(in_mean) / len(in_mean))
    page = render_agreement_page(agreement)
    assert page.count('data-label="in the mean">yes') == len(in_mean)
    assert "2 differs, 1 only in anna; in 1 record" in page


def test_values_that_agree_in_other_words_are_listed_last(tmp_path):
    anna, ben = make_two(tmp_path)
    file = ben / "A.json"
    gold = json.loads(file.read_text("utf-8"))
    gold["dosing"][0]["agent"] = "Examplib"
    file.write_text(json.dumps(gold), "utf-8")
    result = invoke("gold", "compare", anna, ben)
    *_, last = result.stdout.splitlines()
    assert "regimen 1\tagent\tthe same, other words\texamplib\tExamplib" in last
    assert "1 value is the same in other words" in result.stderr
    page = render_agreement_page(compare_annotators(anna, ben))
    assert "1 value is the same in other words" in page
    assert len(compare_annotators(anna, ben).differences) == 3


def test_an_item_with_two_numbers_is_told_by_both(tmp_path):
    anna, ben = make_two(tmp_path)
    file = ben / "A.json"
    gold = json.loads(file.read_text("utf-8"))
    gold["eligibility"]["criteria"][2]["category"] = "logistics"
    file.write_text(json.dumps(gold), "utf-8")
    items = [row.item for row in compare_annotators(anna, ben).differences]
    assert "criterion 4 (ben: 3)" in items


def test_no_record_in_common_is_an_error():
    with pytest.raises(GoldError, match="no record in common"):
        compare_annotators([make_gold("A")], [make_gold("B")])


def test_the_command_says_what_to_report_and_lists_the_differences(tmp_path):
    anna, ben = make_two(tmp_path)
    result = invoke("gold", "compare", anna, ben, "--html", tmp_path / "page.html")
    first, second, *_ = result.stdout.splitlines()
    assert re.fullmatch(
        r"agreement of anna and ben: F1 0\.\d+ \(no interval: there is one record\) over 1 record",
        first,
    )
    assert re.fullmatch(r"same value where either states one: .* values\)", second)
    assert "\tonly in anna\tFever\t-\tFever" in result.stdout
    rest = invoke("gold", "compare", anna, ben, "--list", "1")
    assert "2 more differences; --list 3 or --html FILE shows all" in rest.stderr
    assert "no difference is left" in invoke("gold", "compare", anna, anna).stdout


def test_the_page_has_no_word_of_right_and_wrong(tmp_path):
    page = render_agreement_page(compare_annotators(*make_two(tmp_path)))
    shown = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(
        r"invented|missed|\bharm(?!\":null)|predicted (?!\")|by the run", shown
    )
    assert "only in anna" in shown


def test_folders_of_reviewers_are_named_where_one_of_them_is_meant(tmp_path):
    make_two(tmp_path)
    with pytest.raises(GoldError, match=r"folder of one reviewer: .*anna or .*ben"):
        compare_annotators(tmp_path, tmp_path / "ben")


def test_a_run_is_no_gold_of_an_annotator(tmp_path, seed_run):
    anna, _ = make_two(tmp_path)
    result = invoke("gold", "compare", anna, seed_run)
    assert result.exit_code == 2
    assert "is a run" in result.stderr


def test_two_golds_stay_as_they_are_when_one_is_made_of_them(tmp_path, seed_run):
    anna, ben = make_two(tmp_path)
    result = invoke("review", seed_run, "--gold", ben, "--adjudicate", anna, ben)
    assert result.exit_code == 2
    assert "is one of the two golds" in result.stderr
