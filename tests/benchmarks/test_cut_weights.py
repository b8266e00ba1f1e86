import pytest

pytest.importorskip("numpy")

from benchmarks.training.cut_weights import describe_cell, format_weights, train

ITEM = {"measure": "Overall survival", "description": "From infusion to death.", "time_frame": "2 years"}
CELL = {"id": "NCT90000001", "items": [ITEM, ITEM | {"description": None}, ITEM | {"time_frame": None}]}


def test_the_true_cuts_are_among_the_candidates():
    names = {}
    choices = list(describe_cell(CELL, names))
    assert [choice.right is not None for choice in choices] == [True, True, True]
    assert {"t:has moment", "n:none"} <= set(names)


def test_a_cut_inside_a_list_of_numbers_is_out_of_reach():
    item = {"measure": "Score at week 4", "description": None, "time_frame": "8, 12 weeks"}
    assert [choice.right for choice in describe_cell({"id": "x", "items": [item]}, {})] == [None]


def test_weights_set_by_hand_are_kept():
    names = {"d:two abbreviations in measure": 0}
    choices = list(describe_cell(CELL, names))
    assert '"d:two abbreviations in measure" = -1.2\n' in format_weights(train(choices, names), names)
