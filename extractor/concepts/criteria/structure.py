"""The structure of an eligibility section as a model answers it: where items begin, their list, and
the line above them.

``list_offered_borders`` numbers the possible beginnings, and ``settle`` proves the answer and puts
it in place of the rules' reading.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from extractor.concepts.criteria.lists import LISTS, CriterionEntry, Lists
from extractor.evidence.drafts import Span, StructureDoubt, span_of
from extractor.language.passage import LexedSection, Passage
from extractor.language.values import replace
from extractor.outline.blocks import read_pieces
from extractor.outline.boundaries import find_boundaries
from extractor.outline.cutting import list_stretches, look_around
from extractor.outline.lines import strip_punctuation
from extractor.schemas import CriterionKind, Origin

_LINE = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
# Chosen by hand, low, because a model cannot choose a place that is not offered.
_OFFERED = 0.02
"""A boundary within a line is offered if it has at least this probability."""
_MARK = re.compile(
    r"[\s•·▪◦○●■□➢✓✔→⁃∙‣§*~–—-]*"
    r"(?:[\[(]?(?:\d{1,2}(?:\.\d{1,2}){0,3}|[A-Z]{0,4}-?\d{1,2}|[ivx]{2,4}|[IVX]{2,4}|[A-Za-z])[.):\]]{1,2}"
    r"(?=\s|[A-Z]))?[\s•*-]*"
)
"""Matches list marks and white space before the words of an item."""
# Chosen by hand.
_LONGEST_MARK = 12
# Chosen by hand.
_LONGEST_HEADING = 7
"""Maximum number of tokens in a line that a model may call a heading although the rules read it as
a criterion.
"""
# Chosen by hand.
_SHARE_JOINED = 0.2
"""If an answer joins more than this share of the items that have list marks of their own, the model
is assumed not to have read the whole text.
"""


class AnsweredLine(NamedTuple):
    """A line of a model's answer, which begins at the place with the ``number`` and ends where the
    next line begins.

    Attributes:
        number: The number of the place, counted from 1.
        kind: Its list; None if it is in the same list as the line before.
        under: The number of the line above it, or None.
        is_criterion: Whether it is a criterion. Otherwise, it is above others, a heading or a note.
    """

    number: int
    kind: CriterionKind | None = None
    under: int | None = None
    is_criterion: bool = True


def list_offered_borders(section: LexedSection) -> tuple[int, ...]:
    """Return the offsets in the cleaned text at which an item might begin, generously: each line,
    the words after a heading on its line, and the boundaries within lines.

    >>> from extractor.language.passage import read_section
    >>> text = "Inclusion: Adults; 2. Asthma of adults"
    >>> [text[at:] for at in list_offered_borders(read_section("eligibility", text))]
    ['Inclusion: Adults; 2. Asthma of adults', 'Adults; 2. Asthma of adults', '2. Asthma of adults']
    """
    text = section.tokens.text
    found = {line.end() for line in _LINE.finditer(text)}
    pieces = read_pieces(section, LISTS)
    around = look_around(pieces)
    for piece, stretch in list_stretches(pieces):
        begin, _ = piece.line.span
        found.add(begin)
        for gap, probability in find_boundaries(stretch, around):
            if probability >= _OFFERED:
                found.add(_skip_space(text, begin + gap.end))
    places: list[int] = []
    for at in sorted(found):
        before = "\n"
        if places:
            before = text[places[-1] : at]
        # a place after a list mark is that of the mark, unless another line begins
        if "\n" in before or not _MARK.fullmatch(before):
            places.append(at)
    return tuple(places)


def _skip_space(text: str, at: int) -> int:
    """Return the offset of the first character from ``at`` on that is not white space."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def settle(
    section: LexedSection, rules: Lists, answer: Sequence[AnsweredLine]
) -> Lists:
    """Return the entries as a model answers them, or the rules' entries with a doubt if the answer
    cannot be proven.

    Each line of the answer must begin at an offered place, after the line before it; the text
    between them is part of a line, so that nothing is lost. A line above must be a line of the
    answer. Where the answer contradicts the rules at a list mark or a heading, both are doubted.
    """
    places = list_offered_borders(section)
    starts = sorted(_start_of(entry.passage) for entry in rules.entries)
    problem = _find_fault(answer, len(places))
    if not problem:
        parts = _cut_parts(section, places, starts, answer)
        problem = _fill_parts(section, rules, parts)
    if problem:
        reason = f"the model's answer about the structure was rejected: {problem}"
        span = Span(section.name, 0, len(section.raw))
        # rather the first entry than the whole section, parts of which may be blanked
        for entry in rules.entries[:1]:
            span = span_of(entry.passage)
        return replace(rules, doubts=(*rules.doubts, StructureDoubt(span, reason)))
    return _make_lists(section, parts)


