"""Amounts: the dose levels in a text, without limits, packages, strengths and samples."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.concepts.doses.marks import Mark, drop_overlaps, ends_any, starts_any
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import multiply, read_number
from extractor.language.quantities import Quantity, find_quantity_lists
from extractor.language.units import list_units
from extractor.schemas import Amount

AmountMark = Mark[tuple[Amount, ...]]
UNSURE = 0.5
"""The confidence of an amount that may be no dose, or that of something else."""
_COUNTED = frozenset(unit.dose for unit in list_units() if unit.piece and unit.dose)
"""Units that count pieces."""
_VOLUMES = frozenset({"mL", "uL", "L", "100mL"})
_NO_DOSE_BEFORE = ("limit_before", "contained_before", "mixture_before", "vial_before")
_NO_DOSE_AFTER = ("package_after", "available_after", "step_of_flow")
_PORTION_REACH = 6
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
    [['5 mg', '10 mg', '20 mg'], ['100 mg']]
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
        if mark.value[0].unit == "%" or _multiply_pieces(tokens, mark):
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
    for levels in find_quantity_lists(tokens):
        unit = levels[0].unit
        if unit.dose is not None and unit.is_dose:
            yield levels


def _find_doses(tokens: Tokens) -> Iterator[AmountMark]:
    for levels in _list_measured(tokens):
        mark = _make(levels)
        if not _is_no_dose(tokens, mark.value[0].unit, mark.first, mark.end):
            varied = _read_tolerance(tokens, mark)
            pieces = _multiply_pieces(tokens, mark)
            yield varied or pieces or _mark_total(tokens, mark)


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


_LEVELS = ("/mL", "/dL", "/L")
"""Ends of units of levels in blood and of strengths of solutions."""


def _is_no_dose(tokens: Tokens, unit: str, first: int, end: int) -> bool:
    """Return whether a quantity limits, changes or packs a dose, or is that of a solution."""
    is_filled = rule("piece_before").ends(tokens, first) is not None
    if ends_any(_NO_DOSE_BEFORE, tokens, first) and not is_filled:
        return True
    if starts_any(_NO_DOSE_AFTER, tokens, end):
        return True
    if rule("dose_change").ends(tokens, first):
        return True
    # "in 100 mL normal saline"
    if unit in _VOLUMES and rule("diluent_before").ends(tokens, end):
        return True
    if unit == "%":
        return not _is_strength(tokens, first, end)
    # "a trough of 8 ng/mL", "glucose below 90 mg/dL"
    if unit.endswith(_LEVELS):
        return True
    # "10 mg/capsule" is the strength of a piece
    return "/" in unit and is_volume_or_piece(unit.partition("/")[2])


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


def _multiply_pieces(tokens: Tokens, mark: AmountMark) -> AmountMark | None:
    """Return the amount in several pieces, "two 50 mg tablets", as their sum; None without a
    number of pieces.
    """
    [level, *others] = mark.value
    strength = level.high
    if others or strength is None or level.low != strength:
        return None
    if is_volume_or_piece(level.unit):
        return None
    pieces = rule("pieces_of").ends(tokens, mark.first)
    behind = rule("piece_behind").starts(tokens, mark.end)
    end = behind.end if behind else mark.end
    if pieces is None or behind is None:
        # "2 tablets of 50 mg"
        pieces = rule("counted_pieces").ends(tokens, mark.first)
        end = mark.end
    if pieces is None:
        return None
    count = read_number(pieces.read("count") or "")
    if count is None or not 1 <= count <= 12:
        return None
    total = multiply(strength, count)
    amount = Amount(low=total, high=total, unit=level.unit)
    return Mark((amount,), pieces.first, end)


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
        if low is None:
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
    """Yield single pieces without a number: "take a tablet", "a tablet every day"."""
    for name in ("piece_taken", "piece_timed"):
        for found in rule(name).find(tokens):
            piece = found.part("piece")
            noun = found.read("noun")
            if piece is None or noun is None:
                continue
            unit = noun.lower()
            if unit in ("pill", "caplet"):
                unit = "tablet"
            level = Amount(low=1, high=1, unit=unit)
            yield Mark((level,), *piece)


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
    if _is_portion(mark) != _is_portion(before):
        is_near = mark.first - before.end <= _PORTION_REACH
        joint = rule("separate_joint").covers(tokens, before.end, mark.first)
        if joint or not is_near:
            return None
        return mark if _is_portion(mark) else before
    if _is_same_unit(mark, before):
        if _sums_up(tokens, mark):
            return mark
        if _sums_up(tokens, before):
            return before
    if rule("in_fractions").covers(tokens, before.end, mark.first):
        return before
    return mark if _is_same_again(tokens, before, mark) else None


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
    is_made_up = rule("as_pieces").ends(tokens, mark.first, before.end) is not None
    if not opens_bracket and not is_made_up:
        return False
    [own, *_] = mark.value
    [total, *_] = before.value
    if own.unit == total.unit:
        return own.high is not None and total.high is not None
    return True
