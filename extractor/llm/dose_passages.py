"""Passages of a record that describe what participants receive: the text that a model reads for regimens.

An arm or intervention that mentions a dose is shown whole, together with the other short arms, because all arms
together say what is compared with what. Of running text only the sentences around doses are shown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from extractor.parse.parsed import Chunk, ChunkKind, ParsedRecord, Span
from extractor.schemas import Section
from extractor.text.clean import clean_text

_GROUPS = ("arms", "interventions")
_SUMMARIES = ("brief_summary", "detailed_description")
_PROSE = ("title", "official_title", *_SUMMARIES)
_SENTENCE_END = re.compile(r"[.;!?]\s|\n\s*(?=\n|[-*•]|\d+[.)])")
_GAP, _LONGEST, _MOST = 150, 1200, 12_000
"""Characters between two marks of one passage, of one passage, and of all passages together."""
_SENTENCE, _AROUND, _BODY = 300, 25, 40
"""Characters to search for a sentence's end; around a cue; from which on a repeated text is shown once."""
_DESCRIBED = 100
"""Characters from which on an arm or intervention without parts says more than a name."""
_SHORT = 1500
"""Characters of a summary that is shown from its first dose to its end, since details often follow the dose."""


class DoseCue(StrEnum):
    """What a cue is about: how much, by which route, how often or when, or that something is given at all."""

    AMOUNT = "amount"
    ROUTE = "route"
    RATE = "rate"
    GIVING = "giving"


_CUES = re.compile(
    r"(?P<amount>\d[\d.,]{0,9}\s?(?:[mµμu]?g|mcg|kg|m[lL]|cc|IU|[Uu]nits?|U|c?Gy|(?:T |CAR\S{0,4} )?cells|%|tablets?"
    r"|capsules?|pills?|puffs?|sprays?|drops?|vials?|ampoules?|AUC|m?Ci|[MG]Bq|fractions?)\b)"
    r"|(?P<route>\b(?:i\.?v|p\.?o|s\.?c|oral(?:ly)?|by mouth|sub-?cut\w*|topical\w*|inhal\w+"
    r"|intra-?(?:ven|musc|derm|thec|vitre|tumo|peri|arter|nas|lymph|ventr|artic|les|vesic)\w*|sublingual\w*"
    r"|transdermal\w*|nebuli\w+|rectally|vaginally|inject(?:ed|ions? of)|(?:re)?infused|infusions? of|irradiat\w*)\b)"
    r"|(?P<rate>\b(?:once|twice|thrice|daily|weekly|monthly|nightly|times (?:a|per)|per (?:day|week|month)|q\d+\w?"
    r"|[bqt]\.?i\.?d\b|q\.?d\b|every (?:\d+|other|two|three|four|six|eight)|single (?:dose|infusion|injection)"
    r"|days? [-−–]?\d+|weeks? \d+|\d+ (?:cycles|courses|doses)|for \d+ (?:days|weeks|months|years)))"
    r"|(?P<giving>\b(?:infusions?|injections?|dos(?:e|ed|es|age|ing)|radiotherapy|radiation|irradiation|as in arm"
    r"|(?:re)?transplant\w*|surgery|\w{3,20}ectomy|(?:leuk)?apheresis)\b)",
    re.IGNORECASE,
)
"""Cheap cues. They only decide what a model is shown: one too many costs tokens, one too few loses a regimen."""


def find_dose_cues(text: str) -> list[tuple[int, int, DoseCue]]:
    """Start, end and kind of each cue, in order.

    >>> [cue.value for *_, cue in find_dose_cues("one dose of 5 mg/kg IV every 3 weeks")]
    ['giving', 'amount', 'route', 'rate']
    """
    return [(*found.span(), DoseCue(found.lastgroup or "")) for found in _CUES.finditer(text)]


@dataclass(frozen=True, slots=True)
class DosePassage:
    """A passage of one section.

    ``chunk`` has the number of the first regimen or candidate in it, or else a number that no other chunk of the record
    has. ``mentions_dose`` is False for an arm that is shown only for comparison.
    """

    chunk: Chunk
    mentions_dose: bool = True

    @property
    def hint(self) -> str:
        """The section's name, except where the text itself begins with the name of an arm or intervention."""
        return "" if _in_group(self.chunk.span) else self.chunk.span.section.replace("_", " ")


