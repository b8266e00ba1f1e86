"""A record without its hostile stretches: white space of the same length stands in their place."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from extractor.parse.parsed import HostileText, ParsedOutcome, Reading, Span
from extractor.schemas import Part, Section, TrialRecord
from extractor.text.passage import Section as ReadSection
from extractor.text.passage import read_section

__all__ = ["blank_out", "find_honest", "shorten_parts"]

_Range = tuple[int, int]


def blank_out(
    record: TrialRecord, sections: Mapping[str, ReadSection], hostile: Collection[HostileText]
) -> tuple[TrialRecord, Mapping[str, ReadSection]]:
    r"""The record, and its sections as they were read, with blanks for what nobody shall read; offsets stay.

    A part that the source keeps apart, such as an outcome's description, is cut down to its longest honest run.
    """
    ranges = _list_ranges(hostile)
    if not ranges:
        return record, sections
    blanked = tuple(
        _blank_section(section, ranges[section.name]) if section.name in ranges else section
        for section in record.sections
    )
    reread = {section.name: read_section(section.name, section.text) for section in blanked if section.name in ranges}
    return record.model_copy(update={"sections": blanked}), {**sections, **reread}


def _list_ranges(hostile: Collection[HostileText]) -> dict[str, list[_Range]]:
    """What is blanked, by section."""
    ranges: dict[str, list[_Range]] = defaultdict(list)
    for one in hostile:
        if one.blanked:
            ranges[one.span.section].append((one.span.start, one.span.end))
    return ranges


def _blank_section(section: Section, ranges: Collection[_Range]) -> Section:
    text = section.text
    for start, end in ranges:
        text = text[:start] + _fill(end - start) + text[end:]
    return section.model_copy(update={"text": text, "parts": tuple(_cut_parts(section.parts, text, ranges))})


def _fill(length: int) -> str:
    """Blank lines: what stands before and after is neither one sentence nor one list item."""
    return " " * length if length < 5 else "\n\n" + " " * (length - 4) + "\n\n"


def _cut_parts(parts: Iterable[Part], text: str, ranges: Collection[_Range]) -> Iterator[Part]:
    for part in parts:
        start, end = find_honest((part.start, part.end), text, ranges)
        if start < end:
            yield part.model_copy(update={"start": start, "end": end})


def shorten_parts(
    outcomes: tuple[ParsedOutcome, ...], record: TrialRecord, hostile: Collection[HostileText]
) -> tuple[ParsedOutcome, ...]:
    """The outcomes with parts that are quotes: what goes on behind a blank is cut to its longest honest run.

    ``record`` is the blanked one. In a flattened list a description may reach across a blank.
    """
    ranges = _list_ranges(hostile)
    return tuple(_shorten(outcome, record, ranges) for outcome in outcomes) if ranges else outcomes


def _shorten(outcome: ParsedOutcome, record: TrialRecord, ranges: Mapping[str, Collection[_Range]]) -> ParsedOutcome:
    section = record.section(outcome.chunk.span.section)
    if section is None or section.name not in ranges:
        return outcome
    changed: dict[str, Reading[str | None]] = {}
    for name in ("measure", "description", "time_frame"):
        reading: Reading[str | None] = getattr(outcome, name)
        if reading.spans:
            span = reading.spans[0]
            start, end = find_honest((span.start, span.end), section.text, ranges[section.name])
            found = Reading(None, reading.confidence) if start == end else None
            changed[name] = found or replace(
                reading, value=section.text[start:end], spans=(Span(section.name, start, end),)
            )
    return replace(outcome, **changed)  # type: ignore[arg-type]


def find_honest(place: _Range, text: str, ranges: Iterable[_Range]) -> _Range:
    """The longest run of ``text[start:end]`` outside the ranges, without white space at its ends.

    >>> find_honest((0, 20), "Pain        , 2 weeks", [(4, 12)])
    (12, 20)
    """
    runs: list[_Range] = []
    reached = place[0]
    for start, end in (*sorted(ranges), (place[1], place[1])):
        runs.append(_strip(text, reached, min(start, place[1])))
        reached = max(reached, end)
    return max(runs, key=lambda run: run[1] - run[0])


def _strip(text: str, start: int, end: int) -> _Range:
    run = text[start:end]
    if not run.strip():
        return start, start
    return end - len(run.lstrip()), start + len(run.rstrip())
