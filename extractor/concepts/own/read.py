"""Read the users' fields that have patterns, without a model."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.own.patterns import (
    Match,
    Matches,
    UnreadWords,
    compile_patterns,
    find_matches,
)
from extractor.evidence.drafts import Chunk, Draft, Reading, Span, UnreadOwn
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Support

CONFIDENCE = 0.85
"""How sure a value of a user's pattern is: a model confirms it, if one is asked at medium
effort.
"""


def learn_words(fields: tuple[CustomField, ...]) -> None:
    """Make the words of the fields' patterns known; texts that are read later have them."""
    for field in fields:
        compile_patterns(field)


def read_declared(
    parsed: ParsedRecord, fields: tuple[CustomField, ...]
) -> ParsedRecord:
    """Return the record with what the patterns of these fields read, each value at its item."""
    for field in fields:
        if not field.has_patterns:
            continue
        group = field.group.of
        items = [_read_item(parsed, field, item) for item in parsed.list_items(group)]
        parsed = parsed.with_items(group, tuple(items))
    return parsed


def _read_item(parsed: ParsedRecord, field: CustomField, item: Draft) -> Draft:
    """Return an item with the values of a field that stand in its text, or in the sections of the
    record.
    """
    if field.of is Of.RECORD:
        passages = []
        for name, section in parsed.sections.items():
            if field.may_stand_in(name):
                passages.append(section.whole)
    elif field.applies(lambda name: item.read(name).value):
        passages = [parsed.passage(item.chunk.span)]
    else:
        return item
    values = find_matches(field, passages)
    drafts = tuple(_make_drafts(field, item.chunk, values.read))
    unread = tuple(_list_unread(field, values.unread))
    if not drafts and not unread:
        return item
    own = {**item.own, field.name: drafts} if drafts else item.own
    return replace(item, own=own, unread=(*item.unread, *unread))


def _list_unread(
    field: CustomField, unread: Iterable[UnreadWords]
) -> Iterator[UnreadOwn]:
    """Yield what was found in vain and looks like a value: other words, such as "patients" for a
    choice, are what a pattern passes over.
    """
    for words in unread:
        if not any(map(str.isdigit, words.words)):
            continue
        start, end = words.passage.part(words.first, words.end).raw_span
        span = Span(words.passage.section.name, start, end)
        yield UnreadOwn(field.name, words.attribute, span, words.why)


def _make_drafts(
    field: CustomField, chunk: Chunk, values: list[Matches]
) -> Iterator[Draft]:
    """Yield the values as drafts, each at its first words."""
    for value in values:
        readings = {
            name: _make_reading(matches, field, name) for name, matches in value.items()
        }
        first = next(iter(readings.values()))
        yield Draft(field.group.path, chunk, first.spans[0], readings)


def _make_reading(
    matches: list[Match], field: CustomField, name: str
) -> Reading[object]:
    """Return the reading of an attribute; only that of a list has several matches."""
    spans = tuple(map(_find_span, matches))
    values = tuple(map(_write, matches, spans))
    if matches[0].is_concluded:
        support = Support.INFERRED
    elif isinstance(values[0], str):
        support = Support.LITERAL
    else:
        support = Support.PARSED
    value = values if field.attribute(name).many else values[0]
    return Reading(value, CONFIDENCE, spans, support)


def _write(match: Match, span: Span) -> object:
    """Return the value; words of the record with the characters of its raw text."""
    if not isinstance(match.value, str) or match.is_concluded:
        return match.value
    return match.passage.section.raw[span.start : span.end]


def _find_span(match: Match) -> Span:
    passage = match.passage
    return Span(passage.section.name, *passage.part(match.first, match.end).raw_span)
