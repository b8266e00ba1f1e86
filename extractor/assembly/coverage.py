"""Count which characters of a record the values quote, and which words no value explains."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

from extractor.concepts.criteria.lists import LISTS
from extractor.language.book import read_text, rule
from extractor.language.passage import read_passage
from extractor.outline.headings import find_heading
from extractor.schemas import (
    Coverage,
    Evidence,
    ExtractedItem,
    FieldRef,
    Section,
    SectionCoverage,
    Support,
    Task,
    TrialRecord,
)

_COUNTED = ("characters", "claimed", "boilerplate")
_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(
    r"\s*(?:(?:\\?[-*•·‣▪◦–—]+|[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)\]]+|\\\.)(?=\s|$)\s*)*"
)
_ENDS = " \t\r\n.,;:|)(]["
_NOTES = ("note_of_the_registry", "note_of_the_protocol", "unfinished_heading")


def measure_coverage(
    record: TrialRecord, items: Iterable[tuple[str, ExtractedItem]]
) -> Coverage:
    """Count the characters of a record that values quote, and the boilerplate between them: white
    space, bullets, punctuation, headings, notes and labels of the registry.

    The counts are in total and for each kind of section; all arms are one kind, ``arms``. All other
    characters are unexplained.

    Args:
        record: The record.
        items: The items with their paths, such as ``dosing[0]``.
    """
    quoted: dict[str, list[Evidence]] = {}
    for path, item in items:
        for piece in item.evidence:
            # the role of a regimen follows from the whole text of its arm, and explains none of it
            is_conclusion = piece.support is Support.INFERRED and piece.field != "quote"
            if path.startswith(Task.DOSING) and is_conclusion:
                continue
            quoted.setdefault(piece.section, []).append(piece)
    kinds: dict[str, Counter[str]] = {}
    for section in record.sections:
        pieces = quoted.get(section.name, [])
        size = len(section.text)
        claimed = sum(_mark(section, pieces))
        spans = list_unexplained(section, pieces)
        count = kinds.setdefault(
            FieldRef(section.name).path, Counter(dict.fromkeys(_COUNTED, 0))
        )
        count["characters"] += size
        count["claimed"] += claimed
        count["boilerplate"] += (
            size - claimed - sum(end - start for start, end in spans)
        )
    sections = tuple(
        SectionCoverage(kind=kind, **count) for kind, count in kinds.items()
    )
    totals = {name: sum(count[name] for count in kinds.values()) for name in _COUNTED}
    return Coverage(**totals, sections=sections)


def _mark(section: Section, evidence: Iterable[Evidence]) -> bytearray:
    """Return one byte for each character of a section: 1 if evidence quotes it, else 0."""
    marks = bytearray(len(section.text))
    for piece in evidence:
        if piece.section == section.name:
            marks[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    return marks


def list_unexplained(
    section: Section, evidence: Iterable[Evidence]
) -> Iterator[tuple[int, int]]:
    """Yield the words of a section that no evidence quotes and that are not boilerplate, line by
    line, as offsets into its text.
    """
    for gap in re.finditer(rb"\0+", _mark(section, evidence)):
        for line in _LINE.finditer(section.text, gap.start(), gap.end()):
            first, last = _trim(section.text, line.start(), line.end())
            if first < last and not _is_boilerplate(section, first, last):
                yield first, last


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the range of a part of a line without the bullet that begins the line, and without
    punctuation and white space around its words.
    """
    if start == 0 or text[start - 1] == "\n":
        bullet = _BULLET.match(text, start, end)
        start = bullet.end() if bullet else start
    words = text[start:end].lstrip(_ENDS)
    first = end - len(words)
    return first, first + len(words.rstrip(_ENDS))


def _is_boilerplate(section: Section, first: int, last: int) -> bool:
    """Return True if words are a heading or a note in the eligibility section, or the type that the
    registry gives an arm.
    """
    if section.name == "eligibility":
        # one character more: the colon behind a heading, which was trimmed
        return _is_heading(section.text[first : last + 1])
    return any(
        part.name == "type" and part.start <= first and last <= part.end
        for part in section.parts
    )


@lru_cache(maxsize=2048)
def _is_heading(text: str) -> bool:
    """Return True if a line of an eligibility section ends with a colon, is a heading of a list in
    any words, or a note of the registry.
    """
    words = text.strip()
    if words.endswith((":", "：", ":-")):
        return True
    tokens = read_text(words)
    if any(rule(name).search(tokens) for name in _NOTES):
        return True
    heading = find_heading(read_passage(words), LISTS)
    return heading is not None and heading.is_whole
