r"""Fold texts and scale quantities, so that different spellings of a value compare equal.

>>> fold_text("Platelets  \\> 50 x 10^9/L;")
'platelets > 50 x 10^9/l'
>>> measure_overlap("active infection", "any active infection")
0.8
"""

import re
from collections.abc import Callable
from functools import lru_cache

from extractor.face import (
    find_dimension,
    find_substance,
    read_unit,
    trim_event,
    unify,
    word_set,
)

ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
"""A backslash that the registry has inserted before punctuation."""
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[<>=≤≥%+]")
"""A number, a word, or one of the signs that change the meaning of a text."""
_TRADE_MARKS = dict.fromkeys(map(ord, "®™©"))
_ABBREVIATION = re.compile(r"(?<=\w) ?\([A-Z][A-Za-z]{0,5}[A-Z]s?\)$")
"""An abbreviation in brackets at the end of a name: "(CSF)"."""
_FUNCTION_WORDS = word_set(
    "a an the of in on at to for from by with within into during since until before after prior"
)
"""Articles and prepositions."""
_OF_AGE = re.compile(r"(?<![\s-])[\s-]*(?:of\s+age|old)$")
"""Words after a unit of age: "years of age"."""
_MONTHS = {"mo": 1.0, "a": 12.0}
"""The number of months in a UCUM unit. Months are a separate base unit because they do not have a
fixed number of days.
"""
_ANNOTATION = re.compile(r"\{[^{}]*\}")
"""An annotation in a UCUM code: "{ULN}"."""


def fold_quote(text: str) -> str:
    r"""Fold a quote as the guideline prescribes: single spaces, lower case, and no escapes.

    >>> fold_quote("ECOG\n  \\<= 2")
    'ecog <= 2'
    """
    return " ".join(ESCAPE.sub("", text).split()).casefold()


@lru_cache(maxsize=2048)
def fold_text(text: str) -> str:
    """Fold a text as ``fold_quote`` does, and also remove trademark symbols and closing
    punctuation.
    """
    return fold_quote(text.translate(_TRADE_MARKS)).rstrip(".,; ")


@lru_cache(maxsize=2048)
def fold_name(text: str) -> str:
    """Fold the name of an agent, a measure or an event to its usual name.

    >>> (
    ...     fold_name("MTX"),
    ...     fold_name("The date of death from any cause."),
    ...     fold_name("cerebrospinal fluid (CSF)"),
    ... )
    ('methotrexate', 'death from any cause', 'cerebrospinal fluid')
    """
    folded = fold_text(_ABBREVIATION.sub("", text))
    start, end = trim_event(folded)
    return fold_text(unify(folded[start:end]))


@lru_cache(maxsize=2048)
def fold_agent(text: str) -> str:
    """Fold the name of an agent to the name of its substance or, if the table of drugs does not
    contain it, to its usual name.

    >>> fold_agent("Xalatan"), fold_agent("Examplumab®")
    ('latanoprost', 'examplumab')
    """
    name = fold_name(text)
    substance = find_substance(name)
    if substance:
        return substance.name
    return name


@lru_cache(maxsize=2048)
def _list_tokens(text: str) -> frozenset[str]:
    """Return the distinct words, numbers and signs in a text."""
    return frozenset(_TOKEN.findall(fold_text(text)))


def measure_overlap(text: str, other_text: str) -> float:
    """Return the Dice coefficient of the tokens of two texts. Texts without tokens have an overlap
    of 1 if they are equal.
    """
    if text == other_text:
        return 1.0
    first = _list_tokens(text)
    second = _list_tokens(other_text)
    # a text of signs alone, such as "/"
    if not first or not second:
        return float(fold_text(text) == fold_text(other_text))
    return 2 * len(first & second) / (len(first) + len(second))


def share_words(
    text: str, other_text: str, of: Callable[[int, int], int] = min
) -> bool:
    """Return whether two texts share at least half of the words in the shorter text or, with
    ``of=max``, in the longer text. Articles and prepositions are ignored.

    >>> (
    ...     share_words("before the first dose", "the first dose of it"),
    ...     share_words("liver metastases", "men"),
    ... )
    (True, False)
    """
    first, second = map(_list_content, (text, other_text))
    return 2 * len(first & second) >= of(len(first), len(second))


def _list_content(text: str) -> frozenset[str]:
    """Return the words of a text, excluding articles and prepositions. If the text contains no
    other words, return all its words.
    """
    words = _list_tokens(text)
    content = words - _FUNCTION_WORDS
    return content or words


def is_inside(part: str, whole: str) -> bool:
    """Return whether one text is contained in another, longer text, beginning and ending at word
    boundaries.

    >>> (
    ...     is_inside("no infection", "No infection, no fever"),
    ...     is_inside("no fever", "no fever"),
    ... )
    (True, False)
    """
    part_tokens = _TOKEN.findall(fold_text(part))
    whole_tokens = _TOKEN.findall(fold_text(whole))
    if not part_tokens:
        return False
    if part_tokens == whole_tokens:
        return False
    # the spaces at both ends keep "no" out of "nodes"
    return f" {' '.join(part_tokens)} " in f" {' '.join(whole_tokens)} "


def compare_extents(text: str | None, other_text: str | None) -> float:
    """Return the overlap of two texts; it is at least 0.5 if one text is part of the other.

    >>> (
    ...     compare_extents("fever", "no fever, no infection of the lung, no asthma"),
    ...     compare_extents("fever", "cough"),
    ... )
    (0.5, 0.0)
    """
    first = text or ""
    second = other_text or ""
    overlap = measure_overlap(first, second)
    if overlap >= 0.5:
        return overlap
    if is_inside(first, second):
        return 0.5
    if is_inside(second, first):
        return 0.5
    return overlap


def scale_quantity(value: float | None, unit: str | None) -> tuple[str | None, str]:
    """Return a number in base units with its dimension, as text that can be compared.

    >>> scale_quantity(24, "hours") == scale_quantity(1, "day")
    True
    >>> scale_quantity(30, "day") == scale_quantity(1, "month")
    False
    >>> scale_quantity(1, "x 1000/mm3") == scale_quantity(1, "x 10^9/L")
    True
    """
    dimension, factor = _read_dimension(unit)
    if value is None:
        return None, dimension
    # Twelve digits hide rounding errors in the factors.
    return f"{value * factor:.12g}", dimension


def have_same_dimension(unit: str | None, other: str | None) -> bool:
    """Return whether numbers with these units can be compared."""
    return _read_dimension(unit)[0] == _read_dimension(other)[0]


@lru_cache(maxsize=1024)
def _read_dimension(unit: str | None) -> tuple[str, float]:
    """Return (dimension, conversion factor to base units) for a unit. An unknown unit is treated as
    its own dimension.
    """
    if not unit:
        return "", 1.0
    code = read_unit(_OF_AGE.sub("", unit))
    if code is None:
        return re.sub(r"[\s^*·.\\]", "", unit).casefold(), 1.0
    if code in _MONTHS:
        return "month", _MONTHS[code]
    factor, dimension = find_dimension(code)
    # "%{predicted}" is not comparable with "%", so annotations are part of the dimension.
    parts = [f"{base}{power}" for base, power in dimension] + _ANNOTATION.findall(code)
    return " ".join(parts) or code, factor
