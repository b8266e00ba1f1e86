"""Amounts: the dose levels in a text, without limits, packages, strengths and samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.concepts.doses.marks import Mark, drop_overlaps, ends_any, starts_any
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import multiply, read_number
from extractor.language.quantities import Quantity, find_quantity_lists
from extractor.schemas import Amount

_VOLUMES = frozenset({"mL", "L", "uL", "mL/kg"})
_PIECES = frozenset(
    {
        "tablet",
        "capsule",
        "drop",
        "puff",
        "spray",
        "sachet",
        "lozenge",
        "suppository",
        "patch",
        "bag",
        "teaspoon",
        "tablespoon",
        "bottle",
        "applicator",
        "scoop",
        "cup",
        "vial",
    }
)
_PORTIONS = _VOLUMES | _PIECES
_NO_DOSE_BEFORE = (
    "limit_before",
    "contained_before",
    "mixture_before",
    "vial_before",
    "sample_before",
)
_NO_DOSE_AFTER = ("package_after", "available_after", "step_of_flow")
_BESIDE_PIECES = 0.7
"""How sure an amount of substance is beside pieces: it may be that of one piece."""
_EXPLAINING_REACH = 6
"""The most tokens between an amount of substance and the volume or the pieces that hold it."""


def find_amounts(tokens: Tokens) -> list[Mark]:
    """Return the amounts of a text from left to right, each mark with its levels.

    >>> from extractor.language.book import read_text
    >>> marks = find_amounts(
    ...     read_text("5, 10 or 20 mg; at most 40 mg; 2 tablets of 50 mg")
    ... )
    >>> [[str(level) for level in mark.value] for mark in marks]
    [['5 mg', '10 mg', '20 mg'], ['100 mg']]
    """
    found = [*_find_measured(tokens), *_find_auc(tokens), *_find_worded(tokens)]
    return _drop_explaining(tokens, drop_overlaps(found))


def list_other_amounts(tokens: Tokens) -> Iterator[Mark]:
    """Yield quantities that are no dose: limits, changes, packages, strengths of solutions."""
    for levels in find_quantity_lists(tokens):
        unit = levels[0].unit
        if unit.dose is None:
            continue
        place = levels[0].first, levels[-1].end
        if not unit.is_dose or _is_no_dose(tokens, unit.dose, *place):
            yield _make(levels)


def is_portion(mark: Mark) -> bool:
    """Return whether an amount is a volume or a number of pieces, whose substance is unknown."""
    return all(level.unit in _PORTIONS for level in mark.value)


def _find_measured(tokens: Tokens) -> Iterator[Mark]:
    for found in find_quantity_lists(tokens):
        levels = found
        # "on day 1, 15 mg/kg"
        while len(levels) > 1 and rule("day_before").ends(tokens, levels[0].first):
            levels = levels[1:]
        unit = levels[0].unit
        first = levels[0].first
        end = levels[-1].end
        if unit.dose is None or not unit.is_dose:
            continue
        if _is_no_dose(tokens, unit.dose, first, end):
            continue
        mark = _make(levels)
        yield _multiply_pieces(tokens, mark) or _mark_total(tokens, mark)


def _make(levels: Sequence[Quantity]) -> Mark:
    amounts = [
        Amount(low=level.low, high=level.high, unit=level.unit.dose or "")
        for level in levels
    ]
    is_sure = all(level.is_sure for level in levels)
    return Mark(
        field="amounts",
        value=tuple(dict.fromkeys(amounts)),
        first=levels[0].first,
        end=levels[-1].end,
        confidence=0.95 if is_sure else 0.5,
    )


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
    # "10 mg/mL" is the strength of a solution
    return "/" in unit and unit.partition("/")[2] in _PORTIONS


def _is_strength(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a percentage is that of a preparation: "2% cream", "gel 1%"."""
    if rule("strength_after").starts(tokens, end):
        return True
    return rule("strength_before").ends(tokens, first) is not None


def _multiply_pieces(tokens: Tokens, mark: Mark) -> Mark | None:
    """Return the amount in several pieces, "two 50 mg tablets", as their sum; None without a
    number of pieces.
    """
    [level, *others] = mark.value
    if others or level.low != level.high or level.unit in _PORTIONS:
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
    total = multiply(level.high, count)
    amount = Amount(low=total, high=total, unit=level.unit)
    also = ((level,),)
    return Mark("amounts", (amount,), pieces.first, end, 0.8, also)


def _mark_total(tokens: Tokens, mark: Mark) -> Mark:
    """Return an amount that is said to be that of a whole day as one per day."""
    is_total = rule("total_before").ends(tokens, mark.first)
    is_total = is_total or rule("total_after").starts(tokens, mark.end)
    if not is_total or "/day" in mark.value[0].unit:
        return mark
    levels = [
        level.model_copy(update={"unit": f"{level.unit}/day"}) for level in mark.value
    ]
    return Mark("amounts", tuple(levels), mark.first, mark.end, 0.8, (mark.value,))


def _find_auc(tokens: Tokens) -> Iterator[Mark]:
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
        yield Mark("amounts", tuple(levels), found.first, found.end, 0.95)


def _find_worded(tokens: Tokens) -> Iterator[Mark]:
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
            yield Mark("amounts", (level,), *piece, 0.7)


def _drop_explaining(tokens: Tokens, marks: list[Mark]) -> list[Mark]:
    """Return the amounts without the volumes and pieces beside an amount of substance, the sums
    before a dose of each fraction, and the strengths of pieces behind a dose.
    """
    dropped: set[int] = set()
    for at in range(1, len(marks)):
        before = marks[at - 1]
        mark = marks[at]
        gap = mark.first - before.end
        between = tokens.codes[before.end : mark.first]
        if gap > _EXPLAINING_REACH or "\n" in between or ";" in between:
            continue
        if is_portion(mark) != is_portion(before):
            has_joint = rule("separate_joint").covers(tokens, before.end, mark.first)
            if has_joint is None:
                dropped.add(at if is_portion(mark) else at - 1)
                kept = at - 1 if is_portion(mark) else at
                marks[kept] = replace(marks[kept], confidence=_BESIDE_PIECES)
        elif rule("in_fractions").covers(tokens, before.end, mark.first):
            dropped.add(at - 1)
        elif _is_same_again(tokens, before, mark):
            dropped.add(at)
    return [mark for at, mark in enumerate(marks) if at not in dropped]


def _is_same_again(tokens: Tokens, before: Mark, mark: Mark) -> bool:
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
