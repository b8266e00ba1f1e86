"""Where the words of a text stand: looked up once, and asked by every vocabulary and grammar.

Most expressions can only match where one of a few words, or a number, begins. Asking the table of words
first keeps them from being tried at every character.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .memory import remember

__all__ = ["PlainTwin", "find_at", "find_starts", "find_words", "fold_spaces", "lower_in_place", "places_of"]


class PlainTwin:
    r"""An expression, and the same for plain text (ASCII), which is far faster: most texts are plain.

    >>> PlainTwin(r"\d+", r"[0-9]+").of("day 1").findall("day 1")
    ['1']
    """

    def __init__(self, expression: str, plain: str) -> None:
        self._any, self._plain = re.compile(expression), re.compile(plain)

    def of(self, text: str) -> re.Pattern[str]:
        """The expression to use for a text."""
        return self._plain if text.isascii() else self._any


_WORD = PlainTwin(r"[^\W\d_]+|\d+", "[a-z]+|[0-9]+")
_SPACES = "-\n\t\r\f\v\u00a0"
_START = PlainTwin(r"[^\W\d_]+|\d+|[^\w\s]", r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9_\s]")


@remember
def find_words(text: str) -> Mapping[str, Sequence[int]]:
    """The runs of letters, and of digits, in lower case, each with the places where it begins.

    >>> dict(find_words("Day 1 or day 15mg"))
    {'day': [0, 9], '1': [4], 'or': [6], '15': [13], 'mg': [15]}
    """
    places: dict[str, list[int]] = {}
    folded = lower_in_place(text)
    for found in _WORD.of(folded).finditer(folded):
        word = found[0]
        if word in places:
            places[word].append(found.start())
        else:
            places[word] = [found.start()]
    return places


def fold_spaces(text: str, *, lower: bool = True) -> str:
    r"""The text in lower case with a space for each sign of space or hyphen: every character stays in its place.

    >>> fold_spaces("Non-small\tCell")
    'non small cell'
    """
    for sign in _SPACES:
        if sign in text:
            text = text.replace(sign, " ")
    return lower_in_place(text) if lower else text


def lower_in_place(text: str) -> str:
    """The text in lower case: every character stays in its place, also the one capital that would become two.

    >>> lower_in_place("HİV"), len("HİV".lower())
    ('hiv', 4)
    """
    folded = text.lower()
    return folded if len(folded) == len(text) else "".join(one.lower()[0] for one in text)


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
    return (found.start() for found in _START.of(text).finditer(text, start, end))


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
