"""Count the characters of a record that are quoted by values, and find the words that no value
explains.
"""

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
    """Count the quoted characters of a record, and the boilerplate between them: white space,
    bullets, punctuation, and lines that end with a colon.

    Characters are counted for the whole record and for each kind of section, such as ``arms`` for
    all arms. All other characters are unexplained.

    Args:
        record: The record.
        items: The items with their paths, such as ``dosing[0]``.
    """
    quoted: dict[str, list[Evidence]] = {}
    for path, item in items:
        for piece in item.evidence:
            # a conclusion such as a role cites the whole text of an arm but does not explain its
            # words
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
    """Return the numbers of characters in a section: all characters, quoted characters, and
    boilerplate.
    """
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
    r"""Yield the (start, end) span of the words in each line of ``text[start:end]``, without the
    bullet and surrounding punctuation. Lines that end with a colon are skipped.

    >>> list(list_words("Inclusion:\n* Asthma;\n", 0, 21))
    [(13, 19)]
    """
    for line in _LINE.finditer(text, start, end):
        first = line.start()
        if first == 0 or text[first - 1] == "\n":
            bullet = _BULLET.match(text, first, line.end())
            first = bullet.end() if bullet else first
        # the colon may directly follow the given range
        if text[first : line.end() + 1].rstrip().endswith((":", "：")):
            continue
        words = text[first : line.end()].lstrip(_ENDS)
        first = line.end() - len(words)
        last = first + len(words.rstrip(_ENDS))
        if first < last:
            yield first, last
