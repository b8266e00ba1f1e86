"""Two reviewers and more at once: nobody overwrites anybody."""

import threading

import pytest

from extractor.review.changes import Conflict, Review
from extractor.review.draft import ActionKind
from extractor.review.journal import Journal

from .acting import change, decide, item, set_value
from .runs import SEED

UNDO = ActionKind.UNDO


def test_two_reviewers_do_not_overwrite_each_other(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    seen = item(ben, "endpoint-0")
    wish = {"item": "endpoint-0", "version": seen["version"], "path": "concept", "old": seen["value"]["concept"]}
    set_value(anna, "endpoint-0", "concept", "mortality")
    with pytest.raises(Conflict, match="anna changed this item") as refused:
        change(ben, kind="set", value="biomarker", **wish)
    assert refused.value.item.value["concept"] == "mortality"
    assert item(ben, "endpoint-0")["value"]["concept"] == "mortality"
    with pytest.raises(Conflict):
        change(ben, kind="reject", items=[{"item": "endpoint-0", "version": seen["version"]}])


def test_two_reviewers_may_change_two_fields_of_an_item(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    set_value(anna, "endpoint-0", "concept", "mortality")
    change(ben, kind="set", item="endpoint-0", version=0, path="category", old="efficacy", value="safety")
    assert (
        item(anna, "endpoint-0")["value"] | {"concept": "mortality", "category": "safety"}
        == item(anna, "endpoint-0")["value"]
    )


def test_what_another_one_rejected_does_not_come_back_by_a_correction(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    decide(anna, "reject", "endpoint-0")
    with pytest.raises(Conflict):
        change(ben, kind="set", item="endpoint-0", version=0, path="category", old="efficacy", value="safety")


def test_undo_is_of_one_s_own_and_not_over_another_s_work(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    set_value(anna, "endpoint-0", "concept", "mortality")
    assert ben.step(SEED, UNDO) is None
    set_value(ben, "endpoint-0", "concept", "biomarker")
    with pytest.raises(Conflict, match="ben changed"):
        anna.step(SEED, UNDO)
    ben.step(SEED, UNDO)
    anna.step(SEED, UNDO)
    assert item(anna, "endpoint-0")["value"]["concept"] == "response_rate"


def test_at_once_means_one_after_the_other(records, tmp_path):
    """Of many threads that saw the same, each with a desk of its own, one is first and the others are told."""
    folder = tmp_path / "gold" / ".review"
    folder.mkdir(parents=True)
    Journal(folder / "journal.sqlite").close()
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def work(number):
        journal = Journal(folder / "journal.sqlite")
        desk = Review(records, tmp_path / "gold", journal, f"reviewer {number}")
        together.wait()
        try:
            wish = {"item": "endpoint-0", "version": 0, "path": "measure", "old": "Objective response rate (ORR)"}
            change(desk, kind="set", value=f"by {number}", **wish)
            outcomes.append("done")
        except Conflict:
            outcomes.append("told")
        finally:
            journal.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["told"] * 5]
