"""Find doses in text: numbers with a dose unit, lists of levels, and ranges, without numbers
that are no doses.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from extractor.concepts.doses.days import find_dates
from extractor.concepts.doses.marks import Mark, drop_overlaps
from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, Tokens
from extractor.language.numbers import read_number
from extractor.language.quantities import Quantity, find_quantity_lists
from extractor.language.units import find_unit, list_units
from extractor.schemas import Amount

AmountMark = Mark[tuple[Amount, ...]]

_MOST_AUC = 10
"""The greatest dose by area under the curve."""
_COUNTED = frozenset(unit.dose for unit in list_units() if unit.piece and unit.dose)
"""Units that count pieces instead of measuring a substance."""
_VOLUMES = frozenset({"mL", "uL", "L", "100mL"})
_RADIATION = frozenset({"Gy", "cGy"})
_FLOWS = ("/h", "/min")
"""Ends of the units of a flow."""
_LEVELS_IN_BLOOD = frozenset(
    {"IU/mL", "kU/mL", "ng/mL", "mg/dL", "g/dL", "g/L", "mmol/L", "pg/mL"}
)
UNSURE = 0.5
"""The confidence of an amount whose number can be read in two ways, that counts pieces, or that may
not be a dose or the agent's: "1.250 mg", "2 x 10 mg", "10 mg/mL".
"""
_PIECES = range(2, 13)
"""How many pieces a giving may have beside their strength."""
_DENOMINATORS = (2, 3, 4)
"""Of the fractions that people write with digits: "1/2", "3/4"."""
_FEW_CELLS = 1000
"""The least number of cells that is a dose."""
_CUE_REACH = 8
"""How many tokens before a number can show that it is no dose."""
_STEP_REACH = 14
"""How many tokens before a number can show that it is a step of a titration."""
_BESIDE = 14
"""The greatest distance at which one amount can explain another, in tokens."""


def find_amounts(tokens: Tokens) -> tuple[AmountMark, ...]:
    """Return every stated dose, left to right. The levels of one list share a mark. Numbers that
    context shows to be no dose, such as limits and needles, are left out.

    >>> marks = find_amounts(read_text("10, 20 or 40 mg/kg; 1-3 x 10^6 cells/kg"))
    >>> [
    ...     (amount.low, amount.high, amount.unit)
    ...     for mark in marks
    ...     for amount in mark.value
    ... ]
    [(10, 10, 'mg/kg'), (20, 20, 'mg/kg'), (40, 40, 'mg/kg'), (1000000, 3000000, 'cells/kg')]
    """
    amounts: list[AmountMark] = []
    for levels, unit in _find_measured(tokens):
        if _is_no_dose(tokens, levels, unit):
            continue
        amount = _read_levels(tokens, levels, unit)
        if amount:
            amounts.append(amount)
    amounts += _find_auc(tokens)
    amounts += _find_worded(tokens)
    return drop_overlaps(amounts)


def find_limits(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield numbers with the unit of a dose that limit one, or that are levels in blood or amounts
    of a solvent.

    >>> [
    ...     mark.value[0].high
    ...     for mark in find_limits(read_text("20 mg daily, at most 80 mg"))
    ... ]
    [80]
    """
    for levels, unit in _find_measured(tokens):
        first = _skip_bracket(tokens, levels[0].first)
        is_other = _stands_behind(("cap_before", "mixture_before"), tokens, first)
        if not is_other and not _is_level(levels, unit):
            continue
        amount = _read_levels(tokens, levels, unit)
        if amount:
            yield amount


