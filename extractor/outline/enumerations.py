"""Cut the list within a sentence into its parts: "pregnancy, smoking, and an attack"."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from extractor.language.book import rule
from extractor.language.passage import Passage, strip_span

_OPENING = "(["
_CLOSING = ")]"
_EDGES = " .,;:\n"
_LEAST_COMMAS = 2
"""Number of commas that divide a list without "and"."""


def split_enumeration(text: Passage, *, cuts_pair: bool = True) -> list[Passage]:
    """Return the parts of a list within a sentence, without the signs and words that only join
    them: of numbered parts, of those that semicolons separate, or of those that commas separate. A
    text that is no list is its only part.

    ``cuts_pair`` means that "and" alone divides a list of two parts.

    >>> from extractor.language.passage import read_passage
    >>> text = read_passage(
    ...     "serum ferritin (as a share), fatigue, and safety and tolerability."
    ... )
    >>> [part.text for part in split_enumeration(text)]
    ['serum ferritin (as a share)', 'fatigue', 'safety and tolerability']
    """
    numbered = _cut_at_enumerators(text)
    if len(numbered) > 1:
        return numbered
    by_semicolons = _cut(text, _list_signs(text, ";"))
    if len(by_semicolons) > 1:
        return by_semicolons
    commas = [
        at
        for at in _list_signs(text, ",")
        if rule("goes_on_behind_comma").starts(text.tokens, at + 1, text.end) is None
    ]
    if not commas:
        if cuts_pair:
            return _cut_pair(text)
        return _cut(text, ())
    last = text.part(commas[-1] + 1, text.end)
    is_joined = rule("joins_list_parts").starts(last.tokens, last.first, last.end)
    if is_joined:
        return _cut(text, commas)
    pair = _cut_pair(last)
    if len(pair) > 1:
        return [*_cut(text.part(text.first, commas[-1]), commas[:-1]), *pair]
    if len(commas) < _LEAST_COMMAS:
        return _cut(text, ())
    return _cut(text, commas)


def _cut_at_enumerators(text: Passage) -> list[Passage]:
    """Return the parts behind "(1)", "(2)"; the whole text if there are no two of them."""
    marks = list(rule("enumerator").find(text.tokens, text.first, text.end))
    if len(marks) < _LEAST_COMMAS:
        return [text]
    ends = [mark.first for mark in marks[1:]]
    parts = [
        _trim(text.part(mark.end, end))
        for mark, end in zip(marks, [*ends, text.end], strict=True)
    ]
    # "pain (1) and sleep (2)": the numbers stand behind the parts
    if not all(part.first < part.end for part in parts):
        return [text]
    front = _trim(text.part(text.first, marks[0].first))
    if front.first < front.end:
        return [text]
    return parts


def _list_signs(text: Passage, sign: str) -> list[int]:
    """Return the places of a sign outside brackets."""
    return [at for at in _list_outside(text) if text.tokens.codes[at] == sign]


def _list_outside(text: Passage) -> Iterator[int]:
    """Yield the tokens that are outside brackets."""
    depth = 0
    for at in range(text.first, text.end):
        code = text.tokens.codes[at]
        if code in _OPENING:
            depth += 1
        elif code in _CLOSING:
            depth = max(0, depth - 1)
        elif depth == 0:
            yield at


def _cut_pair(text: Passage) -> list[Passage]:
    """Return the two parts that "and" joins; the whole text if there is no such "and", or if the
    words name one thing.
    """
    # the tokens at which the words may be cut
    open_places = set(_list_outside(text))
    for match in rule("one_thing_with_and").find(text.tokens, text.first, text.end):
        open_places -= set(range(match.first, match.end))
    joins = [
        match
        for match in rule("joins_pair").find(text.tokens, text.first, text.end)
        if match.first in open_places
    ]
    if len(joins) > 1:
        # of several, one behind a bracket divides: "falls (harms) and changes in gait and mood"
        codes = text.tokens.codes
        joins = [match for match in joins if codes[match.first - 1] == ")"]
    if len(joins) != 1:
        return _cut(text, ())
    parts = _cut(text, [joins[0].first])
    if len(parts) > 1:
        return parts
    return [_trim(text)]


def _cut(text: Passage, places: Sequence[int]) -> list[Passage]:
    """Return the parts between places, without the signs and words that join them."""
    parts = []
    for first, end in pairwise([text.first, *places, text.end]):
        part = _trim(text.part(first, end))
        if part.first < part.end:
            parts.append(part)
    return parts or [text]


def _trim(text: Passage) -> Passage:
    """Return a part without the signs and words that only join it to others."""
    codes = text.tokens.codes
    first, end = strip_span(codes, text.first, text.end, _EDGES)
    while first < end:
        match = rule("adds_part").starts(text.tokens, first, end)
        if match is None:
            break
        first, end = strip_span(codes, match.end, end, _EDGES)
    while first < end:
        match = rule("joins_list_parts").ends(text.tokens, end, first)
        if match is None:
            break
        first, end = strip_span(codes, first, match.first, _EDGES)
    return text.part(first, end)
