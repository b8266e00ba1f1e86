"""Find amounts: the dose levels in a text, excluding limits, packages, strengths and samples; and
an amount that a text states in another form than a model's answer.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from extractor.concepts.doses.marks import Mark, drop_overlaps
from extractor.concepts.doses.names import find_substance
from extractor.concepts.places import Derived
from extractor.language.book import read_text, rule, word_set
from extractor.language.lexer import Range, Tokens, keep
from extractor.language.numbers import read_number
from extractor.language.quantities import WrittenQuantity, find_quantity_lists
from extractor.language.units import find_unit, read_unit
from extractor.schemas import Amount, Support

_VOLUMES = word_set("mL L uL mL/kg")
PIECES = word_set(
    "tablet capsule drop puff pump spray sachet lozenge suppository patch bag teaspoon tablespoon"
    " bottle applicator scoop cup vial"
)
"""Units that count pieces."""
PORTIONS = _VOLUMES | PIECES
"""Units that do not state an amount of substance: units of volume, and units that count pieces
such as tablets.
"""
MOST_TAKEN = {"g": 250, "mg": 250_000, "ug": 250_000_000}
"""The largest plausible amount of a substance, by unit: 250 g."""
_PLAIN = 0.95
_AMBIGUOUS = 0.5
"""The confidence of amounts with plain numbers and units, and of amounts with ambiguous numbers or
units.
"""
_VOLUME = "{volume}"
"""The code of a volume and its number at the end of a unit: "mg/0.05 mL"."""
_LIMITING = ("<=", "<", ">")
"""The comparators before a number that limits a dose, unless it is given in a rhythm."""
_SIGNS_OF_LEAST = word_set("≥ ≧ =")
"""The last tokens of signs for "at least"."""
_OF_DIET = word_set("kcal kcal/day")
"""Units of a diet's energy. "200 kcal/kg/day" is a dose of therapeutic food."""
_NO_GRAMS = re.compile(r"(?:1[4-9]|2\d|3[0-4]|\d{4,})-?G")
"""The size of a needle, or a code."""
_FEWEST_CELLS = 1000
"""The smallest plausible number of cells: "15 patients with B-cell leukaemia" states no dose."""


@keep
def find_amounts(tokens: Tokens) -> list[Mark]:
    """Return the amounts in a text from left to right; the value of each mark is a tuple of dose
    levels. What a piece or a volume contains, or the end of an open range, is the amount only if
    the text states no other.

    >>> from extractor.language.book import read_text
    >>> marks = find_amounts(read_text("5, 10 or 20 mg; at most 40 mg; 50 mg in 2 mL"))
    >>> [[str(level) for level in mark.value] for mark in marks]
    [['5 mg', '10 mg', '20 mg'], ['50 mg']]
    """
    amounts = [*_find_auc(tokens)]
    spare: list[Mark] = []
    for levels in _list_levels(tokens):
        if _is_bound(tokens, levels) or _is_content(tokens, levels):
            spare.append(_make(tokens, levels, _AMBIGUOUS))
        elif not _is_no_dose(tokens, levels):
            day = _find_day(tokens, levels)
            amounts.append(_make(tokens, levels, _rate(tokens, levels), day))
    return _drop_explaining(tokens, drop_overlaps(amounts)) or spare


def find_bounds(tokens: Tokens) -> Iterator[Mark]:
    """Yield the lower ends of open ranges, which are doses if a text states no other."""
    for levels in _list_levels(tokens):
        if levels[0].high is None and _is_bound(tokens, levels):
            yield _make(tokens, levels, _AMBIGUOUS)


def list_other_amounts(tokens: Tokens) -> Iterator[Mark]:
    """Yield the quantities that are not doses: limits, changes, package sizes and the strengths of
    solutions.
    """
    doses = {at for mark in find_amounts(tokens) for at in range(*mark.place)}
    for levels in find_quantity_lists(tokens):
        if levels[0].unit.dose and levels[0].first not in doses:
            # an answer may give the end of an open range, "at most 70 mg", as an amount
            closed = [
                replace(
                    level, low=level.low or level.high, high=level.high or level.low
                )
                for level in levels
            ]
            yield _make(tokens, closed, _PLAIN)


