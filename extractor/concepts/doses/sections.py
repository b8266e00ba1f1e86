"""Read the sections of a record that can state doses, with their marks and clauses."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter

from extractor.concepts.doses.amounts import PIECES, find_amounts
from extractor.concepts.doses.caps import find_maxima
from extractor.concepts.doses.marks import (
    STEP,
    Mark,
    Place,
    drop_inside,
    list_beginning,
)
from extractor.concepts.doses.names import find_drugs
from extractor.concepts.doses.rhythms import (
    find_cycles,
    find_days,
    find_frequencies,
    find_lengths,
    find_moments,
    find_routes,
)
from extractor.concepts.doses.whom import find_whom
from extractor.concepts.places import DESCRIPTIONS_OF_DOSES
from extractor.evidence.drafts import Chunk, Span, span_of
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection, LexedSections, split_sentences
from extractor.language.quantities import find_quantity_lists
from extractor.schemas import Amount, Frequency, Section, TrialRecord
from extractor.schemas.record import PROSE_FORMATS
from extractor.schemas.registered_words import unify_word

_ABSENT: Place = (0, 0)
"""The empty token range of a part that a section does not have."""
_STEP_REACH = 12
"""Maximum number of tokens between the word that begins a step, its amount and its duration."""
_DEMAND_REACH = 1
"""Maximum number of tokens between a rhythm and "as needed"."""
_LONGER = frozenset(
    {Frequency.QOD, Frequency.QW, Frequency.BIW, Frequency.TIW, Frequency.Q2W}
    | {Frequency.Q3W, Frequency.Q4W, Frequency.Q8W, Frequency.Q12W, Frequency.QM}
)
"""Rhythms with days between two doses."""
_LONGEST_CLAUSE = 300
"""Maximum number of tokens in a clause. The time to link marks to agents grows with the cube of
their number in a clause.
"""


def find_marks(tokens: Tokens) -> list[Mark]:
    """Return all marks of a text except agents, from left to right.

    >>> from extractor.language.book import read_text
    >>> marks = find_marks(read_text("5 mg orally twice daily before meals"))
    >>> [mark.field for mark in marks]
    ['amounts', 'route', 'frequency', 'timing']
    """
    moments = find_moments(tokens)
    amounts = find_amounts(tokens)
    maxima = find_maxima(tokens, amounts)
    amounts = drop_inside(amounts, maxima)
    cycles = find_cycles(tokens)
    days = drop_inside(find_days(tokens), moments)
    rates = [mark for mark in amounts if mark.value[0].unit.endswith("/day")]
    frequencies = drop_inside(find_frequencies(tokens, amounts), [*rates, *cycles])
    ages = rule("age_of_whom").find(tokens)
    cyclic = {mark.place for mark in cycles}
    lengths = [
        replace(mark, field=STEP) if _is_of_step(tokens, mark, amounts) else mark
        for mark in drop_inside(find_lengths(tokens), [*days, *ages])
        if mark.place not in cyclic
    ]
    routes = drop_inside(find_routes(tokens), moments)
    demands = [
        Mark("as_needed", value=True, first=match.first, end=match.end)
        for match in rule("as_needed").find(tokens)
    ]
    frequencies = drop_inside(_drop_bare_demands(frequencies), maxima)
    frequencies = _drop_daytimes(frequencies, moments, amounts)
    marks = [*amounts, *routes, *frequencies, *cycles, *lengths, *days, *moments]
    marks += [*maxima, *demands]
    return sorted(marks, key=lambda mark: mark.place)


def _drop_bare_demands(frequencies: Sequence[Mark]) -> list[Mark]:
    """Return the rhythms without "as needed" directly behind another one: "every 6 hours as needed"
    has a rhythm.
    """
    kept: list[Mark] = []
    for mark in frequencies:
        is_demand = mark.value is Frequency.PRN
        if is_demand and kept and mark.first - kept[-1].end <= _DEMAND_REACH:
            continue
        kept.append(mark)
    return kept


def _drop_daytimes(
    frequencies: Sequence[Mark], moments: Sequence[Mark], amounts: Sequence[Mark]
) -> list[Mark]:
    """Return the rhythms without a time of the day behind a longer one of the same amount: "every 4
    weeks, in the morning" is not once daily.
    """
    times = {mark.place for mark in moments}
    kept: list[Mark] = []
    for mark in frequencies:
        is_time = mark.place in times and mark.value is Frequency.QD
        if is_time and kept and kept[-1].value in _LONGER:
            beside = mark.first - kept[-1].end <= _STEP_REACH
            if beside and not list_beginning(amounts, kept[-1].end, mark.first):
                continue
        kept.append(mark)
    return kept


def _is_of_step(tokens: Tokens, mark: Mark, amounts: Sequence[Mark]) -> bool:
    """Return whether a duration is that of a step: another amount follows: "200 mg for 2 weeks,
    then 400 mg".
    """
    step = rule("next_step").starts(tokens, mark.end)
    if step is None or mark.value is None:
        return False
    return bool(list_beginning(amounts, step.end, step.end + _STEP_REACH))


@dataclass(frozen=True, eq=False)
class DoseText:
    """A section of a record with the token ranges of its parts.

    ``title`` is the label of an arm or the name of an intervention, ``body`` is the description,
    and ``type`` is the registered type ("experimental", "drug"). ``aliases`` contains the other
    names of an intervention. ``is_prose`` means that it is running text of a record that comes from
    no registry, such as an abstract.
    """

    lexed: LexedSection
    title: Place
    body: Place
    type: str = ""
    aliases: tuple[Place, ...] = ()
    is_prose: bool = False

    @property
    def name(self) -> str:
        return self.lexed.name

    @property
    def tokens(self) -> Tokens:
        return self.lexed.tokens

    @property
    def is_intervention(self) -> bool:
        return self.name.startswith("interventions[")

    @property
    def is_arm(self) -> bool:
        return self.name.startswith("arms[")

    @property
    def is_group(self) -> bool:
        return self.is_arm or self.is_intervention

    @property
    def kind(self) -> str:
        """The kind of section: "an arm", "an intervention" or "a description"."""
        if self.is_arm:
            return "an arm"
        if self.is_intervention:
            return "an intervention"
        return "a description"

    def find_clause(self, at: int) -> Place:
        """Return the clause that contains a token; the token itself if it is not in a clause."""
        index = bisect_right(self.clauses, at, key=itemgetter(0)) - 1
        if index >= 0 and at < self.clauses[index][1]:
            return self.clauses[index]
        return at, at + 1

    @cached_property
    def marks(self) -> Sequence[Mark]:
        """All marks in the section except agents."""
        return find_marks(self.tokens)

    @cached_property
    def drugs(self) -> Sequence[Place]:
        """The places of all listed drugs in the section, from left to right."""
        return find_drugs(self.tokens)

    @cached_property
    def counts_pieces(self) -> bool:
        """Whether the section counts pieces, such as "two tablets" or "half a tablet", so that an
        amount may be the strength of one.
        """
        return any(
            level.unit.dose in PIECES and level.low not in (None, 1)
            for levels in find_quantity_lists(self.tokens)
            for level in levels
        )

    @cached_property
    def amounts(self) -> Set[Amount]:
        """The dose levels that the section states."""
        return {
            level
            for mark in self.marks
            if mark.field == "amounts"
            for level in mark.value
        }

    @cached_property
    def whom(self) -> Mapping[Place, Place]:
        """The tokens that say for whom an amount is, by the tokens of the amount."""
        amounts = [mark for mark in self.marks if mark.field == "amounts"]
        return find_whom(self.tokens, self.clauses, amounts)

    @cached_property
    def fields(self) -> Set[str]:
        """The fields for which the section contains a mark."""
        return {mark.field for mark in self.marks}

    @cached_property
    def unexplained(self) -> Sequence[int]:
        """The words that are unrelated to a dose and in no mark."""
        marked = {at for mark in self.marks for at in range(*mark.place)}
        about = rule("word_about_dose")
        return [
            at
            for at, word in enumerate(self.tokens.words)
            if word.isalpha()
            and at not in marked
            and about.starts(self.tokens, at) is None
        ]

    @cached_property
    def clauses(self) -> Sequence[Place]:
        """The clauses of the title and the body, in reading order. Very long clauses are cut."""
        return [
            (start, min(end, start + _LONGEST_CLAUSE))
            for part in (self.title, self.body)
            for first, end in split_clauses(self.tokens, *part)
            for start in range(first, end, _LONGEST_CLAUSE)
        ]

    def span(self, first: int, end: int) -> Span:
        """Return the span of the tokens ``first:end`` in the record's raw text."""
        return span_of(self.lexed.whole.part(first, end))

    def raw(self, first: int, end: int) -> str:
        """Return the raw text of a token range."""
        return self.lexed.whole.part(first, end).raw

    def chunk(self, number: int, first: int, end: int) -> Chunk:
        """Return a token range as a numbered chunk."""
        return Chunk(number, self.span(first, end), self.tokens.read(first, end))


