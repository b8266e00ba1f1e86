"""Actions of reviewers, undo and history; reviewers do not overwrite each other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from extractor.apps.review.changes import Conflict, Review
from extractor.apps.review.journal import Journal
from extractor.apps.review.page import WHOLE
from extractor.apps.review.queue import RunRecords
from extractor.evidence.drafts import CERTAIN
from tests.commands import extract

from .reviewing import SEED, add_criterion, change, decide, item, mend, set_value

CORRECTION = {"kind": "set", "item": "endpoints[0]", "version": 0}


def list_states(review):
    return {
        entry["path"]: (entry["state"], entry["value"])
        for entry in review.describe(SEED)["items"]
    }


def test_undo_goes_back_step_by_step_and_redo_forth(start_review):
    review = start_review()
    before = list_states(review)
    mend(review)
    after = list_states(review)
    for _ in range(4):
        review.step(SEED, "undo")
    assert list_states(review) == before
    assert review.describe(SEED)["undo"] == []
    for _ in range(4):
        review.step(SEED, "redo")
    assert list_states(review) == after
    assert review.describe(SEED)["redo"] == []
    later = start_review()  # resumes the first review
    assert later.describe(SEED)["progress"] == {
        "state": "begun",
        "decided": 5,
        "items": 5,
    }


def test_a_value_set_back_is_to_decide_again_and_restore_forgets(start_review):
    review = start_review()
    decide(review, "accept", "endpoints[0]", "eligibility")
    review.step(SEED, "undo")  # both at once
    assert {state for state, _ in list_states(review).values()} == {"open"}
    set_value(review, "endpoints[0]", "concept", "mortality")
    decide(review, "accept", "endpoints[0]")
    assert item(review, "endpoints[0]")["state"] == "corrected"
    assert item(review, "endpoints[0]")["doubts"] == {}
    set_value(review, "endpoints[0]", "concept", "response_rate")
    assert item(review, "endpoints[0]")["state"] == "open"
    decide(review, "accept", "endpoints[0]")
    decide(review, "restore", "endpoints[0]")
    assert item(review, "endpoints[0]")["state"] == "open"
    with pytest.raises(ValueError, match="cannot be rejected"):
        decide(review, "reject", "eligibility")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("endpoints[0]", "time_points"),
        ("endpoints[0]", "specimens"),
        ("eligibility.criteria[0]", "constraints"),
        ("eligibility.criteria[0]", "time_windows"),
        ("dosing[0]", "amounts"),
        ("eligibility", "groups"),
    ],
)
def test_a_row_that_is_added_and_removed_decides_nothing(start_review, name, path):
    review = start_review()
    before = item(review, name)
    rows = before["value"][path]
    set_value(review, name, path, [*rows, {}])
    set_value(review, name, path, rows)

    after = item(review, name)

    assert (after["state"], after["value"]) == ("open", before["value"])


def test_a_row_added_to_a_new_item_and_removed_decides_nothing(start_review):
    review = start_review()
    added = add_criterion(review)
    assert item(review, added)["state"] == "open"
    decide(review, "accept", added)
    assert item(review, added)["state"] == "added"
    rows = item(review, added)["value"]["constraints"]
    set_value(review, added, "constraints", [*rows, {}])
    set_value(review, added, "constraints", rows)
    assert item(review, added)["state"] == "open"


def test_a_number_is_edited_as_the_text_writes_it(start_review):
    review = start_review()
    limit = {
        "quantity": "ANC",
        "comparator": ">=",
        "value": "1.5 x 10^9",
        "value_high": None,
        "unit": "/L",
    }
    set_value(review, "eligibility.criteria[0]", "constraints", [limit])

    found = item(review, "eligibility.criteria[0]")

    assert found["value"]["constraints"][0]["value"] == 1500000000
    assert found["written"]["constraints"][0]["value"] == (
        "1,500,000,000",
        None,
    )  # its quote has no such number
    assert found["before"]["constraints"] == "not stated"
    assert "ANC ≥ 1,500,000,000 /L" in [value["said"] for value in found["values"]]


def test_an_item_stays_open_until_all_doubtful_fields_are_checked(start_review):
    review = start_review()
    # Its confidence, set by hand, is that of none of its fields.
    assert item(review, "endpoints[0]")["doubts"][WHOLE] == 0.4
    doubtful = set(item(review, "endpoints[0]")["doubts"]) - {WHOLE}
    assert {"specimens", "time_kind"} <= doubtful
    values = {
        "specimens": ["blasts"],
        "time_points": [{"value": 3, "unit": "month"}],
        "measure": "Response",
    }
    for name in ("concept", *sorted(doubtful)):
        assert item(review, "endpoints[0]")["state"] == "open"
        set_value(
            review,
            "endpoints[0]",
            name,
            (values | {"concept": "mortality", "time_kind": "at"}).get(name),
        )
        doubtful -= {name}
        assert set(item(review, "endpoints[0]")["doubts"]) == {*doubtful, WHOLE}
    assert item(review, "endpoints[0]")["state"] == "open"
    decide(review, "accept", "endpoints[0]")
    assert item(review, "endpoints[0]")["state"] == "corrected"


def test_an_edit_does_not_decide_an_item_that_may_be_wrong_as_a_whole(start_review):
    review = start_review()
    assert item(review, "dosing[0]")["doubts"] == {WHOLE: 0.3}

    set_value(review, "dosing[0]", "timing", "day 1")

    assert item(review, "dosing[0]")["state"] == "open"
    assert item(review, "dosing[0]")["doubts"] == {WHOLE: 0.3}


def test_the_confidence_of_an_item_is_that_of_its_least_certain_field(tmp_path):
    records = Path(__file__).parents[1] / "records" / "studies.jsonl"
    found = RunRecords(extract(records, tmp_path / "run"))
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        review = Review(found, tmp_path / "gold", journal, "anna")
        items = [
            entry for name in found.doubts for entry in review.describe(name)["items"]
        ]
    doubtful = [entry for entry in items if entry["confidence"] < CERTAIN]
    assert {entry["group"] for entry in doubtful} >= {"eligibility.criteria", "dosing"}
    for entry in doubtful:
        assert WHOLE not in entry["doubts"], entry["path"]
        if entry["group"] != "eligibility":  # its groups count in no confidence
            least = min(entry["doubts"].values())
            assert abs(least - entry["confidence"]) < 0.006, entry["path"]


def test_every_action_is_kept_with_its_author_and_both_values(start_review):
    review = start_review()
    set_value(review, "endpoints[0]", "concept", "mortality")
    review.step(SEED, "undo")

    last, first = review.list_history(SEED)

    assert [first[name] for name in ("reviewer", "kind", "item", "path")] == [
        "anna",
        "set",
        "endpoints[0]",
        "concept",
    ]
    assert first["old"]["value"]["concept"] == "response_rate"
    assert first["new"]["value"]["concept"] == "mortality"
    assert last["kind"] == "undo"
    assert last["new"]["value"]["concept"] == "response_rate"
    assert first["time"] <= last["time"]


def test_two_reviewers_do_not_overwrite_each_other(start_review):
    anna = start_review("anna")
    ben = start_review("ben")
    set_value(anna, "endpoints[0]", "concept", "mortality")
    with pytest.raises(Conflict, match="anna changed this item") as refused:
        change(
            ben, **CORRECTION, path="concept", old="response_rate", value="biomarker"
        )
    assert (
        refused.value.item.value["concept"]
        == item(ben, "endpoints[0]")["value"]["concept"]
        == "mortality"
    )
    with pytest.raises(Conflict):
        change(ben, kind="reject", items=[{"item": "endpoints[0]", "version": 0}])
    change(
        ben, **CORRECTION, path="category", old="efficacy", value="safety"
    )  # another field
    value = item(anna, "endpoints[0]")["value"]
    assert (value["concept"], value["category"]) == ("mortality", "safety")
    decide(anna, "reject", "endpoints[0]")
    with pytest.raises(Conflict):
        change(ben, **CORRECTION, path="category", old="safety", value="other")


def test_undo_affects_only_ones_own_actions_and_not_later_changes_by_others(
    start_review,
):
    anna = start_review("anna")
    ben = start_review("ben")
    set_value(anna, "endpoints[0]", "concept", "mortality")
    assert ben.step(SEED, "undo") is None
    set_value(ben, "endpoints[0]", "concept", "biomarker")
    with pytest.raises(Conflict, match="ben changed"):
        anna.step(SEED, "undo")
    ben.step(SEED, "undo")
    anna.step(SEED, "undo")
    assert item(anna, "endpoints[0]")["value"]["concept"] == "response_rate"


def test_one_of_many_simultaneous_changes_succeeds_and_the_others_conflict(
    records, start_review, tmp_path
):
    start_review()  # makes the journal
    together = Barrier(6)

    def work(number):
        with closing(
            Journal(tmp_path / "gold" / ".review" / "journal.sqlite")
        ) as journal:
            review = Review(records, tmp_path / "gold", journal, f"reviewer {number}")
            together.wait()
            try:
                change(
                    review,
                    **CORRECTION,
                    path="measure",
                    old="Objective response rate (ORR)",
                    value=f"by {number}",
                )
            except Conflict:
                return "conflict"
            return "done"

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(work, range(6))) == [*["conflict"] * 5, "done"]


def test_a_value_in_which_the_page_was_left_is_to_check(start_review):
    review = start_review()
    decide(review, "accept", "endpoints[0]")
    seen = item(review, "endpoints[0]")
    request = {"item": "endpoints[0]", "path": "measure", "kind": "set"}
    was = seen["value"]["measure"]
    half = request | {"version": seen["version"], "old": was, "value": "Objec"}
    change(review, **half, left=True)
    left = item(review, "endpoints[0]")
    assert (left["state"], left["left"]) == ("open", ("measure",))
    set_value(review, "endpoints[0]", "concept", "mortality")
    assert item(review, "endpoints[0]")["left"] == ("measure",)
    review.step(SEED, "undo")
    review.step(SEED, "undo")
    assert item(review, "endpoints[0]")["left"] == ()
    assert item(review, "endpoints[0]")["state"] == "accepted"
    review.step(SEED, "redo")
    assert item(review, "endpoints[0]")["left"] == ("measure",)
    decide(review, "accept", "endpoints[0]")
    accepted = item(review, "endpoints[0]")
    assert (accepted["state"], accepted["left"]) == ("corrected", ())
