"""Words that decide what a statement says: negations, comparators, numbers, units, times, and/or."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from extractor.text.book import terms_of
from extractor.text.numbers import read_number, read_time_unit

__all__ = ["ConflictKind", "Meaning", "TokenConflict", "compare_tokens", "read_meaning"]


class ConflictKind(StrEnum):
    """What kind of token a quote has otherwise than the text.

    ``course`` is a word whose opposite is as likely: increase or decrease, inclusion or exclusion.
    """

    NEGATION = "negation"
    COMPARATOR = "comparator"
    NUMBER = "number"
    UNIT = "unit"
    TIME_UNIT = "time_unit"
    CONJUNCTION = "conjunction"
    COURSE = "course"


@dataclass(frozen=True, slots=True)
class TokenConflict:
    """One critical token: as the quote has it, and as the text has it. Empty where that side has none."""

    kind: ConflictKind
    quoted: str
    stated: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a critical token stands for: two tokens with one meaning do not contradict each other."""

    kind: ConflictKind
    value: str | float


_COUNTS = {"once": 1, "twice": 2, "thrice": 3}
_RATES = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_PREFIXES = ("non", "un", "in", "im", "ir", "dis", "anti", "a")


def compare_tokens(quoted: str, stated: str) -> ConflictKind | None:
    """The kind of contradiction between two folded tokens, of which one may be empty; None if there is none.

    >>> pairs = ("8", "9"), ("two", "2"), ("", "not"), ("stable", "unstable"), ("a", "the")
    >>> [kind and kind.value for kind in (compare_tokens(*pair) for pair in pairs)]
    ['number', None, 'negation', 'negation', None]
    """
    meanings = read_meaning(quoted), read_meaning(stated)
    if meanings[0] == meanings[1]:
        return ConflictKind.NEGATION if _is_negated(quoted, stated) else None
    return next((meaning.kind for meaning in reversed(meanings) if meaning), None)


@lru_cache(maxsize=4096)
def read_meaning(token: str) -> Meaning | None:
    """What a folded token stands for, or None if nothing hangs on it.

    >>> read_meaning("weeks") == read_meaning("wk"), read_meaning("patients")
    (True, None)
    """
    number = _COUNTS.get(token, read_number(token)) if token else None
    if number is not None or any(map(str.isdigit, token)):
        return Meaning(ConflictKind.NUMBER, token if number is None else number)
    unit = read_time_unit(_RATES.get(token, token))
    return Meaning(ConflictKind.TIME_UNIT, unit) if unit else _WORDS.get(token)


def _is_negated(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) > 3 and any(long == prefix + short for prefix in _PREFIXES)


def _list_words() -> Iterator[tuple[str, Meaning]]:
    for entry in terms_of("limit_units"):
        yield from ((t.lower(), Meaning(ConflictKind.UNIT, t.lower())) for t in entry.terms if t.isalpha())
    for entry in terms_of("dose_units"):
        yield from ((t.lower().replace("μ", "u"), Meaning(ConflictKind.UNIT, entry.value)) for t in entry.terms)
    yield from ((t, Meaning(ConflictKind.UNIT, t)) for t in ("%", "uln", "lln", "x"))
    table = tomllib.loads((files(__package__) / "critical_words.toml").read_text("utf-8"))
    for kind in table["kind"]:
        values = {word: group[0] for group in kind["same"] for word in group}
        yield from ((w, Meaning(ConflictKind(kind["name"]), values.get(w, w))) for w in kind["words"])


_WORDS = dict(_list_words())
