"""The names by which quantities are compared, and what is told of values that are not."""

import re
from functools import cache

from extractor.concepts.limits.canonical import CanonicalLimit
from extractor.concepts.limits.quantity_names import list_quantities
from extractor.language.book import read_table
from extractor.language.shown import show_line
from extractor.match.words import words_of
from extractor.measures.names import find_names, fold_words, spell_words

SEXES = ("female", "male")
Units = dict[str | None, tuple[float, ...]]
"""The numbers that a value can mean, by unit."""
_OF_BODY = frozenset({"age", "body_weight", "height"})
"""Quantities that each patient has, although their names are also used for other things."""
_LONGEST_SHOWN = 80


def name_value(named: CanonicalLimit) -> str | None:
    """Return the name by which a quantity is compared; None if the vocabulary does not name it, or
    uses the name for many things ("score", "lesions").
    """
    name = named.quantity_canonical
    known = list_quantities().get(name or "")
    if known and known.weak and name not in _OF_BODY:
        return None
    return name


def read_fraction(name: str, number: float, unit: str | None) -> float | None:
    """Return a number in % that is written as a fraction of 1, without a unit; None for any other.

    >>> (
    ...     read_fraction("fev1_fvc_ratio", 0.7, None),
    ...     read_fraction("fev1_fvc_ratio", 70, None),
    ... )
    (70.0, None)
    """
    known = list_quantities().get(name)
    if unit or known is None or known.unit != "%" or not known.usual:
        return None
    # nobody has so little of it in %
    if not 0 < number <= 1 < known.usual[0]:
        return None
    return round(number * 100, 6)


ROOM_AIR = "roomair"
"""The mark of a saturation without oxygen."""


@cache
def _room_air() -> re.Pattern[str]:
    phrases = sorted(read_table("match_phrases")["room_air"], key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)


def find_room_air(text: str) -> list[tuple[int, int]]:
    """Return the places of the words that say that no oxygen is given."""
    return [found.span() for found in _room_air().finditer(text)]


def key_quantity(quantity: str, written: str) -> str:
    """Return the key of a quantity: its name, with the words that make it another one.

    >>> key_quantity("psa", "free PSA"), key_quantity("psa", "Serum PSA level")
    ('psa (free)', 'psa')
    >>> key_quantity("spo2", "SpO2 on room air")
    'spo2 (roomair)'
    """
    written = _room_air().sub(f" {ROOM_AIR} ", written)
    if not quantity:
        return " ".join(("own", *_drop_idle(written)))
    words = list(fold_words(written))
    inside = []
    for name in find_names(tuple(words)):
        inside += words[name.first : name.end]
        # as many empty words, so that the places of the other names stay valid
        words[name.first : name.end] = [""] * (name.end - name.first)
    own = set(quantity.split("_"))
    outside = [word for word in _drop_idle(" ".join(words)) if word not in own]
    marks = words_of("qualifiers") - own
    qualifiers = sorted({*outside, *(word for word in inside if word in marks)})
    return f"{quantity} ({' '.join(qualifiers)})" if qualifiers else quantity


def is_own(quantity: str) -> bool:
    """Return whether the vocabulary lacks a quantity, so that its name is compared as written."""
    return quantity.startswith("own ")


def _drop_idle(written: str) -> list[str]:
    idle = words_of("idle_of_value")
    return [word for word in spell_words(written) if word not in idle]


def describe_unused(name: str, written: object, reason: str) -> str:
    """Return a line about a value that is not used."""
    shown = show_line(f"{name}: {written}")
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}..."
    return f"{shown}: {reason}"
