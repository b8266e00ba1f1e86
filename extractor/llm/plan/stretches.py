"""Stretches of text that tell what participants get: all that a reader of a record's doses must see.

Arms and interventions are shown as a whole where anything in them speaks of a dose, and the other arms beside them, for
all arms together tell what is tested against what. Of running text only what stands around doses is shown, so that a
long description costs no more than it tells, and of a short one what follows, too.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractor.parse.parsed import Chunk, ChunkKind, ParsedRecord, ParsedRegimen, Span
from extractor.schemas import Section
from extractor.text.clean import clean_text

from .dose_cues import DoseCue, find_dose_cues

__all__ = ["Stretch", "list_stretches"]

_GROUPS = ("arms", "interventions")
_TOLD = ("brief_summary", "detailed_description")
_PROSE = ("title", "official_title", *_TOLD)
_SENTENCE_END = re.compile(r"[.;!?]\s|\n\s*(?=\n|[-*•]|\d+[.)])")
_GAP, _LONGEST, _MOST = 150, 1200, 12_000
"""Characters between two members of one stretch, of a stretch as a whole, and of all stretches together."""
_SENTENCE, _AROUND, _BODY = 300, 25, 40
"""Characters to look for the ends of a sentence, around a sign, and from which on a text told twice is shown once."""
_DESCRIBED = 100
"""Characters from which on an arm or intervention without parts says more than a name."""
_SHORT = 1500
"""Characters of a summary or description that is shown from its first dose to its end: what goes with a dose is often
told after it. With more no further regimen of annotated records is seen.
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one section. Its chunk bears the number of the first regimen or candidate in it, or one that no
    other chunk of the record has. ``tells`` is False for an arm that is shown beside those that speak of a dose.
    """

    chunk: Chunk
    tells: bool = True

    @property
    def place(self) -> str:
        """The section, where the text itself does not begin with the name of an arm or intervention."""
        return "" if self.chunk.span.section.startswith(_GROUPS) else self.chunk.span.section.replace("_", " ")


@dataclass(frozen=True, slots=True)
class _Cue:
    span: Span
    kind: DoseCue


_Member = ParsedRegimen | Chunk | _Cue


def list_stretches(parsed: ParsedRecord) -> tuple[Stretch, ...]:
    """The stretches of a record: arms and interventions, then the rest. What is told twice alike is shown once, and
    of a record that tells without end the beginning.
    """
    sections = {section.name: section for section in parsed.record.sections}
    grouped = {name: section for name, section in sections.items() if name.startswith(_GROUPS)}
    rest = {name: section for name, section in sections.items() if name not in grouped}
    free = itertools.count(max(parsed.chunks, default=0) + 1)
    stretches: list[Stretch] = []
    shown = ""
    for part in (grouped, rest):
        members = _list_members(parsed, part)
        if part is rest:
            members = [m for m in members if not _is_told(_span(m), part[_span(m).section].text, shown)]
        for group in _group(members, part):
            if not _tells_doses(group, part[_span(group[0]).section]):
                continue
            stretch = _join(parsed, group, free)
            if len(shown) < _MOST and not _is_shown(parsed, stretch.chunk, shown):
                shown += f"\n{_fold(stretch.chunk.text)}"
                stretches.append(stretch)
    return (*_list_other_arms(parsed, stretches, free), *stretches) if stretches else ()


def _list_other_arms(parsed: ParsedRecord, stretches: Sequence[Stretch], free: Iterator[int]) -> Iterator[Stretch]:
    """Short arms that tell no dose: how they are named and called tells what is tested, and against what."""
    shown = {stretch.chunk.span.section for stretch in stretches}
    told = {_fold(stretch.chunk.text) for stretch in stretches}
    for section in parsed.record.sections:
        if section.name.startswith("arms") and section.name not in shown and len(section.text) <= _LONGEST:
            text = clean_text(section.text).text
            if _fold(text) not in told:
                span = Span(section.name, 0, len(section.text))
                yield Stretch(Chunk(next(free), ChunkKind.SENTENCE, span, text), tells=False)


def _list_members(parsed: ParsedRecord, sections: Mapping[str, Section]) -> list[_Member]:
    read: list[_Member] = [*parsed.dosing.regimens, *parsed.dosing.candidates]
    members = [member for member in read if _span(member).section in sections]
    members += (cue for section in sections.values() for cue in _list_cues(section))
    order = {name: place for place, name in enumerate(sections)}
    return sorted(members, key=lambda member: (order[_span(member).section], _span(member).start, _span(member).end))


def _list_cues(section: Section) -> Iterator[_Cue]:
    grouped = section.name.startswith(_GROUPS)
    if grouped or section.name in _PROSE:
        for start, end, kind in find_dose_cues(section.text):
            if grouped or kind is not DoseCue.GIVING:
                yield _Cue(Span(section.name, start, end), kind)


def _is_told(span: Span, text: str, shown: str) -> bool:
    """Whether the words around a sign stand in what is shown already."""
    return _fold(text[max(0, span.start - _AROUND) : span.end + _AROUND]) in shown


def _tells_doses(group: Sequence[_Member], section: Section) -> bool:
    """Whether a group holds a regimen, a candidate, or signs enough of either."""
    if not all(isinstance(member, _Cue) for member in group):
        return True
    kinds = {member.kind for member in group if isinstance(member, _Cue)}
    if _in_group(_span(group[0])):
        return kinds != {DoseCue.GIVING} or _describes_giving(section)
    return len(kinds) > 1


def _describes_giving(section: Section) -> bool:
    """Whether an arm or intervention says more of what is given than the name of a procedure."""
    if section.parts:
        return bool(find_dose_cues(section.part("description") or ""))
    return len(section.text) >= _DESCRIBED


def _in_group(span: Span) -> bool:
    return span.section.startswith(_GROUPS)


def _group(members: Sequence[_Member], sections: Mapping[str, Section]) -> Iterator[list[_Member]]:
    group: list[_Member] = []
    for member in members:
        if group and not _is_close(_cover(group), _span(member), sections):
            yield group
            group = []
        group.append(member)
    if group:
        yield group


def _is_close(before: Span, span: Span, sections: Mapping[str, Section]) -> bool:
    if span.section != before.section:
        return False
    near = span.start - before.end <= _GAP and max(span.end, before.end) - before.start <= _LONGEST
    return near or _is_short(span, sections[span.section].text)


def _is_short(span: Span, text: str) -> bool:
    """Whether one stretch is enough for a section."""
    return len(text) <= (_LONGEST if _in_group(span) else _SHORT if span.section in _TOLD else 0)


def _cover(group: Sequence[_Member]) -> Span:
    spans = [_span(member) for member in group]
    return Span(spans[0].section, min(span.start for span in spans), max(span.end for span in spans))


def _widen(span: Span, text: str) -> Span:
    """The whole of a short arm or intervention; of other text the sentences that a stretch begins and ends in, of short
    running text all that follows, too.
    """
    short = _is_short(span, text)
    if short and _in_group(span):
        return Span(span.section, 0, len(text))
    before = [found.end() for found in _SENTENCE_END.finditer(text, max(0, span.start - _SENTENCE), span.start)]
    after = _SENTENCE_END.search(text, span.end, span.end + _SENTENCE)
    start = before[-1] if before else max(0, span.start - _SENTENCE)
    end = len(text) if short else after.start() + 1 if after else min(len(text), span.end + _SENTENCE)
    whole = text[start:end]
    return Span(span.section, end - len(whole.lstrip()), start + len(whole.rstrip()))


def _join(parsed: ParsedRecord, group: Sequence[_Member], free: Iterator[int]) -> Stretch:
    section = parsed.record.section(_span(group[0]).section)
    span = _widen(_cover(group), section.text if section else "")
    read = [member.chunk if isinstance(member, ParsedRegimen) else member for member in group]
    numbers = [chunk.number for chunk in read if isinstance(chunk, Chunk)]
    first = min(numbers) if numbers else next(free)
    return Stretch(Chunk(first, ChunkKind.SENTENCE, span, clean_text(parsed.raw(span)).text))


def _is_shown(parsed: ParsedRecord, chunk: Chunk, shown: str) -> bool:
    """Whether what a chunk says is shown already: all of it, or an intervention's name and its description apart. An
    arm's name tells who gets it: the agent or placebo.
    """
    section = parsed.record.section(chunk.span.section)
    named = chunk.span.section.startswith("interventions")
    description = section.part("description") if section and named else None
    if not description or len(chunk.text) < len(description):
        return len(chunk.text) >= _BODY and _says(shown, chunk.text)
    name = (section.part("name") if section else None) or ""
    return len(description) >= _BODY and _says(shown, description) and _says(shown, name)


def _says(shown: str, text: str) -> bool:
    """Whether the words of a text stand in what is shown, and not as the end of longer ones: 50 mg is not 750 mg."""
    found = shown.find(folded := _fold(text))
    while found > 0 and shown[found - 1].isalnum():
        found = shown.find(folded, found + 1)
    return found >= 0


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def _span(member: _Member) -> Span:
    return member.chunk.span if isinstance(member, ParsedRegimen) else member.span
