"""Where a quote stands in a text, allowing only differences that change nothing."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from extractor.text.clean import CleanText, clean_text

from .critical import ConflictKind, TokenConflict, compare_tokens
from .edges import find_cut, find_negation_before, is_clean_cut
from .fold import FoldedText, fold_clean, fold_text
from .nearest import Nearest, find_nearest

__all__ = ["QuoteCheck", "QuoteStatus", "locate_quote", "verify_quote"]


class QuoteStatus(StrEnum):
    """How a quote agrees with the text.

    - ``exact``: the same characters.
    - ``folded``: the same but for case, white space, escapes, damaged encoding, dashes, quotation marks,
      ligatures, other forms of a character.
    - ``conflict``: it nearly stands there, with another number, unit, comparator, negation, or other "and".
    - ``absent``: it does not stand there.
    """

    EXACT = "exact"
    FOLDED = "folded"
    CONFLICT = "conflict"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """The verdict on a quote; ``start:end`` are offsets into the text that was searched.

    Of a conflict, they are the passage that comes nearest to the quote, and ``conflicts`` are the tokens that differ.
    """

    status: QuoteStatus
    start: int | None = None
    end: int | None = None
    conflicts: tuple[TokenConflict, ...] = ()


_Place = tuple[int, int]


def verify_quote(quote: str, text: str, near: int | None = None) -> QuoteCheck:
    r"""Say whether ``quote`` stands in ``text``, and where.

    Of several places, the one nearest to the offset ``near`` is given, or else the first, an exact one
    before others. A quote never begins right behind the "no" or "not" that the text puts before it.

    >>> verify_quote("ECOG 0-2", "Adults with ECOG\n 0–2.")
    QuoteCheck(status=<QuoteStatus.FOLDED: 'folded'>, start=12, end=21, conflicts=())
    >>> check = verify_quote("ECOG 0-1", "Adults with ECOG 0-2.")
    >>> check.status.value, (check.start, check.end), [(c.kind.value, c.quoted, c.stated) for c in check.conflicts]
    ('conflict', (12, 20), [('number', '1', '2')])
    """
    folded = fold_text(text)
    wanted = clean_text(quote).text
    for form in _forms(wanted):
        places = list(_find_places(form, folded.cleaned, folded.folded))
        plain = [place for place in places if _contradict(wanted, folded.cleaned.text, place) is None]
        if plain:
            return _choose([folded.cleaned.raw_span(*place) for place in plain], quote, text, near)
        if places:
            return _report(wanted, folded, _nearest_to(near, places, folded.cleaned))
    return _report_nearest(wanted, folded, near)


def locate_quote(quote: str, cleaned: CleanText, start: int = 0, end: int | None = None) -> _Place | None:
    """First place of ``quote`` in ``cleaned.text[start:end]``, as offsets into ``cleaned.text``, or None.

    A quote never stands for a part of a word, a number, a comparator or a unit: "5 mg" does not stand in
    "15 mg", "-5 mg" or "5 mg/kg", and "= 5" not in ">= 5". It may be the name of what the text denies.
    """
    limit = len(cleaned.text) if end is None else end
    if literal := _find_literal(quote, cleaned.text, start, limit):
        return literal
    folded = fold_clean(cleaned.text)
    for form in _forms(clean_text(quote).text):
        for place in _find_places(form, cleaned, folded, start):
            if place[1] > limit:
                break
            return place
    return None


def _find_literal(quote: str, text: str, start: int, end: int) -> _Place | None:
    """The first place of the very characters, which costs no folding."""
    position = text.find(quote, start, end) if quote[:1].isalnum() else -1
    while position >= 0 and not is_clean_cut(text, position, position + len(quote)):
        position = text.find(quote, position + 1, end)
    return (position, position + len(quote)) if position >= 0 else None


# What a quote may be wrapped in, and the bullet that it may have kept or got.
_WRAPPING_BEFORE = re.compile(r"(?:[\s'\"*•…]|\.{3}|-\s|o\s(?=\s*[^\W\d]))*+")
_WRAPPING_BEHIND = " \t\n'\"*•….;:,"


def _forms(quote: str) -> Iterator[str]:
    """The cleaned quote, and the same without wrapping and closing punctuation."""
    yield quote
    wrapping = _WRAPPING_BEFORE.match(quote)
    bare = quote[wrapping.end() if wrapping else 0 :].rstrip(_WRAPPING_BEHIND)
    if bare != quote:
        yield bare


def _find_places(quote: str, cleaned: CleanText, folded: CleanText, start: int = 0) -> Iterator[_Place]:
    """Every place of a cleaned quote in a cleaned text, left to right, that cuts through nothing."""
    wanted = fold_clean(quote.strip()).text
    if not any(map(str.isalnum, wanted)):
        return
    position = folded.clean_position(start)
    while (position := folded.text.find(wanted, position)) >= 0:
        place = folded.raw_span(position, position + len(wanted))
        if _is_whole(folded, position, position + len(wanted)) and is_clean_cut(cleaned.text, *place):
            yield place
            position += len(wanted)
        else:
            position += 1


def _is_whole(folded: CleanText, *ends: int) -> bool:
    """Whether both ends lie beside, not inside, what stands for one character of the text."""
    for end in ends:
        piece = bisect_right(folded.starts, end) - 1
        if piece >= 0 and folded.starts[piece] < end < folded.ends[piece]:
            return False
    return True


def _choose(places: list[_Place], quote: str, text: str, near: int | None) -> QuoteCheck:
    def rank(place: _Place) -> tuple[int, bool]:
        return abs(place[0] - near) if near is not None else 0, text[place[0] : place[1]] != quote

    start, end = min(places, key=rank)
    status = QuoteStatus.EXACT if text[start:end] == quote else QuoteStatus.FOLDED
    return QuoteCheck(status, start, end)


# Units that are another unit in the other case: millimolar and millimetre, a million units and a thousandth.
_CASED = re.compile(r"(?<=\d)\s?(m[mM]|[mM]U)(?!\w)")


def _contradict(quote: str, text: str, place: _Place) -> TokenConflict | None:
    """What belies the quote though its words stand at a place of the cleaned text, or None."""
    if negation := find_negation_before(text, place[0]):
        return TokenConflict(ConflictKind.NEGATION, "", text[slice(*negation)])
    pairs = zip(_CASED.findall(quote), _CASED.findall(text[slice(*place)]), strict=False)
    return next((TokenConflict(ConflictKind.UNIT, *pair) for pair in pairs if pair[0] != pair[1]), None)


def _nearest_to(near: int | None, places: list[_Place], cleaned: CleanText) -> _Place:
    expected = cleaned.clean_position(near) if near is not None else 0
    return min(places, key=lambda place: abs(place[0] - expected))


def _report(quote: str, folded: FoldedText, place: _Place) -> QuoteCheck:
    """The conflict at a place where all words of the quote stand."""
    text = folded.cleaned.text
    conflict, negation = _contradict(quote, text, place), find_negation_before(text, place[0])
    start, end = folded.cleaned.raw_span(negation[0] if negation else place[0], place[1])
    return QuoteCheck(QuoteStatus.CONFLICT, start, end, (conflict,) if conflict else ())


def _report_nearest(quote: str, folded: FoldedText, near: int | None) -> QuoteCheck:
    wanted = fold_clean(quote.strip()).text
    expected = None if near is None else folded.folded.clean_position(folded.cleaned.clean_position(near))
    nearest = find_nearest(wanted, folded.folded.text, expected)
    if nearest is None or nearest.shared < len(nearest.differences):
        return QuoteCheck(QuoteStatus.ABSENT)
    conflicts = tuple(_list_conflicts(nearest, wanted, folded))
    if not conflicts:
        return QuoteCheck(QuoteStatus.ABSENT)
    return QuoteCheck(QuoteStatus.CONFLICT, *folded.raw_span(nearest.start, nearest.end), conflicts)


def _list_conflicts(nearest: Nearest, quote: str, folded: FoldedText) -> Iterator[TokenConflict]:
    for difference in nearest.differences:
        quoted, stated = quote[slice(*difference.quoted)], folded.folded.text[slice(*difference.stated)]
        if kind := compare_tokens(quoted, stated):
            yield TokenConflict(kind, quoted, stated)
    if not nearest.differences and (cut := _find_cut(nearest, folded)):
        yield cut


def _find_cut(nearest: Nearest, folded: FoldedText) -> TokenConflict | None:
    """What the text has beside the quote's words and cannot be left out: "/kg" behind "5 mg"."""
    cut = find_cut(folded.cleaned.text, *folded.clean_span(nearest.start, nearest.end))
    if not cut:
        return None
    kinds = {"/": ConflictKind.UNIT} | dict.fromkeys("<>=≤≥", ConflictKind.COMPARATOR)
    return TokenConflict(kinds.get(cut[0], ConflictKind.NUMBER), "", cut)
