"""Pairing by likeness: never by position, also where items repeat each other."""

import pytest

from extractor.evaluation import evaluate
from extractor.evaluation.alignment import pair_values

from .annotations import criterion, make_gold, make_repetitive, name_errors, score, shuffle, without_places


@pytest.mark.parametrize("seed", range(20))
def test_repeated_items_against_themselves_are_right(seed):
    gold = make_repetitive(seed)
    report = score(gold, shuffle(gold, seed))
    assert {one.exact.f1 for one in report.fields} <= {1.0, None}
    assert report.errors == ()


@pytest.mark.parametrize("seed", range(20))
def test_shuffling_repeated_items_changes_nothing(seed):
    gold, predicted = make_repetitive(seed), make_repetitive(seed + 100)
    straight = evaluate([gold], [predicted], resamples=0, examples=100)
    mixed = evaluate([shuffle(gold, seed)], [shuffle(predicted, seed + 1)], resamples=0, examples=100)
    assert straight.errors
    assert without_places(mixed) == without_places(straight)


def test_the_best_pairing_as_a_whole_is_found():
    # A greedy choice would take 0.9 first and leave 0.1.
    table = {("a", "x"): 0.9, ("a", "y"): 0.8, ("b", "x"): 0.8, ("b", "y"): 0.1}
    assert pair_values("ab", "xy", lambda one, other: table[one, other], 0.05) == [(0, 1), (1, 0)]


def test_values_that_are_too_unlike_are_no_pair():
    assert pair_values("ab", "xy", lambda one, other: 0.3, 0.4) == []


def test_unlike_criteria_are_missed_and_invented():
    predicted = make_gold()
    predicted["eligibility"]["criteria"][5] = criterion("Seven seas sailed", "exclusion", "allergy")
    assert name_errors(make_gold(), predicted) == [
        ("invented", "eligibility.criteria"),
        ("missed", "eligibility.criteria"),
    ]


def test_unlike_time_points_are_missed_and_invented():
    predicted = make_gold()
    predicted["endpoints"][1]["time_points"] = [{"value": 3, "unit": "week"}]
    assert name_errors(make_gold(), predicted) == [
        ("invented", "endpoints.time_points"),
        ("missed", "endpoints.time_points"),
    ]


def test_an_agent_named_otherwise_is_found_by_its_quote_and_amounts():
    predicted = make_gold()
    predicted["dosing"][1]["agent"] = "antihistamine"
    assert name_errors(make_gold(), predicted) == [("wording", "dosing.agent")]


def test_an_outcome_whose_text_was_parted_elsewhere_is_found():
    predicted = make_gold()
    predicted["endpoints"][0] |= {"measure": "Viral load", "description": "in plasma; copies in each mL, by PCR."}
    assert name_errors(make_gold(), predicted) == [
        ("wording", "endpoints.description"),
        ("wording", "endpoints.measure"),
    ]


@pytest.mark.parametrize("dropped", [0, 1])
def test_of_repeated_items_the_one_that_agrees_in_everything_is_taken(dropped):
    repeated = [criterion("no infection", category=category) for category in ("comorbidity", "infection")]
    gold, predicted = ({"record_id": "A", "eligibility": {"criteria": list(repeated)}} for _ in range(2))
    del predicted["eligibility"]["criteria"][dropped]
    assert name_errors(gold, predicted) == [("missed", "eligibility.criteria")]
