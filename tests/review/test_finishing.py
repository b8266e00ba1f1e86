"""Reviewed records become gold, unless they have flaws."""

import json

import pytest

from extractor.apps.evaluation import check_gold_files
from extractor.apps.review.changes import NotReady
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
            "a valid number, not",
        ),
        ("endpoints[0]", "concept", "survival", "input should be"),
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


def test_a_warning_is_shown_and_prevents_nothing(start_review, path):
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
    review.finish(SEED)
    assert path.exists()


def test_an_outcome_that_is_left_out_is_named_without_paths(start_review):
    review = start_review()
    mend(review)
    decide(review, "reject", "endpoints[0]")
    flaws = [
        (one["problem"], one["remedy"])
        for one in review.describe(SEED)["flaws"]
        if one["item"] is None
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