def list_texts(record: TrialRecord, sections: LexedSections) -> list[DoseText]:
    """Return the interventions, arms and descriptions of a record, in that order."""
    groups = [
        _read_group(section, sections[section.name])
        for prefix in ("interventions[", "arms[")
        for section in record.sections
        if section.name.startswith(prefix)
    ]
    is_prose = record.source.format in PROSE_FORMATS
    descriptions = []
    for name in DESCRIPTIONS_OF_DOSES:
        if record.section(name):
            whole = (0, len(sections[name].tokens))
            text = DoseText(sections[name], _ABSENT, whole, is_prose=is_prose)
            descriptions.append(text)
    return [*groups, *descriptions]


def _read_group(section: Section, lexed: LexedSection) -> DoseText:
    """Read an arm or an intervention with the token ranges of its parts; a part that is absent has
    an empty range, and only the first title and description are used. If the section does not have
    registered parts, its first line is the title, and the rest is the description.
    """
    name_of_title, vocabulary = "name", "intervention_type"
    if section.name.startswith("arms["):
        name_of_title, vocabulary = "label", "arm_type"
    places: dict[str, list[Place]] = {}
    for part in section.parts:
        passage = lexed.between(part.start, part.end)
        places.setdefault(part.name, []).append((passage.first, passage.end))
    [title, *_] = places.get(name_of_title, [_ABSENT])
    [body, *_] = places.get("description", [_ABSENT])
    if not section.parts:
        end = len(lexed.tokens)
        # a token has one code, so the place of a code is that of its token
        line_end = lexed.tokens.codes.find("\n")
        if line_end <= 0:
            line_end = end
        title = (0, line_end)
        body = (line_end, end)
    kind = unify_word(vocabulary, section.part("type") or "")
    return DoseText(
        lexed, title, body, kind.lower(), tuple(places.get("other_names", ()))
    )


def split_clauses(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Yield the clauses in the tokens ``first:end``: the sentences, further split at semicolons
    and line breaks.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("A 5 mg daily; B 10 mg weekly. Both oral")
    >>> [tokens.read(*place) for place in split_clauses(tokens, 0, len(tokens))]
    ['A 5 mg daily', 'B 10 mg weekly.', 'Both oral']
    """
    if end <= first:
        return
    begin = tokens.starts[first]
    text = tokens.text[begin : tokens.ends[end - 1]]
    for start, stop in split_sentences(text):
        at = tokens.at(begin + start)
        sentence_end = tokens.before(begin + stop)
        for sign in rule("clause_end").find(tokens, at, sentence_end):
            if sign.first > at:
                yield at, sign.first
            at = sign.end
        if sentence_end > at:
            yield at, sentence_end
