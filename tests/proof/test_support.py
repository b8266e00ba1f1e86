"""How values follow from their quotes, for values of rules and of models."""

from extractor.assembly.check import ground_answer
from extractor.concepts.limits.written_numbers import find_numbers
from extractor.concepts.parse import parse_record
from extractor.formats import read_records
from extractor.language.numbers import DAYS
from extractor.language.passage import read_passage
from extractor.schemas import Support, TimePoint


def test_accepted_values_of_a_model_are_supported():
    """For any answer about an outcome, the words of an accepted value hold it."""
    parsed = parse_record(next(read_records("tests/records/study.json")))
    text = parsed.outcomes[0].chunk.text
    answer = {
        "time_points": tuple(
            TimePoint(value=number, unit=unit)
            for number in range(1, 60)
            for unit in DAYS
        ),
        "specimens": tuple(text.split()),
        "measure": text,
    }

    accepted = set()
    for outcome in parsed.outcomes:
        model = ground_answer(answer, outcome, parsed).model
        for name, reading in model.items():
            check_supported(reading, parsed)
            accepted.add(name)
    assert accepted == {"measure", "specimens", "time_points"}


def check_supported(reading, parsed):
    """The words of each value hold it: its number, or itself."""
    supported = reading.list_supported()
    assert tuple(each.span for each in supported) == reading.spans
    for each in supported:
        value, span, support = each.value, each.span, each.support
        words = parsed.sections[span.section].raw[span.start : span.end]
        if isinstance(value, TimePoint):
            numbers = find_numbers(read_passage(words).tokens)
            assert value.value in {number.value for number in numbers}
            assert support is not Support.LITERAL
        else:
            assert value == words
            assert support is Support.LITERAL
