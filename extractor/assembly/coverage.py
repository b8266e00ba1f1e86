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
            if _claims_text(path, piece):
                claims[piece.section].append((piece.start, piece.end, path))
    for section in record.sections:
        in_section = sorted(claims[section.name])
        done = 0
        for start, end, text_class in _classify(section, in_section):
            # Claims are sorted by their start, so each is passed over once.
            reached = bisect_left(in_section, (end,), lo=done)
            paths: dict[str, None] = {}
            if text_class is TextClass.CLAIMED:
                for _, claim_end, path in in_section[done:reached]:
                    if start < claim_end:
                        paths[path] = None
            done = reached
            yield CoveredSpan(Span(section.name, start, end), text_class, tuple(paths))


def _claims_text(path: str, piece: Evidence) -> bool:
    """Return whether evidence claims the characters that it quotes. A regimen's role is read from
    the whole text of its arm: it claims no characters.
    """
    if not path.startswith(Task.DOSING) or piece.field == "quote":
        return True
    return piece.support is not Support.INFERRED


def measure_coverage(record: TrialRecord, items: Items) -> Coverage:
    """Count the characters of a record by class, in total and for each kind of section."""
    counts: dict[str, Counter[str]] = {
        FieldRef(section.name).path: Counter() for section in record.sections
    }
    for covered in list_covered_spans(record, items):
        count = counts[FieldRef(covered.span.section).path]
        count["characters"] += covered.span.length
        count[covered.text_class] += covered.span.length
    total = sum(counts.values(), Counter())
    names = ("characters", TextClass.CLAIMED, TextClass.BOILERPLATE)
    sections: list[SectionCoverage] = []
    for kind, count in counts.items():
        of_kind = {name: count[name] for name in names}
        sections.append(SectionCoverage(kind=kind, **of_kind))
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
    for start, end, text_class in _classify(section, claims):
        if text_class is TextClass.UNCLAIMED:
            yield start, end


def _classify(
    section: Section, claims: Iterable[_Claim]
) -> Iterator[tuple[int, int, TextClass]]:
    """Classify every character of a section; ``claims`` are in order and may overlap."""
    first = 0
    reached = 0
    for start, end, _ in claims:
        if start >= end:
            continue
        if start > reached:
            if reached > first:
                yield first, reached, TextClass.CLAIMED
            yield from _classify_gap(section, reached, start)
            first = start
        reached = max(reached, end)
    if reached > first:
        yield first, reached, TextClass.CLAIMED
    yield from _classify_gap(section, reached, len(section.text))


def _classify_gap(
    section: Section, start: int, end: int
) -> Iterator[tuple[int, int, TextClass]]:
    """Classify the text between two claims: in each line, words are unclaimed unless they are
    boilerplate.
    """
    done = start
    while start < end:
        line_break = section.text.find("\n", start, end)
        line_end = end if line_break < 0 else line_break + 1
        first, last = _trim(section.text, start, line_end)
        start = line_end
        if first >= last or _says_nothing(section, first, last):
            continue
        if first > done:
            yield done, first, TextClass.BOILERPLATE
        yield first, last, TextClass.UNCLAIMED
        done = last
    if end > done:
        yield done, end, TextClass.BOILERPLATE


def _says_nothing(section: Section, first: int, last: int) -> bool:
    """Return whether words state nothing of a trial: a heading, or the type that the registry
    gives an arm.
    """
    if section.name == "eligibility":
        # with the colon behind a heading
        return _is_boilerplate(section.text[first : last + 1])
    for part in section.parts:
        if part.name == "type" and part.start <= first and last <= part.end:
            return True
    return False


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
    if words.endswith((":", "：", ":-")):
        return True
    tokens = read_text(words)
    if any(rule(name).search(tokens) for name in _NOTES):
        return True
    if read_list_heading(tokens, bulleted=False):
        return True
    return any(test(tokens) for test in (is_generic, opens_list, is_withdrawal))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Trim the bullet and punctuation of ``text[start:end]``, which is in one line."""
    first = start
    if start == 0 or text[start - 1] == "\n":
        bullet = _BULLET.match(text, start, end)
        first = bullet.end() if bullet else start
    words = text[first:end]
    first += len(words) - len(words.lstrip(_ENDS))
    return first, first + len(words.strip(_ENDS))
