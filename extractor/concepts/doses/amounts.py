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
    stated = (
        (levels, unit)
        for levels, unit in _find_measured(tokens)
        if not _is_no_dose(tokens, levels, unit)
    )
    measured = (_read_levels(tokens, levels, unit) for levels, unit in stated)
    found = [*filter(None, measured), *_find_auc(tokens), *_find_worded(tokens)]
    return drop_overlaps(found)


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
        others = any(
            rule(name).ends(tokens, first, first - _CUE_REACH)
            for name in ("cap_before", "mixture_before")
        )
        if (others or _is_level(levels, unit)) and (
            mark := _read_levels(tokens, levels, unit)
        ):
            yield mark


def _find_measured(tokens: Tokens) -> Iterator[tuple[tuple[Quantity, ...], str]]:
    """Yield lists of numbers with the unit of a dose, and that unit."""
    dated = {at for mark in find_dates(tokens) for at in range(mark.first, mark.end)}
    for levels in find_quantity_lists(tokens, skipped=dated):
        unit = levels[-1].unit.dose
        if unit and all(level.unit.dose for level in levels):
            yield levels, unit


def _read_levels(
    tokens: Tokens, levels: tuple[Quantity, ...], unit: str
) -> AmountMark | None:
    first = levels[0].first
    end = max(level.end for level in levels)
    # "15 ± 3 mg/kg"
    tolerance = rule("tolerance_before").ends(tokens, first, first - _CUE_REACH)
    if tolerance:
        first = max(0, tolerance.first - 1)
        mean = read_number(tokens.words[first])
        if mean is not None:
            levels = (replace(levels[-1], low=mean, high=mean, first=first),)
        else:
            levels = ()
    # "total daily dose of 1500 mg", "1 g divided into 2 doses"
    total = rule("total_before").ends(tokens, first, first - _CUE_REACH) or rule(
        "total_after"
    ).starts(tokens, end)
    daily = "/day" if "/" not in unit and total else ""
    # Levels and the parts of a fixed combination alike: "5/10/20 mg", "160/4.5 ug"
    amounts = dict.fromkeys(
        Amount(low=level.low, high=level.high, unit=f"{level.unit.dose}{daily}")
        for level in levels
        if level.high != 0 or unit == "Hz"
    )
    doubtful = _can_be_fraction(tokens, levels) or any(
        rule(name).ends(tokens, first, first - _CUE_REACH)
        for name in ("pieces_before", "sum_before")
    )
    # a mixture or a flow is seldom what one giving contains: "mg/mL", "ug/g"
    base, *below = unit.split("/")
    mixed = not (_VOLUMES | {"g"}).isdisjoint(below) or (
        base in _VOLUMES and not {"h", "min", "sec"}.isdisjoint(below)
    )
    sure = all(level.is_sure for level in levels) and not (doubtful or mixed)
    if not amounts:
        return None
    pieces = _count_pieces(tokens, first, levels)
    if pieces:
        return pieces
    return Mark(tuple(amounts), first, end, 1 if sure else UNSURE)


def _count_pieces(
    tokens: Tokens, first: int, levels: tuple[Quantity, ...]
) -> AmountMark | None:
    """Return the number of pieces whose strength stands between it and their name: "two 50 mg
    tablets". One piece is a dose of its strength.
    """
    if len(levels) > 1:
        return None
    counted = rule("pieces_of").ends(tokens, first, first - _CUE_REACH)
    piece = rule("piece_behind").starts(tokens, levels[0].end)
    count = read_number(counted.read("count") or "") if counted else None
    unit = find_unit(tokens, piece.place("noun")[0]) if piece else None
    if not counted or not piece or count not in _PIECES or not unit or not unit.dose:
        return None
    amount = Amount(low=count, high=count, unit=unit.dose)
    return Mark((amount,), counted.place("count")[0], piece.end)


