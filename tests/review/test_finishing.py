"""Reviewed records become gold, unless they have flaws."""

import json

import pytest

from extractor.apps.evaluation import check_gold_files
from extractor.apps.review.changes import NotReady, StillRed
from extractor.errors import GoldError

from .reviewing import SEED, decide, mend, read_gold, set_value


@pytest.fixture
def path(tmp_path):
    """The gold file of the record."""
    return tmp_path / "gold" / f"{SEED}.json"


def read_state(review):
    return review.describe(SEED)["progress"]["state"]


def test_a_corrected_record_is_gold_and_reports_later_changes(start_review, path):
    review = start_review()
    with pytest.raises(NotReady, match="4 items are not decided"):
        review.finish(SEED)
    assert not path.exists()
    mend(review)
    review.finish(SEED)
    assert json.loads(path.read_text("utf-8")) == read_gold()
    assert check_gold_files(path.parent, "seeds/records") == []
    assert read_state(review) == "finished"
    set_value(review, "endpoints[0]", "censored", value=True)
    assert read_state(review) == "changed"
    review.step(SEED, "undo")
    assert read_state(review) == "finished"
    review.step(SEED, "redo")
    review.finish(SEED)
    assert json.loads(path.read_text("utf-8"))["endpoints"][0]["censored"] is True


@pytest.mark.parametrize(
    ("name", "field", "value", "flaw"),
    [
        (
            "endpoints[0]",
            "time_points",
            [{"value": "three", "unit": "month"}],
            "'three' is no number",
        ),
        ("endpoints[0]", "concept", "survival", "is none of"),
        ("endpoints[0]", "concept", None, "is empty"),
        ("endpoints[0]", "measure", "Overall survival", "does not stand in"),
        (
            "eligibility.criteria[0]",
            "quote",
            "matched the diagnostic crit",
            "inside a word",
        ),
        (
            "eligibility",
            "minimum_age",
            {"value": 18, "unit": "cycle"},
            "no unit of an age",
        ),
    ],
)
def test_a_flaw_is_shown_at_its_field_and_prevents_gold(
    start_review, path, name, field, value, flaw
):
    review = start_review()
    mend(review)
    set_value(review, name, field, value)
    (found,) = [one for one in review.describe(SEED)["flaws"] if flaw in one["problem"]]
    assert found["item"] == name
    assert found["path"].startswith(field)
    with pytest.raises(NotReady, match="wrong with it"):
        review.finish(SEED)
    assert not path.exists()


def test_a_red_field_is_finished_only_if_told_to(start_review, path):
    review = start_review()
    mend(review)
    limit = {
        "quantity": "age",
        "comparator": ">",
        "value": 99,
        "value_high": None,
        "unit": "year",
    }
    set_value(review, "eligibility.criteria[0]", "constraints", [limit])
    (found,) = review.describe(SEED)["flaws"]
    assert found["warns"]
    assert "99 does not stand in the quote" in found["problem"]
    with pytest.raises(
        StillRed, match=r"1 field is still red: inclusion criterion 1, con"
    ):
        review.finish(SEED)
    assert not path.exists()
    review.finish(SEED, anyway=True)
    assert path.exists()
    assert read_state(review) == "finished"


_EMPTY = {"value": None, "unit": None}


