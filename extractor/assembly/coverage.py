"""Count which characters of a record the values quote, and which words no value explains."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

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

_GAP = re.compile(rb"\0+")
_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(
    r"\s*(?:(?:\\?[-*•·‣▪◦–—]+|[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)\]]+|\\\.)(?=\s|$)\s*)*"
)
_ENDS = " \t\r\n.,;:|)(]["


def measure_coverage(
    record: TrialRecord, items: Iterable[tuple[str, ExtractedItem]]
) -> Coverage:
    """Count the characters of a record that values quote, and the boilerplate between them: white
    space, bullets, punctuation, and lines that end with a colon.

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
    total = Counter[str](characters=0, claimed=0, boilerplate=0)
    kinds: dict[str, Counter[str]] = {}
    for section in record.sections:
        count = _count(section, quoted.get(section.name, ()))
        total.update(count)
        kinds.setdefault(FieldRef(section.name).path, Counter()).update(count)
    sections = (SectionCoverage(kind=kind, **count) for kind, count in kinds.items())
    return Coverage(**total, sections=tuple(sections))


def _count(section: Section, evidence: Iterable[Evidence]) -> dict[str, int]:
    """Return how many characters of a section there are, are quoted, and are boilerplate."""
    marks = bytearray(len(section.text))
    for piece in evidence:
        marks[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    claimed = sum(marks)
    unexplained = 0
    for gap in _GAP.finditer(marks):
        for start, end in list_words(section.text, gap.start(), gap.end()):
            unexplained += end - start
    size = len(section.text)
    rest = size - claimed - unexplained
    return {"characters": size, "claimed": claimed, "boilerplate": rest}


def list_words(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    r"""Yield the words of each line in ``text[start:end]``, without its bullet and without
    punctuation around them. A line that ends with a colon has none.

    >>> list(list_words("Inclusion:\n* Asthma;\n", 0, 21))
    [(13, 19)]
    """
    for line in _LINE.finditer(text, start, end):
        first = line.start()
        if first == 0 or text[first - 1] == "\n":
            bullet = _BULLET.match(text, first, line.end())
            first = bullet.end() if bullet else first
        # the colon may be behind the last character
        if text[first : line.end() + 1].rstrip().endswith((":", "：")):
            continue
        words = text[first : line.end()].lstrip(_ENDS)
        first = line.end() - len(words)
        last = first + len(words.rstrip(_ENDS))
        if first < last:
            yield first, last
