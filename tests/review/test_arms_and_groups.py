"""Conditions, time windows, groups and arms under review: corrected, marked in the text, and
read back from gold.
"""

import json
import re
from contextlib import closing

import pytest

from extractor.apps.evaluation import check_gold_files
from extractor.apps.pages.words import say
from extractor.apps.review.changes import Conflict, Review
from extractor.apps.review.draft import list_items
from extractor.apps.review.forms import FIELDS, describe_form
from extractor.apps.review.journal import Journal
from extractor.apps.review.queue import RunRecords
from extractor.apps.review.selection import MarkedWords, read_value
from extractor.formats.records import make_record
from extractor.schemas import TrialExtraction
from tests.pages.invented import ARMS, GROUPS, TRIAL, make_extraction, make_run

from .reviewing import change, decide, describe, item, read, set_value

CRITERION = "eligibility.criteria[{}]".format
LIMITS = make_extraction()["eligibility"]["criteria"][1]["constraints"]
WINDOWS = make_extraction()["eligibility"]["criteria"][6]["time_windows"]
LEVELS = json.loads(json.dumps(make_extraction()["dosing"][0]["amounts"]))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("invented"))


@pytest.fixture
def start_review(run, tmp_path):
    (tmp_path / "gold" / ".review").mkdir(parents=True)
    with closing(Journal(tmp_path / "gold" / ".review" / "journal.sqlite")) as journal:
        yield lambda reviewer="anna": Review(
            RunRecords(run), tmp_path / "gold", journal, reviewer
        )


@pytest.fixture
def review(start_review):
    return start_review()


def finish(review, tmp_path):
    decide(
        review,
        "accept",
        *(
            entry["path"]
            for entry in describe(review)["items"]
            if entry["state"] == "open"
        ),
    )
    review.finish(TRIAL)
    return json.loads((tmp_path / "gold" / f"{TRIAL}.json").read_text("utf-8"))


def say_values(review, name, field):
    return [
        value["said"]
        for value in item(review, name)["values"]
        if value["name"] == field
    ]


def test_what_is_accepted_becomes_gold_as_it_was_predicted(review, run, tmp_path):
    gold = finish(review, tmp_path)
    predicted = TrialExtraction.model_validate(make_extraction())
    assert gold["eligibility"]["groups"] == GROUPS
    assert check_gold_files(tmp_path / "gold", run.parent / "records.json") == []
    again = list_items(TrialExtraction.model_validate(gold), "accepted")
    assert [entry.value for entry in again] == [
        entry.value for entry in list_items(predicted)
    ]


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        (CRITERION(1), "constraints", [LIMITS[0], LIMITS[1] | {"condition": None}], ["ALT ≤ 3 x ULN", "ALT ≤ 5 x ULN"]),
        (CRITERION(6), "time_windows", [WINDOWS[1] | {"of": None}], ["≤ 10 days before biopsy"]),
        (CRITERION(4), "group", "g1", ["at least 2 of “High risk, at least two of:”"]),
        (CRITERION(4), "group", None, []),
        ("dosing[2]", "arms", ARMS[1:], ["Low", "Placebo"]),
        ("dosing[0]", "amounts", [LEVELS[0], LEVELS[1] | {"arms": []}], ["10 mg (High > 5 "
                                                                         "mg)", "5 mg"]),
        ("eligibility", "groups", [GROUPS[0] | {"n": "3"}, *GROUPS[1:]],
         ["at least 3 of “High risk, at least two of:”", "any of “One of these "
                                                         "events:”", "any of these"]),
    ],
)  # fmt: skip
def test_a_corrected_field_reads_in_words_and_is_in_the_gold(
    review, tmp_path, name, path, value, said
):
    set_value(review, name, path, value)
    assert say_values(review, name, path) == said
    gold = finish(review, tmp_path)
    for step in re.findall(r"\w+", name):
        gold = gold[int(step) if step.isdigit() else step]
    assert gold[path] == item(review, name)["value"][path]
    assert item(review, name)["state"] == "corrected"


def test_a_part_that_is_typed_and_emptied_again_leaves_the_prediction(review):
    typed = [LIMITS[0] | {"condition": "with liver metastases"}, LIMITS[1]]
    set_value(review, CRITERION(1), "constraints", typed)
    assert "constraints" in item(review, CRITERION(1))["before"]
    set_value(
        review,
        CRITERION(1),
        "constraints",
        [LIMITS[0] | {"condition": None}, LIMITS[1]],
    )
    assert item(review, CRITERION(1))["before"] == {}


def test_the_first_time_window_follows_from_the_list_and_is_not_set_alone(
    review, tmp_path
):
    assert "time_window" not in [
        field["name"] for field in describe_form()["eligibility.criteria"]
    ]
    with pytest.raises(ValueError, match="no such field"):
        set_value(review, CRITERION(6), "time_window", None)
    lives = {
        "quote": "within 3 days",
        "comparator": "<=",
        "value": 5,
        "unit": "half_life",
    }
    set_value(
        review, CRITERION(6), "time_windows", [lives, WINDOWS[1] | {"value": "10"}]
    )
    criterion = finish(review, tmp_path)["eligibility"]["criteria"][6]
    first = {"quote": "within 10 days", "comparator": "<=", "value": 10, "unit": "day"}
    assert criterion["time_window"] == first
    assert [window["value"] for window in criterion["time_windows"]] == [5, 10]
    set_value(review, CRITERION(6), "time_windows", [])
    assert item(review, CRITERION(6))["value"]["time_window"] is None


