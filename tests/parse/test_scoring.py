"""Weights of scorers, and the table of confidences."""

from itertools import pairwise

import pytest

from extractor.confidence import (
    UnfittedFeatureError,
    UnknownFeatureError,
    weigh,
    weighing,
)
from extractor.confidence.table import FieldTable, read_field_tables
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


def test_curves_rise_and_stay_below_certainty() -> None:
    for name, table in read_field_tables().items():
        for (claimed, right), (more_claimed, more_right) in pairwise(table.curve):
            assert claimed < more_claimed, name
            assert right <= more_right + 0.03, name


def test_the_table_says_what_each_feature_means_and_counts() -> None:
    for name, table in read_field_tables().items():
        assert not [key for key, words in table.means.items() if words == key], name
        assert not table.unfitted, (
            f"{name}: run `python -m benchmarks.confidence --write --fields FIELD`"
        )


@pytest.mark.parametrize(
    ("path", "features", "confidence"),
    [
        ("eligibility.criteria.constraints", (), 0.96),
        ("eligibility.criteria.constraints", ("a calendar year",), 0.29),
        ("eligibility.criteria.kind", ("kind of the list", "list in doubt"), 0.78),
    ],
)
def test_features_decide_the_confidence(path, features, confidence):
    assert weigh(path, features) == pytest.approx(confidence, abs=0.05)


def test_a_feature_that_the_table_does_not_have_is_an_error():
    with pytest.raises(UnknownFeatureError, match="'a zorp' is not in confidence"):
        weigh("dosing.route", ("a zorp",))


def test_a_prior_without_a_weight_is_an_error(monkeypatch):
    table = FieldTable({"odd": "it is odd"}, level=2.0, unfitted=frozenset({"odd"}))
    monkeypatch.setattr(weighing, "read_field_tables", lambda: {"a.b": table})
    with pytest.raises(UnfittedFeatureError, match=r"--write --fields a\.b"):
        weigh("a.b", ("odd",))