def find_strengths(text: str) -> list[tuple[float, str]]:
    """Return what the text says that 1 mL contains: a number, and the UCUM code of its unit. A
    percentage is weight by volume. The strength of a fluid that only carries a drug, such as
    "0.9% saline", is omitted; of a range, both ends are returned.

    >>> find_strengths("20 mL of 0.5% bupivacaine, or 100 IU/mL in 5% dextrose")
    [(5.0, 'mg'), (100.0, '[IU]')]
    """
    tokens = read_text(text)
    strengths = []
    for levels in find_quantity_lists(tokens):
        for level in levels:
            unit = read_unit(level.unit.dose or "") or ""
            content = "mg" if unit == "%" else unit.removesuffix("/mL")
            is_carrier = rule("inactive_fluid").starts(tokens, level.end)
            if content == unit or is_carrier:
                continue
            factor = 10.0 if unit == "%" else 1.0
            ends = dict.fromkeys((level.low, level.high))
            strengths += [(end * factor, content) for end in ends if end]
    return strengths


def is_portion(mark: Mark) -> bool:
    """Return whether an amount is a volume or a number of units such as tablets, so that the amount
    of substance is unknown.
    """
    return all(level.unit in PORTIONS for level in mark.value)


def is_flow(amount: Amount) -> bool:
    """Return whether an amount is the speed of a fluid, which says nothing of the substance in it:
    "20 mL/h".
    """
    return amount.unit.partition("/")[0] in _VOLUMES and is_rate(amount)


def is_rate(amount: Amount) -> bool:
    """Return whether an amount is the rate of an infusion: "0.1 mg/kg/h"."""
    return amount.unit.endswith(("/h", "/min"))


def _list_levels(tokens: Tokens) -> Iterator[Sequence[WrittenQuantity]]:
    """Yield the quantities in units of doses, grouped by list."""
    for quantities in find_quantity_lists(tokens):
        contents: list[WrittenQuantity] = []
        given: list[WrittenQuantity] = []
        for quantity in quantities:
            # "on day 1, 15 mg/kg", "25-35 kg, 6 mg"
            is_last = quantity is quantities[-1]
            if not is_last and rule("day_before").ends(tokens, quantity.first):
                continue
            if not _has_unit_of_dose(tokens, quantity):
                continue
            # "150 mg per capsule, 450 mg": what a piece contains is no level of what is given
            if _is_of_piece(quantity):
                contents.append(quantity)
            else:
                given.append(quantity)
        if contents:
            yield contents
        if given:
            yield given


def _has_unit_of_dose(tokens: Tokens, quantity: WrittenQuantity) -> bool:
    """Return whether the unit of a quantity is one of doses, also in a volume: "mg/0.05 mL"."""
    unit = quantity.unit
    if not unit.dose:
        return False
    if _NO_GRAMS.fullmatch(tokens.read(quantity.first, quantity.end)):
        return False
    return unit.is_dose or unit.parts[-1].code == _VOLUME


def _is_of_piece(level: WrittenQuantity) -> bool:
    """Return whether a unit says what one piece contains: "mg per capsule"."""
    return any(part.piece for part in level.unit.parts[1:])


def _make(
    tokens: Tokens, levels: Sequence[WrittenQuantity], confidence: float, day: str = ""
) -> Mark:
    """Return the mark of an amount. ``day`` ends the unit of each level, as ``_find_day`` returns
    it.
    """
    unit = levels[0].unit.dose or ""
    # each level has its own unit in "500 mg to 1 g"
    amounts = [
        Amount(low=low, high=high, unit=(level.unit.dose or unit) + day)
        for level in levels
        for low, high in _list_ends(tokens, level, level.unit.dose or unit)
    ]
    # as in "placebo (0), 100 or 200 mg"
    given = [amount for amount in amounts if amount.high != 0]
    value = tuple(dict.fromkeys(given or amounts))
    return Mark("amounts", value, levels[0].first, levels[-1].end, confidence)


def _list_ends(
    tokens: Tokens, level: WrittenQuantity, unit: str
) -> Iterator[tuple[float | None, float | None]]:
    """Yield the ends of a level. A mass that nobody takes may be a list, with commas like those of
    thousands: "60,150,300 mg".
    """
    numbers = list(map(read_number, tokens.words[level.first].split(",")))
    is_list = len(numbers) > 1 and None not in numbers
    if is_list and level.low and level.low > MOST_TAKEN.get(unit, inf):
        yield from zip(numbers, numbers, strict=True)
    else:
        yield level.low, level.high


