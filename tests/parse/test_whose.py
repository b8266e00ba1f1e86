"""Whose a limit is: the reader, the proof of an answer, and the match of a patient say the same."""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))


@pytest.mark.parametrize("row", ROWS["whose"], ids=lambda row: row["line"])
def test_all_say_the_same_whose_a_limit_is(row):
    trial = Extractor().extract_text(
        f"Inclusion Criteria:\n\n* {row['line']}", record_id="A"
    )
    [criterion] = trial.eligibility.criteria
    shown = []
    for place, limit in enumerate(criterion.constraints):
        piece, *_ = criterion.evidence_for(f"constraints[{place}]")
        shown.append(f"{limit.condition or 'all'}, {piece.sex or 'all'}")
        for words in criterion.evidence_for(f"constraints[{place}].condition"):
            assert words.quote == limit.condition

    [judged] = [
        one for one in trial.match(row["patient"]).criteria if one["index"] == 0
    ]

    assert shown == row["people"]
    assert judged["verdict"] == row["verdict"], judged["why"]
