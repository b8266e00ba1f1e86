"""How a reviewed record becomes gold, and what keeps it from that."""

import json

import pytest

from extractor.errors import GoldError
from extractor.evaluation import check_gold_files
from extractor.review.changes import NotReady

from .acting import decide, mend, set_value
from .runs import SEED, read_gold


def test_a_mended_record_is_gold(start_review, tmp_path):
    review = start_review()
    with pytest.raises(NotReady, match="4 items are not decided"):
        review.finish(SEED)
    assert not list((tmp_path / "gold").glob("*.json"))
    mend(review)
    review.finish(SEED)
    assert json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8")) == read_gold()
    assert check_gold_files(tmp_path / "gold", "seeds/records") == []
    assert review.describe(SEED)["progress"]["state"] == "finished"


@pytest.mark.parametrize(
    ("name", "path", "value", "flaw"),
    [
        ("endpoint-0", "time_points", [{"value": "three", "unit": "month"}], "is no number"),
        ("endpoint-0", "concept", "survival", "is not allowed"),
        ("endpoint-0", "concept", None, "is empty"),
        ("endpoint-0", "measure", "Overall survival", "does not stand in"),
        ("criterion-0", "quote", "matched the diagnostic crit", "inside a word"),
        ("people", "minimum_age", {"value": 18, "unit": "cycle"}, "no unit of an age"),
    ],
)
def test_what_is_wrong_is_shown_at_its_field_and_is_no_gold(start_review, tmp_path, name, path, value, flaw):
    review = start_review()
    mend(review)
    set_value(review, name, path, value)
    found = [one for one in review.describe(SEED)["flaws"] if flaw in one["problem"]]
    assert [one["item"] for one in found] == [name]
    assert found[0]["path"].startswith(path)
    with pytest.raises(NotReady, match="wrong with it"):
        review.finish(SEED)
    assert not list((tmp_path / "gold").glob("*.json"))


def test_a_finished_record_that_is_changed_says_so_until_it_is_finished_again(start_review, tmp_path):
    review = start_review()
    mend(review)
    review.finish(SEED)
    set_value(review, "endpoint-0", "censored", value=True)
    assert review.describe(SEED)["progress"]["state"] == "changed"
    review.step(SEED, "undo")
    assert review.describe(SEED)["progress"]["state"] == "finished"
    review.step(SEED, "redo")
    review.finish(SEED)
    written = json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8"))
    assert written["endpoints"][0]["censored"] is True


def test_an_outcome_that_is_left_out_is_named_without_paths(start_review):
    review = start_review()
    mend(review)
    decide(review, "reject", "endpoint-0")
    flaws = [(one["problem"], one["remedy"]) for one in review.describe(SEED)["flaws"] if one["item"] is None]
    restore = "restore it, or select its words in the text and choose New outcome"
    assert flaws == [("primary outcome 1 is not annotated", restore)]
    with pytest.raises(NotReady, match="is not annotated"):
        review.finish(SEED)


def test_gold_that_is_there_is_what_is_reviewed(start_review, tmp_path):
    (tmp_path / "gold").mkdir()
    gold = read_gold()
    (tmp_path / "gold" / f"{SEED}.json").write_text(json.dumps(gold), "utf-8")
    review = start_review()
    assert review.describe(SEED)["progress"] == {"state": "finished", "decided": 4, "items": 4}
    set_value(review, "people", "sex", "all")
    review.finish(SEED)
    gold["eligibility"]["sex"] = "all"
    assert json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8")) == gold


def test_nothing_is_lost_when_gold_cannot_be_written(start_review, tmp_path, monkeypatch):
    review = start_review()
    mend(review)
    foreign = tmp_path / "gold" / f"{SEED}.json"
    foreign.write_text("{}", "utf-8")
    with pytest.raises(GoldError, match="changed by another program"):
        review.finish(SEED)
    assert foreign.read_text("utf-8") == "{}"
    foreign.unlink()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("extractor.review.gold.write_atomically", fail)
    with pytest.raises(OSError, match="No space"):
        review.finish(SEED)
    assert review.describe(SEED)["progress"]["state"] == "begun"
    monkeypatch.undo()
    review.finish(SEED)
