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
_COUNTED = frozenset(unit.dose for unit in list_units() if unit.piece and unit.dose)
"""Units that count pieces instead of measuring a substance."""
_VOLUMES = frozenset({"mL", "uL", "L", "100mL"})
_RADIATION = frozenset({"Gy", "cGy"})
_FLOWS = ("/h", "/min")
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
_BESIDE = 14
"""The greatest distance at which one amount can explain another, in tokens."""


def find_amounts(tokens: Tokens) -> tuple[AmountMark, ...]:
    """Return every stated dose, left to right. The levels of one list share a mark.

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


def _stands_behind(names: Iterable[str], tokens: Tokens, first: int) -> bool:
    """Return whether one of several rules matches closely before a number."""
    return any(rule(name).ends(tokens, first, first - _CUE_REACH) for name in names)


def _find_measured(tokens: Tokens) -> Iterator[tuple[tuple[Quantity, ...], str]]:
    """Yield lists of numbers with the unit of a dose, and that unit."""
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
    """Return the amounts of a list of numbers; None if it states none.

    Levels and the parts of a fixed combination are written alike: "5/10/20 mg", "160/4.5 ug".
    """
    first = levels[0].first
    end = max(level.end for level in levels)
    # "15 ± 3 mg/kg"
    tolerance = rule("tolerance_before").ends(tokens, first, first - _CUE_REACH)
    if tolerance:
        first = max(0, tolerance.first - 1)
        mean = read_number(tokens.words[first])
        if mean is None:
            return None
        levels = (replace(levels[-1], low=mean, high=mean, first=first),)
    per_day = ""
    if "/" not in unit and _is_daily_total(tokens, first, end):
        per_day = "/day"
    amounts: list[Amount] = []
    for level in levels:
        if level.high == 0 and unit != "Hz":
            continue
        amount = Amount(
            low=level.low, high=level.high, unit=f"{level.unit.dose}{per_day}"
        )
        amounts.append(amount)
    if not amounts:
        return None
    pieces = _count_pieces(tokens, first, levels)
    if pieces:
        return pieces
    is_sure = _is_sure(tokens, first, levels) and not _is_mixture(unit)
    return Mark(tuple(dict.fromkeys(amounts)), first, end, 1 if is_sure else UNSURE)


def _is_daily_total(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether an amount is that of a whole day: "total daily dose of 1500 mg", "1 g divided
    into 2 doses".
    """
    if _stands_behind(("total_before",), tokens, first):
        return True
    return rule("total_after").starts(tokens, end) is not None


def _is_sure(tokens: Tokens, first: int, levels: tuple[Quantity, ...]) -> bool:
    """Return whether the numbers have one reading, and are neither pieces nor a sum."""
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
    if not (_VOLUMES | {"g"}).isdisjoint(below):
        return True
    return base in _VOLUMES and not {"h", "min", "sec"}.isdisjoint(below)


def _count_pieces(
    tokens: Tokens, first: int, levels: tuple[Quantity, ...]
) -> AmountMark | None:
    """Return the number of pieces whose strength stands between it and their name: "two 50 mg
    tablets". One piece is a dose of its strength.
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
    unit = find_unit(tokens, piece.place("noun")[0])
    if unit is None or not unit.dose:
        return None
    amount = Amount(low=count, high=count, unit=unit.dose)
    return Mark((amount,), counted.place("count")[0], piece.end)


def _can_be_fraction(tokens: Tokens, levels: tuple[Quantity, ...]) -> bool:
    """Return whether two numbers can be one: "1/2 mg" is half a milligram, or two doses."""
    if len(levels) != 2:
        return False
    first, second = levels
    if tokens.words[first.end : first.end + 1] != ["/"]:
        return False
    if first.unit.first < second.first:  # each has its own unit: "1 mg/2 mg"
        return False
    above = first.high or 0
    below = second.high or 0
    if below not in _DENOMINATORS or above >= below:
        return False
    return above == int(above)


def _is_level(levels: tuple[Quantity, ...], unit: str) -> bool:
    """Return whether the unit is that of a level in blood."""
    if unit in _LEVELS_IN_BLOOD:
        return True
    return unit.startswith("cells") and (levels[-1].high or _FEW_CELLS) < _FEW_CELLS


def _is_no_dose(tokens: Tokens, levels: tuple[Quantity, ...], unit: str) -> bool:
    """Return whether context shows a limit, a package, a dilution, a sample or a needle."""
    if _is_tool(tokens, levels, unit) or _is_level(levels, unit):
        return True
    first = _skip_bracket(tokens, levels[0].first)
    end = max(level.end for level in levels)
    if _stands_behind(("limit_before", "mixture_before", "vial_before"), tokens, first):
        return True
    if unit in _VOLUMES and _stands_behind(("volume_before",), tokens, first):
        return True
    # "in 5 mg increments", "10 mg tablets are available"
    for name in ("step_noun", "available_after"):
        if rule(name).starts(tokens, end):
            return True
    if rule("contained_before").ends(tokens, first):
        return not rule("piece_before").ends(tokens, first)
    if unit == "pulses":  # "3 pulses of oral examplumab" is how often
        return rule("times_of").starts(tokens, end) is not None
    if unit == "%":
        return not rule("strength_after").starts(tokens, end)
    if unit in _COUNTED or unit == "Gy":
        return False
    return rule("package_after").starts(tokens, end) is not None


def _is_tool(tokens: Tokens, levels: tuple[Quantity, ...], unit: str) -> bool:
    """Return whether a number is of a needle, of the content of a piece, of a step of a flow, or
    of an interval.
    """
    first = levels[0].first
    _, *below = levels[-1].unit.parts
    behind = levels[-1].unit.end
    # "21G needle"
    if not below and tokens.words[behind - 1] == "G":
        return True
    # "150 mg/capsule"
    is_per_piece = any(part.piece for part in below)
    if is_per_piece and tokens.words[behind - 2] == "/":
        return True
    if unit == "W" and tokens.words[first - 1 : first] in (["q"], ["Q"]):  # "Q 3 W"
        return True
    is_flow = unit.partition("/")[0] in _VOLUMES and unit.endswith(_FLOWS)
    if not is_flow:
        return False
    end = max(level.end for level in levels)
    return rule("step_of_flow").starts(tokens, end) is not None


def _skip_bracket(tokens: Tokens, first: int) -> int:
    """Return the place of the bracket that opens directly before a number, else of the number."""
    if first > 0 and tokens.words[first - 1] == "(":
        return first - 1
    return first


def _find_auc(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield doses by area under the curve. "AUC24" and "AUC 0-24" are measurements."""
    for match in rule("auc").find(tokens):
        values: list[float] = []
        for name in ("low", "high"):
            value = read_number(match.read(name) or "")
            if value is not None:
                values.append(value)
        if not values or not all(values):
            continue
        is_glued = tokens.codes[match.place("low")[0]] == NAME_NUMBER
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
            unit = find_unit(tokens, match.place("noun")[0])
            if unit is None or not unit.dose:
                continue
            amount = Amount(low=1, high=1, unit=unit.dose)
            first, end = match.place("piece")
            yield Mark((amount,), first, end)


