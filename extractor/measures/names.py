"""Names of quantities: how to normalise their words, and how to find them in a text."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from extractor.language.book import read_table, word_list

_GREEK = str.maketrans({"α": "alpha ", "β": "beta ", "γ": "gamma ", "δ": "delta "})
_QUOTES = str.maketrans("", "", "'’")
_WORD = re.compile(r"[a-z0-9]+")
_SPACES = re.compile(r"[ \n\t,;]{2,}")
"""A run between words, as is left of a list whose items are masked."""
_PLURAL = re.compile(r"(?<=\w{4})(?<![sui])s$|(?<=\w\w)(?P<y>ie)s$")
"""The ending of a plural, as in "levels", but not in "mass", "status" or "pelvis"."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_LONGEST_GAP = 4
"""Maximum number of words that a ``*`` in a name can match."""

NameWords = tuple[str, ...]


@lru_cache(maxsize=4096)
def spell_words(text: str) -> NameWords:
    """Return the words of a name in lower case, in American spelling and in the singular, without
    accents.

    >>> spell_words("Sjögren's visual-analogue scales")
    ('sjogren', 'visual', 'analog', 'scale')
    """
    text = _SPACES.sub(" ", text)
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_GREEK))
    plain = [letter for letter in folded if not unicodedata.combining(letter)]
    spelled = "".join(plain).translate(_QUOTES)
    for british, american in read_table("measures")["spelling"].items():
        spelled = spelled.replace(british, american)
    return tuple(
        _PLURAL.sub(lambda ending: "y" if ending["y"] else "", word)
        for word in _WORD.findall(spelled)
    )


@lru_cache(maxsize=4096)
def fold_words(text: str) -> NameWords:
    """Return the words of a name as ``spell_words`` does, but without filler words ("the",
    "level").

    >>> fold_words("the Haemoglobin levels"), fold_words("FEV1/FVC")
    (('hemoglobin',), ('fev1', 'fvc'))
    """
    fillers = word_list("quantity_fillers")
    return tuple(word for word in spell_words(text) if word not in fillers)


@cache
def _index() -> Mapping[str, list[tuple[NameWords, str]]]:
    """Index the names of all quantities by their first word, as (words, quantity) pairs with the
    longest name first. The words are folded; a "*" among them stands for a gap.
    """
    index: dict[str, list[tuple[NameWords, str]]] = {}
    for quantity, fields in read_table("quantity_names").items():
        for name in fields.get("names", ()):
            words: list[str] = []
            for part in name.split():
                if part == "*":
                    words.append(part)
                else:
                    words += fold_words(part)
            index.setdefault(words[0], []).append((tuple(words), quantity))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return index


class PlacedName(NamedTuple):
    """The words ``first:end`` of a sequence of words, which name a quantity."""

    first: int
    end: int
    quantity: str


def find_names(words: Sequence[str]) -> Iterator[PlacedName]:
    """Yield the name of each quantity in a sequence of folded words, from left to right. At each
    position, only the longest name is matched.

    >>> [name.quantity for name in find_names(fold_words("serum AST or bilirubin"))]
    ['ast', 'total_bilirubin']
    """
    at = 0
    while at < len(words):
        end = at
        for name, quantity in _index().get(words[at], ()):
            end = _match(name, words, at)
            if end > at:
                yield PlacedName(at, end, quantity)
                break
        at = max(at + 1, end)


def _match(name: NameWords, words: Sequence[str], at: int) -> int:
    """Return the end of a name that begins at word ``at``, or ``at`` itself if the name does not
    begin there. A ``*`` in the name matches up to four words.
    """
    if "*" not in name:
        end = at + len(name)
        if tuple(words[at:end]) == name:
            return end
        return at
    gap = name.index("*")
    rest = name[gap + 1 :]
    middle = at + gap
    if tuple(words[at:middle]) != name[:gap]:
        return at
    for start in range(middle, middle + _LONGEST_GAP + 1):
        end = start + len(rest)
        if tuple(words[start:end]) == rest:
            return end
    return at
