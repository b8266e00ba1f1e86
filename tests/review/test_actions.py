"""What reviewers do, undo and find again; of several nobody overwrites another."""

import threading

import pytest

from extractor.review.changes import Conflict, Review
from extractor.review.journal import Journal

from .acting import change, decide, item, mend, set_value
from .runs import SEED

UNDO, REDO = "undo", "redo"


def test_undo_goes_back_step_by_step_and_redo_forth(start_review):
    review = start_review()
    before = review.describe(SEED)["items"]
    added = mend(review)
    after = {one["id"]: (one["state"], one["value"]) for one in review.describe(SEED)["items"]}
    for _ in range(4):
        review.step(SEED, UNDO)
    undone = review.describe(SEED)
    assert [(one["id"], one["state"], one["value"]) for one in undone["items"]] == [
        (one["id"], one["state"], one["value"]) for one in before
    ]
    assert undone["undo"] == []
    assert item(review, added) is None
    for _ in range(4):
        review.step(SEED, REDO)
    assert {one["id"]: (one["state"], one["value"]) for one in review.describe(SEED)["items"]} == after
    assert review.describe(SEED)["redo"] == []


def test_a_value_set_back_is_accepted_and_restore_forgets(start_review):
    review = start_review()
    decide(review, "accept", "endpoint-0", "people")
    review.step(SEED, UNDO)  # both at once
    assert {one["state"] for one in review.describe(SEED)["items"]} == {"open"}
    set_value(review, "endpoint-0", "concept", "mortality")
    decide(review, "accept", "endpoint-0")
    assert (item(review, "endpoint-0")["state"], item(review, "endpoint-0")["doubts"]) == ("corrected", {})
    set_value(review, "endpoint-0", "concept", "response_rate")
    assert item(review, "endpoint-0")["state"] == "accepted"
    decide(review, "restore", "endpoint-0")
    assert item(review, "endpoint-0")["state"] == "open"
    with pytest.raises(ValueError, match="cannot be rejected"):
        decide(review, "reject", "people")


def test_an_item_is_to_decide_until_all_that_is_doubtful_was_looked_at(start_review):
    review = start_review()
    doubtful = set(item(review, "endpoint-0")["doubts"])
    assert {"specimens", "time_kind"} <= doubtful
    set_value(review, "endpoint-0", "concept", "mortality")
    set_value(review, "endpoint-0", "time_kind", "at")
    assert item(review, "endpoint-0")["state"] == "open"
    assert set(item(review, "endpoint-0")["doubts"]) == doubtful - {"time_kind"}
    values = {"specimens": ["blasts"], "time_points": [{"value": 3, "unit": "month"}], "measure": "Response"}
    for name in sorted(doubtful - {"time_kind"}):
        assert item(review, "endpoint-0")["state"] == "open"
        set_value(review, "endpoint-0", name, values.get(name))
    assert (item(review, "endpoint-0")["state"], item(review, "endpoint-0")["doubts"]) == ("corrected", {})


def test_every_action_is_kept_with_its_author_and_both_values(start_review):
    review = start_review()
    set_value(review, "endpoint-0", "concept", "mortality")
    review.step(SEED, UNDO)
    last, first = review.list_history(SEED)
    assert (first["reviewer"], first["kind"], first["item"], first["path"]) == ("anna", "set", "endpoint-0", "concept")
    assert (first["old"]["value"]["concept"], first["new"]["value"]["concept"]) == ("response_rate", "mortality")
    assert (last["kind"], last["new"]["value"]["concept"]) == ("undo", "response_rate")
    assert first["time"] <= last["time"]


def test_a_review_goes_on_where_it_stopped(start_review):
    mend(start_review())
    later = start_review()
    assert later.describe(SEED)["progress"] == {"state": "begun", "decided": 5, "items": 5}
    later.finish(SEED)


def test_two_reviewers_do_not_overwrite_each_other(start_review):
    anna, ben = start_review("anna"), start_review("ben")
    seen = item(ben, "endpoint-0")
    request = {"item": "endpoint-0", "version": seen["version"], "path": "concept", "old": seen["value"]["concept"]}
    set_value(anna, "endpoint-0", "concept", "mortality")
    with pytest.raises(Conflict, match="anna changed this item") as refused:
        change(ben, kind="set", value="biomarker", **request)
    assert refused.value.item.value["concept"] == "mortality"
    assert item(ben, "endpoint-0")["value"]["concept"] == "mortality"
    with pytest.raises(Conflict):
        change(ben, kind="reject", items=[{"item": "endpoint-0", "version": seen["version"]}])


def test_two_reviewers_may_change_two_fields_but_not_correct_what_is_rejected(start_review):
    anna, ben = start_review("anna"), start_review("ben")
    set_value(anna, "endpoint-0", "concept", "mortality")
    correction = {"item": "endpoint-0", "version": 0, "path": "category", "old": "efficacy", "value": "safety"}
    change(ben, kind="set", **correction)
    value = item(anna, "endpoint-0")["value"]
    assert (value["concept"], value["category"]) == ("mortality", "safety")
    decide(anna, "reject", "endpoint-0")
    with pytest.raises(Conflict):
        change(ben, kind="set", **correction | {"old": "safety"})


def test_undo_is_of_one_s_own_and_not_over_another_s_work(start_review):
    anna, ben = start_review("anna"), start_review("ben")
    set_value(anna, "endpoint-0", "concept", "mortality")
    assert ben.step(SEED, UNDO) is None
    set_value(ben, "endpoint-0", "concept", "biomarker")
    with pytest.raises(Conflict, match="ben changed"):
        anna.step(SEED, UNDO)
    ben.step(SEED, UNDO)
    anna.step(SEED, UNDO)
    assert item(anna, "endpoint-0")["value"]["concept"] == "response_rate"


def test_at_once_means_one_after_the_other(records, tmp_path):
    """Of many threads that saw the same, each with a review of its own, one is first and the others are message."""
    folder = tmp_path / "gold" / ".review"
    folder.mkdir(parents=True)
    Journal(folder / "journal.sqlite").close()
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def work(number):
        journal = Journal(folder / "journal.sqlite")
        review = Review(records, tmp_path / "gold", journal, f"reviewer {number}")
        together.wait()
        try:
            request = {"item": "endpoint-0", "version": 0, "path": "measure", "old": "Objective response rate (ORR)"}
            change(review, kind="set", value=f"by {number}", **request)
            outcomes.append("done")
        except Conflict:
            outcomes.append("message")
        finally:
            journal.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["message"] * 5]