def _find_day(tokens: Tokens, levels: Sequence[WrittenQuantity]) -> str:
    """Return the end of an amount's unit that stands apart from it, "/day" or "/kg/day", because
    the words around the amount call it the total of a day: "a total daily dose of 40 mg", "4 g
    daily in divided doses", "60 mg of elemental iron per day". Return "" for any other amount, and
    for pieces, volumes and units with a rate or a body surface, which count as single doses.
    """
    unit = levels[-1].unit.dose or ""
    if unit in PORTIONS or unit.partition("/")[2] not in ("", "kg"):
        return ""
    daily = rule("daily_after").starts(tokens, levels[-1].end)
    if daily and daily.has("weight"):
        return "/kg/day"
    if daily or rule("total_before").ends(tokens, levels[0].first):
        return "/day"
    return ""


def _rate(tokens: Tokens, levels: Sequence[WrittenQuantity]) -> float:
    """Return the confidence of an amount. In "28 mg 2T" and "28 mg tablets, two tablets", it may be
    that of a single piece.
    """
    is_of_piece = rule("piece_count_after").starts(tokens, levels[-1].end)
    # "≥ 1500 mg/day" may be what is aimed at
    if levels[0].comparator in (">=", ">"):
        return _AMBIGUOUS
    if not is_of_piece and all(level.is_sure for level in levels):
        return _PLAIN
    return _AMBIGUOUS


def _is_bound(tokens: Tokens, levels: Sequence[WrittenQuantity]) -> bool:
    """Return whether an amount is the end of an open range: "≥ 1500 mg", "at most 40 mg daily".
    "At least 40 mg" is a dose, and a maximum without a rhythm limits one.
    """
    first = levels[0].first
    if levels[0].comparator == ">=":
        return first > 0 and tokens.words[first - 1] in _SIGNS_OF_LEAST
    is_maximum = rule("cap_before").ends(tokens, first) is not None
    if levels[0].comparator not in _LIMITING or is_maximum:
        return False
    unit = levels[-1].unit.dose or ""
    is_daily = unit.endswith("/day")
    return is_daily or bool(rule("rhythm_after").starts(tokens, levels[-1].end))


def _is_content(tokens: Tokens, levels: Sequence[WrittenQuantity]) -> bool:
    """Return whether an amount of substance is what a piece or a volume contains: "100 ug per
    actuation", "a capsule containing 182 mg", "1.25 mg/0.05 mL", "0.3 mg/mL, once".
    """
    unit = levels[-1].unit
    if unit.dose in PORTIONS:
        return False
    if _is_of_piece(levels[-1]):
        return True
    if unit.dose == "mg/mL" and rule("rhythm_after").starts(tokens, levels[-1].end):
        return True
    if unit.parts[-1].code == _VOLUME:
        return True
    if rule("nutrient_after").starts(tokens, levels[-1].end):
        return True
    return rule("contained_before").ends(tokens, levels[0].first) is not None


def _is_no_dose(tokens: Tokens, levels: Sequence[WrittenQuantity]) -> bool:
    """Return True if a quantity is not itself a dose, but a dose's limit, change, package size or
    dilution.
    """
    unit = levels[0].unit.dose or ""
    first = levels[0].first
    end = levels[-1].end
    if unit in _OF_DIET:
        return True
    # "at most 40 mg"; "at least 40 mg" is a dose
    if levels[0].comparator in _LIMITING:
        return True
    if unit == "cells" and (levels[-1].high or levels[-1].low or 0) < _FEWEST_CELLS:
        return True
    before = rule("no_dose_before").ends(tokens, first)
    if before or rule("no_dose_after").starts(tokens, end):
        return True
    if rule("elemental_part").starts(tokens, end):
        return True
    # "in 100 mL normal saline"
    if unit in _VOLUMES and rule("diluent_before").ends(tokens, end):
        return True
    if unit == "%":
        return not _is_strength(tokens, first, end)
    return unit.partition("/")[2] in PORTIONS


