"""Classify every character of a record: claimed by a value, boilerplate, or unclaimed."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from extractor.concepts.criteria.headings import is_generic, is_withdrawal, opens_list
from extractor.concepts.criteria.list_headings import read_list_heading
from extractor.evidence.drafts import Span
from extractor.language.book import read_text, rule
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

Items = Iterable[tuple[str, ExtractedItem]]
"""Items with their paths, such as ``dosing[0]``."""
_Claim = tuple[int, int, str]
"""Start, end, and path of the item that quotes the characters."""


class TextClass(StrEnum):
    """How a span of text was used.

    - ``claimed``: a value quotes it.
    - ``boilerplate``: white space, bullets, punctuation between values, headings, the registry's
      own notes and labels.
    - ``unclaimed``: neither.
    """

    CLAIMED = "claimed"
    BOILERPLATE = "boilerplate"
    UNCLAIMED = "unclaimed"


@dataclass(frozen=True, slots=True)
class CoveredSpan:
    """A span of raw text and its class; ``items`` are the paths of the items that quote it."""

    span: Span
    text_class: TextClass
    items: tuple[str, ...] = ()


def list_covered_spans(record: TrialRecord, items: Items) -> Iterator[CoveredSpan]:
    """Yield spans that cover every character of the record exactly once, by section in reading
    order.
    """
    claims: dict[str, list[_Claim]] = defaultdict(list)
    for path, item in items:
        for piece in item.evidence:
            # A regimen's role is read from the whole text of its arm: it claims no characters.
            if (
                not path.startswith(Task.DOSING)
                or piece.support is not Support.INFERRED
                or piece.field == "quote"
            ):
                claims[piece.section].append((piece.start, piece.end, path))
    for section in record.sections:
        own = sorted(claims[section.name])
        done = 0
        for start, end, text_class in _classify(section, own):
            reached = bisect_left(own, (end,), lo=done)
            names = (path for _, last, path in own[done:reached] if start < last)
            claimed_by = (
                tuple(dict.fromkeys(names)) if text_class is TextClass.CLAIMED else ()
            )
            done = reached
            yield CoveredSpan(Span(section.name, start, end), text_class, claimed_by)


def measure_coverage(record: TrialRecord, items: Items) -> Coverage:
    """Count the characters of a record by class, in total and for each kind of section."""
    counts: dict[str, Counter[str]] = {
        FieldRef(section.name).path: Counter() for section in record.sections
    }
    for covered in list_covered_spans(record, items):
        count = counts[FieldRef(covered.span.section).path]
        for name in ("characters", covered.text_class):
            count[name] += covered.span.length
    total = sum(counts.values(), Counter())
    names = ("characters", TextClass.CLAIMED, TextClass.BOILERPLATE)
    sections = (
        SectionCoverage(kind=kind, **{name: count[name] for name in names})
        for kind, count in counts.items()
    )
    return Coverage(**{name: total[name] for name in names}, sections=tuple(sections))


def list_unclaimed(
    section: Section, evidence: Iterable[Evidence]
) -> Iterator[tuple[int, int]]:
    """Yield the parts of a section that no evidence quotes, without boilerplate, as offsets into
    its text.
    """
    claims = sorted(
        (piece.start, piece.end, "")
        for piece in evidence
        if piece.section == section.name
    )
    return (
        (start, end)
        for start, end, found in _classify(section, claims)
        if found is TextClass.UNCLAIMED
    )


def _classify(
    section: Section, claims: Iterable[_Claim]
) -> Iterator[tuple[int, int, TextClass]]:
    """Classify every character of a section; ``claims`` are in order and may overlap."""
    first = reached = 0
    size = len(section.text)
    for start, end, _ in (*claims, (size, size + 1, "")):
        if end > start > reached or end > size:
            yield from [(first, reached, TextClass.CLAIMED)] if reached > first else []
            yield from _classify_gap(section, reached, start)
            first = start
        reached = max(reached, end) if end > start else reached


def _classify_gap(
    section: Section, start: int, end: int
) -> Iterator[tuple[int, int, TextClass]]:
    """Classify the text between two claims: in each line, words are unclaimed unless they are
    boilerplate.
    """
    done = start
    while start < end:
        stop = section.text.find("\n", start, end)
        stop = end if stop < 0 else stop + 1
        first, last = _trim(section.text, start, stop)
        if section.name == "eligibility":
            says_nothing = first >= last or _is_boilerplate(
                section.text[first : min(len(section.text), last + 1)]
            )
        else:
            types = (part for part in section.parts if part.name == "type")
            says_nothing = first >= last or any(
                part.start <= first and last <= part.end for part in types
            )
        if not says_nothing:
            if first > done:
                yield done, first, TextClass.BOILERPLATE
            yield first, last, TextClass.UNCLAIMED
            done = last
        start = stop
    if end > done:
        yield done, end, TextClass.BOILERPLATE


_BULLET = re.compile(
    r"\s*(?:(?:\\?[-*•·‣▪◦–—]+|[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)\]]+|\\\.)(?=\s|$)\s*)*"
)
_ENDS = " \t\r\n.,;:|)(]["
_NOTES = ("note_of_the_registry", "note_of_the_protocol", "unfinished_heading")


@lru_cache(maxsize=2048)
def _is_boilerplate(text: str) -> bool:
    """Return whether a line of an eligibility section is a heading, a title, or a registry's
    note.
    """
    words = text.strip()
    tokens = read_text(words)
    if words.endswith((":", "：", ":-")) or any(
        rule(name).search(tokens) for name in _NOTES
    ):
        return True
    if read_list_heading(tokens, bulleted=False):
        return True
    return any(test(tokens) for test in (is_generic, opens_list, is_withdrawal))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Trim the bullet and punctuation of ``text[start:end]``, which is in one line."""
    bullet = (
        _BULLET.match(text, start, end)
        if start == 0 or text[start - 1] == "\n"
        else None
    )
    first = bullet.end() if bullet else start
    words = text[first:end]
    first += len(words) - len(words.lstrip(_ENDS))
    return first, first + len(words.strip(_ENDS))
