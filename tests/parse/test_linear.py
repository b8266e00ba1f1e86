"""Time to parse grows with the length of a text, not faster, whatever the text."""

import time

import pytest

from extractor.parse import parse_record
from extractor.schemas import Part, Section, Source, TrialRecord

_PIECES = {
    "digits": "7",
    "letters": "a",
    "one word": "asthma ",
    "spaces": " ",
    "line breaks": "\n",
    "brackets": "(",
    "commas": ", ",
    "nested quotes": '("',
    "dashes": "- - - ",
    "list numbers": "1. 2. 3. ",
    "numbers": "1, 2, ",
    "number and dashes": "1 - - - - ",
    "doses": "5 mg/kg ",
    "sentences of doses": "5 mg. ",
    "lengths of time": "within 4 weeks ",
    "days": "day 1, ",
    "limits": ">= 5 ",
    "bullets": "* a\n",
    "indented lines": "      a\n",
    "slashes": "a/",
    "starts": "from the date of ",
}
_SHORT, _TIMES = 6_000, 4
_SLACK = 2.5
"""By how much more than the text the time may grow: caches, and noise of the clock."""
_FLOOR = 0.08
"""Seconds below which a time says nothing of growth."""
_TRIES = 3


def _record(name: str, text: str) -> TrialRecord:
    sections = [Section(name=name, text=text)]
    if name.startswith("arms"):
        parts = (Part(name="label", start=0, end=5), Part(name="description", start=6, end=len(text)))
        sections = [
            Section(name=name, text=text, parts=parts),
            Section(name="interventions[0]", text="DRUG: examplumab"),
        ]
    return TrialRecord(record_id="long", source=Source(path="long", format="flat"), sections=tuple(sections))


def _seconds(name: str, text: str) -> float:
    record = _record(name, text)
    begun = time.process_time()
    parse_record(record)
    return time.process_time() - begun


def _repeat(piece: str, length: int) -> str:
    return "A arm " + (piece * (length // len(piece) + 1))[:length]


@pytest.mark.parametrize("piece", _PIECES.values(), ids=_PIECES.keys())
@pytest.mark.parametrize(
    "name", ["eligibility", "detailed_description", "arms[0]", "interventions[0]", "primary_outcomes"]
)
def test_time_grows_no_faster_than_the_text(name: str, piece: str) -> None:
    """Compared within one run, and again if it seems too slow: other work on the machine can only add time."""
    _seconds(name, _repeat(piece, 600))  # compiles what is compiled on first use
    growth = []
    for _ in range(_TRIES):
        short, long = (_seconds(name, _repeat(piece, _SHORT * times)) for times in (1, _TIMES))
        growth.append(long / max(short, _FLOOR))
        if growth[-1] <= _TIMES * _SLACK:
            break
    assert min(growth) <= _TIMES * _SLACK


@pytest.mark.parametrize("piece", ["7", "(", ", ", " ", "asthma ", '("', "- - - ", "1. 2. 3. "])
def test_a_long_line_is_read_to_the_end(piece: str) -> None:
    text = _repeat(piece, 200_000)
    assert parse_record(_record("eligibility", text)).cleaned["eligibility"].text == text