def find_strengths(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield what a piece or a preparation contains: the strength of several pieces, and a
    percentage that is no dose of its own.

    >>> [
    ...     mark.value[0].high
    ...     for mark in find_strengths(read_text("two 50 mg tablets, 1% cream"))
    ... ]
    [50, 1]
    """
    for levels, unit in _find_measured(tokens):
        first = levels[0].first
        if unit != "%" and _count_pieces(tokens, first, levels) is None:
            continue
        level = levels[-1]
        amount = Amount(low=level.low, high=level.high, unit=unit)
        yield Mark((amount,), first, level.end)


def _stands_behind(names: Iterable[str], tokens: Tokens, first: int) -> bool:
    """Return whether one of several rules matches directly before the token ``first`` of a number,
    in at most ``_CUE_REACH`` tokens.
    """
    return any(rule(name).ends(tokens, first, first - _CUE_REACH) for name in names)


def _find_measured(tokens: Tokens) -> Iterator[tuple[tuple[Quantity, ...], str]]:
    """Yield lists of numbers with the unit of a dose, and the unit of the last one. Numbers of days
    are skipped; a list with a number in any other unit is none of doses.
    """
    dated: set[int] = set()
    for mark in find_dates(tokens):
        dated.update(range(mark.first, mark.end))
    for levels in find_quantity_lists(tokens, skipped=dated):
        unit = levels[-1].unit.dose
        if unit and all(level.unit.dose for level in levels):
            yield levels, unit


def _read_levels(
    tokens: Tokens, levels: tuple[Quantity, ...], unit: str
) -> AmountMark | None:
    """Return the amounts of a list of numbers, each once; None if it states none. ``unit`` is that
    of the last number. An amount in doubt has the confidence ``UNSURE``.

    Levels and the parts of a fixed combination are written alike: "5/10/20 mg", "160/4.5 ug".
    """
    first = levels[0].first
    end = max(level.end for level in levels)
    # "15 ± 3 mg/kg": the dose is the mean
    tolerance = rule("tolerance_before").ends(tokens, first, first - _CUE_REACH)
    if tolerance:
        first = max(0, tolerance.first - 1)
        mean = read_number(tokens.words[first])
        if mean is None:
            return None
        levels = (replace(levels[-1], low=mean, high=mean, first=first),)
    per_day = ""
    # "total daily dose of 900 mg in three divided doses"
    if "/" not in unit and _is_daily_total(tokens, first, end):
        per_day = "/day"
    amounts: list[Amount] = []
    for level in levels:
        # a frequency of 0 Hz is a setting, a dose of 0 is none
        if level.high == 0 and unit != "Hz":
            continue
        unit_of_level = f"{level.unit.dose}{per_day}"
        amounts.append(Amount(low=level.low, high=level.high, unit=unit_of_level))
    if not amounts:
        return None
    pieces = _count_pieces(tokens, first, levels)
    # as in "80 mg (two 40 mg tablets) daily", "3 x 20 mg capsules daily"
    if pieces:
        return pieces
    is_sure = _is_sure(tokens, first, levels) and not _is_mixture(unit)
    confidence = 1 if is_sure else UNSURE
    return Mark(tuple(dict.fromkeys(amounts)), first, end, confidence)


def _is_daily_total(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether an amount is that of a whole day: "total daily dose of 1500 mg", "1 g divided
    into 2 doses".
    """
    if _stands_behind(("total_before",), tokens, first):
        return True
    return rule("total_after").starts(tokens, end) is not None


def _is_sure(tokens: Tokens, first: int, levels: tuple[Quantity, ...]) -> bool:
    """Return whether the numbers have one reading, and are neither pieces nor a sum."""
    # "Examplumab 1/2 mg once daily"
    if _can_be_fraction(tokens, levels):
        return False
    if _stands_behind(("pieces_before", "sum_before"), tokens, first):
        return False
    return all(level.is_sure for level in levels)


def _is_mixture(unit: str) -> bool:
    """Return whether a unit is that of a mixture or a flow, which is seldom what one giving
    contains: "mg/mL", "ug/g".
    """
    base, *below = unit.split("/")
    # "5 mL of a 4 mg/mL solution": a concentration is no dose
    if not (_VOLUMES | {"g"}).isdisjoint(below):
        return True
    return base in _VOLUMES and not {"h", "min", "sec"}.isdisjoint(below)


def _count_pieces(
    tokens: Tokens, first: int, levels: tuple[Quantity, ...]
) -> AmountMark | None:
    """Return the number of pieces whose strength stands between it and their name: "two 50 mg
    tablets". None if the text counts no pieces, or only one, which is a dose of its strength.

    ``first`` is the token at which the strength begins, ``levels`` is the strength.
    """
    if len(levels) > 1:
        return None
    counted = rule("pieces_of").ends(tokens, first, first - _CUE_REACH)
    if counted is None:
        return None
    piece = rule("piece_behind").starts(tokens, levels[0].end)
    if piece is None:
        return None
    count = read_number(counted.read("count") or "")
    if count not in _PIECES:
        return None
    noun, _ = piece.place("noun")
    unit = find_unit(tokens, noun)
    if unit is None or not unit.dose:
        return None
    amount = Amount(low=count, high=count, unit=unit.dose)
    count_first, _ = counted.place("count")
    return Mark((amount,), count_first, piece.end)


def _can_be_fraction(tokens: Tokens, levels: tuple[Quantity, ...]) -> bool:
    """Return whether two numbers can be one: "1/2 mg" is half a milligram, or two doses."""
    if len(levels) != 2:
        return False
    first, second = levels
    if tokens.words[first.end : first.end + 1] != ["/"]:
        return False
    # each has its own unit: "1 mg/2 mg"
    if first.unit.first < second.first:
        return False
    above = first.high or 0
    below = second.high or 0
    if below not in _DENOMINATORS or above >= below:
        return False
    return above == int(above)


def _is_level(levels: tuple[Quantity, ...], unit: str) -> bool:
    """Return whether numbers are levels in blood: by their unit, or cells that are too few for a
    dose.
    """
    # "ferritin of 1000 ng/mL" is measured, and not given
    if unit in _LEVELS_IN_BLOOD:
        return True
    if not unit.startswith("cells"):
        return False
    highest = levels[-1].high or _FEW_CELLS
    return highest < _FEW_CELLS


def _is_no_dose(tokens: Tokens, levels: tuple[Quantity, ...], unit: str) -> bool:
    """Return whether context shows that numbers are a limit, a package, a dilution, a sample, a
    level in blood or a needle. ``unit`` is that of the last number.
    """
    if _is_tool(tokens, levels, unit) or _is_level(levels, unit):
        return True
    first = _skip_bracket(tokens, levels[0].first)
    end = max(level.end for level in levels)
    # "increased to 15 g/day or decreased to 5 g/day": both are steps
    if rule("raised_or_lowered").ends(tokens, first, first - _STEP_REACH):
        return False
    if _stands_behind(("limit_before", "mixture_before", "vial_before"), tokens, first):
        return True
    # "in 5 mL of D5W", "250 mg in 200 mL once daily"
    if unit in _VOLUMES and _stands_behind(("volume_before",), tokens, first):
        return True
    # "in 5 mg increments", "10 mg tablets are available"
    for name in ("step_noun", "available_after"):
        if rule(name).starts(tokens, end):
            return True
    # "a bottle containing 250 mL" is a package, "a patch containing 250 mcg" a dose
    if rule("contained_before").ends(tokens, first):
        return not rule("piece_before").ends(tokens, first)
    # "3 pulses of oral examplumab" is how often
    if unit == "pulses":
        return rule("times_of").starts(tokens, end) is not None
    # "1% terbinafine cream" may be the dose, "0.9% NaCl" is a solvent
    if unit == "%":
        return not _is_strength_of_preparation(tokens, levels[0].first, end)
    if unit in _COUNTED or unit == "Gy":
        return False
    # "150 mg vials"
    return rule("package_after").starts(tokens, end) is not None


def _is_strength_of_preparation(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a percentage is the strength of what it stands beside: "1% cream", "cream
    1%".
    """
    if rule("strength_after").starts(tokens, end):
        return True
    return _stands_behind(("strength_before",), tokens, first)


def _is_tool(tokens: Tokens, levels: tuple[Quantity, ...], unit: str) -> bool:
    """Return whether a number is of a needle, of the content of a piece, of a step of a flow, or
    of an interval.
    """
    first = levels[0].first
    last_unit = levels[-1].unit
    _, *below = last_unit.parts
    behind = last_unit.end
    # "21G needle"
    if not below and tokens.words[behind - 1] == "G":
        return True
    # "150 mg/capsule"
    is_per_piece = any(part.piece for part in below)
    if is_per_piece and tokens.words[behind - 2] == "/":
        return True
    # "Q 3 W" is every 3 weeks, not watt
    word_before = tokens.words[first - 1 : first]
    if unit == "W" and word_before in (["q"], ["Q"]):
        return True
    is_flow = unit.partition("/")[0] in _VOLUMES and unit.endswith(_FLOWS)
    if not is_flow:
        return False
    # "5 mL/h for the first 30 minutes"
    end = max(level.end for level in levels)
    return rule("step_of_flow").starts(tokens, end) is not None


def _skip_bracket(tokens: Tokens, first: int) -> int:
    """Return the place of the bracket that opens directly before a number, else of the number."""
    if first > 0 and tokens.words[first - 1] == "(":
        return first - 1
    return first


def _find_auc(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield doses by area under the curve: "AUC 5", "AUC of 5 or 6". "AUC24" and "AUC 0-24" are
    measurements.
    """
    for match in rule("auc").find(tokens):
        values: list[float] = []
        for name in ("low", "high"):
            value = read_number(match.read(name) or "")
            if value is not None:
                values.append(value)
        # "AUC 0-24" is an area over 24 hours, and no dose of carboplatin
        if not values or not all(values):
            continue
        number, _ = match.place("low")
        is_glued = tokens.codes[number] == NAME_NUMBER
        if is_glued and values[0] > _MOST_AUC:
            continue
        if match.read("joint") in ("-", "to"):
            levels = [Amount(low=values[0], high=values[-1], unit="AUC")]
        else:
            levels = [Amount(low=value, high=value, unit="AUC") for value in values]
        yield Mark(tuple(levels), match.first, match.end)


def _find_worded(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield doses without a digit: "a tablet every day", "½ tablet", "a quarter of a tablet"."""
    for match in rule("part_in_words").find(tokens):
        part = read_number(match.read("part") or "")
        unit = find_unit(tokens, match.end)
        if not part or unit is None or not unit.dose:
            continue
        amount = Amount(low=part, high=part, unit=unit.dose)
        yield Mark((amount,), match.first, unit.end)
    for name in ("piece_taken", "piece_timed"):
        for match in rule(name).find(tokens):
            noun, _ = match.place("noun")
            unit = find_unit(tokens, noun)
            if unit is None or not unit.dose:
                continue
            amount = Amount(low=1, high=1, unit=unit.dose)
            first, end = match.place("piece")
            yield Mark((amount,), first, end)


def drop_explaining(
    tokens: Tokens, amounts: Iterable[AmountMark]
) -> tuple[AmountMark, ...]:
    """Return the amounts without those that only explain the one before or behind them: the
    strength of a counted piece, the volume of a weighed dose, the total of fractions, an amount
    said again in brackets. ``amounts`` are in reading order.
    """
    kept: list[AmountMark] = []
    for amount in amounts:
        before = kept[-1] if kept else None
        if before is None or amount.first - before.end > _BESIDE:
            kept.append(amount)
        elif _is_sum(tokens, amount, before):
            continue
        elif _is_explained_by(tokens, before, amount):
            kept[-1] = amount
        elif _is_strength(tokens, before, amount):
            continue
        elif not _is_bracketed(tokens, before, amount):
            kept.append(amount)
    return tuple(kept)


def _is_explained_by(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether the first only explains the second, and so gives way to it."""
    # as in "0.3 mL dose (6 mg)", "0.5 mL (30 mcg)"
    if _first_explains(tokens, first, second):
        return True
    # "45 Gy (1.8 Gy/fraction)": the first is the sum of the second
    if _is_sum(tokens, first, second):
        return True
    return _fills_one_piece(tokens, first, second)


def _first_explains(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether the first is a volume that holds the second, the strength of each of several
    pieces that the second counts, or an amount in brackets before a count or a plain dose.
    """
    unit = first.value[0].unit
    counted = second.value[0]
    # as in "2 mL (10 mg)"
    if unit in _VOLUMES:
        return _holds(tokens, first, second)
    is_count = counted.unit in _COUNTED
    # "100 ug, 2 puffs": the strength of each
    is_each = is_count and (counted.high or 0) > 1
    if is_each and unit not in _COUNTED and "/" not in unit:
        # as in "100 mg (two 50 mg tablets)"
        is_opened = tokens.codes[second.first - 1] == "("
        if not is_opened and _is_beside(tokens, first, second):
            return True
    is_opened_before = tokens.codes[first.first - 1 : first.first] == "("
    is_closed_behind = tokens.codes[first.end : second.first] in (")", "),")
    if not is_opened_before or not is_closed_behind:
        return False
    # as in "(200 mg/5 mL) 10 mg/kg"
    is_by_volume = "/" not in unit and "/" in tokens.words[first.first : first.end]
    return is_count or is_by_volume


def _holds(tokens: Tokens, volume: AmountMark, dose: AmountMark) -> bool:
    """Return whether a volume holds the dose behind it: "2 mL (10 mg)", "2 mL containing 10
    mg". Another volume is not held.
    """
    if dose.value[0].unit in _VOLUMES:
        return False
    between = tokens.words[volume.end : dose.first]
    if len(between) >= 4:
        return False
    return between[-1:] in (["("], ["containing"])


def _is_beside(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether nothing stands between two amounts, or only words for a piece."""
    # as in "one capsule with breakfast and two with dinner"
    if first.end == second.first:
        return True
    return rule("piece_gap").covers(tokens, first.end, second.first) is not None


def _fills_one_piece(tokens: Tokens, piece: AmountMark, amount: AmountMark) -> bool:
    """Return whether an amount is what a single piece holds: "one tablet of 14 mg"."""
    counted = piece.value[0]
    if counted.unit not in _COUNTED or not counted.low == counted.high == 1:
        return False
    held = amount.value[0].unit
    # a volume or a concentration tells no substance
    if is_volume_or_piece(held) or "/" in held:
        return False
    # as in "1 drop of 0.5 % solution"
    if held == "%":
        return False
    between = tokens.words[piece.end : amount.first]
    return [word.lower() for word in between] == ["of"]


def _is_strength(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether the second is the strength of a piece or solution ("2 puffs of 80 ug", "10 mL
    of a 2 mg/mL solution"), or counts one piece of the first ("5 mg tab, 1 tab").
    """
    # "given as two 400 mg tablets"
    if rule("as_pieces").ends(tokens, second.first, first.end):
        return True
    unit = first.value[0].unit
    other = second.value[0].unit
    is_of_piece = rule("of_piece").covers(tokens, first.end, second.first) is not None
    if unit in _COUNTED:
        return is_of_piece and other not in _COUNTED
    # "10 mL of a 2 mg/mL solution"
    if unit in _VOLUMES and other.endswith(("/mL", "%")):
        return is_of_piece
    if other not in _COUNTED or second.value[0].high != 1:
        return False
    return _is_beside(tokens, first, second)


def _is_sum(tokens: Tokens, total: AmountMark, part: AmountMark) -> bool:
    """Return whether one amount is the sum of doses of the other: "7.2 mg/kg in all, in three
    injections of 2.4 mg/kg". A sum is greater, in the same unit, and said to be one.
    """
    whole = total.value[0]
    dose = part.value[0]
    if whole.unit != dose.unit:
        return False
    if (whole.high or 0) <= (dose.high or 0):
        return False
    if whole.unit in _RADIATION:
        return _is_total_of_fractions(tokens, total, part)
    if _stands_behind(("sum_before",), tokens, total.first):
        return True
    # ", in total"
    return rule("sum_after").starts(tokens, total.end) is not None


def _is_total_of_fractions(tokens: Tokens, total: AmountMark, part: AmountMark) -> bool:
    """Return whether a dose of radiation is given in fractions of the other one: "60 Gy in 30
    fractions of 2 Gy", "2 Gy per fraction to 60 Gy".
    """
    if rule("in_fractions").covers(tokens, total.end, part.first):
        return True
    fraction = rule("per_fraction")
    if fraction.starts(tokens, part.end):
        return True
    return fraction.ends(tokens, part.end, part.first) is not None


def _is_bracketed(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether the second stands in brackets behind the first, and so says it again: "10 mg
    (2 tablets)". Brackets with a condition state another dose.
    """
    between = tokens.words[first.end : second.first]
    if between.count("(") <= between.count(")"):
        return False
    if not {";", "\n", "or"}.isdisjoint(between):
        return False
    behind = tokens.words[second.end : second.end + 1]
    # "10 mg (5 mg if ...)" is another dose
    return not behind or behind[0].lower() not in ("if", "for", "in")


def choose_levels(levels: Collection[Amount]) -> tuple[Amount, ...]:
    """Return the doses among ``levels``: without concentrations if there is anything else, then
    without volumes and pieces if there is a substance.

    >>> mg, ml = Amount(low=5, high=5, unit="mg"), Amount(low=2, high=2, unit="mL")
    >>> choose_levels([mg, ml]) == (mg,), choose_levels([ml]) == (ml,)
    (True, True)
    """
    doses = [level for level in levels if not is_concentration(level.unit)]
    if not doses:
        doses = list(levels)
    substances = [level for level in doses if not is_volume_or_piece(level.unit)]
    return tuple(substances or doses)


def is_concentration(unit: str) -> bool:
    """Return whether a unit is that of a mixture: "%", "mg/mL"."""
    return unit == "%" or unit.endswith("/mL")


def counts_pieces(unit: str) -> bool:
    """Return whether a unit counts pieces: "tablet"."""
    return unit in _COUNTED


def is_volume_or_piece(unit: str) -> bool:
    """Return whether a unit measures no substance: "mL", "tablet"."""
    return unit.partition("/")[0] in _VOLUMES or counts_pieces(unit)
