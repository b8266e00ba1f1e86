"""Put the criteria that a model quotes from running text in place of those that the rules read
there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.concepts.criteria.lists import CriterionEntry, Lists
from extractor.concepts.criteria.prose import (
    BORDERS,
    NAMES_PEOPLE,
    are_alike,
    list_long_words,
)
from extractor.evidence.drafts import Span, StructureDoubt, span_of
from extractor.language.passage import Passage
from extractor.language.values import replace
from extractor.schemas import CriterionKind, Origin

_QUOTED = "quoted from a sentence"
_BORDERS_IN_RESULTS = 0.6
"""The probability that words of a sentence about results are one whole criterion. Chosen by hand.
"""
_WORD = re.compile(r"[^\W\d_]{4,}")
# Chosen by hand.
_MOST_LEFT = 2
"""Maximum number of words outside quotes in a criterion of the rules whose place they take."""


@dataclass(frozen=True, slots=True)
class QuotedWords:
    """Words that a model quotes as a criterion, with its list. ``is_result`` means that the
    sentence tells a result.
    """

    words: Passage
    kind: CriterionKind | None
    is_result: bool = False


def settle_quoted(
    rules: Sequence[CriterionEntry], quoted: Sequence[QuotedWords]
) -> Lists:
    """Return the criteria that a model quotes, and those of the rules that it leaves out.

    A criterion on whose words and list both agree is as sure as one of a list; any other one stays
    doubted. Where the model names people, what the rules only guess of them is left out.
    """
    spans = [span_of(each.words) for each in quoted]
    doubts: list[StructureDoubt] = []
    entries: list[CriterionEntry] = []
    for each in quoted:
        entry = _make_entry(each, rules)
        if entry.is_list_doubted:
            reason = "the model names another list than the sentence"
            doubts.append(StructureDoubt(span_of(each.words), reason))
        entries.append(entry)
    entries += _list_left_out(rules, quoted, spans)
    entries.sort(key=lambda entry: (_section_of(entry), entry.passage.raw_span))
    return Lists(tuple(entries), tuple(doubts))


def _section_of(entry: CriterionEntry) -> str:
    return entry.passage.section.name


def _make_entry(each: QuotedWords, rules: Sequence[CriterionEntry]) -> CriterionEntry:
    """Return the entry of quoted words. If the model names no list, it is that of the rules."""
    span = span_of(each.words)
    covering = next((one for one in rules if span_of(one.passage).overlaps(span)), None)
    borders = BORDERS
    if each.is_result:
        borders = _BORDERS_IN_RESULTS
    entry = CriterionEntry(
        each.words.alone(),
        each.kind,
        listed=False,
        case=_QUOTED,
        borders=borders,
        origin=Origin.MODEL,
    )
    if covering is None or covering.kind is None:
        return entry
    if each.kind is None:
        return replace(entry, kind=covering.kind)
    if each.kind is not covering.kind:
        return replace(entry, is_list_doubted=True)
    # two signs agree
    if span_of(covering.passage) == span:
        return replace(entry, borders=None, origin=Origin.BOTH)
    return entry


def _list_left_out(
    rules: Sequence[CriterionEntry],
    quoted: Sequence[QuotedWords],
    spans: Sequence[Span],
) -> Iterator[CriterionEntry]:
    """Yield the criteria of the rules that no quote states."""
    names_inclusion = any(each.kind is CriterionKind.INCLUSION for each in quoted)
    for entry in rules:
        # a sentence that is only suspected of being a criterion
        is_suspect = not entry.case
        is_guess = entry.case in NAMES_PEOPLE and names_inclusion
        is_repeated = any(_repeats(entry.passage, each.words) for each in quoted)
        if is_suspect or is_guess or is_repeated:
            continue
        if _says_more(entry.passage, spans):
            yield entry


def _repeats(words: Passage, quote: Passage) -> bool:
    """Return whether words say in another section what a quote says: an abstract repeats the text
    of its paper.
    """
    if words.section.name == quote.section.name:
        return False
    return are_alike(list_long_words(words), list_long_words(quote))


def _says_more(words: Passage, spans: Sequence[Span]) -> bool:
    """Return whether words say more than the quotes within them: "People with" before the quote
    "asthma" says nothing of its own, and "aged 18 to 70 years with" does.
    """
    span = span_of(words)
    quotes = [other for other in spans if other.overlaps(span)]
    if not quotes:
        return True
    rest = list(words.raw)
    for quote in quotes:
        for at in range(max(span.start, quote.start), min(span.end, quote.end)):
            rest[at - span.start] = " "
    left = "".join(rest)
    if any(character.isdigit() for character in left):
        return True
    return len(_WORD.findall(left)) > _MOST_LEFT
