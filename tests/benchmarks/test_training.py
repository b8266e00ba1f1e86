import numpy as np
import pytest

from benchmarks.scores import Guess, Tally, format_calibration

pytest.importorskip("sklearn")

from benchmarks.training.scorers.fitting import Plan, fit, hold_out, store_scorer
from benchmarks.training.scorers.tables import Judgement, format_groups
from benchmarks.training.scorers.word_vectors import make_vectors
from extractor.parse.scoring import read_scorer

PLAN = Plan("beasts", words=("w",), scales={}, freedom=30, most=500)
SENTENCES = [
    f"{pet} likes {food} on {day}".split()
    for pet in ("cat", "dog", "bird")
    for food in ("milk", "meat")
    for day in "abc"
]
ITEMS = [[*(f"w {word}" for word in words), "m listed"] for words in SENTENCES]
LABELS = [words[0] for words in SENTENCES]
ONCE = [1.0] * len(ITEMS)


@pytest.fixture(scope="module")
def vectors():
    return make_vectors([*SENTENCES * 3, *[["kitten", "likes", "milk", "on", "a"]] * 3])


@pytest.fixture(scope="module")
def fitted(vectors):
    return fit(PLAN, ITEMS, LABELS, vectors, ONCE)


def test_words_that_stand_alike_have_vectors_that_point_alike(vectors):
    lengths = np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    pointing = vectors.vectors / np.where(lengths, lengths, 1)
    cat, dog, milk = (pointing[vectors.rows[word]] for word in ("cat", "dog", "milk"))
    assert cat @ dog > cat @ milk


def test_a_scorer_learns_what_tells_and_says_which_word(fitted):
    assert [choice.value for choice in fitted.choose(ITEMS)] == LABELS
    assert {fitted.find_reason(item, label) for item, label in zip(ITEMS, LABELS, strict=True)} == {0}


def test_a_word_that_no_label_has_is_known_by_its_vector_and_its_ends(fitted, vectors):
    assert "w kitten" in fitted.rows
    assert fitted.weights[fitted.rows["w kitten"]].any()
    plain = fit(Plan("plain", words=(), scales={}, freedom=30, most=500), ITEMS, LABELS, vectors, ONCE)
    assert "w kitten" not in plain.rows


def test_fitting_twice_gives_the_same(fitted, vectors):
    again = fit(PLAN, ITEMS, LABELS, vectors, ONCE)
    assert again.rows == fitted.rows
    assert (again.weights == fitted.weights).all()


def test_an_item_that_counts_twice_is_as_two(vectors):
    doubled = fit(PLAN, ITEMS, LABELS, vectors, [2.0] * len(ITEMS)).predict(ITEMS)
    twice = fit(PLAN, [*ITEMS, *ITEMS], [*LABELS, *LABELS], vectors, [*ONCE, *ONCE]).predict(ITEMS)
    assert doubled == pytest.approx(twice, abs=0.02)


def test_only_the_features_that_change_most_are_kept(vectors):
    scorer = fit(Plan("few", words=("w",), scales={}, freedom=30, most=3), ITEMS, LABELS, vectors, ONCE)
    assert set(scorer.rows) == {"w cat", "w dog", "w bird"}


def test_a_stored_scorer_is_read_again(fitted, tmp_path):
    store_scorer(fitted, tmp_path / "beasts.npz")
    read = read_scorer(tmp_path / "beasts.npz")
    assert (read.classes, read.rows, read.damped) == (fitted.classes, fitted.rows, fitted.damped)
    assert read.predict(ITEMS) == pytest.approx(fitted.predict(ITEMS), abs=0.02)


def test_a_fold_is_judged_without_its_own_labels(vectors):
    labels = [*LABELS, "fish", "hen", "cow"]
    folds = [int(label in {"bird", "fish", "hen"}) for label in labels]
    classes, chances = hold_out(PLAN, [*ITEMS, *ITEMS[:3]], labels, folds, vectors, [1.0] * len(labels))
    assert classes == ("bird", "cat", "cow", "dog", "fish", "hen")
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (chances[np.array(labels) == "bird", classes.index("bird")] == 0).all()


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
