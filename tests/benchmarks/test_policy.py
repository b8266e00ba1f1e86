"""Counts of who is right when rules and a model differ, and the file with these counts."""

import tomllib
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.policy import format_shares, list_situations
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.check import ground_answer
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.schemas import Category, Eligibility, TrialExtraction
from tests.trust import trial

RULES = Category.OTHER
MODEL = Category.INFECTION
FIELD = "eligibility.category"


def ask_in_doubt():
    """A record with one criterion, whose category the rules doubt, and the answer of a model."""
    parsed = parse_record(
        trial(eligibility="Exclusion Criteria:\n\n* Something | rare")
    )
    (criterion,) = parsed.criteria
    doubtful = {
        "stands": Reading(value=True, confidence=0.99),
        "category": Reading(RULES, 0.6),
    }
    criterion = replace(criterion, rules={**criterion.rules, **doubtful})
    values = {"category": MODEL, "stands": True}
    answer = ground_answer(values, criterion, parsed)
    result = ModelResult((answer,))
    return replace(parsed, criteria=(criterion,)), result


@pytest.mark.parametrize(
    ("right", "who"), [(RULES, "rule"), (MODEL, "model"), (Category.AGE, "neither")]
)
def test_who_was_right_is_counted(right, who):
    parsed, result = ask_in_doubt()
    criterion = (
        assemble_extraction(parsed, ModelResult())
        .eligibility.criteria[0]
        .model_copy(update={"category": right})
    )

    gold = TrialExtraction(
        record_id="A", eligibility=Eligibility(criteria=(criterion,))
    )

    assert set(list_situations(parsed, result, gold)) == {
        (FIELD, "doubtful", who),
        ("eligibility.stands", "agree", "right"),
    }


def test_counts_move_the_assumed_share_of_their_field():
    counts = Counter({(FIELD, "doubtful", "model"): 1, (FIELD, "doubtful", "rule"): 14})
    shares = tomllib.loads(format_shares(counts))
    assert shares["other"]["doubtful"] == 0.8
    assert shares[FIELD] == {"doubtful": 0.25}
