"""Of which quantity a number is said: in "ANC >= 1.5, platelets >= 100" the 100 is said of platelets."""

import re

from extractor.parse.vocabulary import load_vocabulary

from .numerals import find_numbers
from .unit_words import is_unit_word

__all__ = ["is_said_of"]

_WORD = re.compile(r"[^\W\d_]{3,}")
_FILLERS = frozenset(
    {
        "and",
        "but",
        "also",
        "the",
        "than",
        "equal",
        "with",
        "for",
        "not",
        "nor",
        "more",
        "less",
        "least",
        "most",
        "greater",
        "higher",
        "lower",
        "above",
        "below",
        "over",
        "under",
        "within",
        "between",
        "minimum",
        "maximum",
        "inclusive",
        "old",
        "age",
        "aged",
        "either",
        "both",
        "normal",
        "predicted",
        "upper",
        "limit",
        "baseline",
    }
)


def is_said_of(text: str, subject: tuple[int, int], place: tuple[int, int]) -> bool:
    """Whether no other quantity with its own number and comparator stands between a quantity and a number.

    >>> text = "ANC >= 1.5, platelets >= 100, bilirubin < 2"
    >>> [is_said_of(text, (12, 21), place) for place in ((25, 28), (42, 43))]
    [True, False]
    """
    start, end = (subject[1], place[0]) if subject[1] <= place[0] else (place[1], subject[0])
    between = text[start:end] if start < end else ""
    numbers = sorted((found[1], found[2]) for found in find_numbers(between))
    compared = [match.start for match in load_vocabulary("comparators").find(between)]
    # The first number of the stretch is another's if it is compared and a new subject follows it.
    own = next((number for number in numbers if any(place < number[0] for place in compared)), None)
    return own is None or not any(map(_is_subject, _WORD.findall(between[own[1] :])))


def _is_subject(word: str) -> bool:
    return word.lower() not in _FILLERS and not is_unit_word(word)
