"""How values follow from their quotes, for values of rules and of models."""

import pytest

from extractor import Extractor
from extractor.assembly.check import ground_answer
from extractor.concepts.limits.rows import find_numbers
from extractor.concepts.parse import parse_record
from extractor.formats import read_records
from extractor.language.numbers import DAYS
from extractor.language.passage import read_passage
from extractor.schemas import Support, TimePoint


@pytest.fixture(scope="module")
def record():
    return next(read_records("tests/records/study.json"))


def test_every_value_of_the_rules_follows_from_its_quote(record):
    pieces = [
        piece
        for _, item in Extractor(effort="none").extract(record).list_items()
        for piece in item.evidence
    ]
    assert {piece.support for piece in pieces} == {
        Support.LITERAL,
        Support.PARSED,
        Support.INFERRED,
    }
    assert all(
        record.raw_text(piece.section)[piece.start : piece.end] == piece.quote
        for piece in pieces
    )


def test_accepted_values_of_a_model_are_supported(record):
    """For any answer about an outcome, the words of an accepted value hold it."""
    parsed = parse_record(record)
    values = {
        "time_points": tuple(
            TimePoint(value=n, unit=unit) for n in range(1, 60) for unit in DAYS
        ),
        "specimens": tuple(parsed.outcomes[0].chunk.text.split()),
        "measure": parsed.outcomes[0].chunk.text,
    }
    for outcome in parsed.outcomes:
        grounded = ground_answer(values, outcome, parsed)
        for reading in grounded.model.values():
            assert len(reading.supports) == len(reading.spans)
            members = (
                reading.value if isinstance(reading.value, tuple) else (reading.value,)
            )
            for member, span, support in zip(
                members, reading.spans, reading.supports, strict=True
            ):
                words = parsed.sections[span.section].raw[span.start : span.end]
                numbers = {
                    number.value for number in find_numbers(read_passage(words).tokens)
                }
                assert (
                    member.value in numbers
                    if isinstance(member, TimePoint)
                    else member == words
                )
                assert (support is Support.LITERAL) is isinstance(member, str)
