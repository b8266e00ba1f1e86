"""Which numbers of a record some reading claims, and what those look like that none does: where rules are missing."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from extractor.schemas import Section, TrialRecord

from . import parse_record
from .parsed import ParsedRecord, Reading, Span
from .words import lower_in_place

__all__ = ["NumberClaim", "RecordPart", "claim_numbers", "list_number_claims"]

_PEOPLE = ("minimum_age", "maximum_age")
_OF_CRITERION = ("constraints", "time_window")
_OF_REGIMEN = ("agent", "amounts", "frequency", "cycle", "duration", "timing")
_OF_OUTCOME = ("time_points",)
# A number in digits that is no part of a name ("CD19", "IL-4" are names, "5mg" is a number).
_NUMBER = re.compile(r"(?<!\w)(?<!\d[.,])(?<![^\W\d]-)\d+(?:[.,]\d+)*")
_KEPT = ("0", "1")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*|[<>=\u2264\u2265%/+\u00b1-]")


class RecordPart(StrEnum):
    """Where numbers are looked for."""

    CRITERIA = "criteria"
    DOSING = "arms and interventions"
    TIME_FRAMES = "time frames"


@dataclass(frozen=True, slots=True)
class NumberClaim:
    """One number. ``fields`` are those whose reading lies over it, none if nothing claims it.

    ``shape`` is the number as N between the words beside it: "grade N or". 0 and 1 stay, for they often mean a
    baseline, which is no time point.
    """

    part: RecordPart
    shape: str
    fields: tuple[str, ...] = ()


def claim_numbers(record: TrialRecord) -> tuple[NumberClaim, ...]:
    """Parse a record, and list its numbers as ``list_number_claims`` does."""
    return tuple(list_number_claims(parse_record(record)))


def list_number_claims(parsed: ParsedRecord) -> Iterator[NumberClaim]:
    """Every number in digits in the criteria, arms, interventions and time frames of a record, in that order.

    A dose that is told again in the same words is claimed wherever it stands, though only one place is its quote.
    What was read as no criterion, such as a heading, has no numbers to claim. Parts of names ("CD19") and bullets
    are no numbers.
    """
    people = [*_list_claims(parsed.eligibility, _PEOPLE)]
    for criterion in parsed.eligibility.criteria:
        if criterion.stands.value:
            claims = [*_list_claims(criterion, _OF_CRITERION), *people]
            yield from _look(parsed, RecordPart.CRITERIA, criterion.chunk.span, claims)
    doses = [claim for regimen in parsed.dosing.regimens for claim in _list_claims(regimen, _OF_REGIMEN)]
    words = {(name, lower_in_place(parsed.raw(span))) for name, span in doses}
    for section in parsed.record.sections:
        if section.name.startswith(("arms[", "interventions[")):
            repeated = _find_repeated(section, words)
            yield from _look(parsed, RecordPart.DOSING, Span(section.name, 0, len(section.text)), [*doses, *repeated])
    for outcome in parsed.outcomes:
        for span in outcome.time_frame.spans:
            yield from _look(parsed, RecordPart.TIME_FRAMES, span, [*_list_claims(outcome, _OF_OUTCOME)])


def _find_repeated(section: Section, words: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Span]]:
    """Where a section repeats what was read elsewhere: one regimen has one quote, however often it is told."""
    text = lower_in_place(section.text)
    for name, said in words:
        start = text.find(said) if _DIGIT.search(said) else -1
        while start >= 0:
            yield name, Span(section.name, start, start + len(said))
            start = text.find(said, start + len(said))


def _list_claims(item: Any, names: Iterable[str]) -> Iterator[tuple[str, Span]]:
    for name in names:
        reading: Reading[Any] = getattr(item, name)
        yield from ((name, span) for span in reading.spans)


def _look(
    parsed: ParsedRecord, part: RecordPart, place: Span, claims: Iterable[tuple[str, Span]]
) -> Iterator[NumberClaim]:
    text = parsed.raw(place)
    near = [(name, span) for name, span in claims if span.section == place.section]
    for number in _NUMBER.finditer(text):
        start, end = place.start + number.start(), place.start + number.end()
        fields = {name: None for name, span in near if span.start <= start and end <= span.end}
        yield NumberClaim(part, _describe(text, number), tuple(fields))


def _describe(text: str, number: re.Match[str]) -> str:
    """The number between the word before it and the word behind it.

    >>> text = "Toxicity of Grade 3 or more on Day 0"
    >>> [_describe(text, number) for number in _NUMBER.finditer(text)]
    ['grade N or', 'day 0']
    """
    before = _WORD.findall(text[max(0, number.start() - 30) : number.start()])[-1:]
    behind = _WORD.findall(text[number.end() : number.end() + 30])[:1]
    own = number[0] if number[0] in _KEPT else "N"
    return " ".join((*map(_fold_word, before), own, *map(_fold_word, behind)))


def _fold_word(word: str) -> str:
    return "N" if word[0].isdigit() else word.lower()