def _can_be_fraction(tokens: Tokens, levels: tuple[Quantity, ...]) -> bool:
    """Return whether two numbers can be one: "1/2 mg" is half a milligram, or two doses."""
    if len(levels) != 2 or tokens.words[levels[0].end : levels[0].end + 1] != ["/"]:
        return False
    if levels[0].unit.first < levels[1].first:  # each has its own unit: "1 mg/2 mg"
        return False
    above = levels[0].high or 0
    below = levels[1].high or 0
    return below in _DENOMINATORS and above < below and above == int(above)


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
    before = ["limit_before", "mixture_before", "vial_before"]
    if unit in _VOLUMES:
        before.append("volume_before")
    if any(rule(name).ends(tokens, first, first - _CUE_REACH) for name in before):
        return True
    # "in 5 mg increments", "10 mg tablets are available"
    if any(rule(name).starts(tokens, end) for name in ("step_noun", "available_after")):
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
    if any(part.piece for part in below) and tokens.words[behind - 2] == "/":
        return True
    if unit == "W" and tokens.words[first - 1 : first] in (["q"], ["Q"]):  # "Q 3 W"
        return True
    flows = unit.partition("/")[0] in _VOLUMES and unit.endswith(_FLOWS)
    end = max(level.end for level in levels)
    return flows and rule("step_of_flow").starts(tokens, end) is not None


def _skip_bracket(tokens: Tokens, first: int) -> int:
    return first - (first > 0 and tokens.words[first - 1] == "(")


def _find_auc(tokens: Tokens) -> Iterator[AmountMark]:
    for found in rule("auc").find(tokens):
        values = [read_number(found.read(name) or "") for name in ("low", "high")]
        known = [value for value in values if value is not None]
        # "AUC24" is a measurement
        span = (
            tokens.codes[found.place("low")[0]] == NAME_NUMBER and known[0] > _MOST_AUC
        )
        if known and all(known) and not span:  # and so is "AUC 0-24"
            through = found.read("joint") in ("-", "to")
            ends = (
                [(known[0], known[-1])]
                if through
                else [(value, value) for value in known]
            )
            yield Mark(
                tuple(Amount(low=low, high=high, unit="AUC") for low, high in ends),
                found.first,
                found.end,
            )


