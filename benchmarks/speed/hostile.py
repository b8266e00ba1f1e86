"""Texts made to be slow: one piece, repeated in one line without end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from extractor.parse import parse_record
from extractor.schemas import Part, Section, Source, TrialRecord

from .counting import measure_seconds

__all__ = ["ENDS", "PIECES", "PLACES", "Slowness", "build_hostile", "measure_hostile"]

PIECES: Mapping[str, str] = {
    "digits": "7",
    "letters": "a",
    "capitals": "A",
    "one word": "asthma ",
    "spaces": " ",
    "line breaks": "\n",
    "opening brackets": "(",
    "brackets": "()",
    "commas": ",",
    "spaced commas": ", ",
    "stops": ".",
    "stops and quotes": '."',
    "quotes": '"',
    "nested quotes": '("',
    "hyphens": "-",
    "spaced dashes": "- - - ",
    "hyphenated": "a-",
    "slashes": "a/",
    "escapes": "\\>",
    "underscores": "_",
    "signs of comparison": ">= ",
    "list numbers": "1. 2. 3. ",
    "numbered line": "(1 ",
    "numbers": "1, 2, ",
    "number and dashes": "1 - - - - ",
    "powers": "x 10^",
    "powers of ten": "1 x 10^6 ",
    "thousands": "1,000",
    "units": "mg ",
    "units of time": "week ",
    "doses": "5 mg/kg ",
    "levels of doses": "5, 10 or ",
    "sentences of doses": "5 mg. ",
    "lengths of time": "within 4 weeks ",
    "days": "day 1, ",
    "weeks": "4 weeks, ",
    "limits": ">= 5 ",
    "grades": "grade 2-",
    "bullets": "* a\n",
    "nested bullets": "* a\n  * b\n    * c\n",
    "indented lines": "      a\n",
    "headings": "Inclusion Criteria:\n",
    "colons": "a: ",
    "semicolons": "; ",
    "alternatives": "CAR-T or ",
    "and": "and ",
    "not": "not ",
    "the": "the ",
    "starts": "from the date of ",
    "ends": "until the ",
    "questions": "Is it. ",
    "tolerances": "4 (±2) weeks ",
    "items": "a, b|",
    "long numbers": "7" * 60 + "u, ",
}
"""What is repeated, by what it is."""

ENDS = ("", "a")
"""What may come last: an end that no repetition expects is what makes an expression try again."""

PLACES = ("eligibility", "detailed_description", "arms[0]", "interventions[0]", "primary_outcomes")
"""Sections that different readers read."""

_SHORT, _MEASURED = 20_000, 3
"""Characters in which all pieces are tried, and how many of each place are then measured in full."""


@dataclass(frozen=True)
class Slowness:
    """CPU seconds that a reader's section took."""

    place: str
    piece: str
    seconds: float


def build_hostile(place: str, piece: str, length: int, end: str = "") -> TrialRecord:
    """A record with one section of so many characters."""
    text = "A arm " + (piece * (length // len(piece) + 1))[:length] + end
    sections = [Section(name=place, text=text)]
    if place.startswith("arms"):
        parts = (Part(name="label", start=0, end=5), Part(name="description", start=6, end=len(text)))
        sections = [
            Section(name=place, text=text, parts=parts),
            Section(name="interventions[0]", text="DRUG: examplumab"),
        ]
    return TrialRecord(record_id="hostile", source=Source(path="hostile", format="flat"), sections=tuple(sections))


def measure_hostile(length: int) -> list[Slowness]:
    """The slowest pieces of each place, slowest first.

    All are tried in a short line; those that are slowest in it are measured in one of so many characters.
    """
    slowest = []
    for place in PLACES:
        tried = sorted(_try_all(place), key=lambda one: -one[0])[:_MEASURED]
        for _, piece, end in tried:
            record = build_hostile(place, PIECES[piece], length, end)
            slowest.append(Slowness(place, f"{piece}{', then a letter' if end else ''}", _seconds(record)))
    return sorted(slowest, key=lambda one: -one.seconds)


def _try_all(place: str) -> Iterator[tuple[float, str, str]]:
    """Seconds, piece and end of every short line; pieces of the first line of all are loaded before."""
    _seconds(build_hostile(place, PIECES["doses"], 1_000))
    for piece, text in PIECES.items():
        for end in ENDS:
            yield _seconds(build_hostile(place, text, _SHORT, end)), piece, end


def _seconds(record: TrialRecord) -> float:
    return measure_seconds(lambda: parse_record(record))
