"""Pairing by likeness, never by position, even for repeated items."""

import pytest

from extractor.apps.evaluation.alignment import align, match_values
from extractor.apps.evaluation.fields import CRITERIA
from extractor.schemas import TrialExtraction

from .annotations import (
    criterion,
    make_gold,
    make_repetitive,
    name_errors,
    score,
    shuffle,
    without_places,
)


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_repeated_items_changes_nothing(seed):
    gold = make_repetitive(seed)
    predicted = make_repetitive(seed + 100)
    itself = score(gold, shuffle(gold, seed))
    assert {field.exact.f1 for field in itself.fields} <= {1.0, None}
    assert itself.errors == ()
    straight = score(gold, predicted)
    mixed = score(shuffle(gold, seed), shuffle(predicted, seed + 1))
    assert straight.errors
    assert without_places(mixed) == without_places(straight)


def test_the_best_overall_pairing_is_found():
    # A greedy choice would take 0.9 first and leave 0.1.
    table = {("a", "x"): 0.9, ("a", "y"): 0.8, ("b", "x"): 0.8, ("b", "y"): 0.1}
    assert match_values("ab", "xy", lambda one, other: table[one, other], 0.05) == (
        [("a", "y"), ("b", "x")],
        [],
        [],
    )
    assert match_values("ab", "xy", lambda one, other: 0.3, 0.4) == (
        [],
        ["a", "b"],
        ["x", "y"],
    )


def _sail(predicted):
    predicted["eligibility"]["criteria"][5] = criterion(
        "Seven seas sailed", "exclusion", "allergy"
    )


def _part(predicted):
    predicted["endpoints"][0] |= {
        "measure": "Viral load",
        "description": "in plasma; copies in each mL, by PCR.",
    }


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        (
            _sail,
            [("invented", "eligibility.criteria"), ("missed", "eligibility.criteria")],
        ),
        (
            lambda found: found["dosing"][1].update(agent="antihistamine"),
            [("wording", "dosing.agent")],
        ),
        (
            _part,
            [("wording", "endpoints.description"), ("wording", "endpoints.measure")],
        ),
    ],
)
def test_items_are_paired_by_their_quotes(change, errors):
    predicted = make_gold()
    change(predicted)
    assert name_errors(make_gold(), predicted) == errors


@pytest.mark.parametrize("dropped", [0, 1])
def test_an_identical_item_is_preferred_among_repeated_ones(dropped):
    repeated = [
        criterion("no infection", category="comorbidity"),
        criterion("no infection", category="infection"),
    ]
    gold = {"record_id": "A", "eligibility": {"criteria": repeated}}
    left = repeated[:dropped] + repeated[dropped + 1 :]
    predicted = {"record_id": "A", "eligibility": {"criteria": left}}

    assert name_errors(gold, predicted) == [("missed", "eligibility.criteria")]


def _read(*quotes):
    criteria = [criterion(quote) for quote in quotes]
    return TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {"criteria": criteria}}
    )


def test_two_versions_are_paired_by_their_values_and_then_by_likeness():
    old = _read("No fever", "Adults", "Severe asthma")
    new = _read("Severe stable asthma", "Gout", "No fever")

    pairs = align(CRITERIA, old.eligibility.criteria, new.eligibility.criteria)

    positions = []
    for old_items, new_items in pairs:
        old_positions = [item.position for item in old_items]
        new_positions = [item.position for item in new_items]
        positions.append((old_positions, new_positions))
    assert positions == [([0], [2]), ([2], [0]), ([1], []), ([], [1])]
