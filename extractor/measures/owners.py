"""Whose a chosen value is: the quantity and condition of a limit, what a window limits and its
anchor; and the words of the clause that nothing explains.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from extractor.language.book import rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.measures.grammar import Chart, Span

_SHORTEST_WORD = 3
_LONGEST_NAME = 10
_STOP_LISTS = ("function_words", "quantity_fillers", "people", "idle_words")
_EXPLAINING = (
    "quantity", "scale", "comparator", "suffix", "back", "lasting", "before", "after",
    "gap", "people", "normal", "of_age", "negation", "unit", "time", "duration",
)  # fmt: skip
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Owner:
    """The tokens that name what is limited. ``is_known``: the vocabulary has it."""

    first: int
    end: int
    is_known: bool


def find_quantity(
    chart: Chart, tokens: Tokens, clause: Range, value: Span
) -> Owner | None:
    """Return the quantity of a limit: known, in the limit, before or behind it; or the words
    beside it. ``clause`` is where it may be.
    """
    first, end = clause
    scales = [part for part in value.parts if part.kind in ("scale", "quantity")]
    if scales:
        return Owner(scales[0].first, scales[0].end, is_known=True)
    known = [one for one in chart.all("quantity") if first <= one.first < end]
    words = _find_words_before(tokens, first, value.first)
    before = [one for one in known if one.first < value.end]
    if before:
        place = before[-1].first, before[-1].end
        if words and words[0] <= place[0] and words[1] - words[0] <= _LONGEST_NAME:
            place = words
        return Owner(*place, is_known=True)
    behind = [one for one in known if 0 <= one.first - value.end <= 2]
    if behind:
        return Owner(behind[0].first, behind[0].end, is_known=True)
    noun = rule("counted_noun").starts(tokens, value.end, end)
    if noun and not (words and _has_unit(value)):
        return Owner(*noun.place("noun"), is_known=False)
    if words:
        return Owner(max(words[0], words[1] - _LONGEST_NAME), words[1], is_known=False)
    return None


def _find_words_before(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the words before a limit that may name its quantity; None if none has content."""
    while link := rule("bound_link").starts(tokens, first, end):
        first = link.end
    words = _trim(tokens, first, end, "quantity_lead", "quantity_tail")
    if words is None or not any(map(_is_content, tokens.words[slice(*words)])):
        return None
    return words


def _has_unit(value: Span) -> bool:
    return value.value[-1].amount.unit is not None


def _trim(tokens: Tokens, first: int, end: int, lead: str, tail: str) -> Range | None:
    """Return a range without the words at its ends that name nothing; None if none is left."""
    while first < end and (found := rule(lead).starts(tokens, first, end)):
        if found.end == first:
            break
        first = found.end
    while first < end and (found := rule(tail).ends(tokens, end)):
        if found.first >= end or found.first < first:
            break
        end = found.first
    return (first, end) if first < end else None


def find_condition(tokens: Tokens, end_of_value: int, end: int) -> Range | None:
    """Return the words behind a limit that say to whom or when it applies."""
    gap = rule("condition_gap").starts(tokens, end_of_value, end)
    at = gap.end if gap else end_of_value
    opening = rule("condition_opening").starts(tokens, at, end)
    if opening is None:
        return None
    stop = rule("condition_stop").search(tokens, opening.end, end)
    return at, stop.first if stop else end


def find_people(chart: Chart, tokens: Tokens, first: int, value: Span) -> Range | None:
    """Return the people directly before a limit, or before a colon, to whom it applies: "Men: >
    12 g/dL".
    """
    prefix = rule("condition_prefix").search(tokens, first, value.first)
    if prefix:
        return prefix.place("words")
    for people in chart.all("people"):
        is_before = first <= people.first and people.end <= value.first
        is_labelled = tokens.codes[people.end : people.end + 1] == ":"
        if is_before and (is_labelled or people.end == value.first):
            return people.first, people.end
    return None


def find_anchor(tokens: Tokens, end_of_time: int, end: int) -> Range | None:
    """Return the words that name the moment from which a window counts."""
    found = rule("window_anchor_words").starts(tokens, end_of_time, end)
    if found is None:
        return None
    first, last = found.place("words")
    return first, min(last, end)


def find_limited(
    tokens: Tokens, clause: Range, window: Span, end_of_anchor: int
) -> Range | None:
    """Return the words of what a window limits: before it, or behind it and its anchor."""
    first, end = clause
    cuts = [cut.end for cut in rule("limited_cut").find(tokens, first, window.first)]
    for start in (max(cuts, default=first), first):
        words = _trim(tokens, start, window.first, "limited_lead", "limited_tail")
        if words and not rule("limited_nothing").covers(tokens, *words):
            return words
    stop = rule("limited_stop").search(tokens, end_of_anchor, end)
    last = stop.first if stop else end
    return _trim(tokens, end_of_anchor, last, "limited_lead", "limited_tail")


@cache
def _list_idle_words() -> frozenset[str]:
    return frozenset[str]().union(*map(word_list, _STOP_LISTS))


def list_unexplained(
    chart: Chart, clause: Passage, explained: Iterable[Range]
) -> tuple[str, ...]:
    """Return the content words of a clause that are in no span and no explained range."""
    covered: set[int] = set()
    ranges = [(span.first, span.end) for span in chart.all(*_EXPLAINING)]
    persons = rule("persons").find(clause.tokens, clause.first, clause.end)
    ranges += [(found.first, found.end) for found in persons]
    for first, end in (*ranges, *explained):
        covered.update(range(first, end))
    return tuple(
        word
        for at in range(clause.first, clause.end)
        if at not in covered and _is_content(word := clause.tokens.words[at])
    )


def _is_content(word: str) -> bool:
    is_word = word[0].isalpha() and len(word) >= _SHORTEST_WORD
    folded = word.lower()
    return is_word and not {folded, folded.removesuffix("s")} & _list_idle_words()
