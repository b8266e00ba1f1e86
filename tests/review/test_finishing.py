"""How a reviewed record becomes gold, and what keeps it from that."""

import json

import pytest

from extractor.errors import GoldError
from extractor.evaluation import check_gold_files
from extractor.review.changes import NotReady
from extractor.review.draft import ActionKind

from .acting import decide, mend, set_value
from .runs import SEED, read_gold


def test_a_mended_record_is_gold(sit_down, tmp_path):
    desk = sit_down()
    mend(desk)
    desk.finish(SEED)
    assert json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8")) == read_gold()
    assert check_gold_files(tmp_path / "gold", "seeds/records") == []
    assert desk.describe(SEED)["progress"]["state"] == "finished"


def test_what_is_not_decided_is_not_finished(sit_down, tmp_path):
    desk = sit_down()
    with pytest.raises(NotReady, match="4 items are not decided"):
        desk.finish(SEED)
    assert not list((tmp_path / "gold").glob("*.json"))


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
def test_what_is_wrong_is_told_at_its_field_and_is_no_gold(sit_down, tmp_path, name, path, value, flaw):
    desk = sit_down()
    mend(desk)
    set_value(desk, name, path, value)
    found = [one for one in desk.describe(SEED)["flaws"] if flaw in one["problem"]]
    assert [one["item"] for one in found] == [name]
    assert found[0]["path"].startswith(path)
    with pytest.raises(NotReady, match="wrong with it"):
        desk.finish(SEED)
    assert not list((tmp_path / "gold").glob("*.json"))


def test_a_registered_outcome_cannot_be_left_out(sit_down):
    desk = sit_down()
    mend(desk)
    decide(desk, "reject", "endpoint-0")
    with pytest.raises(NotReady, match="is not annotated"):
        desk.finish(SEED)


def test_a_finished_record_that_is_changed_says_so_until_it_is_finished_again(sit_down, tmp_path):
    desk = sit_down()
    mend(desk)
    desk.finish(SEED)
    set_value(desk, "endpoint-0", "censored", value=True)
    assert desk.describe(SEED)["progress"]["state"] == "changed"
    desk.finish(SEED)
    written = json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8"))
    assert written["endpoints"][0]["censored"] is True


def test_a_finished_record_whose_changes_are_undone_is_finished(sit_down):
    desk = sit_down()
    mend(desk)
    desk.finish(SEED)
    set_value(desk, "endpoint-0", "censored", value=True)
    desk.step(SEED, ActionKind.UNDO)
    assert desk.describe(SEED)["progress"]["state"] == "finished"
    desk.step(SEED, ActionKind.UNDO)  # what was accepted before is to decide again
    assert desk.describe(SEED)["progress"]["state"] == "changed"


def test_what_is_wrong_with_an_outcome_is_told_without_paths(sit_down):
    desk = sit_down()
    decide(desk, "reject", "endpoint-0")
    told = [(one["problem"], one["remedy"]) for one in desk.describe(SEED)["flaws"] if one["item"] is None]
    restore = "restore it, or select its words in the text and choose New outcome"
    assert told == [("primary outcome 1 is not annotated", restore)]


def test_gold_that_is_there_is_what_is_reviewed(sit_down, tmp_path):
    (tmp_path / "gold").mkdir()
    gold = read_gold()
    (tmp_path / "gold" / f"{SEED}.json").write_text(json.dumps(gold), "utf-8")
    desk = sit_down()
    assert desk.describe(SEED)["progress"] == {"state": "finished", "decided": 4, "items": 4}
    set_value(desk, "people", "sex", "all")
    desk.finish(SEED)
    gold["eligibility"]["sex"] = "all"
    assert json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8")) == gold


def test_gold_that_somebody_else_wrote_is_not_lost(sit_down, tmp_path):
    desk = sit_down()
    mend(desk)
    foreign = tmp_path / "gold" / f"{SEED}.json"
    foreign.write_text("{}", "utf-8")
    with pytest.raises(GoldError, match="changed by another program"):
        desk.finish(SEED)
    assert foreign.read_text("utf-8") == "{}"


def test_a_failed_write_leaves_nothing_behind(sit_down, tmp_path, monkeypatch):
    desk = sit_down()
    mend(desk)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("extractor.review.journal.write_atomically", fail)
    with pytest.raises(OSError, match="No space"):
        desk.finish(SEED)
    assert desk.describe(SEED)["progress"]["state"] == "begun"
    monkeypatch.undo()
    desk.finish(SEED)
