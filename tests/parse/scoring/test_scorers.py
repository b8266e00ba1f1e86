import numpy as np
import pytest

from extractor.parse.scoring import join_pairs, load_classifier, open_with, read_tokens
from extractor.parse.scoring.bags import Block, Features
from extractor.parse.scoring.classifier import Classifier
from extractor.parse.scoring.meanings import WordVectors, point
from extractor.parse.scoring.probabilities import Calibration, to_probabilities
from extractor.parse.scoring.tokens import cut_grams, find_token
from extractor.schemas import Category, Concept, EndpointCategory

VECTORS = WordVectors({"asthma": 0, "wheeze": 1}, np.array([[3, 4], [0, 2]], np.float32))


def features(block, weights):
    return Features(block, list(weights), np.array(list(weights.values()), np.float32))


CLASSIFIER = Classifier(
    classes=("ill", "well"),
    features=(
        features(Block("words", "words"), {"asthma": [1, 0], "stroke": [0, 2]}),
        features(Block("grams", "words", grams=True), {"ast": [1, 1]}),
        features(Block("marks", "marks", words=False, flags=True), {"first": [4, 4.5]}),
    ),
    bias=np.array([0.5, 0], np.float32),
    meanings=("words",),
    direct=np.array([[1, 0], [0, 0]], np.float32),
    vectors=VECTORS,
)


def odds(*bags):
    """The difference between the scores of the two classes."""
    chances = CLASSIFIER.weigh(bags).chances
    return np.log(chances[:, 0] / chances[:, 1]).tolist()


def test_tokens_and_their_places_run_parallel():
    text = "HbA1c ≥ 7.5% (naïve)"
    assert read_tokens(text) == ["hba", "0", "c", "≥", "0", "0", "%", "naïve"]
    assert [text[slice(*find_token(text, place))] for place in range(8)] == [
        "HbA",
        "1",
        "c",
        "≥",
        "7",
        "5",
        "%",
        "naïve",
    ]


def test_a_text_without_words_has_no_tokens():
    assert read_tokens("—") == join_pairs([]) == []
    assert open_with([]) == ["", "", ""]


def test_grams_keep_the_edges_of_a_word():
    assert " as" in cut_grams("asthma")
    assert cut_grams("a") == ()


def test_known_tokens_count_by_the_root_of_their_number():
    one, two = odds({"words": ["stroke"]}, {"words": ["stroke", "stroke", "unheard"]})
    assert one == pytest.approx(0.5 - 2 / 2**0.5)
    assert two == pytest.approx(0.5 - 4 / 3**0.5)


def test_flags_count_in_full_and_an_empty_text_has_the_bias():
    assert odds({"marks": ["first", "unheard"]}, {}) == pytest.approx([0, 0.5])


def test_where_the_words_point_counts():
    assert odds({"words": ["asthma"]}) == pytest.approx([0.5 + 1 / 2**0.5 + 0.6])
    assert odds({"words": ["wheeze"]}) == pytest.approx([0.5])


def test_the_score_of_a_text_does_not_depend_on_its_neighbours():
    bags = [{"words": ["stroke"]}, {}, {"words": ["asthma"], "marks": ["first"]}]
    assert odds(*bags) == pytest.approx([odds(bag)[0] for bag in bags])


def test_more_words_than_are_kept_change_nothing():
    strange = {"words": [f"{at:x}".translate(str.maketrans("0123456789", "ghijklmnop")) for at in range(20_000)]}
    before = odds({"words": ["asthma"]})
    assert odds(strange, {"words": ["asthma"]})[1] == pytest.approx(before[0])
    assert odds({"words": ["asthma"]}) == pytest.approx(before)


def test_the_leading_word_speaks_for_the_class():
    texts = [["no", "asthma", "or", "stroke"], ["asthma"], ["unheard"], []]
    weighed = CLASSIFIER.weigh([{"words": words} for words in texts])
    assert CLASSIFIER.find_leading(weighed, [1, 1, 0, 0]) == [3, None, None, None]


def test_a_text_points_where_its_words_do():
    assert point(np.array([[3, 4], [0, 0]], np.float32)).tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]


def test_probabilities_of_high_scores_do_not_overflow():
    assert to_probabilities(np.array([[1e4, 0.0]])).tolist() == [[1, 0]]


def test_a_confidence_stays_within_what_was_measured():
    curve = Calibration(np.array([0.2, 0.8]), np.array([0.3, 0.9]))
    assert curve.confidences(np.array([0.0, 0.5, 1.0])) == [0.3, 0.6, 0.9]


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("criteria", {*map(str, Category), "none"}),
        ("concepts", set(map(str, Concept))),
        ("endpoint_categories", set(map(str, EndpointCategory))),
    ],
)
def test_the_weights_of_the_package_fit_the_closed_sets(name, classes):
    classifier = load_classifier(name)
    assert set(classifier.classes) == classes
    assert all(len(one.names) == len(one.weights) for one in classifier.features)
    assert len(classifier.direct) == len(classifier.meanings) * classifier.vectors.size
    for curve in classifier.calibrations.values():
        assert (np.diff(curve.stated) > 0).all()
        assert (np.diff(curve.right) >= 0).all()
        assert 0 <= curve.right[0] <= curve.right[-1] < 1


def test_an_unknown_classifier_is_named():
    with pytest.raises(FileNotFoundError, match="zorp"):
        load_classifier("zorp")


def test_each_token_of_a_text_is_found_again_where_a_letter_has_no_single_lower_case():
    text = "No İnotrope"
    assert [find_token(text, place) for place in range(len(read_tokens(text)))] == [None, (3, 11)]
