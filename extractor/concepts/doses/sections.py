"""The sections of a record that can state doses, with their marks and clauses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from extractor.concepts.doses.amounts import (
    AmountMark,
    drop_explaining,
    find_amounts,
    find_limits,
)
from extractor.concepts.doses.days import find_days, find_moments
from extractor.concepts.doses.marks import (
    Mark,
    Place,
    drop_inside,
    drop_touching,
    within,
)
from extractor.concepts.doses.schedule import (
    PeriodMark,
    find_cycles,
    find_frequencies,
    find_lengths,
    find_other_lengths,
    find_other_rhythms,
)
from extractor.evidence.drafts import Chunk, Span, span_of
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection, split_sentences
from extractor.schemas import Frequency, Route, Section, TimeUnit, TrialRecord
from extractor.schemas.registered_words import unify_word

FIELDS = ("route", "frequency", "cycle", "length", "days", "moment")
"""The fields of a regimen besides its amounts."""
_DESCRIPTIONS = ("detailed_description", "brief_summary", "official_title")
_Days = Mark[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Findings:
    """The marks of one text by field, in reading order."""

    amounts: tuple[AmountMark, ...]
    route: tuple[Mark[Route], ...]
    frequency: tuple[Mark[Frequency], ...]
    cycle: tuple[PeriodMark, ...]
    length: tuple[PeriodMark, ...]
    days: tuple[_Days, ...]
    moment: tuple[Mark[str], ...]

    def inside(self, first: int, end: int) -> "Findings":
        """Return the marks that lie wholly inside ``first:end``."""
        return Findings(
            *[within(getattr(self, name), first, end) for name in ("amounts", *FIELDS)]
        )

    def places(self) -> list[Place]:
        """Return the tokens of all marks."""
        return [
            (m.first, m.end)
            for name in ("amounts", *FIELDS)
            for m in getattr(self, name)
        ]


def find_all(tokens: Tokens, section: str = "") -> Findings:
    """Return all marks in the tokens of a section.

    Words inside a moment ("before oral intake") give no marks.

    >>> found = find_all(read_text("5 mg orally twice daily before meals"))
    >>> [
    ...     len(marks)
    ...     for marks in (found.amounts, found.route, found.frequency, found.moment)
    ... ]
    [1, 1, 1, 1]
    """
    moments = find_moments(tokens)
    cycles = find_cycles(tokens)
    stated = find_amounts(tokens)
    amounts = drop_explaining(tokens, stated)
    taken = {at for mark in stated for at in range(mark.first, mark.end)}
    # "300 mg per day" is no frequency
    totals = [mark for mark in amounts if mark.value[0].unit.endswith("/day")]
    # "each cycle lasts 3 weeks" is no length, but "6 21-day cycles" counts cycles.
    lengths = find_lengths(tokens)
    counted = [
        mark for mark in lengths if mark.value and mark.value.unit is TimeUnit.CYCLE
    ]
    found: tuple[Sequence[Mark[object]], ...] = (
        amounts,
        drop_inside(_find_routes(tokens), moments),
        drop_inside(find_frequencies(tokens, taken), totals),
        cycles,
        sorted(
            {*counted, *drop_touching(lengths, cycles)}, key=lambda mark: mark.first
        ),
        drop_inside(find_days(tokens), moments),
        moments,
    )
    placed: list[Any] = [
        tuple(replace(mark, section=section) for mark in marks) for marks in found
    ]
    return Findings(*placed)


def _find_routes(tokens: Tokens) -> Iterator[Mark[Route]]:
    for term in find_terms(tokens, "routes"):
        coded = tokens.words[term.first].isupper() and tokens.text[
            : tokens.starts[term.first]
        ].endswith("-")
        # "DSM-IV", "without an IV line"
        if coded or rule("no_route_before").ends(tokens, term.first, term.first - 5):
            continue
        if not rule("no_route_after").starts(tokens, term.end):  # "IV line"
            yield Mark(Route(term.value), term.first, term.end)


@dataclass(frozen=True, eq=False)
class DosingSection:
    """A section of a record, and the tokens of its parts.

    ``title`` is an arm's label or an intervention's name, ``body`` the description, ``type`` the
    registered type ("experimental", "drug"); ``aliases`` are other names of an intervention.
    """

    read: LexedSection
    title: Place
    body: Place
    type: str = ""
    aliases: tuple[Place, ...] = ()

    @property
    def name(self) -> str:
        return self.read.name

    @property
    def tokens(self) -> Tokens:
        return self.read.tokens

    @property
    def is_intervention(self) -> bool:
        return self.name.startswith("interventions[")

    @property
    def is_arm(self) -> bool:
        return self.name.startswith("arms[")

    @property
    def is_group(self) -> bool:
        """Whether it is an arm or an intervention, not a description."""
        return self.is_arm or self.is_intervention

    @cached_property
    def marks(self) -> Findings:
        """All marks of the section."""
        return find_all(self.tokens, self.name)

    @cached_property
    def others(self) -> Mapping[str, Sequence[Mark[Any]]]:
        """By field, marks of what is not given: limits of doses, rhythms of visits, lengths of
        observation.
        """
        found = find_limits, find_other_rhythms, find_other_lengths
        return dict(
            zip(
                ("amounts", "frequency", "length"),
                (tuple(find(self.tokens)) for find in found),
                strict=True,
            )
        )

    @cached_property
    def clauses(self) -> tuple[Place, ...]:
        """The clauses of the body, in reading order."""
        return tuple(split_clauses(self.tokens, *self.body))

    def span(self, first: int, end: int) -> Span:
        """Return the raw span of a range of tokens."""
        return span_of(self.read.whole.part(first, end))

    def raw(self, first: int, end: int) -> str:
        """Return the raw characters of a range of tokens."""
        return self.read.whole.part(first, end).raw

    def chunk(self, number: int, first: int, end: int) -> Chunk:
        """Return a range of tokens as a numbered chunk."""
        return Chunk(number, self.span(first, end), self.tokens.read(first, end))


def list_sections(
    record: TrialRecord, sections: Mapping[str, LexedSection]
) -> tuple[tuple[DosingSection, ...], tuple[DosingSection, ...]]:
    """Return the arms and interventions, and the descriptions."""
    groups = (
        section
        for section in record.sections
        if section.name.startswith(("arms[", "interventions["))
    )
    descriptions = (sections[name] for name in _DESCRIPTIONS if record.section(name))
    return (
        tuple(_read_group(group, sections[group.name]) for group in groups),
        tuple(
            DosingSection(read, (0, 0), (0, len(read.tokens))) for read in descriptions
        ),
    )


def _read_group(section: Section, read: LexedSection) -> DosingSection:
    places: dict[str, list[Place]] = {}
    for part in section.parts:
        found = read.between(part.start, part.end)
        places.setdefault(part.name, []).append((found.first, found.end))
    is_arm = section.name.startswith("arms[")
    title, body = (
        places.get(name, [(0, 0)])[0]
        for name in ("label" if is_arm else "name", "description")
    )
    kind = unify_word(
        "arm_type" if is_arm else "intervention_type", section.part("type") or ""
    )
    return DosingSection(
        read,
        title if section.parts else (0, len(read.tokens)),
        body,
        kind.lower(),
        tuple(places.get("other_names", ())),
    )


def split_clauses(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Split ``tokens.words[first:end]`` into sentences, also at semicolons and line breaks.

    >>> tokens = read_text("A 5 mg daily; B 10 mg weekly. Both oral")
    >>> [tokens.read(*place) for place in split_clauses(tokens, 0, len(tokens))]
    ['A 5 mg daily', 'B 10 mg weekly.', 'Both oral']
    """
    if end <= first:
        return
    begin = tokens.starts[first]
    for start, stop in split_sentences(tokens.text[begin : tokens.ends[end - 1]]):
        position = tokens.at(begin + start)
        last = tokens.before(begin + stop)
        stops = (
            at
            for at in range(position, last)
            if tokens.codes[at] == "." and _is_glued(tokens, at)
        )
        glued = [(at, at + 1) for at in stops]
        ends = [
            (at.first, at.end) for at in rule("clause_end").find(tokens, position, last)
        ]
        for place, following in sorted([*glued, *ends]):  # "daily; then", "daily.Then"
            border = place + (tokens.codes[place] == ".")
            if border > position:
                yield position, border
            position = following
        if last > position:
            yield position, last


def _is_glued(tokens: Tokens, place: int) -> bool:
    """Return whether the next sentence begins directly after a full stop, as in "twice
    daily.Then".
    """
    if (
        not 0 < place < len(tokens) - 1
        or not tokens.joined(place + 1)
        or not tokens.joined(place)
    ):
        return False
    before = tokens.words[place - 1]
    behind = tokens.words[place + 1]
    return (
        len(before) > 1
        and not before[-1].isupper()
        and len(behind) > 1
        and behind.istitle()
    )
