"""Classify every character of a record: claimed by a value, boilerplate, or unclaimed."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from extractor.concepts.criteria.lists import LISTS
from extractor.evidence.drafts import Span
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

Items = Iterable[tuple[str, ExtractedItem]]
"""Items with their paths, such as ``dosing[0]``."""
_Claim = tuple[int, int, str]
"""Start and end in the section's text, and the path of the item that quotes the characters."""


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
    order. A claimed span has the paths of all items that quote any of it.
    """
    claims: dict[str, list[_Claim]] = defaultdict(list)
    for path, item in items:
        for piece in item.evidence:
            if _claims_text(path, piece):
                claims[piece.section].append((piece.start, piece.end, path))
    for section in record.sections:
        in_section = sorted(claims[section.name])
        next_claim = 0
        for start, end, text_class in _classify(section, in_section):
            # Claims are sorted by their start, and none reaches over the end of a claimed span, so
            # each is looked at once.
            first_behind = bisect_left(in_section, (end,), lo=next_claim)
            paths: dict[str, None] = {}
            if text_class is TextClass.CLAIMED:
                for _, claim_end, path in in_section[next_claim:first_behind]:
                    if start < claim_end:
                        paths[path] = None
            next_claim = first_behind
            span = Span(section.name, start, end)
            yield CoveredSpan(span, text_class, tuple(paths))


def _claims_text(path: str, piece: Evidence) -> bool:
    """Return whether evidence claims the characters that it quotes: all does, except what is
    inferred for a field of a regimen. A regimen's role follows from the whole text of its arm, and
    would claim all of it.
    """
    if not path.startswith(Task.DOSING) or piece.field == "quote":
        return True
    return piece.support is not Support.INFERRED


def measure_coverage(record: TrialRecord, items: Items) -> Coverage:
    """Count the characters of a record by class, in total and for each kind of section.

    All arms are one kind, ``arms``. Unclaimed characters are what is left of ``characters``.
    """
    counts: dict[str, Counter[str]] = {}
    for section in record.sections:
        counts[FieldRef(section.name).path] = Counter()
    for covered in list_covered_spans(record, items):
        count = counts[FieldRef(covered.span.section).path]
        count["characters"] += covered.span.length
        count[covered.text_class] += covered.span.length
    total = sum(counts.values(), Counter())
    sections: list[SectionCoverage] = []
    for kind, count in counts.items():
        sections.append(SectionCoverage(kind=kind, **_name_counts(count)))
    return Coverage(**_name_counts(total), sections=tuple(sections))


def _name_counts(count: Counter[str]) -> dict[str, int]:
    """Return the counts that a coverage states, also those that are zero."""
    names = ("characters", TextClass.CLAIMED, TextClass.BOILERPLATE)
    return {name: count[name] for name in names}


def list_unclaimed(
    section: Section, evidence: Iterable[Evidence]
) -> Iterator[tuple[int, int]]:
    """Yield the parts of a section that no evidence quotes, without boilerplate, as offsets into
    its text.
    """
    # no item is named: who claims the text does not matter here
    claims = [
        (piece.start, piece.end, "")
        for piece in evidence
        if piece.section == section.name
    ]
    for start, end, text_class in _classify(section, sorted(claims)):
        if text_class is TextClass.UNCLAIMED:
            yield start, end


def _classify(
    section: Section, claims: Iterable[_Claim]
) -> Iterator[tuple[int, int, TextClass]]:
    """Yield ranges that cover every character of a section, in order, each with its class.

    Claims that overlap or touch become one range. The text between two ranges of claims may be
    boilerplate, unclaimed, or several ranges of both.

    Args:
        section: The section.
        claims: What values quote of it, by start; they may overlap, and be empty.
    """
    claimed_from = 0
    claimed_to = 0
    for start, end, _ in claims:
        if start >= end:
            continue
        if start > claimed_to:
            if claimed_to > claimed_from:
                yield claimed_from, claimed_to, TextClass.CLAIMED
            yield from _classify_gap(section, claimed_to, start)
            claimed_from = start
        claimed_to = max(claimed_to, end)
    if claimed_to > claimed_from:
        yield claimed_from, claimed_to, TextClass.CLAIMED
    yield from _classify_gap(section, claimed_to, len(section.text))


def _classify_gap(
    section: Section, start: int, end: int
) -> Iterator[tuple[int, int, TextClass]]:
    """Classify the text between two claims, ``start:end`` of a section.

    In each line, the words are unclaimed unless they are boilerplate. Bullets, punctuation and
    white space around them are boilerplate, together with the lines of boilerplate beside them.
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
    """Return whether the words ``first:last`` state nothing of a trial: a heading or a note in the
    eligibility section, or the type that the registry gives an arm.
    """
    if section.name == "eligibility":
        # one character more: the colon behind a heading, which was trimmed
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
    note: it ends with a colon, is a note by the rules, or is a heading of a list in any words.
    """
    words = text.strip()
    if words.endswith((":", "：", ":-")):
        return True
    tokens = read_text(words)
    if any(rule(name).search(tokens) for name in _NOTES):
        return True
    heading = find_heading(read_passage(words), LISTS)
    return heading is not None and heading.is_whole


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the range of ``text[start:end]``, which is in one line, without its punctuation and
    white space, and without the bullet that begins the line.
    """
    first = start
    begins_line = start == 0 or text[start - 1] == "\n"
    if begins_line:
        bullet = _BULLET.match(text, start, end)
        if bullet:
            first = bullet.end()
    words = text[first:end]
    before_words = len(words) - len(words.lstrip(_ENDS))
    first += before_words
    return first, first + len(words.strip(_ENDS))
