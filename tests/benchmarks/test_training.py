from importlib.resources import files

import pytest

from benchmarks.scores import Guess, Tally, format_calibration
from benchmarks.training.confidences import Labelled, Plan, cross_validate, estimate_terms
from benchmarks.training.vocabulary_file import Term, format_terms, read_terms, use_vocabulary
from extractor.parse.outcomes import concepts
from extractor.parse.vocabulary import Vocabulary

PLAN = Plan(2, (0.9, 0.8, 0.5, 0.3), 0.2, Vocabulary.find)


def term(text, value, prior=0.5, **changes):
    given = {"confidence": prior, "prior": prior, "by_hand": False, "is_pattern": False, "example": text}
    return Term(text, value, **(given | changes))


def labelled(text, label, times, fold=0):
    return [Labelled(text, label, fold)] * times


@pytest.mark.parametrize("name", ["concepts", "categories"])
def test_a_vocabulary_is_written_as_it_was_read(name):
    terms = read_terms((files("extractor.parse") / "vocabularies" / f"{name}.toml").read_text("utf-8"))
    again = read_terms(format_terms(terms, "# head"))
    told = {(one.text, one.value, one.confidence, one.prior, one.by_hand) for one in terms}
    assert {(one.text, one.value, one.confidence, one.prior, one.by_hand) for one in again} == told


def test_labels_outweigh_the_prior():
    weighed = estimate_terms([term("wheal", "diagnosis", 0.3)], labelled("a wheal", "diagnosis", 40), PLAN)
    assert [one.confidence for one in weighed] == [0.9]


def test_an_unseen_term_keeps_its_prior():
    assert [one.confidence for one in estimate_terms([term("wheal", "diagnosis", 0.8)], [], PLAN)] == [0.8]


def test_a_confidence_set_by_hand_stays():
    by_hand = term("wheal", "diagnosis", 0.8, by_hand=True)
    assert estimate_terms([by_hand], labelled("a wheal", "allergy", 40), PLAN) == [by_hand]


def test_a_term_moves_to_the_value_of_its_labels():
    weighed = estimate_terms([term("wheal", "diagnosis", 0.8)], labelled("a wheal", "allergy", 40), PLAN)
    assert [(one.value, one.confidence) for one in weighed] == [("allergy", 0.9)]


def test_a_term_that_tells_nothing_is_dropped():
    mixed = [one for label in "abcdefgh" for one in labelled("a wheal", label, 5)]
    assert estimate_terms([term("wheal", "a")], mixed, PLAN) == []


def test_estimating_twice_changes_nothing():
    texts = labelled("a wheal", "allergy", 40) + labelled("a rash", "diagnosis", 3)
    once = estimate_terms([term("wheal", "diagnosis"), term("rash", "diagnosis")], texts, PLAN)
    assert estimate_terms(once, texts, PLAN) == once


def test_the_package_reads_the_given_vocabulary_and_then_its_own_again():
    with use_vocabulary(concepts, "concepts", [term("zorp", "mortality", 0.9)]):
        found = concepts.find_concept("Zorp", "")
        assert found is not None
        assert found.concept.value == "mortality"
    assert concepts.find_concept("Zorp", "") is None


def test_a_fold_is_judged_without_its_own_labels():
    texts = labelled("a wheal", "allergy", 40, fold=1)
    folds = dict(cross_validate([term("wheal", "diagnosis", 0.8)], texts, PLAN, concepts, "concepts"))
    assert folds[0][0].value == "allergy"
    assert folds[1][0].value == "diagnosis"


def test_a_tally_counts_an_empty_item_as_right_where_nothing_is_wanted():
    tally = Tally("methods")
    tally.add(0, 0, 0, 0.97)
    tally.add(1, 0, 0, 0.97)
    assert (tally.right, tally.certain, tally.certain_right) == (1, 2, 1)


def test_calibration_of_no_items_has_no_shares():
    assert format_calibration([]) == "0 items, right -; certain - of them, right among these -"
    assert "right 1.000" in format_calibration([Guess(right=True, confidence=0.5)])
