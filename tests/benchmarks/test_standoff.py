"""Standoff gold: spans instead of quotes, and a hash of each section."""

import json
from pathlib import Path

import pytest

from benchmarks.gold.standoff import from_standoff, to_standoff
from extractor.apps.evaluation.text import fold_quote
from extractor.schemas import TrialExtraction, TrialRecord

TOY = json.loads(Path(__file__).with_name("toy.json").read_text("utf-8"))
GOLD = TOY["gold"]
RECORD = TrialRecord.model_validate(TOY["record"])


def normalise(gold):
    """Normalise gold for comparison: all fields, and words as ``fold_quote`` returns them."""
    return fold_quote(
        TrialExtraction.model_validate(gold).model_dump_json().replace("\\n", " ")
    )


@pytest.fixture
def line():
    return json.loads(json.dumps(to_standoff(GOLD, RECORD)))


def test_gold_is_written_without_words_and_read_back(line):
    assert normalise(from_standoff(line, RECORD)) == normalise(GOLD)
    words = {
        word
        for section in RECORD.sections
        for word in section.text.split()
        if len(word) > 5
    }
    kept = json.dumps(
        {key: line[key] for key in ("eligibility", "dosing", "endpoints")}
    )
    assert not [word for word in words if word in kept]


def test_words_that_are_not_in_the_record_are_refused():
    gold = {
        "record_id": "toy",
        "dosing": [{"agent": "zorpmab", "section": "arms[0]", "quote": "15 mg daily"}],
    }
    with pytest.raises(ValueError, match="agent: 'zorpmab' is not in the record"):
        to_standoff(gold, RECORD)
