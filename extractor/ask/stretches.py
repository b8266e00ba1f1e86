"""Stretches of text that hold regimens: what the rules read in them is doubtful, or they left something unread."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractor.ground.locate import passage_at
from extractor.parse.parsed import Chunk, ChunkKind, ParsedRecord, ParsedRegimen, Span

__all__ = ["Stretch", "list_stretches"]

_Member = ParsedRegimen | Chunk

_PARAGRAPH = re.compile(r"\n\s*\n")
_GAP, _LONGEST = 150, 1200
"""Characters between two regimens of one stretch, and of a stretch as a whole."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one section, with the regimens that the rules read in it and the candidates that they did not.

    Its chunk bears the number of the first of these.
    """

    chunk: Chunk
    regimens: tuple[ParsedRegimen, ...]
    candidates: tuple[Chunk, ...]


def list_stretches(parsed: ParsedRecord) -> list[Stretch]:
    """The stretches of a record, in reading order: regimens and candidates that stand close together.

    A short section is one stretch; in a long one a stretch goes on to the end of its paragraph, where cycles and
    days that hold for all its agents are often told.
    """
    members: list[_Member] = [*parsed.dosing.regimens, *parsed.dosing.candidates]
    texts = {section.name: section.text for section in parsed.record.sections}
    order = {name: place for place, name in enumerate(texts)}
    members.sort(key=lambda member: (order[_span(member).section], _span(member).start, _span(member).end))
    return [_join(parsed, group, texts[_span(group[0]).section]) for group in _group(members, texts)]


def _group(members: Sequence[_Member], texts: Mapping[str, str]) -> Iterator[list[_Member]]:
    group: list[_Member] = []
    for member in members:
        if group and not _is_close(_cover(group), _span(member), texts):
            yield group
            group = []
        group.append(member)
    if group:
        yield group


def _is_close(before: Span, span: Span, texts: Mapping[str, str]) -> bool:
    if span.section != before.section:
        return False
    near = span.start - before.end <= _GAP and max(span.end, before.end) - before.start <= _LONGEST
    return near or len(texts[span.section]) <= _LONGEST


def _cover(group: Sequence[_Member]) -> Span:
    spans = [_span(member) for member in group]
    return Span(spans[0].section, min(span.start for span in spans), max(span.end for span in spans))


def _widen(span: Span, text: str) -> Span:
    """The stretch with the rest of its paragraph, as far as there is room."""
    if len(text) <= _LONGEST:
        return Span(span.section, 0, len(text))
    found = _PARAGRAPH.search(text, span.end)
    end = min(found.start() if found else len(text), max(span.end, span.start + _LONGEST))
    return Span(span.section, span.start, end)


def _join(parsed: ParsedRecord, group: Sequence[_Member], text: str) -> Stretch:
    span = _widen(_cover(group), text)
    first = group[0].chunk if isinstance(group[0], ParsedRegimen) else group[0]
    kind = first.kind if all(_kind(member) is first.kind for member in group) else ChunkKind.SENTENCE
    return Stretch(
        Chunk(first.number, kind, span, passage_at(parsed, span).text),
        tuple(member for member in group if isinstance(member, ParsedRegimen)),
        tuple(member for member in group if isinstance(member, Chunk)),
    )


def _span(member: _Member) -> Span:
    return member.chunk.span if isinstance(member, ParsedRegimen) else member.span


def _kind(member: _Member) -> ChunkKind:
    return member.chunk.kind if isinstance(member, ParsedRegimen) else member.kind