@pytest.mark.parametrize(
    ("name", "field", "value", "flaw"),
    [
        (
            "endpoints[0]",
            "time_points",
            [_EMPTY],
            ("time_points[0]", "nothing is filled in", "fill it in, or remove it"),
        ),
        (
            "eligibility",
            "minimum_age",
            _EMPTY,
            ("minimum_age", "nothing is filled in", "fill it in, or remove it"),
        ),
        (
            "eligibility",
            "minimum_age",
            {"value": 18, "unit": None},
            ("minimum_age.unit", "is empty", "fill it in"),
        ),
        (
            "eligibility.criteria[0]",
            "constraints",
            [{"quantity": "", "comparator": None, "value": None, "unit": None}],
            ("constraints[0]", "nothing is filled in", "fill it in, or remove it"),
        ),
        (
            "eligibility.criteria[0]",
            "time_windows",
            [{"quote": "", "comparator": None, "value": None, "unit": None}],
            ("time_windows[0]", "nothing is filled in", "fill it in, or remove it"),
        ),
        (
            "endpoints[0]",
            "time_points",
            [{"value": 3, "unit": None}],
            ("time_points[0].unit", "is empty", "fill it in, or remove the row"),
        ),
        (
            "endpoints[0]",
            "specimens",
            [""],
            ("specimens[0]", "nothing is filled in", "fill it in, or remove it"),
        ),
        (
            "eligibility",
            "groups",
            [{"id": "", "lead_in": None, "rule": None, "n": None}],
            ("groups[0]", "nothing is filled in", "fill it in, or remove it"),
        ),
    ],
)
def test_an_empty_row_is_one_flaw_for_people(
    start_review, path, name, field, value, flaw
):
    review = start_review()
    mend(review)
    set_value(review, name, field, value)
    found = [
        (flaw["item"], flaw["path"], flaw["problem"], flaw["remedy"])
        for flaw in review.describe(SEED)["flaws"]
    ]
    assert found == [(name, *flaw)]
    decide(review, "accept", name)
    with pytest.raises(NotReady, match=rf"1 thing is wrong with it: .*{flaw[1]}"):
        review.finish(SEED, anyway=True)
    assert not path.exists()


def list_queue_states(review):
    return {row["record"]: row["progress"] for row in review.list_queue()["records"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("", "cannot be read"),
        ("{}", "cannot be read (record_id"),
        ('{"record_id": "A", "eligibility": {}}', "is gold of another record (A)"),
    ],
)
def test_a_broken_gold_file_is_not_finished(start_review, path, text, problem):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    review = start_review()
    progress = list_queue_states(review)[SEED]
    assert (progress["state"], progress["decided"]) == ("broken", 0)
    assert problem in progress["problem"]
    names = list(list_queue_states(review))
    before = names[names.index(SEED) - 1]
    assert review.find(before, "unfinished") == SEED


def test_gold_that_is_damaged_or_lost_later_is_not_finished(start_review, path):
    review = start_review()
    mend(review)
    review.finish(SEED)
    whole = path.read_text("utf-8")
    for text, problem in (
        (whole[:100], "its gold file cannot be read"),
        (whole + " ", "its gold file"),
    ):
        path.write_text(text, "utf-8")
        assert read_state(review) == "broken"
        assert problem in list_queue_states(review)[SEED]["problem"]
    path.write_text(whole, "utf-8")
    assert read_state(review) == "finished"
    path.unlink()
    assert list_queue_states(review)[SEED]["problem"] == "its gold file is missing"
    review.finish(SEED)
    assert read_state(review) == "finished"


def test_an_outcome_that_is_left_out_is_named_without_paths(start_review):
    review = start_review()
    mend(review)

    decide(review, "reject", "endpoints[0]")

    flaws = [
        (flaw["problem"], flaw["remedy"])
        for flaw in review.describe(SEED)["flaws"]
        if flaw["item"] is None
    ]
    restore = "restore it, or select its words in the text and choose New endpoint"
    assert flaws == [("primary outcome 1 is not annotated", restore)]


def test_existing_gold_is_reviewed_instead_of_the_prediction(start_review, path):
    path.parent.mkdir()
    gold = read_gold()
    path.write_text(json.dumps(gold), "utf-8")
    review = start_review()
    assert review.describe(SEED)["progress"] == {
        "state": "finished",
        "decided": 4,
        "items": 4,
    }
    set_value(review, "eligibility", "sex", "all")
    review.finish(SEED)
    gold["eligibility"]["sex"] = "all"
    assert json.loads(path.read_text("utf-8")) == gold


def test_nothing_is_lost_when_gold_cannot_be_written(start_review, path):
    review = start_review()
    mend(review)
    path.write_text("{}", "utf-8")
    with pytest.raises(GoldError, match="changed by another program"):
        review.finish(SEED)
    assert path.read_text("utf-8") == "{}"
    assert read_state(review) == "begun"
    path.unlink()
    review.finish(SEED)
    assert read_state(review) == "finished"
