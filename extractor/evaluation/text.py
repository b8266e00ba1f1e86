r"""Normalise texts for comparison: ignore white space, case and the registry's backslashes.

>>> fold_text("Platelets  \\> 50 x 10^9/L;")
'platelets > 50 x 10^9/l'
>>> measure_overlap("active infection", "any active infection")
0.8
"""

import re
from functools import lru_cache

from extractor.text.aliases import trim_event, unify

ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
"""A backslash that the registry put before punctuation."""
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[<>=≤≥%+]")
_WORD = re.compile(r"[^\W\d_]+")
_SMALL_WORDS = (
    "a an and any are at be by for from had has have in is least less level levels more most number of on or over per "
    "score serum than that the their to total value values was were with"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_AGE = dict.fromkeys(("aged", "old", "older", "year", "years", "younger"), "age")
_STEM, _ABBREVIATION = 4, 5
_TRADE_MARKS = dict.fromkeys(map(ord, "®™©"))


def fold_quote(text: str) -> str:
    r"""Normalise a text as the guideline does to compare quotes.

    >>> fold_quote("ECOG\n  \\<= 2")
    'ecog <= 2'
    """
    return " ".join(ESCAPE.sub("", text).split()).casefold()


@lru_cache(maxsize=2048)
def fold_text(text: str) -> str:
    """Normalise a text for scores: as ``fold_quote``, without trade marks and a final full stop, comma or semicolon."""
    return fold_quote(text.translate(_TRADE_MARKS)).rstrip(".,; ")


@lru_cache(maxsize=2048)
def fold_name(text: str) -> str:
    """Normalise a text for scores. A name of an agent or a measure becomes its usual name, "the date of" an event that
    event.

    >>> fold_name("MTX"), fold_name("The date of death from any cause.")
    ('methotrexate', 'death from any cause')
    """
    folded = fold_text(text)
    start, end = trim_event(folded)
    return fold_text(unify(folded[start:end]))


@lru_cache(maxsize=2048)
def _list_tokens(text: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(fold_text(text)))


def measure_overlap(one: str, other: str) -> float:
    """Return the Dice coefficient of the tokens, 0 to 1. Two texts without tokens overlap if they are equal."""
    first, second = _list_tokens(one), _list_tokens(other)
    if one == other or not first or not second:
        return float(fold_text(one) == fold_text(other))
    return 2 * len(first & second) / (len(first) + len(second))


def is_inside(part: str, whole: str) -> bool:
    """Whether a text is a proper part of another one, at word boundaries.

    >>> is_inside("no infection", "No infection, no fever"), is_inside("no fever", "no fever")
    (True, False)
    """
    short, long = fold_text(part), fold_text(whole)
    if not short or len(short) >= len(long) or short not in long:
        return False
    return re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long) is not None


def is_inside_either(one: str, other: str) -> bool:
    """Whether one of two texts is a proper part of the other."""
    return is_inside(one, other) or is_inside(other, one)


def may_name_one_thing(one: str, other: str) -> bool:
    """Whether two texts share a content word, its beginning, or an abbreviation. Texts without such words may.

    >>> may_name_one_thing("ANC", "absolute neutrophil count"), may_name_one_thing("aged", "Age of patients")
    (True, True)
    >>> may_name_one_thing("serum creatinine", "total bilirubin")
    False
    """
    if fold_name(one) == fold_name(other):
        return True
    first, second = (
        [_AGE.get(word, word) for word in _WORD.findall(fold_text(text)) if word not in _SMALL] for text in (one, other)
    )
    if not first or not second or any(_begin_alike(word, another) for word in first for another in second):
        return True
    return _abbreviates(first, "".join(second)) or _abbreviates(second, "".join(first))


def _begin_alike(one: str, other: str) -> bool:
    size = min(len(one), len(other), _STEM)
    return one == other or (size > 2 and one[:size] == other[:size])


def _abbreviates(words: list[str], letters: str) -> bool:
    """Whether a short word's letters occur in this order in the other text, from its first letter on."""
    short = (word for word in words if len(word) <= _ABBREVIATION and word[0] == letters[0])
    return any(re.search(".*".join(map(re.escape, word)), letters) for word in short)
