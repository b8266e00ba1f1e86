"""Items are paired by similarity, never by position, even if they are repeated."""

import random

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from extractor.apps.evaluation.assignment import assign

from .annotations import criterion, limit, make_gold, name_errors, score, shuffle


def make_repetitive(seed):
    """Make criteria with few differences, so that many pairings are equally good."""
    draw = random.Random(seed)
    criteria = [
        criterion(
            draw.choice(("no infection", "no active infection", "no infection now")),
            draw.choice(("inclusion", "exclusion")),
            draw.choice(("infection", "comorbidity")),
            constraints=[limit("count", ">=", draw.randint(1, 3)) for _ in range(2)],
        )
        for _ in range(9)
    ]
    return {"record_id": "A", "eligibility": {"criteria": criteria}}


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_repeated_items_changes_nothing(seed):
    gold = make_repetitive(seed)
    predicted = make_repetitive(seed + 100)
    assert score(gold, shuffle(gold, seed)).errors == ()
    straight = score(gold, predicted)
    mixed = score(shuffle(gold, seed), shuffle(predicted, seed + 1))
    assert straight.errors
    assert mixed.fields == straight.fields
    assert [error.fields for error in mixed.errors] == [
        error.fields for error in straight.errors
    ]


@pytest.mark.parametrize("dropped", [0, 1])
def test_an_identical_item_is_preferred_among_repeated_ones(dropped):
    repeated = [criterion("no infection", category=name) for name in ("age", "other")]
    gold = {"record_id": "A", "eligibility": {"criteria": repeated}}
    left = repeated[:dropped] + repeated[dropped + 1 :]
    predicted = {"record_id": "A", "eligibility": {"criteria": left}}
    assert name_errors(gold, predicted) == [("missed", "eligibility.criteria")]


def test_an_item_with_other_words_has_no_counterpart():
    predicted = make_gold()
    sailed = criterion("Seven seas sailed", "exclusion", "allergy")
    predicted["eligibility"]["criteria"][5] = sailed
    criteria = "eligibility.criteria"
    errors = [("invented", criteria), ("missed", criteria)]
    assert name_errors(make_gold(), predicted) == errors


@pytest.mark.parametrize("levels", [0, 2, 4])
def test_pairs_are_those_of_scipy_even_among_ties(levels):
    draw = np.random.default_rng(levels)
    for _ in range(200):
        values = draw.random(draw.integers(1, 14, 2))
        values = np.round(values * levels) / levels if levels else values
        values[values < 0.5] = 0.0
        rows, columns = assign(values)
        best = linear_sum_assignment(values, maximize=True)
        assert rows.tolist() == best[0].tolist()
        assert columns.tolist() == best[1].tolist()
