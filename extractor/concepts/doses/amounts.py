"""Amounts: the dose levels in a text, without limits, packages, strengths and samples."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.concepts.doses.days import find_days
from extractor.concepts.doses.marks import Mark, drop_overlaps, ends_any, starts_any
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number
from extractor.language.quantities import Quantity, find_quantity_lists
from extractor.language.units import find_unit, list_units
from extractor.schemas import Amount

AmountMark = Mark[tuple[Amount, ...]]
UNSURE = 0.5
"""The confidence of an amount that may be no dose, or that of something else."""
_COUNTED = frozenset(unit.dose for unit in list_units() if unit.piece and unit.dose)
"""Units that count pieces."""
_VOLUMES = frozenset({"mL", "uL", "L", "100mL"})
_NO_DOSE_BEFORE = ("limit_before", "mixture_before", "vial_before")
_NO_DOSE_AFTER = ("package_after", "available_after", "step_of_flow")
_PORTION_REACH = 6
_PIECES = range(2, 13)
_MOST_AUC = 10
_FEW_CELLS = 1000
_SOLVENTS = ("ml", "cc")
_EXPLAINING_REACH = 14
"""The most tokens between an amount of substance and the volume or the pieces that hold it."""


def find_amounts(tokens: Tokens) -> tuple[AmountMark, ...]:
    """Return the amounts of a text from left to right, each mark with its levels. Limits, changes,
    packages and strengths of solutions are left out.

    >>> from extractor.language.book import read_text
    >>> marks = find_amounts(
    ...     read_text("5, 10 or 20 mg; at most 40 mg; 2 tablets of 50 mg")
    ... )
    >>> [[str(level) for level in mark.value] for mark in marks]
    [['5 mg', '10 mg', '20 mg'], ['2 tablet'], ['50 mg']]
    """
    found = [*_find_doses(tokens), *_find_auc(tokens), *_find_worded(tokens)]
    return drop_overlaps(found)


def find_limits(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield what has the unit of a dose and limits one, or is the amount of a solvent.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value[0].high
    ...     for mark in find_limits(read_text("20 mg daily, at most 80 mg"))
    ... ]
    [80]
    """
    for levels in _list_measured(tokens):
        if ends_any(("cap_before", "mixture_before"), tokens, levels[0].first):
            yield _make(levels)


def find_strengths(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield what a piece or a preparation contains: the strength of several pieces, and a
    percentage that is no dose of its own.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value[0].high
    ...     for mark in find_strengths(read_text("two 50 mg tablets, 1% cream"))
    ... ]
    [50, 1]
    """
    for levels in _list_measured(tokens):
        mark = _make(levels)
        if mark.value[0].unit == "%" or _count_pieces(tokens, mark):
            yield mark


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


def _list_measured(tokens: Tokens) -> Iterator[tuple[Quantity, ...]]:
    skipped: set[int] = set()
    for days in find_days(tokens):
        skipped.update(range(days.first, days.end))
    for levels in find_quantity_lists(tokens, skipped=skipped):
        unit = levels[0].unit
        # "a 21G needle"
        is_gauge = tokens.words[unit.first] == "G" and tokens.joined(unit.first)
        # "40 mg/0.8 mL"
        is_dissolved = tokens.words[unit.end - 1].lower() in _SOLVENTS
        is_dose = unit.dose is not None and (unit.is_dose or is_dissolved)
        if is_dose and not is_gauge:
            yield levels


def _find_doses(tokens: Tokens) -> Iterator[AmountMark]:
    for levels in _list_measured(tokens):
        mark = _make(levels)
        if _is_too_small(mark) or _is_no_dose(
            tokens, mark.value[0].unit, mark.first, mark.end
        ):
            continue
        if _sums_up(tokens, mark) or mark.value[0].unit.endswith("/mL"):
            yield replace(mark, confidence=UNSURE)
        else:
            varied = _read_tolerance(tokens, mark)
            pieces = _count_pieces(tokens, mark)
            yield varied or pieces or _mark_total(tokens, mark)


def _is_too_small(mark: AmountMark) -> bool:
    """Return whether an amount is nothing, or so few cells that they count something else:
    "15 patients with B-cell lymphoma".
    """
    level = mark.value[-1]
    most = level.high or level.low or 0
    is_of_cells = level.unit.partition("/")[0] == "cells"
    return most == 0 or (is_of_cells and most < _FEW_CELLS)


def _make(levels: Sequence[Quantity]) -> AmountMark:
    amounts = [
        Amount(low=level.low, high=level.high, unit=level.unit.dose or "")
        for level in levels
    ]
    is_sure = all(level.is_sure for level in levels)
    return Mark(
        value=tuple(dict.fromkeys(amounts)),
        first=levels[0].first,
        end=levels[-1].end,
        confidence=1.0 if is_sure else UNSURE,
    )


_LEVELS = frozenset(
    {"pg/mL", "ng/mL", "ng/dL", "ug/L", "mg/dL", "mg/L", "g/dL", "g/L", "mmol/L"}
)
"""Units of levels in blood."""


def _is_dissolved(tokens: Tokens, end: int) -> bool:
    """Return whether the volume of a solution follows an amount: "40 mg/0.8 mL"."""
    if tokens.codes[end : end + 1] != "/":
        return False
    volume = find_unit(tokens, end + 2)
    return volume is not None and volume.dose in _VOLUMES


def _is_no_dose(tokens: Tokens, unit: str, first: int, end: int) -> bool:
    """Return whether a quantity limits, changes or packs a dose, or is that of a solution."""
    if rule("raised_or_lowered").ends(tokens, first):
        return False
    is_filled = rule("piece_before").ends(tokens, first) is not None
    if rule("contained_before").ends(tokens, first) and not is_filled:
        return True
    if ends_any(_NO_DOSE_BEFORE, tokens, first) or rule("dose_change").ends(
        tokens, first
    ):
        return True
    if starts_any(_NO_DOSE_AFTER, tokens, end) and not _is_dissolved(tokens, end):
        return True
    # "3 pulses of examplumab"
    if unit == "pulses" and rule("times_of").starts(tokens, end):
        return True
    # "in 100 mL normal saline"
    if unit in _VOLUMES and rule("diluent_before").ends(tokens, end):
        return True
    if unit == "%":
        return not _is_strength(tokens, first, end)
    # "a trough of 8 ng/mL", "glucose below 90 mg/dL"
    if unit in _LEVELS:
        return True
    # "10 mg/capsule" is the strength of a piece
    return counts_pieces(unit.partition("/")[2])


def _is_strength(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a percentage is that of a preparation: "2% cream", "gel 1%"."""
    if rule("strength_after").starts(tokens, end):
        return True
    return rule("strength_before").ends(tokens, first) is not None


