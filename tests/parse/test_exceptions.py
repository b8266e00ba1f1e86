"""Exceptions of criteria, their words and their places."""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.apps.export import tabulate

CASES = tomllib.loads(Path(__file__).with_name("exceptions.toml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["text"])
def test_a_criterion_has_the_words_of_its_exceptions(case):
    kind = case.get("kind", "exclusion").capitalize()
    exceptions = case["exceptions"]
    extractor = Extractor(effort="none")

    extraction = extractor.extract_text(
        f"{kind} Criteria:\n\n* {case['text']}\n* Fever\n"
    )

    criterion = extraction.eligibility.criteria[0]
    assert criterion.has_exception == bool(exceptions)
    pieces = criterion.evidence_for("has_exception")
    assert [piece.quote for piece in pieces] == exceptions
    begin = criterion.evidence_for("quote")[0].start
    for piece in pieces:
        position = piece.start - begin
        words = criterion.quote[position : position + len(piece.quote)]
        assert words == piece.quote
    row = tabulate([extraction])["criteria"][0]
    assert row["exception"] == ("|".join(exceptions) or None)
