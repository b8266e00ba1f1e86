"""Parsing costs what the length of a text costs, whatever the text. No time is asserted, which tells of the machine."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import PARTS, PIECES, PLACES, build_hostile, build_record, count_calls, measure_seconds
from extractor.parse import parse_record
from extractor.schemas import TrialRecord
from tests.depth import choose

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


def _seconds(record: TrialRecord) -> float:
    return measure_seconds(lambda: parse_record(record))


@pytest.mark.parametrize("part", PARTS)
def test_ten_times_the_text_calls_at_most_eleven_times_as_many_functions(part: str) -> None:
    """Counted, so that the result is the same on every machine."""
    parse_record(build_record(part, ITEMS))  # loads and compiles what is needed
    short, long = _calls(part, ITEMS, 10_000), _calls(part, ITEMS * TIMES, 20_000)
    assert long <= ALLOWED * short


@pytest.mark.parametrize("part", PARTS)
def test_ten_times_the_text_takes_as_much_longer_and_no_more(part: str) -> None:
    """The least time of several tries, and tried again if it seems too slow: other work can only add time."""
    parse_record(build_record(part, ITEMS))
    shorts, longs = [], []
    for number in range(1, TRIES + 1):
        shorts.append(_seconds(build_record(part, TIMED, number * 10_000)))
        longs.append(_seconds(build_record(part, TIMED * TIMES, number * 10_000)))
        if min(longs) <= SLACK * TIMES * min(shorts):
            break
    assert min(longs) <= SLACK * TIMES * min(shorts)


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES.keys())
@pytest.mark.parametrize("place", PLACES)
def test_no_text_is_slow_out_of_proportion(place: str, piece: str) -> None:
    """A letter that breaks the row at its end is what makes a bad expression try again from every place."""
    _grows_as_its_text(place, piece)


@settings(max_examples=choose(12, 200), deadline=None, derandomize=True)
@given(pieces=st.lists(st.sampled_from(sorted(PIECES.values())), min_size=2, max_size=5), place=st.sampled_from(PLACES))
def test_no_mixture_is_slow_out_of_proportion(pieces: list[str], place: str) -> None:
    _grows_as_its_text(place, "".join(pieces))


def _grows_as_its_text(place: str, piece: str) -> None:
    growth = []
    for _ in range(TRIES):
        long = _seconds(build_hostile(place, piece, SHORT * LONGER, END))
        if long <= FLOOR * LONGER:
            return
        growth.append(long / max(_seconds(build_hostile(place, piece, SHORT, END)), FLOOR))
        if growth[-1] <= LONGER * SLACK:
            return
    raise AssertionError(f"{LONGER} times the text takes {min(growth):.1f} times as long")


@pytest.mark.parametrize("piece", ["7", "(", ", ", " ", "asthma ", '("', "- - - ", "1. 2. 3. ", "x 10^", "."])
def test_a_long_line_is_read_to_the_end(piece: str) -> None:
    """All of it is read, or what no reader could take for text is blanked, and told."""
    record = build_hostile("eligibility", piece, 200_000, END)
    parsed = parse_record(record)
    text = parsed.cleaned["eligibility"].text
    blanked = sum(found.span.length for found in parsed.hostile)
    assert len(text) == len(record.sections[0].text)
    assert text == record.sections[0].text or blanked >= 0.99 * 200_000
