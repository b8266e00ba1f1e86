"""Weights of every layout are read by one loader, and count as they should."""

import math

import numpy as np
import pytest

from extractor.parse.scoring import Scorer, find_word, list_words, load_scorer, pick, read_scorer
from extractor.schemas import Category, Concept, EndpointCategory, TimeKind
from extractor.text.passage import read_passage, read_section

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


def test_an_item_without_known_features_has_the_bias():
    assert odds([], ["w unheard"]) == pytest.approx([0.5, 0.5], abs=1e-5)


def test_the_score_of_an_item_does_not_depend_on_its_neighbours():
    items = [["w stroke"], [], ["w asthma", "m first"]]
    assert odds(*items) == pytest.approx([odds(item)[0] for item in items])


def test_no_items_have_no_probabilities():
    assert SCORER.predict([]).shape == (0, 2)
    assert SCORER.choose([]) == []


def test_high_scores_do_not_overflow():
    assert Scorer(("a", "b"), {"x": 1}, np.array([[0, 0], [1e4, 0]]), np.zeros(2)).predict([["x"]]).tolist() == [[1, 0]]


def test_the_reason_is_the_feature_that_favours_the_class_most():
    words = ["w no", "w asthma", "w or", "w stroke"]
    assert SCORER.find_reason(words, "well") == 3
    assert SCORER.find_reason(words, "ill") == 1
    assert SCORER.find_reason(["w asthma"], "well") is None
    assert SCORER.find_reason([], "ill") is None


def test_rivals_end_where_the_right_class_is_almost_surely_among_them():
    chances = np.array([[0.6, 0.01, 0.38, 0.01], [0.02, 0.96, 0.01, 0.01], [0.99, 0, 0.01, 0]])
    assert [choice.rivals for choice in pick("abcd", chances)] == [("c",), ("a",), ()]


def test_no_choice_is_surer_than_can_be_measured():
    assert [choice.confidence for choice in pick("ab", np.array([[1.0, 0.0], [0.123, 0.877]]))] == [0.995, 0.88]


def test_an_unknown_scorer_is_named():
    with pytest.raises(FileNotFoundError, match="zorp"):
        load_scorer("zorp")


@pytest.mark.parametrize("text", ["HİV test", "İ", "İİ allergy İ penicillin", "Known ANTİ-TNF ≥ 2", "ΣΑΣ \u212a ŉ x"])
def test_every_word_is_found_in_its_passage(text):
    passage = read_section("eligibility", text).whole
    found = [find_word(passage, place) for place in range(len(list_words(passage)))]
    assert [word.text for word in found] == text.replace("-", " ").split()


def test_function_words_give_no_reason():
    passage = read_passage("Age, by self-report")
    assert [find_word(passage, place) is None for place in range(4)] == [False, True, False, False]
    assert find_word(passage, None) is None


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


def test_a_list_of_weights_ranks_candidates(tmp_path):
    path = tmp_path / "weights.toml"
    path.write_text('"s:at name" = 1.5\n"s:in brackets" = -2\n', "utf-8")
    near, far = read_scorer(path).rank([["s:at name", "s:zorp"], ["s:in brackets"]])
    assert near + far == pytest.approx(1)
    assert near / far == pytest.approx(math.exp(3.5), rel=1e-4)


def test_tables_of_weights_choose_a_class(tmp_path):
    path = tmp_path / "weights.toml"
    path.write_text('[background]\n"placebo" = 2\n[rescue]\n"as needed" = 3.0\n', "utf-8")
    scorer = read_scorer(path)
    assert [choice.value for choice in scorer.choose([["placebo"], ["placebo", "as needed"]])] == [
        "background",
        "rescue",
    ]
    assert scorer.choose([["placebo"]])[0].confidence == round(1 / (1 + math.exp(-2)), 2)
