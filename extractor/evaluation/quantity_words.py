"""Whether two texts can name one quantity: the check that finds a right number on a wrong quantity."""

import re

from .fold import fold_text

__all__ = ["may_name_one_thing"]

_WORD = re.compile(r"[^\W\d_]+")
_SMALL_WORDS = (
    "a an and any are at be by for from had has have in is least less level levels more most number of on or over per "
    "score serum than that the their to total value values was were with"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_AGE = dict.fromkeys(("aged", "old", "older", "year", "years", "younger"), "age")
_STEM, _ABBREVIATION = 4, 5


def may_name_one_thing(one: str, other: str) -> bool:
    """Whether two texts share a content word, its beginning, or an abbreviation. Texts without such words may.

    >>> may_name_one_thing("ANC", "absolute neutrophil count"), may_name_one_thing("aged", "Age of patients")
    (True, True)
    >>> may_name_one_thing("serum creatinine", "total bilirubin")
    False
    """
    first, second = _list_words(one), _list_words(other)
    if not first or not second:
        return True
    if any(_begin_alike(word, another) for word in first for another in second):
        return True
    return _abbreviates(first, "".join(second)) or _abbreviates(second, "".join(first))


def _list_words(text: str) -> list[str]:
    return [_AGE.get(word, word) for word in _WORD.findall(fold_text(text)) if word not in _SMALL]


def _begin_alike(one: str, other: str) -> bool:
    size = min(len(one), len(other), _STEM)
    return one == other or (size > 2 and one[:size] == other[:size])


def _abbreviates(words: list[str], letters: str) -> bool:
    """Whether one of the words is made of the letters of another text, in their order, from its first one on."""
    return any(len(word) <= _ABBREVIATION and word[0] == letters[0] and _is_spelt(word, letters) for word in words)


def _is_spelt(word: str, letters: str) -> bool:
    left = iter(letters)
    return all(letter in left for letter in word)
