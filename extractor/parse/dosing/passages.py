"""The passages of a record in which dosing stands, and the way from places in them to raw text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Section, TrialRecord
from extractor.text.book import rule
from extractor.text.clean import CleanText
from extractor.text.lexer import Tokens
from extractor.text.passage import Section as ReadSection
from extractor.text.passage import split_sentences

_DESCRIPTIONS = ("detailed_description", "brief_summary", "official_title")


@dataclass(frozen=True)
class Passage:
    """A section with the places of its parts, all half-open in the cleaned text.

    ``title`` is an arm's label or an intervention's name; ``body`` the description; ``kind`` what the
    registry calls it ("EXPERIMENTAL", "DRUG"), in lower case.
    """

    section: str
    chunk_kind: ChunkKind
    tokens: Tokens
    title: tuple[int, int]
    body: tuple[int, int]
    kind: str = ""
    aliases: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        """The cleaned text of the section."""
        return self.tokens.text

    @property
    def is_intervention(self) -> bool:
        return self.chunk_kind is ChunkKind.INTERVENTION

    @property
    def is_group(self) -> bool:
        """Whether it is an arm or an intervention, and no description."""
        return self.is_arm or self.is_intervention

    @property
    def is_arm(self) -> bool:
        return self.chunk_kind is ChunkKind.ARM

    @cached_property
    def clauses(self) -> tuple[tuple[int, int], ...]:
        """The clauses of the body, in reading order."""
        return tuple(split_clauses(self.tokens, *self.body))


@dataclass(frozen=True, slots=True)
class RecordText:
    """The passages of a record by section, and the way from cleaned to raw text."""

    passages: Mapping[str, Passage]
    cleaned: Mapping[str, CleanText]

    def span(self, section: str, start: int, end: int) -> Span:
        """The raw span of ``start:end`` in the cleaned text of a section, without white space at its ends."""
        return Span(section, *self.cleaned[section].match_span(start, end))

    def chunk(self, number: int, section: str, start: int, end: int) -> Chunk:
        """The numbered chunk of a section's ``start:end``."""
        passage = self.passages[section]
        return Chunk(number, passage.chunk_kind, self.span(section, start, end), passage.text[start:end])


def list_passages(
    record: TrialRecord, sections: Mapping[str, ReadSection]
) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
    """The arms and interventions, and the descriptions."""
    groups = tuple(
        _read_group(section, sections[section.name])
        for section in record.sections
        if section.name.startswith(("arms[", "interventions["))
    )
    descriptions = tuple(
        Passage(name, ChunkKind.SENTENCE, sections[name].tokens, (0, 0), (0, len(sections[name].tokens.text)))
        for name in _DESCRIPTIONS
        if record.section(name)
    )
    return groups, descriptions


def _read_group(section: Section, read: ReadSection) -> Passage:
    cleaned = read.cleaned
    places: dict[str, list[tuple[int, int]]] = {}
    for part in section.parts:
        start, end = cleaned.clean_position(part.start), cleaned.clean_position(part.end)
        places.setdefault(part.name, []).append((start, end))
    is_arm = section.name.startswith("arms[")
    nowhere = (0, 0)
    title = places.get("label" if is_arm else "name", [nowhere])[0]
    kind = places.get("type", [nowhere])[0]
    return Passage(
        section.name,
        ChunkKind.ARM if is_arm else ChunkKind.INTERVENTION,
        read.tokens,
        title if section.parts else (0, len(cleaned.text)),
        places.get("description", [nowhere])[0],
        cleaned.text[slice(*kind)].lower(),
        tuple(places.get("other_names", ())),
    )


def split_clauses(tokens: Tokens, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of ``text[start:end]``, cut at semicolons and line breaks as well.

    >>> tokens = read_text("A 5 mg daily; B 10 mg weekly. Both oral")
    >>> [tokens.text[first:last] for first, last in split_clauses(tokens, 0, len(tokens.text))]
    ['A 5 mg daily', 'B 10 mg weekly.', 'Both oral']
    """
    text = tokens.text
    for first, last in split_sentences(text[start:end]):
        position, stop = start + first, start + last
        for border, following in _find_ends(tokens, tokens.at(position), tokens.before(stop)):
            if text[position:border].strip():
                yield position, border
            position = following
        if text[position:stop].strip():
            yield position, stop


def _find_ends(tokens: Tokens, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Where a clause ends within a sentence, and where the next one begins: "daily; then", "daily.Then"."""
    glued = ((at, at + 1) for at in range(first, end) if tokens.codes[at] == "." and _is_glued(tokens, at))
    ends = ((at.first, at.end) for at in rule("clause_end").find(tokens, first, end))
    for place, behind in sorted([*glued, *ends]):
        is_stop = tokens.codes[place] == "."
        following = tokens.starts[behind] if behind < len(tokens) else len(tokens.text)
        yield tokens.ends[place] if is_stop else tokens.starts[place], following


def _is_glued(tokens: Tokens, place: int) -> bool:
    """Whether the next sentence begins right behind a full stop, as in "twice daily.Then"."""
    if not 0 < place < len(tokens) - 1 or not tokens.joined(place + 1) or not tokens.joined(place):
        return False
    before, behind = tokens.words[place - 1], tokens.words[place + 1]
    return len(before) > 1 and not before[-1].isupper() and len(behind) > 1 and behind.istitle()
