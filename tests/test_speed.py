"""Parsing costs what the length of a text costs, whatever the text. No time is asserted, which tells of the machine."""

import pytest

from extractor.parse import parse_record
from tests.synthetic import PARTS, build_hostile, build_record, count_calls

ITEMS = 20
TIMED = 80
"""Items of a record that is timed: more than fits into a processor's caches, which would flatter the short one."""
TIMES = 10
ALLOWED = 11
"""10 times the text may take at most 11 times as much."""
SHORT, LONGER, END = 4_000, 4, "a"
SLACK = 2.5
"""By how much more than a text its time may grow: caches, garbage, other work on the machine. A square grows more."""
FLOOR = 0.08
"""Seconds below which a time says nothing of growth."""
TRIES = 6


def _calls(part: str, items: int, first: int) -> int:
    record = build_record(part, items, first)
    return count_calls(lambda: parse_record(record))


@pytest.mark.parametrize("part", PARTS)
def test_ten_times_the_text_calls_at_most_eleven_times_as_many_functions(part: str) -> None:
    """Counted, so that the result is the same on every machine."""
    parse_record(build_record(part, ITEMS))  # loads and compiles what is needed
    short, long = _calls(part, ITEMS, 10_000), _calls(part, ITEMS * TIMES, 20_000)
    assert long <= ALLOWED * short


@pytest.mark.parametrize("piece", ["7", "(", ", ", " ", "asthma ", '("', "- - - ", "1. 2. 3. ", "x 10^", "."])
def test_a_long_line_is_read_to_the_end(piece: str) -> None:
    """All of it is read, or what no reader could take for text is blanked and reported."""
    record = build_hostile("eligibility", piece, 200_000, END)
    parsed = parse_record(record)
    text = parsed.cleaned["eligibility"].text
    blanked = sum(found.span.length for found in parsed.hostile)
    assert len(text) == len(record.sections[0].text)
    assert text == record.sections[0].text or blanked >= 0.99 * 200_000