def test_a_removed_time_window_that_is_selected_again_still_says_what_it_limits(review):
    assert WINDOWS[1]["of"]
    set_value(review, CRITERION(6), "time_windows", WINDOWS[:1])
    read(review, CRITERION(6), "time_windows", "eligibility", "within 10 days")
    assert item(review, CRITERION(6))["before"] == {}
    assert item(review, CRITERION(6))["value"]["time_windows"][1] == WINDOWS[1]


def test_a_selected_time_window_is_read_with_the_rest_of_its_criterion():
    text = (
        "Inclusion Criteria:\n\n* Adults\n\nExclusion Criteria:\n\n"
        "* Major surgery or radiotherapy within 4 weeks before randomisation"
    )
    record = make_record(text)
    section = record.sections[-1]
    quote = section.text[section.text.index("Major") :]
    start = section.text.index("within 4 weeks")
    words = MarkedWords(record, section, start, start + len("within 4 weeks"))
    field = FIELDS["eligibility.criteria"]["time_windows"]
    (window,) = read_value({"quote": quote}, field, words)
    assert window["of"] == "Major surgery or radiotherapy"
    assert window["anchor"] == "before randomisation"
    (alone,) = read_value({"quote": "elsewhere"}, field, words)
    assert alone["value"] == 4


def test_a_flaw_names_a_group_as_the_page_does(review):
    added = {"id": "", "rule": "at_least", "lead_in": None, "n": None}
    set_value(review, "eligibility", "groups", [*GROUPS, added])
    told = [flaw["problem"] for flaw in describe(review)["flaws"]]
    assert told == [
        "no criterion and no group is in group 4",
        "is empty with the rule 'at least'",
    ]
    set_value(review, CRITERION(0), "group", "g4")
    history = review.list_history(TRIAL)
    assert history[0]["now"] == "group 4"


def test_gold_that_has_the_first_time_window_alone_offers_it_in_the_list(
    start_review, tmp_path
):
    gold = TrialExtraction.model_validate(make_extraction()).to_gold()
    criterion = gold["eligibility"]["criteria"][6]
    del criterion["time_windows"]
    (tmp_path / "gold" / f"{TRIAL}.json").write_text(json.dumps(gold), "utf-8")

    review = start_review()

    assert item(review, CRITERION(6))["value"]["time_windows"] == [
        criterion["time_window"]
    ]
    assert say_values(review, CRITERION(6), "time_windows") == ["≤ 3 days"]


def test_a_group_is_made_from_marked_words_and_criteria_join_it(review, tmp_path):
    read(review, "eligibility", "groups", "eligibility", "liver metastases")
    made = item(review, "eligibility")["value"]["groups"][-1]
    assert made["id"] == "g4"
    assert made["lead_in"] == "liver metastases"
    assert made["rule"] is None
    assert [flaw["path"] for flaw in describe(review)["flaws"]] == ["groups[3].rule"]
    set_value(review, "eligibility", "groups", [*GROUPS, made | {"rule": "any"}])
    set_value(review, CRITERION(0), "group", "g4")
    assert item(review, CRITERION(0))["groups"] == ["eligibility.groups[3]"]
    assert ("g4", "group 4: any of “liver metastases”") in describe(review)["choices"][
        "member"
    ]
    gold = finish(review, tmp_path)["eligibility"]
    assert gold["groups"][-1]["id"] == "g4"
    assert gold["criteria"][0]["group"] == "g4"


def test_words_of_parts_are_marked_in_the_text_also_after_a_correction(review):
    def list_marked(name, field):
        described = describe(review)
        spans = [
            described["spans"][span]
            for value in item(review, name)["values"]
            if value["name"] == field
            for span in value["spans"]
        ]
        return [
            described["sections"][section]["text"][start:end]
            for section, start, end, *_ in spans
        ]

    assert list_marked(CRITERION(0), "constraints") == [
        "at least 12 g/dL",
        "for men",
        "11 g/dL",
        "for women",
    ]
    assert list_marked(CRITERION(2), "group") == ["High risk, at least two of:"]
    assert list_marked("dosing[0]", "arms") == ["High > 5 mg", "Low"]
    set_value(review, CRITERION(6), "time_windows", [WINDOWS[1] | {"of": "Aspirin"}])
    assert sorted(list_marked(CRITERION(6), "time_windows")) == [
        "Aspirin",
        "before biopsy",
        "within 10 days",
    ]


def test_the_second_of_two_reviewers_sees_the_arms_of_the_first(start_review):
    anna = start_review("anna")
    ben = start_review("ben")
    set_value(anna, "dosing[2]", "arms", ARMS)

    with pytest.raises(Conflict) as refused:
        change(
            ben,
            kind="set",
            item="dosing[2]",
            version=0,
            path="arms",
            old=[],
            value=ARMS[:1],
        )

    assert refused.value.rows == (("arms", "High > 5 mg, Low, Placebo", "High > 5 mg"),)


def test_an_arm_is_told_with_its_type_which_is_no_label(review):
    assert dict(describe(review)["choices"]["arm"]) == {
        label: f"{say(label)} (experimental)" for label in ARMS
    }
    set_value(review, "dosing[2]", "arms", [*ARMS[1:], "EXPERIMENTAL"])
    (flaw,) = describe(review)["flaws"]
    assert flaw["problem"] == "the record has no arm 'EXPERIMENTAL'"
    assert flaw["remedy"].startswith("that is the type of the arm ")
