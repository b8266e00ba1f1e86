"""The sections of a record that can state doses, with their marks and clauses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
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
    T_co,
    drop_inside,
    drop_touching,
    within,
)
from extractor.concepts.doses.rhythms import (
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
            amounts=within(self.amounts, first, end),
            route=within(self.route, first, end),
            frequency=within(self.frequency, first, end),
            cycle=within(self.cycle, first, end),
            length=within(self.length, first, end),
            days=within(self.days, first, end),
            moment=within(self.moment, first, end),
        )

    def places(self) -> list[Place]:
        """Return the tokens of all marks, field by field."""
        places: list[Place] = []
        for name in ("amounts", *FIELDS):
            places += [(mark.first, mark.end) for mark in getattr(self, name)]
        return places


def find_all(tokens: Tokens, section: str = "") -> Findings:
    """Return all marks in the tokens of a section, which know its name.

    Words inside a moment ("before oral intake") give no marks, and "300 mg per day" is an amount
    and no frequency. An amount that only explains another one ("2 tablets of 50 mg") is left out.

    >>> marks = find_all(read_text("5 mg orally twice daily before meals"))
    >>> [
    ...     len(stated)
    ...     for stated in (marks.amounts, marks.route, marks.frequency, marks.moment)
    ... ]
    [1, 1, 1, 1]
    """
    moments = find_moments(tokens)
    stated = find_amounts(tokens)
    amounts = drop_explaining(tokens, stated)
    taken: set[int] = set()
    for mark in stated:
        taken.update(range(mark.first, mark.end))
    # "300 mg per day" is no frequency
    totals = [mark for mark in amounts if mark.value[0].unit.endswith("/day")]
    cycles = find_cycles(tokens)
    frequencies = find_frequencies(tokens, taken)
    frequencies = drop_touching(frequencies, [*totals, *cycles])
    routes = drop_inside(_find_routes(tokens), moments)
    days = drop_inside(find_days(tokens), moments)
    lengths = _drop_cycles(drop_touching(find_lengths(tokens), days), cycles)
    return Findings(
        amounts=_place(amounts, section),
        route=_place(routes, section),
        frequency=_place(frequencies, section),
        cycle=_place(cycles, section),
        length=_place(lengths, section),
        days=_place(days, section),
        moment=_place(moments, section),
    )


def _drop_cycles(
    lengths: Sequence[PeriodMark], cycles: Sequence[PeriodMark]
) -> list[PeriodMark]:
    """Return the lengths of treatment, in reading order, without those that are said of a cycle:
    "each cycle lasts 3 weeks" is no length, but "6 21-day cycles" counts cycles.
    """
    kept = set(drop_touching(lengths, cycles))
    for mark in lengths:
        if mark.value and mark.value.unit is TimeUnit.CYCLE:
            kept.add(mark)
    return sorted(kept, key=attrgetter("first"))


def _place(marks: Iterable[Mark[T_co]], section: str) -> tuple[Mark[T_co], ...]:
    """Return marks that know their section."""
    return tuple(replace(mark, section=section) for mark in marks)


def _find_routes(tokens: Tokens) -> Iterator[Mark[Route]]:
    """Yield the routes of giving, without codes, devices and denials: "DSM-IV", "IV line", "not
    intramuscularly".
    """
    for term in find_terms(tokens, "routes"):
        first = term.first
        start = tokens.starts[first]
        follows_hyphen = tokens.text[max(0, start - 1) : start] == "-"
        # "DSM-IV"
        if follows_hyphen and tokens.words[first].isupper():
            continue
        # "without an IV line"
        if rule("no_route_before").ends(tokens, first, first - 5):
            continue
        # "oral contraceptives"
        if rule("no_route_after").starts(tokens, term.end):
            continue
        yield Mark(Route(term.value), first, term.end)


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
        return {
            "amounts": tuple(find_limits(self.tokens)),
            "frequency": tuple(find_other_rhythms(self.tokens)),
            "length": tuple(find_other_lengths(self.tokens)),
        }

    @cached_property
    def clauses(self) -> tuple[Place, ...]:
        """The clauses of the body, in reading order."""
        return tuple(split_clauses(self.tokens, *self.body))

    def span(self, first: int, end: int) -> Span:
        """Return where the tokens ``first:end`` stand in the record's raw text."""
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
    """Return the arms and interventions, and the descriptions: the record's summaries and its
    official title, as far as it has them. Other sections state no doses.
    """
    groups: list[DosingSection] = []
    for section in record.sections:
        if not section.name.startswith(("arms[", "interventions[")):
            continue
        groups.append(_read_group(section, sections[section.name]))
    descriptions: list[DosingSection] = []
    for name in _DESCRIPTIONS:
        if not record.section(name):
            continue
        text = sections[name]
        descriptions.append(DosingSection(text, (0, 0), (0, len(text.tokens))))
    return tuple(groups), tuple(descriptions)


