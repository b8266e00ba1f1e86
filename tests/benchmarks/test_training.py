import numpy as np
import pytest

from benchmarks.scores import Guess, Tally, format_calibration

pytest.importorskip("sklearn")

from benchmarks.training.scorers.design import Part, read_design
from benchmarks.training.scorers.fitting import Plan, fit
from benchmarks.training.scorers.held_out import calibrate, hold_out
from benchmarks.training.scorers.tables import Judgement, format_groups
from benchmarks.training.scorers.weight_files import as_stored, store_classifier, store_vectors
from benchmarks.training.scorers.word_vectors import make_vectors
from extractor.parse.scoring import join_pairs, weight_files
from extractor.parse.scoring.bags import Block

PLAN = Plan(
    name="beasts",
    parts=(
        Part(Block("words", "words"), 1.0, 1),
        Part(Block("grams", "words", grams=True), 1.0, 1),
        Part(Block("pairs", "pairs", words=False), 1.0, 2),
        Part(Block("marks", "marks", words=False, flags=True), 0.3, 1),
    ),
    meanings=("words",),
    meaning_scale=1.0,
    freedom=3.0,
    most=500,
)
SENTENCES = [
    f"{pet} likes {food} on {day}".split()
    for pet in ("cat", "dog", "bird")
    for food in ("milk", "meat")
    for day in "abc"
]
BAGS = [{"words": words, "pairs": join_pairs(words), "marks": ["listed"]} for words in SENTENCES]
LABELS = [words[0] for words in SENTENCES]


@pytest.fixture(scope="module")
def made():
    return make_vectors(SENTENCES * 3)


@pytest.fixture(scope="module")
def fitted(made):
    return fit(PLAN, BAGS, LABELS, as_stored(made))


def test_words_that_stand_alike_have_vectors_that_point_alike(made):
    rows = dict(zip(made.words, made.rows / np.linalg.norm(made.rows, axis=1, keepdims=True), strict=True))
    assert rows["cat"] @ rows["dog"] > rows["cat"] @ rows["milk"]


def test_the_design_counts_as_the_package_scores(fitted):
    design = read_design(PLAN.parts, BAGS)
    weights = np.zeros((design.matrix(BAGS).shape[1], 3))
    row = 0
    for features, names, factor in zip(fitted.features, design.features, PLAN.parts, strict=True):
        assert features.block == factor.block
        for name in names:
            weights[row] = features.weights[features.rows[name]] / design.factors[row]
            row += 1
    plain = fitted.__class__(fitted.classes, fitted.features, fitted.bias, (), fitted.direct, fitted.vectors)
    chances = np.exp(design.matrix(BAGS) @ weights + fitted.bias)
    assert plain.weigh(BAGS).chances == pytest.approx(chances / chances.sum(axis=1, keepdims=True), abs=1e-4)


def test_a_classifier_learns_what_tells_and_says_which_word(fitted):
    weighed = fitted.weigh(BAGS)
    chosen = weighed.chances.argmax(axis=1)
    assert [fitted.classes[one] for one in chosen] == LABELS
    assert set(fitted.find_leading(weighed, chosen)) == {0}


def test_fitting_twice_gives_the_same(fitted, made):
    again = fit(PLAN, BAGS, LABELS, as_stored(made))
    assert all((one.weights == other.weights).all() for one, other in zip(fitted.features, again.features, strict=True))


def test_an_item_that_counts_twice_is_as_two(made):
    doubled = fit(PLAN, BAGS, LABELS, as_stored(made), [2.0] * len(BAGS)).weigh(BAGS).chances
    twice = fit(PLAN, [*BAGS, *BAGS], [*LABELS, *LABELS], as_stored(made)).weigh(BAGS).chances
    assert doubled == pytest.approx(twice, abs=0.02)


def test_a_stored_classifier_is_read_again(fitted, made, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    store_vectors(made, tmp_path / "weights" / "words.npz")
    store_classifier(fitted, tmp_path / "weights" / "beasts.npz")
    monkeypatch.setattr(weight_files, "files", lambda _: tmp_path)
    weight_files._load_vectors.cache_clear()
    try:
        read = weight_files.load_classifier("beasts")
    finally:
        weight_files._load_vectors.cache_clear()
    assert read.weigh(BAGS).chances == pytest.approx(fitted.weigh(BAGS).chances, abs=0.02)


def test_a_fold_is_judged_without_its_own_labels(made):
    labels = [*LABELS, "fish", "hen", "cow"]
    folds = [int(label in {"bird", "fish", "hen"}) for label in labels]
    classes, chances = hold_out(PLAN, [*BAGS, *BAGS[:3]], labels, folds, as_stored(made), [1.0] * len(labels))
    assert classes == ("bird", "cat", "cow", "dog", "fish", "hen")
    assert chances.sum(axis=1) == pytest.approx(1)
    assert (chances[np.array(labels) == "bird", classes.index("bird")] == 0).all()


def test_calibration_tells_how_often_answers_are_right():
    stated = np.linspace(0, 1, 2000)
    curve = calibrate(stated, stated > 0.8)
    assert curve.confidences(np.array([0.5, 0.95])) == [0, 0.995]


def test_groups_are_told_apart():
    right = np.array([True, False] * 50)
    trials, groups, areas = [f"NCT{n}" for n in range(100)], ["a", "b"] * 50, ["common", "rare"] + ["common"] * 98
    judged = Judgement(right, np.full(100, 0.99), np.ones(100, bool), trials, groups, areas)
    lines = [line.split() for line in format_groups("category", judged).splitlines()[1:]]
    assert [line[:3] for line in lines] == [
        ["all", "100", "0.500"],
        ["a", "50", "1.000"],
        ["b", "50", "0.000"],
        ["common", "99", "0.505"],
    ]
    assert {line[-1] for line in lines} == {"1.000"}


def test_a_tally_counts_an_empty_item_as_right_where_nothing_is_wanted():
    tally = Tally("methods")
    tally.add(0, 0, 0, 0.97)
    tally.add(1, 0, 0, 0.97)
    assert (tally.right, tally.certain, tally.certain_right) == (1, 2, 1)


def test_calibration_of_no_items_has_no_shares():
    assert format_calibration([]) == "0 items, right -; certain - of them, right among these -"
    assert "right 1.000" in format_calibration([Guess(right=True, confidence=0.5)])