class _Mark(NamedTuple):
    """A place that speaks of a dose: a regimen or candidate of the rules (with its chunk's number), or a cue."""

    span: Span
    number: int | None = None
    cue: DoseCue | None = None


def list_dose_passages(parsed: ParsedRecord, free_numbers: Iterator[int]) -> tuple[DosePassage, ...]:
    """The passages of a record: arms and interventions first, then running text, at most 12,000 characters.

    Repeated text is shown once. ``free_numbers`` are those that no chunk of the record has.
    """
    passages: list[DosePassage] = []
    shown = ""
    for grouped in (True, False):
        sections = {s.name: s for s in parsed.record.sections if s.name.startswith(_GROUPS) is grouped}
        marks = _list_marks(parsed, sections)
        if not grouped:
            marks = [mark for mark in marks if _words_around(mark.span, sections) not in shown]
        for group in _group(marks, sections):
            if not _mentions_dose(group, sections[group[0].span.section]):
                continue
            passage = DosePassage(_join(parsed, group, free_numbers))
            if len(shown) < _MOST and not _is_shown(parsed, passage.chunk, shown):
                shown += f"\n{_fold(passage.chunk.text)}"
                passages.append(passage)
    return (*_list_other_arms(parsed, passages, free_numbers), *passages) if passages else ()


def list_all_passages(parsed: ParsedRecord, free_numbers: Iterator[int]) -> tuple[DosePassage, ...]:
    """All text in which a record may say what participants receive, cut between sentences; repeated text once."""
    passages: list[DosePassage] = []
    shown = ""
    for section in sorted(parsed.record.sections, key=lambda one: not one.name.startswith(_GROUPS)):
        if section.name.startswith(_GROUPS) or section.name in _PROSE:
            for span in _cut(section):
                chunk = Chunk(next(free_numbers), ChunkKind.SENTENCE, span, clean_text(parsed.raw(span)).text)
                if chunk.text and not _is_shown(parsed, chunk, shown):
                    shown += f"\n{_fold(chunk.text)}"
                    passages.append(DosePassage(chunk))
    return tuple(passages)


def _cut(section: Section) -> Iterator[Span]:
    """A section in pieces of whole sentences, as long as one passage may be."""
    text, start = section.text, 0
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    while start < len(text):
        within = [end for end in ends if start < end <= start + _LONGEST]
        end = len(text) if len(text) - start <= _LONGEST else within[-1] if within else start + _LONGEST
        piece = text[start:end]
        yield Span(section.name, end - len(piece.lstrip()), start + len(piece.rstrip()))
        start = end


def _list_other_arms(
    parsed: ParsedRecord, passages: Sequence[DosePassage], free_numbers: Iterator[int]
) -> Iterator[DosePassage]:
    """Short arms without a dose: their names say what is tested against what."""
    shown = {passage.chunk.span.section for passage in passages}
    texts = {_fold(passage.chunk.text) for passage in passages}
    for section in parsed.record.sections:
        if section.name.startswith("arms") and section.name not in shown and len(section.text) <= _LONGEST:
            text = clean_text(section.text).text
            if _fold(text) not in texts:
                span = Span(section.name, 0, len(section.text))
                yield DosePassage(Chunk(next(free_numbers), ChunkKind.SENTENCE, span, text), mentions_dose=False)


def _list_marks(parsed: ParsedRecord, sections: Mapping[str, Section]) -> list[_Mark]:
    """All marks of some sections, in reading order."""
    chunks = [*(regimen.chunk for regimen in parsed.dosing.regimens), *parsed.dosing.candidates]
    marks = [_Mark(chunk.span, chunk.number) for chunk in chunks if chunk.span.section in sections]
    for section in sections.values():
        grouped = section.name.startswith(_GROUPS)
        if grouped or section.name in _PROSE:
            cues = (cue for cue in find_dose_cues(section.text) if grouped or cue[2] is not DoseCue.GIVING)
            marks += (_Mark(Span(section.name, start, end), cue=kind) for start, end, kind in cues)
    order = {name: place for place, name in enumerate(sections)}
    return sorted(marks, key=lambda mark: (order[mark.span.section], mark.span.start, mark.span.end))


