"""Doses in cleaned text: numbers with a unit, lists of levels, ranges, counts of cells."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import NUMBER, number_places
from extractor.parse.words import find_at, places_of
from extractor.schemas import Amount

from .cells import find_counts, restore_power
from .days import find_dates
from .levels import DOSE_NUMBER, LEVEL_SEPARATOR, NEXT_NUMBER, read_levels
from .marks import Mark, drop_overlaps
from .ranges import join_ranges
from .spellings import respell_numbers
from .units import COUNTED, UNIT, read_unit

__all__ = ["find_amounts"]

# A slash parts levels ("0,1 mg/0,4 mg") unless it leads to a volume ("10 mg/2 mL").
_SEPARATOR = rf"(?:{LEVEL_SEPARATOR}|\s?/\s?(?![\d.,]+\s?(?:ml|kcal|kJ)))"
_MEASURED = re.compile(
    rf"(?P<numbers>{DOSE_NUMBER}(?:(?:\s?{UNIT})?{_SEPARATOR}{NEXT_NUMBER}){{0,11}})(?:\s?\({NUMBER}\))?"
    rf"[\s-]?(?P<unit>{UNIT})",
    re.IGNORECASE,
)
_AUC = re.compile(
    rf"\b(?:AUC|area under the (?:[\w-]+\s){{0,3}}curve(?:\s?\((?:AUC)?\))?)\)?"
    rf"(?:\s?(?:=|of|:|target(?: of)?))?[\s(-]{{0,2}}(?P<numbers>{DOSE_NUMBER}(?:{LEVEL_SEPARATOR}{NEXT_NUMBER})?)"
    r"(?:\s?mg\s?/\s?ml\s?[/*·x.]?\s?min)?(?!\w)",
    re.IGNORECASE,
)
# The first named part of a fixed combination: "160/4.5 ug".
_COMBINED = re.compile(
    r"(?<![\d./])(?P<number>\d+(?:\.\d+)?)(?:\s?/\s?\d+(?:\.\d+)?){1,2}\s?(?P<unit>mg|mcg|[uμ]g)\b(?!\s?/)",
    re.IGNORECASE,
)
_BARE_BEFORE = re.compile(r"(?:\d+(?:\.\d+)?\s?;\s?)+$")
_DECIMAL = re.compile(r"\d+(?:\.\d+)?")
_TOTAL_DAILY = re.compile(r"\btotal daily dos(?:e|age)s?\s?(?:of|is|:|was)?\s?(?:up to\s)?$", re.IGNORECASE)

# Numbers that are no doses: limits, reductions, packages, dilutions, samples, body measures.
_NO_DOSE_BEFORE = re.compile(
    r"(?:max(?:imum|imal|\.)?[\s\w]{0,24}?(?:of|is|:|-)?|not (?:to )?exceed(?:ing)?|no(?:t)? more than|"
    r"capped at|exceeded|"
    r"reduc(?:ed|tions?)(?: (?:by|to|from))*:?(?: to)?|decreased? (?:by|to)|taper(?:ed|ing)?(?: by)?|"
    r"[<>\u2264\u2265]=?|"
    r"increas(?:ed|es|ing) by|increments? of|dissolved in|(?:diluted|mixed) (?:in|to|with)|(?:in a )?volume of|\bin|"
    r"contain(?:s|ing)?|concentration of|(?:supplied|available) (?:as|in)|designed to deliver|"
    r"reconstitut\w+ with|cumulative dos(?:e|age)s?(?: of| was|:)?|weighing|weight of|body weight|"
    r"minimum required [\w\s]{0,20}|\bm?g\s?/)\s?\(?$",
    re.IGNORECASE,
)
# What one piece contains is a dose: "a patch containing 250 ug".
_PIECE_BEFORE = re.compile(
    r"\b(?:doses?|tablets?|capsules?|patch\)?|sachets?|stick|portion|serving|lozenge|puff|drops?|injection|suppository)\s"
    r"(?:which |that )?contain(?:s|ing)\s?$",
    re.IGNORECASE,
)
_VOLUME_BEFORE = re.compile(r"\b(?:in|mixed (?:with|in)|volume of)\s?\(?$", re.IGNORECASE)
_NO_DOSE_AFTER = re.compile(
    r"\s?(?:\w*\s?/\s?(?:\d(?!\d?\s?h(?:ou)?rs?\b|\d?\s?h\b)|capsule|tablet|pill|d?L\b)|"
    r"(?:glass |single[- ]use |single-dose )?(?:vials?|pre-?filled|syringes?|ampou?les?|bottles?|tubes?|strength)\b|"
    r"(?:of )?(?:whole |peripheral |venous )?blood\b|of (?:water|urine|plasma|serum|bone marrow|sterile)\b)",
    re.IGNORECASE,
)
_STRENGTH_AFTER = re.compile(
    r"\s?w/[vw]\b|[\w\s-]{0,20}(?:cream|ointment|gel|lotion|solution|drops|foam)", re.IGNORECASE
)
# The number of a code name, not the first level of a list: "EX 154, 10 mg/kg".
_CODE_BEFORE = re.compile(r"(?<![\w-])(?!(?:IV|PO|SC|IM|AUC|DL|QD|BID|TID|OD)\b)[A-Z]{2,6}[\s-]$")
_CODE = re.compile(r"\d{2,5}(?:,\s|\)\s?)")
_ORGANISMS = frozenset({"CFU", "PFU", "vg"})
_VOLUMES = frozenset({"mL", "uL", "L"})
_TITRES = frozenset({"IU/mL", "IU/L", "U/L", "kU/L", "kIU/L", "kU/mL", "ng/mL"})
"""Units in which antibodies, enzymes and levels in blood are measured, no doses."""
_WEIGHED = frozenset({"g", "mg", "ug", "ng", "AUC"})
_REACH = 40
"""How many characters before a number can tell that it is no dose."""


def find_amounts(text: str) -> tuple[Mark[tuple[Amount, ...]], ...]:
    """Every stated dose, left to right; the levels of one list are one mark.

    >>> [(a.low, a.high, a.unit) for m in find_amounts("10, 20 or 40 mg/kg; 1-3 x 10^6 cells/kg") for a in m.value]
    [(10, 10, 'mg/kg'), (20, 20, 'mg/kg'), (40, 40, 'mg/kg'), (1000000, 3000000, 'cells/kg')]
    """
    if not number_places(text):
        return ()
    masked = _mask_days(respell_numbers(text))
    counts = (mark for mark in find_counts(masked) if not _follows_limit(masked, mark.start))
    marks = drop_overlaps([*counts, *_find_measured(masked), *_find_combined(masked), *_find_auc(masked)])
    if "rang" in masked:
        marks = join_ranges(masked, marks)
    return tuple(Mark(mark.value, mark.start, mark.end, _trust(mark.value)) for mark in marks)


def _trust(amounts: tuple[Amount, ...]) -> float:
    """The share of right ones among such amounts in the words about a labelled dose."""
    base = amounts[0].unit.split("/")[0]
    if base in COUNTED:
        return 0.83
    if base in _VOLUMES:
        return 0.7
    if base in _WEIGHED or base == "cells":
        return 0.97 if len(amounts) == 1 else 0.93
    return 0.9


def _mask_days(text: str) -> str:
    """Numbers of days must not run together with doses: "on day 1, 15 mg"."""
    pieces, position = [], 0
    for mark in find_dates(text):
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
        start = found.start()
        code = _CODE.match(numbers)
        if code and _CODE_BEFORE.search(text, max(0, start - 8), start):
            numbers, start = numbers[code.end() :], start + code.end()
        if amounts := read_levels(text, start, numbers, unit):
            yield from _find_bare(text, start, unit)
            yield Mark(amounts, start, found.end())


def _find_bare(text: str, end: int, unit: str) -> Iterator[Mark[tuple[Amount, ...]]]:
    """Levels that stand in front of the one with the unit, parted by semicolons: "0.3; 1; 3 mg"."""
    listed = _BARE_BEFORE.search(text, max(0, end - _REACH), end) if ";" in text[max(0, end - 2) : end] else None
    for found in _DECIMAL.finditer(text, listed.start() if listed else end, end):
        yield Mark(read_levels(text, found.start(), found[0], unit), found.start(), found.end())


def _find_combined(text: str) -> Iterator[Mark[tuple[Amount, ...]]]:
    for found in find_at(_COMBINED, text, number_places(text) if "/" in text else ()):
        unit = read_unit(found["unit"])
        if unit and not _is_no_dose(text, found.start(), found.end(), unit):
            yield Mark(read_levels(text, found.start(), found["number"], unit), found.start(), found.end())


def _find_auc(text: str) -> Iterator[Mark[tuple[Amount, ...]]]:
    for found in find_at(_AUC, text, places_of(("auc", "area"), text)):
        amounts = read_levels(text, found.start("numbers"), found["numbers"], "AUC")
        if amounts and all(amount.low for amount in amounts):  # "AUC 0-24" is a measurement
            yield Mark(amounts, found.start(), found.end())


def _follows_limit(text: str, start: int) -> re.Match[str] | None:
    return _NO_DOSE_BEFORE.search(text, max(0, start - _REACH), start)


def _is_no_dose(text: str, start: int, end: int, unit: str) -> bool:
    if unit in _TITRES:
        return True
    before = _follows_limit(text, start)
    if before and before[0].lower().startswith("contain") and _PIECE_BEFORE.search(text, max(0, start - _REACH), start):
        return False
    if before and not (_VOLUME_BEFORE.search(before[0]) and unit not in _VOLUMES):
        return True
    if unit == "%":
        return not _STRENGTH_AFTER.match(text, end)
    return unit not in COUNTED and unit != "Gy" and bool(_NO_DOSE_AFTER.match(text, end))
