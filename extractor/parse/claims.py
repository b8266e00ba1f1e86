"""Which numbers of records some reading claims, and what those look like that none does: where rules are missing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from extractor.schemas import TrialRecord
from extractor.text.lexer import NUMBER, Tokens

from . import parse_record
from .parsed import ParsedRecord, Reading, Span

__all__ = ["ClaimTally", "NumberClaim", "PartClaims", "RecordPart", "claim_numbers", "list_number_claims"]

_PEOPLE = ("minimum_age", "maximum_age")
_OF_CRITERION = ("constraints", "time_window")
_OF_REGIMEN = ("agent", "amounts", "frequency", "cycle", "duration", "timing")
_OF_OUTCOME = ("time_points",)
_KEPT = ("0", "1")
_SIGNS = frozenset("<>=\u2264\u2265%/+\u00b1-")
_NEAR = 6
"""How many tokens beside a number may hold its neighbour in a shape."""


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
    words = {(name, parsed.raw(span).lower()) for name, span in doses}
    for section in parsed.record.sections:
        if section.name.startswith(("arms[", "interventions[")):
            whole = Span(section.name, 0, len(section.text))
            yield from _look(parsed, RecordPart.DOSING, whole, [*doses, *_find_repeated(whole, section.text, words)])
    for outcome in parsed.outcomes:
        for span in outcome.time_frame.spans:
            yield from _look(parsed, RecordPart.TIME_FRAMES, span, [*_list_claims(outcome, _OF_OUTCOME)])


def _find_repeated(whole: Span, text: str, words: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Span]]:
    """Where a section repeats what was read elsewhere: one regimen has one quote, however often it is told."""
    folded = "".join(c if len(c.lower()) > 1 else c.lower() for c in text)  # each character keeps its place
    for name, said in words:
        start = folded.find(said) if any(map(str.isdigit, said)) else -1
        while start >= 0:
            yield name, Span(whole.section, start, start + len(said))
            start = folded.find(said, start + len(said))


def _list_claims(item: Any, names: Iterable[str]) -> Iterator[tuple[str, Span]]:
    for name in names:
        reading: Reading[Any] = getattr(item, name)
        yield from ((name, span) for span in reading.spans)


def _look(
    parsed: ParsedRecord, part: RecordPart, place: Span, claims: Iterable[tuple[str, Span]]
) -> Iterator[NumberClaim]:
    passage = parsed.sections[place.section].between(place.start, place.end)
    near = [(name, span) for name, span in claims if span.section == place.section]
    for at in range(passage.first, passage.end):
        if _is_number(passage.tokens, at):
            number = Span(place.section, *passage.part(at, at + 1).raw_span)
            fields = {name: None for name, span in near if span.contains(number)}
            yield NumberClaim(part, _describe(passage.tokens, passage.first, at, passage.end), tuple(fields))


def _is_number(tokens: Tokens, at: int) -> bool:
    """Whether a token is a number in digits that is no part of a name: "CD19", "IL-4"."""
    if tokens.codes[at] != NUMBER or not tokens.words[at][0].isdigit():
        return False
    return (
        not at
        or not tokens.words[at - 1].isalpha()
        or tokens.text[tokens.ends[at - 1] : tokens.starts[at]] not in ("", "-")
    )


def _describe(tokens: Tokens, first: int, number: int, end: int) -> str:
    """The number between the word before it and the word behind it.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Toxicity of Grade 3 or more on Day 0")
    >>> [_describe(tokens, 0, number, 9) for number in (3, 8)]
    ['grade N or', 'day 0']
    """
    before = (at for at in range(number - 1, max(first, number - _NEAR) - 1, -1) if _counts(tokens.words[at]))
    behind = (at for at in range(number + 1, min(end, number + _NEAR)) if _counts(tokens.words[at]))
    places = (next(before, None), number, next(behind, None))
    words = ((at, tokens.words[at]) for at in places if at is not None)
    return " ".join(
        word.lower() if not word[0].isdigit() or (at == number and word in _KEPT) else "N" for at, word in words
    )


def _counts(word: str) -> bool:
    return word[0].isalnum() or word in _SIGNS


_SHAPES = 20_000


@dataclass(frozen=True, slots=True)
class PartClaims:
    """One part of records: its numbers, how many some reading claims, by which fields, and what is unclaimed.

    A number that several fields claim counts once in each of ``fields``. ``shapes`` are the commonest unclaimed ones,
    such as ("grade N or", 12).
    """

    part: RecordPart
    numbers: int
    claimed: int
    fields: tuple[tuple[str, int], ...]
    shapes: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float | None:
        """The share of numbers that is claimed; None without numbers."""
        return self.claimed / self.numbers if self.numbers else None


class ClaimTally:
    """Adds up ``NumberClaim``s. At most ``shapes`` different shapes of a part are held.

    Where there are more, the rarer half is forgotten: the count of a shape that is seen again is then too low, which
    hardly touches the common ones.

    >>> tally = ClaimTally()
    >>> tally.add([NumberClaim(RecordPart.CRITERIA, "age N to", ("constraints",)),
    ...            NumberClaim(RecordPart.CRITERIA, "visit N and")])
    >>> part = tally.report()[0]
    >>> part.numbers, part.share, part.shapes
    (2, 0.5, (('visit N and', 1),))
    """

    def __init__(self, shapes: int = _SHAPES) -> None:
        self._limit = shapes
        self._numbers: Counter[RecordPart] = Counter()
        self._claimed: Counter[RecordPart] = Counter()
        self._fields: dict[RecordPart, Counter[str]] = {part: Counter() for part in RecordPart}
        self._shapes: dict[RecordPart, Counter[str]] = {part: Counter() for part in RecordPart}

    def add(self, claims: Iterable[NumberClaim]) -> None:
        """Count the numbers of a record."""
        for claim in claims:
            self._numbers[claim.part] += 1
            self._claimed[claim.part] += bool(claim.fields)
            self._fields[claim.part].update(claim.fields)
            if not claim.fields:
                self._count_shape(self._shapes[claim.part], claim.shape)

    def _count_shape(self, shapes: Counter[str], shape: str) -> None:
        shapes[shape] += 1
        if len(shapes) > self._limit:
            common = shapes.most_common(max(1, self._limit // 2))
            shapes.clear()
            shapes.update(dict(common))

    def report(self, shapes: int = 20) -> tuple[PartClaims, ...]:
        """Every part, with its ``shapes`` commonest unclaimed shapes."""
        return tuple(
            PartClaims(
                part,
                self._numbers[part],
                self._claimed[part],
                tuple(self._fields[part].most_common()),
                tuple(sorted(self._shapes[part].items(), key=lambda pair: (-pair[1], pair[0]))[:shapes]),
            )
            for part in RecordPart
        )
