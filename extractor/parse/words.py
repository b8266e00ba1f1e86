"""Where the words of a text stand: looked up once, and asked by every vocabulary and grammar.

Most expressions can only match where one of a few words, or a number, begins. Asking the table of words
first keeps them from being tried at every character.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .memory import remember

__all__ = ["find_at", "find_starts", "find_words", "fold_spaces", "places_of"]

_WORD = re.compile(r"[^\W\d_]+|\d+")
_SPACES = "-\n\t\r\f\v\u00a0"
_START = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")


@remember
def find_words(text: str) -> Mapping[str, Sequence[int]]:
    """The runs of letters, and of digits, in lower case, each with the places where it begins.

    >>> dict(find_words("Day 1 or day 15mg"))
    {'day': [0, 9], '1': [4], 'or': [6], '15': [13], 'mg': [15]}
    """
    places: dict[str, list[int]] = {}
    for found in _WORD.finditer(text):
        places.setdefault(found[0].lower(), []).append(found.start())
    return places


def fold_spaces(text: str, *, lower: bool = True) -> str:
    r"""The text in lower case with a space for each sign of space or hyphen: every character stays in its place.

    >>> fold_spaces("Non-small\tCell")
    'non small cell'
    """
    for sign in _SPACES:
        if sign in text:
            text = text.replace(sign, " ")
    folded = text.lower() if lower else text
    return folded if len(folded) == len(text) else "".join(one if len(one.lower()) > 1 else one.lower() for one in text)


def places_of(words: Iterable[str], text: str) -> list[int]:
    """Where any of the words begins, in order.

    >>> places_of(("every", "each"), "each day, every week")
    [0, 10]
    """
    table = find_words(text)
    return sorted(place for word in words if word in table for place in table[word])


def find_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Where a word, a number or a sign begins, in order: what begins with one need not be tried elsewhere.

    >>> list(find_starts("at least >= 5mg", 3, 13))
    [3, 9, 10, 12]
    """
    return (found.start() for found in _START.finditer(text, start, end))


def find_at(expression: re.Pattern[str], text: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """The matches that begin at the ``places``, which are in order; without overlaps, as ``finditer`` gives them.

    >>> [found[0] for found in find_at(re.compile("[a-z]+ [a-z]+"), "as soon as day one", (0, 3, 8))]
    ['as soon', 'as day']
    """
    done = 0
    for place in places:
        if place >= done and (found := expression.match(text, place)):
            yield found
            done = found.end()
