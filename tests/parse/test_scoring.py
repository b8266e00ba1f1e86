"""Weights of every layout are read by one loader, and count as they should."""

import math

import numpy as np
import pytest

from extractor.parse.scoring import Scorer, load_scorer, read_scorer
from extractor.schemas import Category, Concept, EndpointCategory, TimeKind

SCORER = Scorer(
    classes=("ill", "well"),
    rows={"w asthma": 1, "w stroke": 2, "m first": 3},
    weights=np.array([[0, 0], [1, 0], [0, 2], [4, 4.5]], np.float32),
    bias=np.array([0.5, 0], np.float32),
    damped=True,
)


def odds(*items):
    """The difference between the scores of the two classes."""
    chances = SCORER.predict(items)
    return np.log(chances[:, 0] / chances[:, 1]).tolist()


def test_scores_are_damped_by_the_root_of_the_number_of_features():
    one, two = odds(["w stroke"], ["w stroke", "w stroke", "w unheard"])
    assert one == pytest.approx(0.5 - 2 / 2**0.5, abs=1e-5)
    assert two == pytest.approx(0.5 - 4 / 4**0.5, abs=1e-5)


def test_the_reason_is_the_feature_that_favours_the_class_most():
    words = ["w no", "w asthma", "w or", "w stroke"]
    assert SCORER.find_reason(words, "well") == 3
    assert SCORER.find_reason(words, "ill") == 1
    assert SCORER.find_reason(["w asthma"], "well") is None
    assert SCORER.find_reason([], "ill") is None


def test_an_unknown_scorer_is_named():
    with pytest.raises(FileNotFoundError, match="zorp"):
        load_scorer("zorp")


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
def test_the_weights_of_the_package_fit_the_closed_sets(name, classes):
    scorer = load_scorer(name)
    assert set(scorer.classes) == classes
    assert scorer.weights.shape == (len(scorer.rows) + 1, len(classes))
    assert not scorer.weights[0].any()


def test_tables_of_weights_choose_a_class(tmp_path):
    path = tmp_path / "weights.toml"
    path.write_text('[background]\n"placebo" = 2\n[rescue]\n"as needed" = 3.0\n', "utf-8")
    scorer = read_scorer(path)
    assert [choice.value for choice in scorer.choose([["placebo"], ["placebo", "as needed"]])] == [
        "background",
        "rescue",
    ]
    assert scorer.choose([["placebo"]])[0].confidence == round(1 / (1 + math.exp(-2)), 2)