def _read_tolerance(tokens: Tokens, mark: AmountMark) -> AmountMark | None:
    """Return the amount before a tolerance, "15 ± 3 mg/kg"; None without a tolerance."""
    sign = rule("tolerance_before").ends(tokens, mark.first)
    if sign is None or sign.first == 0:
        return None
    number = read_number(tokens.words[sign.first - 1])
    if number is None:
        return None
    level = mark.value[-1].model_copy(update={"low": number, "high": number})
    return Mark((level,), sign.first - 1, mark.end)


def _count_pieces(tokens: Tokens, mark: AmountMark) -> AmountMark | None:
    """Return the number of pieces before the strength of one, "two 50 mg tablets", as the amount;
    None without a number of pieces.
    """
    [level, *others] = mark.value
    behind = rule("piece_behind").starts(tokens, mark.end)
    noun = behind.read("noun") if behind else None
    if others or noun is None or is_volume_or_piece(level.unit):
        return None
    pieces = rule("pieces_of").ends(tokens, mark.first)
    count = read_number(pieces.read("count") or "") if pieces else None
    if pieces is None or behind is None or count not in _PIECES:
        return None
    unit = noun.lower().removesuffix("s")
    amount = Amount(low=count, high=count, unit=unit)
    return Mark((amount,), pieces.first, behind.end)


def _mark_total(tokens: Tokens, mark: AmountMark) -> AmountMark:
    """Return an amount that is said to be that of a whole day as one per day."""
    is_total = rule("total_before").ends(tokens, mark.first)
    is_total = is_total or rule("total_after").starts(tokens, mark.end)
    if not is_total or "/day" in mark.value[0].unit:
        return mark
    levels = [
        level.model_copy(update={"unit": f"{level.unit}/day"}) for level in mark.value
    ]
    return replace(mark, value=tuple(levels))


def _find_auc(tokens: Tokens) -> Iterator[AmountMark]:
    for found in rule("auc").find(tokens):
        numbers = [read_number(found.read(name) or "") for name in ("low", "high")]
        low, high = numbers
        if low is None or not 0 < low <= _MOST_AUC:
            continue
        joint = (found.read("joint") or "").lower()
        is_range = "-" in joint or "to" in joint
        if high is None:
            ends = [(low, low)]
        elif is_range:
            ends = [(low, high)]
        else:
            ends = [(low, low), (high, high)]
        levels = [Amount(low=one, high=two, unit="AUC") for one, two in ends]
        yield Mark(tuple(levels), found.first, found.end)


def _find_worded(tokens: Tokens) -> Iterator[AmountMark]:
    """Yield single pieces without a number, and parts of pieces: "take a tablet", "a quarter of a
    tablet".
    """
    for found in rule("part_in_words").find(tokens):
        unit = find_unit(tokens, found.end)
        part = read_number(found.read("part") or "")
        if unit and part and unit.dose:
            amount = Amount(low=part, high=part, unit=unit.dose)
            yield Mark((amount,), found.first, unit.end)
    for name in ("piece_taken", "piece_timed"):
        for found in rule(name).find(tokens):
            piece = found.part("piece")
            noun = found.part("noun")
            unit = find_unit(tokens, noun[0]) if noun else None
            if piece and unit and unit.dose:
                amount = Amount(low=1, high=1, unit=unit.dose)
                yield Mark((amount,), *piece)