def _find_worded(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield doses without a digit: "a tablet every day", "½ tablet", "a quarter of a tablet"."""
    for found in rule("part_in_words").find(tokens):
        part = read_number(found.read("part") or "")
        unit = find_unit(tokens, found.end)
        if part and unit and unit.dose:
            amount = Amount(low=part, high=part, unit=unit.dose)
            yield Mark((amount,), found.first, unit.end)
    for name in ("piece_taken", "piece_timed"):
        for found in rule(name).find(tokens):
            first, end = found.place("piece")
            noun, _ = found.place("noun")
            unit = find_unit(tokens, noun)
            if unit and unit.dose:
                amount = Amount(low=1, high=1, unit=unit.dose)
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
        if not kept or amount.first - kept[-1].end > _BESIDE:
            kept.append(amount)
        elif _is_sum(tokens, amount, kept[-1]):
            continue
        elif (
            _first_explains(tokens, kept[-1], amount)
            or _is_sum(tokens, kept[-1], amount)
            or _fills_one_piece(tokens, kept[-1], amount)
        ):
            kept[-1] = amount
        elif not (
            _is_strength(tokens, kept[-1], amount)
            or _is_bracketed(tokens, kept[-1], amount)
        ):
            kept.append(amount)
    return tuple(kept)


def _first_explains(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Return whether the first is a volume, a radiation total or a strength in brackets that
    explains the second.
    """
    one = first.value[0].unit
    other = second.value[0].unit
    between = (first.end, second.first)
    if one in _VOLUMES:
        gap = tokens.words[slice(*between)]
        return (
            other not in _VOLUMES
            and len(gap) < 4
            and gap[-1:] in (["("], ["containing"])
        )
    bracketed = tokens.codes[first.first - 1 : first.first] == "(" and tokens.codes[
        slice(*between)
    ] in (")", "),")
    # "100 ug, 2 puffs": the strength of each
    several = other in _COUNTED and (second.value[0].high or 0) > 1
    if several and one not in _COUNTED and "/" not in one:
        opened = tokens.codes[second.first - 1] == "("  # "100 mg (two 50 mg tablets)"
        apart = rule("piece_gap").covers(tokens, *between)
        if not opened and (apart or first.end == second.first):
            return True
    # Such as "(200 mg/5 mL) 10 mg/kg"
    by_volume = "/" not in one and "/" in tokens.words[first.first : first.end]
    return bracketed and (other in _COUNTED or by_volume)


def _fills_one_piece(tokens: Tokens, piece: AmountMark, amount: AmountMark) -> bool:
    """Return whether an amount is what a single piece holds: "one tablet of 14 mg"."""
    counted = piece.value[0]
    if counted.unit not in _COUNTED or not counted.low == counted.high == 1:
        return False
    held = amount.value[0].unit
    # a volume or a concentration tells no substance
    if is_volume_or_piece(held) or "/" in held or held == "%":
        return False
    between = tokens.words[piece.end : amount.first]
    return [word.lower() for word in between] == ["of"]


def _is_strength(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    """Whether the second is the strength of a piece ("2 puffs of 80 ug") or counts one piece ("5
    mg tab, 1 tab").
    """
    other = second.value[0].unit
    between = (first.end, second.first)
    if rule("as_pieces").ends(tokens, second.first, first.end):
        return True
    if first.value[0].unit in _COUNTED:
        return (
            other not in _COUNTED
            and rule("of_piece").covers(tokens, *between) is not None
        )
    # "10 mL of a 2 mg/mL solution"
    if first.value[0].unit in _VOLUMES and other.endswith(("/mL", "%")):
        return rule("of_piece").covers(tokens, *between) is not None
    if other not in _COUNTED or second.value[0].high != 1:
        return False
    gap = rule("piece_gap").covers(tokens, *between)
    return gap is not None or first.end == second.first


def _is_sum(tokens: Tokens, total: AmountMark, part: AmountMark) -> bool:
    """Return whether the first is the sum of such doses: "7.2 mg/kg in all, in three injections
    of 2.4 mg/kg".
    """
    one = total.value[0]
    other = part.value[0]
    if one.unit != other.unit or not (one.high or 0) > (other.high or 0):
        return False
    # "60 Gy in 30 fractions of 2 Gy", "2 Gy per fraction to 60 Gy"
    if one.unit in _RADIATION:
        apart = rule("in_fractions").covers(tokens, total.end, part.first)
        each = rule("per_fraction")
        alone = each.starts(tokens, part.end) or each.ends(tokens, part.end, part.first)
        return bool(apart or alone)
    before = rule("sum_before").ends(tokens, total.first, total.first - _CUE_REACH)
    return bool(before or rule("sum_after").starts(tokens, total.end))


def _is_bracketed(tokens: Tokens, first: AmountMark, second: AmountMark) -> bool:
    words = tokens.words[first.end : second.first]
    if words.count("(") <= words.count(")") or not {";", "\n", "or"}.isdisjoint(words):
        return False
    if not tokens.words[second.end : second.end + 1]:
        return True
    return tokens.words[second.end].lower() not in ("if", "for", "in")


def choose_levels(levels: Collection[Amount]) -> tuple[Amount, ...]:
    """Return the doses among ``levels``: no volumes and pieces beside a substance, and no
    concentrations beside those.

    >>> mg, ml = Amount(low=5, high=5, unit="mg"), Amount(low=2, high=2, unit="mL")
    >>> choose_levels([mg, ml]) == (mg,), choose_levels([ml]) == (ml,)
    (True, True)
    """
    plain = [
        level
        for level in levels
        if level.unit != "%" and not level.unit.endswith("/mL")
    ] or levels
    substances = [level for level in plain if not is_volume_or_piece(level.unit)]
    return tuple(level for level in substances or plain)


def is_volume_or_piece(unit: str) -> bool:
    """Return whether a unit measures no substance: "mL", "tablet"."""
    return unit.partition("/")[0] in _VOLUMES or unit in _COUNTED
