"""The golds of two annotators become one: what both say is accepted, where they differ is open."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from extractor.apps.evaluation.agreement import compare_annotators
from extractor.apps.review.adjudication import Adjudication
from extractor.apps.review.app import open_review
from extractor.apps.review.changes import Review
from extractor.apps.review.draft import WHOLE
from extractor.apps.review.journal import Journal
from extractor.apps.review.queue import RunRecords
from extractor.errors import GoldError
from extractor.schemas import TrialExtraction
from tests.pages.invented import TRIAL, make_extraction, make_run

from .reviewing import change, decide, describe, item, set_value

CRITERION = "eligibility.criteria[{}]".format


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("invented"))


def write(folder: Path, gold):
    folder.mkdir()
    (folder / f"{TRIAL}.json").write_text(json.dumps(gold), "utf-8")


@pytest.fixture
def folders(tmp_path):
    """Anna lacks a criterion; Ben has another limit and another sex, and lacks a regimen."""
    anna = TrialExtraction.model_validate(make_extraction()).to_gold()
    ben = json.loads(json.dumps(anna))
    del anna["eligibility"]["criteria"][6]
    ben["eligibility"]["sex"] = "female"
    ben["eligibility"]["criteria"][1]["constraints"][0]["value"] = 5
    del ben["dosing"][-1]
    write(tmp_path / "anna", anna)
    write(tmp_path / "ben", ben)
    return tmp_path / "anna", tmp_path / "ben"


@pytest.fixture
def review(run, folders, tmp_path):
    records = RunRecords(run)
    adjudication = Adjudication(*folders, records.fields)
    records.doubts = adjudication.list_doubts(records.doubts)
    (tmp_path / "agreed" / ".review").mkdir(parents=True)
    journal = Journal(tmp_path / "agreed" / ".review" / "journal.sqlite")
    with closing(journal):
        yield Review(records, tmp_path / "agreed", journal, "cleo", adjudication)


def list_open(review):
    return {
        entry["path"]: entry["others"]
        for entry in describe(review)["items"]
        if entry["state"] == "open"
    }


def test_only_differences_are_open_each_with_what_the_other_says(review, folders):
    left = list_open(review)
    said = {
        (path, name): note["said"]
        for path, notes in left.items()
        for name, note in notes.items()
    }
    (lacking,) = [path for (path, name), text in said.items() if text == "only in ben"]
    gone = f"dosing[{len(make_extraction()['dosing']) - 1}]"
    assert said == {
        ("eligibility", "sex"): "female",
        (
            CRITERION(1),
            "constraints",
        ): "ALT ≤ 5 x ULN, ALT ≤ 5 x ULN, with liver metastases",
        (lacking, WHOLE): "only in ben",
        (gone, WHOLE): "only in anna",
    }
    # A criterion that Anna lacks stands where it stands in the text.
    paths = [entry["path"] for entry in describe(review)["items"]]
    assert paths.index(lacking) == paths.index(CRITERION(5)) + 1
    (row,) = review.list_queue()["records"]
    assert row["reasons"] == ("4 differences",)
    assert len(compare_annotators(*folders).differences) == 4


def test_a_taken_value_decides_and_the_agreed_gold_differs_from_neither_in_it(
    review, folders, tmp_path
):
    theirs = item(review, CRITERION(1))["others"]["constraints"]["value"]
    set_value(review, CRITERION(1), "constraints", theirs)
    assert item(review, CRITERION(1))["state"] == "corrected"
    decide(review, "accept", "eligibility")
    for path in list_open(review):
        decide(review, "accept", path)
    review.finish(TRIAL)
    of_ben = compare_annotators(tmp_path / "agreed", folders[1]).differences
    assert [(row.field, row.relation) for row in of_ben] == [
        ("sex", "only in ben"),
        ("whole item", "only in agreed"),
    ]


def test_what_is_the_same_in_other_words_is_accepted_and_marked(review, folders):
    file = folders[1] / f"{TRIAL}.json"
    ben = json.loads(file.read_text("utf-8"))
    limit = ben["eligibility"]["criteria"][1]["constraints"][0]
    limit |= {"quantity": "confirmed serum ALT", "value": 3}
    file.write_text(json.dumps(ben), "utf-8")
    criterion = item(review, CRITERION(1))
    assert criterion["state"] == "accepted"
    assert criterion["unsettled"] == []
    note = criterion["others"]["constraints"]
    assert note["is_same"]
    assert "confirmed serum ALT" in note["said"]
    (row,) = compare_annotators(*folders).variants
    assert (row.item, row.field, row.relation) == (
        "criterion 2",
        "constraints",
        "the same, other words",
    )


def test_an_item_with_two_differences_is_decided_when_both_are(
    review, folders, run, tmp_path
):
    ben = json.loads((folders[1] / f"{TRIAL}.json").read_text("utf-8"))
    ben["eligibility"]["criteria"][1]["category"] = "other"
    (folders[1] / f"{TRIAL}.json").write_text(json.dumps(ben), "utf-8")
    others = item(review, CRITERION(1))["others"]
    assert set(others) == {"category", "constraints"}
    set_value(review, CRITERION(1), "category", "other")
    assert item(review, CRITERION(1))["state"] == "open"
    set_value(review, CRITERION(1), "constraints", others["constraints"]["value"])
    assert item(review, CRITERION(1))["state"] == "corrected"
    change(
        review,
        kind="restore",
        items=[
            {"item": CRITERION(1), "version": item(review, CRITERION(1))["version"]}
        ],
    )
    assert item(review, CRITERION(1))["state"] == "open"


def test_a_record_of_one_annotator_is_open_as_a_whole(run, folders):
    (folders[1] / f"{TRIAL}.json").unlink()
    (folders[1] / "x.json").write_text('{"record_id": "X"}', "utf-8")
    records = RunRecords(run)
    adjudication = Adjudication(*folders, records.fields)
    doubts = adjudication.list_doubts(records.doubts)
    assert doubts[TRIAL].reasons == ("only in anna",)
    items = adjudication.make_items(records.read_text(TRIAL))
    assert {entry.state for entry in items} == {"open"}


def test_gold_of_other_records_is_refused(run, folders, tmp_path):
    for folder in folders:
        (folder / f"{TRIAL}.json").write_text('{"record_id": "X"}', "utf-8")
    with (
        pytest.raises(GoldError, match="none of the records"),
        open_review(run, tmp_path / "agreed", reviewer="cleo", annotators=folders),
    ):
        pass
