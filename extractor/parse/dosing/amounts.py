"""Doses in cleaned text: numbers with a unit, lists of levels, ranges, counts of cells."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import NUMBER, number_places
from extractor.parse.words import find_at, find_words
from extractor.schemas import Amount

from .cells import find_counts, restore_power
from .days import find_days
from .levels import DOSE_NUMBER, LEVEL_SEPARATOR, read_levels
from .marks import Mark, drop_overlaps
from .units import COUNTED, UNIT, read_unit

__all__ = ["find_amounts"]

_MEASURED = re.compile(
    rf"(?P<numbers>{DOSE_NUMBER}(?:(?:\s?{UNIT})?{LEVEL_SEPARATOR}{DOSE_NUMBER}){{0,11}})(?:\s?\({NUMBER}\))?"
    rf"[\s-]?(?P<unit>{UNIT})",
    re.IGNORECASE,
)
_AUC = re.compile(
    rf"\bAUC(?:\s?(?:=|of|:|target))?[\s-]?(?P<numbers>{DOSE_NUMBER}(?:{LEVEL_SEPARATOR}{DOSE_NUMBER})?)"
    r"(?:\s?mg\s?/\s?ml\s?[/*·x.]?\s?min)?(?!\w)",
    re.IGNORECASE,
)
_TOTAL_DAILY = re.compile(r"\btotal daily dos(?:e|age)s?\s?(?:of|is|:|was)?\s?(?:up to\s)?$", re.IGNORECASE)

# Numbers that are no doses: limits, reductions, packages, dilutions, samples, body measures.
_NO_DOSE_BEFORE = re.compile(
    r"(?:max(?:imum|imal|\.)?[\s\w]{0,24}?(?:of|is|:|-)?|not (?:to )?exceed(?:ing)?|no(?:t)? more than|"
    r"capped at|exceeded|"
    r"reduc(?:ed|tions?)(?: (?:by|to|from))*:?(?: to)?|decreased? (?:by|to)|taper(?:ed|ing)?(?: by)?|"
    r"[<>\u2264\u2265]=?|"
    r"increas(?:ed|es|ing) by|increments? of|dissolved in|(?:diluted|mixed) (?:in|to|with)|(?:in a )?volume of|\bin|"
    r"contain(?:s|ing)?|concentration of|(?:supplied|available) (?:as|in)|weighing|weight of|body weight|"
    r"minimum required [\w\s]{0,20})\s?\(?$",
    re.IGNORECASE,
)
_VOLUME_BEFORE = re.compile(r"\b(?:in|mixed (?:with|in)|volume of)\s?\(?$", re.IGNORECASE)
_NO_DOSE_AFTER = re.compile(
    r"\s?(?:\w*\s?/\s?(?:\d|capsule|tablet|pill)|"
    r"(?:glass |single[- ]use |single-dose )?(?:vials?|pre-?filled|syringes?|ampou?les?|bottles?|tubes?|strength)\b|"
    r"(?:of )?(?:whole |peripheral |venous )?blood\b|of (?:water|urine|plasma|serum|bone marrow|sterile)\b)",
    re.IGNORECASE,
)
_STRENGTH_AFTER = re.compile(r"[\w\s-]{0,20}(?:cream|ointment|gel|lotion|solution|drops|foam)", re.IGNORECASE)
_ORGANISMS = frozenset({"CFU", "PFU", "vg"})
_VOLUMES = frozenset({"mL", "uL", "L"})
_REACH = 40
"""How many characters before a number can tell that it is no dose."""


def find_amounts(text: str) -> tuple[Mark[tuple[Amount, ...]], ...]:
    """Every stated dose, left to right; the levels of one list are one mark.

    >>> [(a.low, a.high, a.unit) for m in find_amounts("10, 20 or 40 mg/kg; 1-3 x 10^6 cells/kg") for a in m.value]
    [(10, 10, 'mg/kg'), (20, 20, 'mg/kg'), (40, 40, 'mg/kg'), (1000000, 3000000, 'cells/kg')]
    """
    if not number_places(text):
        return ()
    masked = _mask_days(text)
    counts = (mark for mark in find_counts(masked) if not _follows_limit(masked, mark.start))
    return drop_overlaps([*counts, *_find_measured(masked), *_find_auc(masked)])


def _mask_days(text: str) -> str:
    """Numbers of days must not run together with doses: "on day 1, 15 mg"."""
    pieces, position = [], 0
    for mark in find_days(text):
        pieces += [text[position : mark.start], "¤" * (mark.end - mark.start)]
        position = mark.end
    return "".join([*pieces, text[position:]])


def _find_measured(text: str) -> Iterator[Mark[tuple[Amount, ...]]]:
    for found in find_at(_MEASURED, text, number_places(text)):
        unit = read_unit(found["unit"])
        if not unit or _is_no_dose(text, found.start(), found.end(), unit):
            continue
        if "/day" not in unit and _TOTAL_DAILY.search(text, max(0, found.start() - _REACH), found.start()):
            unit += "/day"
        numbers = restore_power(found["numbers"]) if unit in _ORGANISMS else found["numbers"]
        if amounts := read_levels(text, found.start(), numbers, unit):
            yield Mark(amounts, found.start(), found.end())


def _find_auc(text: str) -> Iterator[Mark[tuple[Amount, ...]]]:
    for found in find_at(_AUC, text, find_words(text).get("auc", ())):
        if amounts := read_levels(text, found.start("numbers"), found["numbers"], "AUC"):
            yield Mark(amounts, found.start(), found.end())


def _follows_limit(text: str, start: int) -> re.Match[str] | None:
    return _NO_DOSE_BEFORE.search(text, max(0, start - _REACH), start)


def _is_no_dose(text: str, start: int, end: int, unit: str) -> bool:
    before = _follows_limit(text, start)
    if before and not (_VOLUME_BEFORE.search(before[0]) and unit not in _VOLUMES):
        return True
    if unit == "%":
        return not _STRENGTH_AFTER.match(text, end)
    return unit not in COUNTED and unit != "Gy" and bool(_NO_DOSE_AFTER.match(text, end))
