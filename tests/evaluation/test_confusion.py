"""Confusion matrices of the score page."""

from extractor.evaluation.page import build_matrices
from extractor.evaluation.report import Choice


def _choices(field, *cells):
    return [Choice(field=field, gold=gold, predicted=predicted, count=count) for gold, predicted, count in cells]


def test_the_most_mistaken_field_comes_first():
    calm, wild = _choices("a", ("x", "x", 9), ("x", "y", 1)), _choices("b", ("x", "y", 2))
    assert [matrix.field for matrix in build_matrices([*calm, *wild])] == ["b", "a"]


def test_a_small_matrix_is_whole_and_empty_is_its_last_choice():
    (matrix,) = build_matrices(_choices("a", (None, "x", 1), ("x", "x", 3), ("y", "y", 2)))
    assert matrix.columns == ("x", "y", None)
    assert [(row.gold, row.total) for row in matrix.rows] == [("x", 3), ("y", 2), (None, 1)]
    assert (matrix.wrong, matrix.total, matrix.left_out) == (1, 6, 0)


def test_a_large_matrix_leaves_out_what_was_never_mistaken():
    right = [(f"arms[{number}]", f"arms[{number}]", 2) for number in range(20)]
    (matrix,) = build_matrices(_choices("a", *right, ("arms[9]", "arms[10]", 1)))
    assert matrix.columns == ("arms[9]", "arms[10]")
    assert [row.gold for row in matrix.rows] == ["arms[9]"]
    assert matrix.left_out == 19


def test_shades_go_by_the_share_of_the_row():
    (matrix,) = build_matrices(_choices("a", ("x", "x", 98), ("x", "y", 2)))
    assert [(cell.shade, cell.right) for cell in matrix.rows[0].cells] == [(5, True), (1, False)]


def test_links_say_the_cell_and_keep_strange_names_apart():
    (matrix,) = build_matrices(_choices("a", ('"&x=', None, 1)))
    assert matrix.rows[0].cells[1].link == "#field=a&gold=%22%26x%3D&predicted="