@dataclass(slots=True)
class _AnsweredPart:
    """A line of an answer with its words, and the rules' entries that begin in it."""

    line: AnsweredLine
    passage: Passage
    kind: CriterionKind | None
    inner: list[CriterionEntry]


def _find_fault(answer: Sequence[AnsweredLine], most: int) -> str:
    """Return why the numbers of an answer are invalid, or ""."""
    last = 0
    known: set[int] = set()
    for line in answer:
        # a model that loses count would move the borders of all later lines
        if not last < line.number <= most:
            return f"{line.number} is not a place, or not in the order of the text"
        if line.under is not None and line.under not in known:
            return f"{line.number} is under {line.under}, which is no line above it"
        last = line.number
        known.add(last)
    if any(line.is_criterion for line in answer):
        return ""
    return "it names no criterion"


def _start_of(passage: Passage) -> int:
    """Return the offset in the cleaned text at which a passage begins."""
    return passage.clean_span[0]


def _cut_parts(
    section: LexedSection,
    places: Sequence[int],
    starts: Sequence[int],
    answer: Sequence[AnsweredLine],
) -> list[_AnsweredPart]:
    """Return the lines of an answer, without list marks. ``starts`` contains the offsets at which
    the rules' entries begin, which tell a list mark from a word.
    """
    text = section.tokens.text
    begins = [places[line.number - 1] for line in answer]
    parts: list[_AnsweredPart] = []
    kind = None
    for line, begin, end in zip(answer, begins, [*begins[1:], len(text)], strict=True):
        match = _MARK.match(text, begin, end)
        start = begin
        if match:
            start = match.end()
        # the rules' entry begins behind its mark, which may be of a form that the pattern does not
        # know
        known = bisect_left(starts, begin)
        if known < len(starts) and starts[known] < min(end, begin + _LONGEST_MARK):
            start = starts[known]
        tokens = section.tokens
        passage = Passage(section, tokens.at(start), tokens.before(end))
        kind = line.kind or kind
        parts.append(
            _AnsweredPart(line, strip_punctuation(passage, "-•·*\n"), kind, [])
        )
    return parts


def _fill_parts(
    section: LexedSection, rules: Lists, parts: Sequence[_AnsweredPart]
) -> str:
    """Assign the rules' entries to the parts in which they begin. Return what the answer loses: a
    part without words, a criterion before the first line, or too many items that are joined.
    """
    if any(part.passage.end <= part.passage.first for part in parts):
        return "a line has no words"
    begins = [_start_of(part.passage) for part in parts]
    for entry in rules.entries:
        place = bisect_right(begins, _start_of(entry.passage))
        if place > 0:
            parts[place - 1].inner.append(entry)
        elif entry.is_criterion:
            return "it leaves out a criterion at the beginning"
    marked_count = sum(_is_marked(section, entry) for entry in rules.entries)
    joined_count = sum(len(_list_joined(section, part)) for part in parts)
    if joined_count > marked_count * _SHARE_JOINED:
        return f"it joins {joined_count} items that have list marks of their own"
    return ""


def _is_marked(section: LexedSection, entry: CriterionEntry) -> bool:
    """Return whether only a list mark precedes an entry on its line. An entry at the very beginning
    of a line has no mark.
    """
    text = section.tokens.text
    start = _start_of(entry.passage)
    line_start = text.rfind("\n", 0, start) + 1
    before = text[line_start:start]
    # the pattern also matches white space without a mark
    if not before.strip():
        return False
    return _MARK.fullmatch(before) is not None


def _list_joined(section: LexedSection, part: _AnsweredPart) -> list[CriterionEntry]:
    """Return the rules' criteria after the beginning of a criterion that have their own marks."""
    if not part.line.is_criterion:
        return []
    start = _start_of(part.passage)
    joined: list[CriterionEntry] = []
    for entry in part.inner:
        is_behind = _start_of(entry.passage) > start
        if entry.is_criterion and is_behind and _is_marked(section, entry):
            joined.append(entry)
    return joined