def _is_strength(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a percentage is the strength of a preparation that is given: that in "2%
    cream" or "timolol 0.5%", but not that in "0.9% NaCl" or "10 mL of bupivacaine 0.25%".
    """
    after = rule("volume_after").starts(tokens, end)
    if after or rule("volume_before").ends(tokens, first):
        return False
    after = rule("strength_after").starts(tokens, end)
    if after or rule("strength_before").ends(tokens, first):
        return True
    beside = (*tokens.words[max(first - 1, 0) : first], *tokens.words[end : end + 1])
    return any(map(find_substance, beside))


def _find_auc(tokens: Tokens) -> Iterator[Mark]:
    """Yield target exposures: "AUC 5", "AUC 5 or 6", "AUC 5-6"."""
    for match in rule("auc").find(tokens):
        low = read_number(match.read("low") or "")
        high = read_number(match.read("high") or "") or low
        ends = [(low, low), (high, high)]
        if match.has("range"):
            ends = [(low, high)]
        levels = [
            Amount(low=least, high=most, unit="AUC")
            for least, most in dict.fromkeys(ends)
        ]
        yield Mark("amounts", tuple(levels), match.first, match.end, _PLAIN)


def _drop_explaining(tokens: Tokens, marks: list[Mark]) -> list[Mark]:
    """Remove amounts that only explain another amount: the strength of the tablets that are given,
    and the total of a fractionated radiation dose.
    """
    kept = marks[:1]
    for mark in marks[1:]:
        between = (kept[-1].end, mark.first)
        if rule("in_fractions").covers(tokens, *between):
            kept[-1] = mark
            continue
        is_of_pieces = rule("as_pieces").covers(tokens, *between) is not None
        # as in "100 mg (200 mg if over 100 kg)"
        is_of_some = rule("amount_of_some").starts(tokens, mark.end) is not None
        if is_portion(kept[-1]) or is_of_some or not is_of_pieces:
            kept.append(mark)
    return kept


_REACH = 25
"""Maximum number of tokens between a number and a unit that it shares with another number."""
_BESIDE = 10
"""Maximum number of tokens in a unit directly after a number: "mg/(kg fat-free mass•h)"."""
_SYNONYMS = {
    "pill": "tablet",
    "t": "tablet",
    "m²": "m2",
    "hr": "h",
    "hour": "h",
    "minute": "min",
}
_TIMES = frozenset({"day", "week", "month", "year", "dose"})
_GIVINGS = word_set("once twice thrice")
"""Words that count how often a dose is given."""
_PART = re.compile(r"[^\W\d_]\w*|%")


def find_loosely(
    tokens: Tokens, amount: Amount, places: Sequence[Range]
) -> Derived | None:
    """Return the tokens that state an amount in another form; None if the text does not state it.
    ``places`` contains the tokens of each number in the amount, in reading order.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("two pills daily")
    >>> find_loosely(tokens, Amount(low=2, high=2, unit="tablet"), [(0, 1)])
    Derived(first=0, end=1, support=<Support.INFERRED: 'inferred'>)
    """
    wanted = _fold(amount.unit)
    for first, end in places:
        if tokens.words[first].lower() in _GIVINGS:
            continue
        next_unit = find_unit(tokens, end, loose=True)
        dose = _fold(next_unit.dose or "") if next_unit else set()
        # "5 mg/kg" does not state 5 mg
        if wanted < dose.difference(_TIMES):
            continue
        # "day 14", "IL-6"
        is_place = rule("counts_a_place").ends(tokens, first, first - 1)
        is_bare = end == len(tokens) or rule("after_bare_dose").starts(tokens, end)
        before = after = _REACH
        if is_place or tokens.in_name(first) or not is_bare:
            before = 1
            after = 2
            if next_unit:
                after = _BESIDE
        near = set[str]()
        for at in range(max(0, first - before), min(end + after, len(tokens))):
            unit = find_unit(tokens, at, loose=True)
            near |= _fold(tokens.words[at])
            if unit:
                near |= _fold(unit.dose or "")
        if wanted and wanted <= near:
            return Derived(first, end, Support.INFERRED)
    return None


def _fold(unit: str) -> set[str]:
    """Return the words of a unit, each in its normalised spelling."""
    words = (word.lower() for word in _PART.findall(unit))
    singular = {word if len(word) < 3 else word.removesuffix("s") for word in words}
    return {_SYNONYMS.get(word, word) for word in singular}
