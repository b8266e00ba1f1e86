"""What one reviewer does, undoes and finds again."""

import pytest

from extractor.review.draft import ActionKind

from .acting import decide, item, mend, set_value
from .runs import SEED

UNDO, REDO = ActionKind.UNDO, ActionKind.REDO


def test_who_may_take_part_cannot_be_rejected(sit_down):
    with pytest.raises(ValueError, match="cannot be rejected"):
        decide(sit_down(), "reject", "people")


def test_undo_goes_back_step_by_step_and_redo_forth(sit_down):
    desk = sit_down()
    before = desk.describe(SEED)["items"]
    added = mend(desk)
    after = {one["id"]: (one["state"], one["value"]) for one in desk.describe(SEED)["items"]}
    for _ in range(4):
        desk.step(SEED, UNDO)
    undone = desk.describe(SEED)
    assert [(one["id"], one["state"], one["value"]) for one in undone["items"]] == [
        (one["id"], one["state"], one["value"]) for one in before
    ]
    assert undone["undo"] == []
    assert item(desk, added) is None
    for _ in range(4):
        desk.step(SEED, REDO)
    assert {one["id"]: (one["state"], one["value"]) for one in desk.describe(SEED)["items"]} == after
    assert desk.describe(SEED)["redo"] == []


def test_several_accepted_at_once_are_undone_at_once(sit_down):
    desk = sit_down()
    decide(desk, "accept", "people", "criterion-0")
    desk.step(SEED, UNDO)
    assert {one["state"] for one in desk.describe(SEED)["items"]} == {"open"}


def test_a_value_set_back_is_accepted_and_restore_forgets(sit_down):
    desk = sit_down()
    decide(desk, "accept", "endpoint-0")
    set_value(desk, "endpoint-0", "concept", "mortality")
    assert item(desk, "endpoint-0")["state"] == "corrected"
    set_value(desk, "endpoint-0", "concept", "response_rate")
    assert item(desk, "endpoint-0")["state"] == "accepted"
    decide(desk, "restore", "endpoint-0")
    assert item(desk, "endpoint-0")["state"] == "open"


def test_an_item_is_to_decide_until_all_that_is_doubtful_was_looked_at(sit_down):
    desk = sit_down()
    doubtful = set(item(desk, "endpoint-0")["doubts"])
    assert {"specimens", "time_kind"} <= doubtful
    set_value(desk, "endpoint-0", "concept", "mortality")
    set_value(desk, "endpoint-0", "time_kind", "at")
    assert item(desk, "endpoint-0")["state"] == "open"
    assert set(item(desk, "endpoint-0")["doubts"]) == doubtful - {"time_kind"}
    values = {"specimens": ["blasts"], "time_points": [{"value": 3, "unit": "month"}], "measure": "Response"}
    for name in sorted(doubtful - {"time_kind"}):
        assert item(desk, "endpoint-0")["state"] == "open"
        set_value(desk, "endpoint-0", name, values.get(name))
    assert (item(desk, "endpoint-0")["state"], item(desk, "endpoint-0")["doubts"]) == ("corrected", {})


def test_what_was_changed_and_then_accepted_is_corrected(sit_down):
    desk = sit_down()
    set_value(desk, "endpoint-0", "concept", "mortality")
    decide(desk, "accept", "endpoint-0")
    assert (item(desk, "endpoint-0")["state"], item(desk, "endpoint-0")["doubts"]) == ("corrected", {})


def test_every_action_is_kept_with_its_author_and_both_values(sit_down):
    desk = sit_down()
    set_value(desk, "endpoint-0", "concept", "mortality")
    desk.step(SEED, UNDO)
    last, first = desk.list_history(SEED)
    assert (first["reviewer"], first["kind"], first["item"], first["path"]) == ("anna", "set", "endpoint-0", "concept")
    assert (first["old"]["value"]["concept"], first["new"]["value"]["concept"]) == ("response_rate", "mortality")
    assert (last["kind"], last["new"]["value"]["concept"]) == ("undo", "response_rate")
    assert first["time"] <= last["time"]


def test_a_review_goes_on_where_it_stopped(sit_down):
    mend(sit_down())
    later = sit_down()
    assert later.describe(SEED)["progress"] == {"state": "begun", "decided": 5, "items": 5}
    later.finish(SEED)
