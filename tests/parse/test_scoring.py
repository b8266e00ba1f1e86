"""Weights and calibration curves."""

from itertools import pairwise

import pytest

from extractor.confidence.table import read_table
from extractor.evidence.scoring import load_scorer
from extractor.schemas import Category, Concept, EndpointCategory, TimeKind


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("criteria", {*map(str, Category), "none"}),
        ("concepts", set(map(str, Concept))),
        ("endpoint_categories", set(map(str, EndpointCategory))),
        ("time_kinds", set(map(str, TimeKind))),
        ("outcome_cuts", {""}),
    ],
)
def test_the_classes_of_the_weights_are_the_closed_sets(name, classes):
    scorer = load_scorer(name)
    assert set(scorer.classes) == classes
    assert scorer.weights.shape == (len(scorer.rows) + 1, len(classes))
    assert not scorer.weights[0].any()


def test_curves_rise() -> None:
    for name, table in read_table().items():
        for (claimed, right), (more_claimed, more_right) in pairwise(table.curve):
            assert claimed < more_claimed, name
            assert right <= more_right + 0.03, name
        assert all(0 <= right <= 1 for _, right in table.curve), name
