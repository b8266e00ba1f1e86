"""Exceptions of criteria, their words and their places."""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.apps.export.tables import tabulate

CASES = tomllib.loads(Path(__file__).with_name("exceptions.toml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["text"])
def test_a_criterion_has_the_words_of_its_exceptions(case):
    kind = case.get("kind", "exclusion").capitalize()
    text = f"{kind} Criteria:\n\n* {case['text']}\n* Fever\n"
    extraction = Extractor(effort="none").extract_text(text)
    criterion = extraction.eligibility.criteria[0]
    pieces = criterion.evidence_for("has_exception")
    assert [piece.quote for piece in pieces] == case["exceptions"]
    assert criterion.has_exception == bool(case["exceptions"])
    for piece in pieces:
        begin = criterion.evidence_for("quote")[0].start
        at = piece.start - begin
        assert criterion.quote[at : at + len(piece.quote)] == piece.quote
    row = tabulate([extraction])["criteria"][0]
    assert row["exception"] == ("|".join(case["exceptions"]) or None)
