"""Pairing by likeness, never by position, even for repeated items."""

import pytest

from extractor.apps.evaluation.alignment import align, match_values
from extractor.apps.evaluation.fields import CRITERIA, DOSING
from extractor.apps.evaluation.judge import judge
from extractor.apps.evaluation.judged import Verdict
from extractor.schemas import TrialExtraction

from .annotations import (
    criterion,
    make_gold,
    make_repetitive,
    name_errors,
    regimen,
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


@pytest.fixture
def compared():
    """A regimen in other words, one that was split, and one that was invented; the rows of their
    table without what says which regimen it is.
    """
    both = "aspirin 5 mg and aspirin 8 mg"
    gold = [
        regimen("zinc", "zinc 1 g", 1, "g", route="oral", frequency="BID"),
        regimen("aspirin", both, 5, "mg"),
    ]
    predicted = [
        regimen("zinc", "zinc 1 g", 1000, "mg", frequency="QD", timing="day 1"),
        regimen("gold", "G", 4, "mg"),
        regimen("aspirin", "aspirin 5 mg", 5, "mg"),
        regimen("aspirin", "aspirin 8 mg", 8, "mg"),
    ]
    return [
        row
        for row in judge(give(gold), give(predicted), [DOSING])
        if row.field.attribute not in ("agent", "quote", "section")
    ]


def give(dosing):
    return TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}, "dosing": dosing}
    )


def test_the_table_has_a_row_for_every_field_that_either_side_states(compared):
    rows = [
        (
            row.gold_item.path,
            row.predicted_item.path,
            row.field.name,
            row.level.name.lower(),
            row.error and row.error.value,
        )
        for row in compared
        if row.verdict is not Verdict.EMPTY
    ]
    assert rows == [
        ("dosing[1]", "dosing[2]", "dosing.regimens", "exact", "split"),
        ("dosing[1]", "dosing[2]", "dosing.amounts", "exact", None),
        (None, "dosing[3]", "dosing.regimens", "none", None),
        (None, "dosing[3]", "dosing.amounts", "none", None),
        ("dosing[0]", "dosing[0]", "dosing.regimens", "exact", None),
        ("dosing[0]", "dosing[0]", "dosing.amounts", "normalised", None),
        ("dosing[0]", "dosing[0]", "dosing.route", "none", "missed"),
        ("dosing[0]", "dosing[0]", "dosing.frequency", "none", "number"),
        ("dosing[0]", "dosing[0]", "dosing.timing", "none", "invented"),
        (None, "dosing[1]", "dosing.regimens", "none", "invented"),
        (None, "dosing[1]", "dosing.amounts", "none", None),
    ]


@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        ("amounts", Verdict.RIGHT),
        ("route", Verdict.MISSED),
        ("frequency", Verdict.WRONG),
        ("timing", Verdict.INVENTED),
        ("duration", Verdict.EMPTY),
    ],
)
def test_a_row_says_whether_a_field_is_right_missed_invented_wrong_or_empty(
    compared, field, verdict
):
    (row,) = [
        row
        for row in compared
        if row.gold_item.path == "dosing[0]" and row.field.attribute == field
    ]
    assert row.verdict is verdict