def drop_explaining(
    tokens: Tokens, amounts: Iterable[AmountMark]
) -> tuple[AmountMark, ...]:
    """Drop amounts that only explain a neighbour; ``amounts`` are in reading order.

    Examples are the strength of a counted piece, the volume of a weighed dose and the total of
    fractions.
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
    if _first_explains(tokens, first, second):
        return True
    if _is_sum(tokens, first, second):
        return True
    return _fills_one_piece(tokens, first, second)


def _first_explains(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether the first is a volume, a radiation total or a strength in brackets that
    explains the second.
    """
    unit = first.value[0].unit
    counted = second.value[0]
    if unit in _VOLUMES:
        return _holds(tokens, first, second)
    is_count = counted.unit in _COUNTED
    # "100 ug, 2 puffs": the strength of each
    is_each = is_count and (counted.high or 0) > 1
    if is_each and unit not in _COUNTED and "/" not in unit:
        is_opened = (
            tokens.codes[second.first - 1] == "("
        )  # "100 mg (two 50 mg tablets)"
        if not is_opened and _is_beside(tokens, first, second):
            return True
    if tokens.codes[first.first - 1 : first.first] != "(":
        return False
    if tokens.codes[first.end : second.first] not in (")", "),"):
        return False
    # Such as "(200 mg/5 mL) 10 mg/kg"
    is_by_volume = "/" not in unit and "/" in tokens.words[first.first : first.end]
    return is_count or is_by_volume


def _holds(tokens: Tokens, volume: AmountMark, dose: AmountMark) -> bool:
    """Return whether a volume holds the dose behind it: "2 mL (10 mg)", "2 mL containing 10
    mg".
    """
    if dose.value[0].unit in _VOLUMES:
        return False
    between = tokens.words[volume.end : dose.first]
    return len(between) < 4 and between[-1:] in (["("], ["containing"])


def _is_beside(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether nothing stands between two amounts, or only words for a piece."""
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
    if held == "%":
        return False
    between = tokens.words[piece.end : amount.first]
    return [word.lower() for word in between] == ["of"]


def _is_strength(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Whether the second is the strength of a piece ("2 puffs of 80 ug") or counts one piece ("5
    mg tab, 1 tab").
    """
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
    """Return whether the first is the sum of such doses: "7.2 mg/kg in all, in three injections
    of 2.4 mg/kg".
    """
    unit = total.value[0].unit
    if unit != part.value[0].unit:
        return False
    if (total.value[0].high or 0) <= (part.value[0].high or 0):
        return False
    if unit in _RADIATION:
        return _is_total_of_fractions(tokens, total, part)
    if _stands_behind(("sum_before",), tokens, total.first):
        return True
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
    """Return whether the second stands in brackets behind the first, and so says it again."""
    between = tokens.words[first.end : second.first]
    if between.count("(") <= between.count(")"):
        return False
    if not {";", "\n", "or"}.isdisjoint(between):
        return False
    behind = tokens.words[second.end : second.end + 1]
    # "10 mg (5 mg if ...)" is another dose
    return not behind or behind[0].lower() not in ("if", "for", "in")


def choose_levels(levels: Collection[Amount]) -> tuple[Amount, ...]:
    """Return the doses among ``levels``: no volumes and pieces beside a substance, and no
    concentrations beside those.

    >>> mg, ml = Amount(low=5, high=5, unit="mg"), Amount(low=2, high=2, unit="mL")
    >>> choose_levels([mg, ml]) == (mg,), choose_levels([ml]) == (ml,)
    (True, True)
    """
    doses = [level for level in levels if not _is_concentration(level.unit)]
    if not doses:
        doses = list(levels)
    substances = [level for level in doses if not is_volume_or_piece(level.unit)]
    return tuple(substances or doses)


def _is_concentration(unit: str) -> bool:
    return unit == "%" or unit.endswith("/mL")


def is_volume_or_piece(unit: str) -> bool:
    """Return whether a unit measures no substance: "mL", "tablet"."""
    return unit.partition("/")[0] in _VOLUMES or unit in _COUNTED
