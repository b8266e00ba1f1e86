"""Where a text uses any of many terms, found by the words that they begin with."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from .words import find_words, fold_spaces

__all__ = ["WORD_START", "TermTable", "write_expression"]

T = TypeVar("T")

WORD_START = r"(?<![^\W\d])"
"""A letter may follow a digit: "14days", "5mg"."""

_PIECES = re.compile(r"\w+|[^\w\s-]+")
_WIDE = "  "
_NONE: tuple[int, ...] = ()
_SIGN = ""
"""The first word of terms that begin with a sign."""


class TermTable(Generic[T]):
    """Terms, each with its meaning; a search costs what the text's length costs.

    A term of words alone is looked up in a table. Where a first word has terms with signs ("i.v."), and where white
    space is wide, all terms of that word are tried as one expression, compiled when it is first needed.

    >>> sorted(TermTable([("free survival", 1), ("survival", 2), ("IV", 3)]).find("Free  survival or iv"))
    [(0, 14, 1), (6, 14, 2)]
    """

    def __init__(self, terms: Iterable[tuple[str, T]]) -> None:
        self._by_word: dict[str, list[tuple[str, T]]] = {}
        # Longer terms first, so that "progression free survival" wins over "survival".
        for term, meaning in sorted(terms, key=lambda pair: -len(pair[0])):
            self._by_word.setdefault(_first_word(term), []).append((term, meaning))
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._plain: dict[str, list[tuple[str | None, T]]] = {}
        for word, group in self._by_word.items():
            if all(map(self._is_plain, (term for term, _ in group))):
                self._enter(word, group)
        self._compiled: dict[str, tuple[re.Pattern[str], list[T]]] = {}

    def find(self, text: str) -> list[tuple[int, int, T]]:
        """Half-open places of terms, each with its meaning, in no order; of those that begin together the longest."""
        words = find_words(text)
        found = []
        if hits := self._by_word.keys() & words.keys():
            flat = fold_spaces(text)
            is_wide = _WIDE in flat
            for word in hits:
                lengths = self._lengths.get(word, _NONE)
                for place in words[word]:
                    if not lengths or (is_wide and _WIDE in flat[place : place + lengths[0]]):
                        found += self._try_expression(text, word, place)
                        continue
                    for length in lengths:  # the longest first
                        known = self._plain.get(flat[place : place + length])
                        if known and (chosen := self._choose(text, place, place + length, known)):
                            found.append(chosen)
                            break
        if _SIGN in self._by_word:
            expression, meanings = self._alternatives(_SIGN)
            found += [(m.start(), m.end(), meanings[(m.lastindex or 1) - 1]) for m in expression.finditer(text)]
        return found

    def _try_expression(self, text: str, word: str, place: int) -> list[tuple[int, int, T]]:
        expression, meanings = self._alternatives(word)
        found = expression.match(text, place)
        return [(place, found.end(), meanings[(found.lastindex or 1) - 1])] if found else []

    def _choose(
        self, text: str, start: int, end: int, known: Sequence[tuple[str | None, T]]
    ) -> tuple[int, int, T] | None:
        """The first of the terms of that spelling that stands there."""
        if end > len(text) or not self._stands_alone(text, start, end):
            return None
        for capitals, meaning in known:
            if capitals is None or fold_spaces(text[start:end], lower=False) == capitals:
                return start, end, meaning
        return None

    def _stands_alone(self, text: str, start: int, end: int) -> bool:
        """Whether ``text[start:end]``, which begins a word, is no part of a longer one."""
        before, after = text[start - 1 : start], text[end : end + 1]
        if after.isalnum() or "_" in {before, after}:
            return False
        return not (before.isalnum() and text[start].isdecimal())

    def _is_plain(self, term: str) -> bool:
        pieces: list[str] = _PIECES.findall(term)
        return all(map(str.isalnum, pieces))

    def _enter(self, word: str, group: Iterable[tuple[str, T]]) -> None:
        lengths = set()
        for term, meaning in group:
            spelled = " ".join(_PIECES.findall(term))
            self._plain.setdefault(spelled.lower(), []).append((spelled if _keeps_capitals(term) else None, meaning))
            lengths.add(len(spelled))
        self._lengths[word] = tuple(sorted(lengths, reverse=True))

    def _alternatives(self, word: str) -> tuple[re.Pattern[str], list[T]]:
        if word not in self._compiled:
            terms = self._by_word[word]
            expressions = (f"({write_expression(term)})" for term, _ in terms)
            self._compiled[word] = re.compile("|".join(expressions), re.IGNORECASE), [meaning for _, meaning in terms]
        return self._compiled[word]


def _first_word(term: str) -> str:
    """The key of a term in the table: its first letters or digits, "" if it begins with a sign."""
    return next((word for word, places in find_words(term).items() if places[0] == 0), _SIGN)


def _keeps_capitals(term: str) -> bool:
    """Whether a term is an abbreviation that matches in capitals only.

    >>> _keeps_capitals("IV"), _keeps_capitals("RECIST"), _keeps_capitals("iv")
    (True, False, False)
    """
    return term.isupper() and len(re.sub(r"\W", "", term)) <= 4


def write_expression(term: str) -> str:
    """The expression of a term, without groups, to be compiled with ``re.IGNORECASE``."""
    pieces: list[str] = _PIECES.findall(term)
    body = re.escape(pieces[0])
    for before, piece in pairwise(pieces):
        body += (r"[\s-]+" if before.isalnum() and piece.isalnum() else r"[\s-]*") + re.escape(piece)
    if _keeps_capitals(term):
        body = f"(?-i:{body})"
    return _EDGES[_kind(term[0])][0] + body + _EDGES[_kind(term[-1])][1]


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "letter" if character.isalpha() else "sign"


# What may not stand in front of a term, and behind it, by the kind of its first, and its last, character.
_EDGES: dict[str, tuple[str, str]] = {
    "digit": (r"(?<!\w)", r"(?!\w)"),
    "letter": (WORD_START, r"(?!\w)"),
    "sign": ("", ""),
}
