"""Flattened text, one record a file: a line for each field, in a fixed order, some of which may be missing.

::

    title
    brief summary
    condition|condition
    TYPE: name|TYPE: name
    primary outcomes      (measure, description, time frame|measure, ...)
    secondary outcomes    (may be missing)
    detailed description  (may be missing)

A field may hold line breaks of its own and any may be missing, so position alone does not tell what a line
is. Blank lines and list items stay with the line before them; interventions are known by their type words,
outcomes by ``outcome_lists``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from extractor.schemas import Section

from .drafts import Draft, Found, Unreadable, build_draft, text_section
from .interventions import is_intervention_list, list_interventions
from .limits import MAX_RECORD_BYTES
from .outcome_lists import count_list_lines, ends_outcome_list

__all__ = ["read_flat"]

_LINE = re.compile(r"[^\r\n]+")
_LIST_ITEM = re.compile(r"\s*(?:[*•·-]|\d{1,2}[.)]|[a-z][.)])\s")


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a text that are not blank; a run of them is all that stands between its ends in the text."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, number: int) -> str:
        return self.cut(number, number + 1)

    def cut(self, start: int, end: int) -> str:
        """The text from line ``start`` up to line ``end``, blank lines between them included."""
        spans = self.spans[start:end]
        return self.text[spans[0][0] : spans[-1][1]] if spans else ""

    def starts_field(self, number: int) -> bool:
        """Whether a field may begin at this line."""
        if number < 2 or is_intervention_list(self[number - 1]):
            return True
        gap = self.text[self.spans[number - 1][1] : self.spans[number][0]]
        if gap.count("\n") > 1:
            return False
        return not _LIST_ITEM.match(self[number]) or ends_outcome_list(self[number - 1])


def read_flat(stream: BinaryIO) -> Iterator[Found]:
    """The one record of a flattened text."""
    content = stream.read(MAX_RECORD_BYTES + 1)
    if len(content) > MAX_RECORD_BYTES:
        raise Unreadable(f"a record of more than {MAX_RECORD_BYTES:,} bytes", "give one record a file")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Unreadable("text that is not UTF-8", "save it as UTF-8", place=f"byte {problem.start}") from problem
    yield build_draft(_build_flat, text, None)


def _build_flat(text: str) -> Draft:
    lines = _Lines(text, tuple(found.span() for found in _LINE.finditer(text) if found.group().strip()))
    return Draft(tuple(_list_sections(lines)) if lines else ())


def _list_sections(lines: _Lines) -> Iterator[Section]:
    starts = [number for number in range(len(lines)) if lines.starts_field(number)]
    interventions = next((number for number in starts[1:] if is_intervention_list(lines[number])), None)
    # Without interventions, outcomes are what follows title, summary and conditions.
    after = interventions + 1 if interventions is not None else [*starts, *(3 * [len(lines)])][3]
    outcomes = _find_outcomes(lines, [start for start in starts if start >= after])
    # Any text may look like a record then, so the outcomes must be beyond doubt.
    if interventions is None and not (outcomes and ends_outcome_list(lines[outcomes[1] - 1])):
        raise Unreadable(
            "no format known to this program",
            "give flattened text, or JSON, XML or a table from ClinicalTrials.gov, plain, in gzip or in zip",
        )
    before = after if interventions is None else interventions
    conditions = max(start for start in starts if start < before)
    yield from text_section("title", lines[0])
    yield from text_section("brief_summary", lines.cut(1, conditions))
    yield from text_section("conditions", lines.cut(conditions, conditions + 1) if conditions else None)
    yield from list_interventions(lines[interventions] if interventions is not None else "")
    for name, (start, end) in zip(("primary_outcomes", "secondary_outcomes"), pairwise(outcomes), strict=False):
        yield from text_section(name, lines.cut(start, end))
    yield from text_section("detailed_description", lines.cut(outcomes[-1] if outcomes else after, len(lines)))


def _find_outcomes(lines: _Lines, starts: list[int]) -> list[int]:
    """Where the lists of outcomes begin, and at last where they end; empty if there is none."""
    bounds: list[int] = []
    for start, end in pairwise([*starts, len(lines)]):
        if bounds and bounds[-1] != start:
            break
        fields_after = end < len(lines)
        length = count_list_lines(
            [lines[number] for number in range(start, end)], first=not bounds, last=not fields_after
        )
        if not length:
            break
        bounds = [*(bounds or [start]), start + length]
        if len(bounds) == 3:
            break
    return bounds