def _words_around(span: Span, sections: Mapping[str, Section]) -> str:
    return _fold(sections[span.section].text[max(0, span.start - _AROUND) : span.end + _AROUND])


def _mentions_dose(group: Sequence[_Mark], section: Section) -> bool:
    """Whether a group holds a regimen, a candidate, or enough cues of either."""
    kinds = {mark.cue for mark in group}
    if None in kinds:
        return True
    if _in_group(group[0].span):
        return kinds != {DoseCue.GIVING} or _describes_giving(section)
    return len(kinds) > 1


def _describes_giving(section: Section) -> bool:
    """Whether an arm or intervention says more about what is given than the name of a procedure."""
    if section.parts:
        return bool(find_dose_cues(section.part("description") or ""))
    return len(section.text) >= _DESCRIBED


def _in_group(span: Span) -> bool:
    return span.section.startswith(_GROUPS)


def _group(marks: Sequence[_Mark], sections: Mapping[str, Section]) -> Iterator[list[_Mark]]:
    """Marks that share a passage."""
    group: list[_Mark] = []
    for mark in marks:
        if group and not _is_close(_cover(group), mark.span, sections):
            yield group
            group = []
        group.append(mark)
    if group:
        yield group


def _is_close(before: Span, span: Span, sections: Mapping[str, Section]) -> bool:
    if span.section != before.section:
        return False
    near = span.start - before.end <= _GAP and max(span.end, before.end) - before.start <= _LONGEST
    return near or _is_short(span, sections[span.section].text)


def _is_short(span: Span, text: str) -> bool:
    """Whether one passage is enough for a section."""
    return len(text) <= (_LONGEST if _in_group(span) else _SHORT if span.section in _SUMMARIES else 0)


def _cover(group: Sequence[_Mark]) -> Span:
    return Span(group[0].span.section, min(mark.span.start for mark in group), max(mark.span.end for mark in group))


def _extend(span: Span, text: str) -> Span:
    """The whole of a short arm or intervention; elsewhere whole sentences, in short running text to the end."""
    short = _is_short(span, text)
    if short and _in_group(span):
        return Span(span.section, 0, len(text))
    before = [found.end() for found in _SENTENCE_END.finditer(text, max(0, span.start - _SENTENCE), span.start)]
    after = _SENTENCE_END.search(text, span.end, span.end + _SENTENCE)
    start = before[-1] if before else max(0, span.start - _SENTENCE)
    end = len(text) if short else after.start() + 1 if after else min(len(text), span.end + _SENTENCE)
    whole = text[start:end]
    return Span(span.section, end - len(whole.lstrip()), start + len(whole.rstrip()))


def _join(parsed: ParsedRecord, group: Sequence[_Mark], free_numbers: Iterator[int]) -> Chunk:
    section = parsed.record.section(group[0].span.section)
    span = _extend(_cover(group), section.text if section else "")
    numbers = [mark.number for mark in group if mark.number is not None]
    number = min(numbers) if numbers else next(free_numbers)
    return Chunk(number, ChunkKind.SENTENCE, span, clean_text(parsed.raw(span)).text)


def _is_shown(parsed: ParsedRecord, chunk: Chunk, shown: str) -> bool:
    """Whether a chunk's content is shown already: all of it, or an intervention's name and description apart.

    Arms are compared as a whole: an arm's name says who receives the agent and who the placebo.
    """
    section = parsed.record.section(chunk.span.section)
    named = chunk.span.section.startswith("interventions")
    description = section.part("description") if section and named else None
    if not section or not description or len(chunk.text) < len(description):
        return len(chunk.text) >= _BODY and _contains(shown, chunk.text)
    name = section.part("name") or ""
    return len(description) >= _BODY and _contains(shown, description) and _contains(shown, name)


def _contains(shown: str, text: str) -> bool:
    """Whether a text occurs, and not as the end of a longer word: 50 mg is not 750 mg."""
    found = shown.find(folded := _fold(text))
    while found > 0 and shown[found - 1].isalnum():
        found = shown.find(folded, found + 1)
    return found >= 0


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