def drop_explaining(
    tokens: Tokens, amounts: Iterable[AmountMark]
) -> tuple[AmountMark, ...]:
    """Return the amounts without the volumes and pieces beside an amount of substance, the sums
    before a dose of each fraction, and the strengths of pieces behind a dose. ``amounts`` are in
    reading order.
    """
    marks = list(amounts)
    dropped: set[int] = set()
    for at in range(1, len(marks)):
        before = marks[at - 1]
        mark = marks[at]
        gap = mark.first - before.end
        between = tokens.codes[before.end : mark.first]
        if gap > _EXPLAINING_REACH or "\n" in between or ";" in between:
            continue
        explained = _find_explained(tokens, before, mark)
        if explained is not None:
            dropped.add(at - 1 if explained is before else at)
    return tuple(mark for at, mark in enumerate(marks) if at not in dropped)


def _find_explained(
    tokens: Tokens, before: AmountMark, mark: AmountMark
) -> AmountMark | None:
    """Return the one of two amounts beside each other that only explains the other; None if both
    are doses.
    """
    if _is_solution(tokens, before):
        return before
    if _is_portion(mark) != _is_portion(before):
        return _find_container(tokens, before, mark)
    if _is_same_unit(mark, before):
        return _find_sum(tokens, before, mark)
    return mark if _is_same_again(tokens, before, mark) else None


def _find_container(
    tokens: Tokens, before: AmountMark, mark: AmountMark
) -> AmountMark | None:
    """Return which of an amount of substance and a volume or number of pieces only explains the
    other; None if they are two doses.
    """
    is_near = mark.first - before.end <= _PORTION_REACH
    if not is_near or rule("separate_joint").covers(tokens, before.end, mark.first):
        return None
    if is_concentration(mark.value[0].unit):
        return mark
    return before if _counts_last(tokens, before, mark) else mark


def _find_sum(
    tokens: Tokens, before: AmountMark, mark: AmountMark
) -> AmountMark | None:
    """Return which of two amounts in one unit is the sum of doses, or says the other again."""
    if _sums_up(tokens, mark):
        return mark
    is_of_fraction = rule("per_fraction").search(tokens, mark.first, mark.end + 3)
    in_fractions = rule("in_fractions").covers(tokens, before.end, mark.first)
    if is_of_fraction or in_fractions or _sums_up(tokens, before):
        return before
    return mark if _is_same_again(tokens, before, mark) else None


def _is_solution(tokens: Tokens, mark: AmountMark) -> bool:
    """Return whether an amount in brackets is that in a volume: "(200 mg/5 mL) 10 mg/kg"."""
    in_volume = tokens.words[mark.end - 1].lower() in _SOLVENTS
    closes = tokens.codes[mark.end : mark.end + 1] == ")"
    return in_volume and closes and not _is_portion(mark)


def _counts_last(tokens: Tokens, before: AmountMark, mark: AmountMark) -> bool:
    """Return whether the second of an amount of substance and a volume or number of pieces is the
    dose: the pieces behind a strength, "100 ug, 2 puffs", or the substance in a volume or one
    piece, "1 capsule of 20 mg", but not the strength of pieces, "1 capsule (5 mg)".
    """
    if _is_portion(mark):
        # in brackets, pieces only explain: "80 mg (two 40 mg tablets)"
        if mark.value[0].high == 1 or tokens.codes[before.end] == "(":
            return False
        gap = rule("piece_gap").covers(tokens, before.end, mark.first)
        return gap is not None and counts_pieces(mark.value[0].unit)
    if not counts_pieces(before.value[0].unit):
        return True
    opening = tokens.words[before.end] if mark.first > before.end else ""
    is_one_of = opening == "of" and before.value[0].high == 1
    return is_one_of or opening not in ("(", "of")


def _sums_up(tokens: Tokens, mark: AmountMark) -> bool:
    """Return whether an amount is the sum of several doses: "a total dose of 50 mg", "in all"."""
    before = rule("sum_before").ends(tokens, mark.first)
    return before is not None or rule("sum_after").starts(tokens, mark.end) is not None


def _is_same_unit(one: AmountMark, other: AmountMark) -> bool:
    units = [mark.value[0].unit.partition("/day")[0] for mark in (one, other)]
    return units[0] == units[1]


def _is_portion(mark: AmountMark) -> bool:
    return all(is_volume_or_piece(level.unit) for level in mark.value)


def _is_same_again(tokens: Tokens, before: AmountMark, mark: AmountMark) -> bool:
    """Return whether an amount only says how another one is made up or written: "300 mg (two 150
    mg injections)", "as two 400 mg tablets".
    """
    opens_bracket = tokens.codes[before.end : mark.first] == "("
    behind = tokens.words[mark.end : mark.end + 1]
    # "10 mg (5 mg if ...)" is another dose
    if behind and behind[0].lower() in ("if", "for", "in"):
        return False
    is_made_up = rule("as_pieces").ends(tokens, mark.first, before.end) is not None
    if not opens_bracket and not is_made_up:
        return False
    [own, *_] = mark.value
    [total, *_] = before.value
    if own.unit == total.unit:
        return own.high is not None and total.high is not None
    return True