def _read_group(section: Section, read: LexedSection) -> DosingSection:
    """Return an arm or intervention with the tokens of its title, description and other names,
    empty where the registry has none. A section without registered parts is all title.
    """
    nowhere = (0, 0)
    places: dict[str, list[Place]] = {}
    for part in section.parts:
        passage = read.between(part.start, part.end)
        places.setdefault(part.name, []).append((passage.first, passage.end))
    is_arm = section.name.startswith("arms[")
    name_of_title = "label" if is_arm else "name"
    titles = places.get(name_of_title, [nowhere])
    bodies = places.get("description", [nowhere])
    title = titles[0] if section.parts else (0, len(read.tokens))
    vocabulary = "arm_type" if is_arm else "intervention_type"
    kind = unify_word(vocabulary, section.part("type") or "")
    aliases = tuple(places.get("other_names", ()))
    return DosingSection(read, title, bodies[0], kind.lower(), aliases)


def split_clauses(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Yield the clauses of ``tokens.words[first:end]``: its sentences, split also at semicolons,
    line breaks and full stops without a space behind them. Empty clauses are left out.

    >>> tokens = read_text("A 5 mg daily; B 10 mg weekly. Both oral")
    >>> [tokens.read(*place) for place in split_clauses(tokens, 0, len(tokens))]
    ['A 5 mg daily', 'B 10 mg weekly.', 'Both oral']
    """
    if end <= first:
        return
    begin = tokens.starts[first]
    text = tokens.text[begin : tokens.ends[end - 1]]
    for start, stop in split_sentences(text):
        position = tokens.at(begin + start)
        sentence_end = tokens.before(begin + stop)
        for place, following in _list_clause_ends(tokens, position, sentence_end):
            # a full stop belongs to its clause, a semicolon to none
            border = place + 1 if tokens.codes[place] == "." else place
            if border > position:
                yield position, border
            position = following
        if sentence_end > position:
            yield position, sentence_end


def _list_clause_ends(tokens: Tokens, first: int, end: int) -> list[Place]:
    """Return the signs and words that end a clause inside a sentence, in reading order: "daily;
    then", "daily.Then".
    """
    signs = rule("clause_end").find(tokens, first, end)
    places = [(sign.first, sign.end) for sign in signs]
    for at in range(first, end):
        if tokens.codes[at] != ".":
            continue
        if _is_glued(tokens, at):
            places.append((at, at + 1))
    return sorted(places)


def _is_glued(tokens: Tokens, place: int) -> bool:
    """Return whether the next sentence begins directly behind the full stop at ``place``: "twice
    daily.Then", but not in an abbreviation such as "U.S.A." or "e.g.".
    """
    if not 0 < place < len(tokens) - 1:
        return False
    if not tokens.joined(place) or not tokens.joined(place + 1):
        return False
    before = tokens.words[place - 1]
    behind = tokens.words[place + 1]
    if len(before) < 2 or before[-1].isupper():
        return False
    return len(behind) > 1 and behind.istitle()