def _make_lists(section: LexedSection, parts: Sequence[_AnsweredPart]) -> Lists:
    """Return the entries of an answer that is in order: its criteria, and the lines above others.
    Of any other line, the rules' criteria in it that say more than a heading are kept, doubted.
    """
    by_number = {part.line.number: part for part in parts}
    above = {part.line.under for part in parts}
    doubts: list[StructureDoubt] = []
    entries: list[CriterionEntry] = []
    covering: CriterionEntry | None = None
    for part in parts:
        covering = _find_covering(part, covering)
        if part.line.is_criterion or part.line.number in above:
            entry = _make_entry(part, by_number, covering)
            reason = ""
            if _list_joined(section, part):
                reason = "the model joins items that have list marks of their own"
                entry = replace(entry, borders=1.0)
            elif entry.is_list_doubted:
                reason = "the model names another list than the heading"
            if reason:
                doubts.append(StructureDoubt(span_of(part.passage), reason))
            entries.append(entry)
        else:
            # a criterion must not be lost because a model takes it for a note
            for kept in filter(_says_more_than_heading, part.inner):
                reason = "the model takes this line for a heading or a note"
                doubts.append(StructureDoubt(span_of(kept.passage), reason))
                entries.append(replace(kept, borders=1.0))
        if part.inner:
            covering = part.inner[-1]
    return Lists(tuple(entries), tuple(doubts))


def _find_covering(
    part: _AnsweredPart, before: CriterionEntry | None
) -> CriterionEntry | None:
    """Return the rules' entry in which a part begins, or None. ``before`` is the last entry that
    begins in an earlier part.
    """
    start = _start_of(part.passage)
    candidates = [before, *part.inner[:1]]
    for entry in reversed(candidates):
        if entry is None:
            continue
        passage = entry.passage
        first, end = passage.clean_span
        if first <= start < end:
            return entry
    return None


def _says_more_than_heading(entry: CriterionEntry) -> bool:
    """Return whether the rules read an entry as a criterion that is too long for a heading, or
    states a number. A criterion that ends with a colon does not say more.
    """
    words = entry.passage.tokens.words[entry.passage.first : entry.passage.end]
    introduces = words[-1] == ":"
    if introduces or not entry.is_criterion:
        return False
    # headings seldom state numbers
    has_number = any(word[0].isdigit() for word in words)
    return has_number or len(words) > _LONGEST_HEADING


def _make_entry(
    part: _AnsweredPart,
    parts: Mapping[int, _AnsweredPart],
    covering: CriterionEntry | None,
) -> CriterionEntry:
    """Return the entry of a part. ``parts`` has all parts by number, and ``covering`` is the rules'
    entry in which it begins, or None. From ``covering`` come the heading and, if the answer names
    none, the list; the list is doubted if the two differ and the rules were sure. If both state
    the same structure, the origin is both, and otherwise the model.
    """
    passage = part.passage.alone()
    part_above = None
    if part.line.under:
        part_above = parts[part.line.under]
    entry = CriterionEntry(
        passage,
        part.kind,
        is_criterion=part.line.is_criterion,
        origin=Origin.MODEL,
    )
    if part_above:
        # "Any of the following:" states nothing by itself
        only_introduces = part_above.passage.raw.endswith(":")
        is_criterion = part_above.line.is_criterion and not only_introduces
        parent = part_above.passage.alone()
        entry = replace(entry, parent=parent, parent_is_criterion=is_criterion)
    if covering is None:
        return entry
    kind = part.kind or covering.kind
    entry = replace(entry, kind=kind, listed=covering.listed, heading=covering.heading)
    is_moved = covering.kind is not None and covering.kind is not kind
    if is_moved and not covering.is_list_doubted:
        return replace(entry, is_list_doubted=True)
    if _describe_place(entry) == _describe_place(covering):
        return replace(entry, origin=Origin.BOTH)
    return entry


def _describe_place(entry: CriterionEntry) -> tuple[object, ...]:
    """Return what an entry states about the structure: its place in the text, its list, whether it
    is a criterion, and where the line above it begins, or None.
    """
    parent_start = None
    if entry.parent:
        parent_start, _ = entry.parent.raw_span
    return entry.passage.raw_span, entry.kind, entry.is_criterion, parent_start
