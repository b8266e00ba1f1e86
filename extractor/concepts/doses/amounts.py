"""Amounts: the dose levels in a text, without limits, packages, strengths and samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.concepts.doses.marks import Mark, drop_overlaps, ends_any, starts_any
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number
from extractor.language.quantities import Quantity, find_quantity_lists
from extractor.schemas import Amount

_VOLUMES = word_set("mL L uL mL/kg")
_PORTIONS = _VOLUMES | word_set(
    "tablet capsule drop puff spray sachet lozenge suppository patch bag teaspoon tablespoon bottle"
    " applicator scoop cup vial"
)
_NO_DOSE_BEFORE = (
    "limit_before",
    "contained_before",
    "mixture_before",
    "vial_before",
    "sample_before",
    "dose_change",
)
_NO_DOSE_AFTER = ("package_after", "available_after", "step_of_flow")
_BESIDE_PIECES = 0.7
"""Confidence of an amount of substance beside pieces: it may be that of one piece."""
_EXPLAINING_REACH = 6
"""Maximum number of tokens between an amount of substance and the volume or the pieces that
hold it."""


def find_amounts(tokens: Tokens) -> list[Mark]:
    """Return the amounts of a text from left to right, each mark with its levels.

    >>> from extractor.language.book import read_text
    >>> marks = find_amounts(read_text("5, 10 or 20 mg; at most 40 mg; 50 mg in 2 mL"))
    >>> [[str(level) for level in mark.value] for mark in marks]
    [['5 mg', '10 mg', '20 mg'], ['50 mg']]
    """
    found = [*_find_measured(tokens), *_find_auc(tokens)]
    return _drop_explaining(tokens, drop_overlaps(found))


def list_other_amounts(tokens: Tokens) -> Iterator[Mark]:
    """Yield quantities that are not doses: limits, changes, packages, strengths of solutions."""
    for levels in find_quantity_lists(tokens):
        unit = levels[0].unit.dose
        if unit and (not levels[0].unit.is_dose or _is_no_dose(tokens, unit, levels)):
            yield _make(unit, levels)


def is_portion(mark: Mark) -> bool:
    """Return whether an amount is a volume or a number of pieces, whose substance is unknown."""
    return all(level.unit in _PORTIONS for level in mark.value)


def _find_measured(tokens: Tokens) -> Iterator[Mark]:
    for found in find_quantity_lists(tokens):
        levels = found
        # "on day 1, 15 mg/kg"
        while len(levels) > 1 and rule("day_before").ends(tokens, levels[0].first):
            levels = levels[1:]
        unit = levels[0].unit.dose
        is_dose = unit is not None and levels[0].unit.is_dose
        if unit and is_dose and not _is_no_dose(tokens, unit, levels):
            yield _mark_total(tokens, _make(unit, levels))


def _make(unit: str, levels: Sequence[Quantity]) -> Mark:
    amounts = [Amount(low=level.low, high=level.high, unit=unit) for level in levels]
    sure = 0.95 if all(level.is_sure for level in levels) else 0.5
    value = tuple(dict.fromkeys(amounts))
    return Mark("amounts", value, levels[0].first, levels[-1].end, sure)


def _is_no_dose(tokens: Tokens, unit: str, levels: Sequence[Quantity]) -> bool:
    """Return whether a quantity limits, changes or packs a dose, or is that of a solution."""
    first = levels[0].first
    end = levels[-1].end
    if ends_any(_NO_DOSE_BEFORE, tokens, first):
        return True
    if starts_any(_NO_DOSE_AFTER, tokens, end):
        return True
    # "in 100 mL normal saline"
    if unit in _VOLUMES and rule("diluent_before").ends(tokens, end):
        return True
    if unit == "%":
        # "2% cream" is given as such, "0.9% NaCl" is not
        return rule("strength_after").starts(tokens, end) is None
    # "10 mg/mL" is the strength of a solution
    return unit.partition("/")[2] in _PORTIONS


def _mark_total(tokens: Tokens, mark: Mark) -> Mark:
    """Return an amount that is said to be that of a whole day as one per day."""
    is_total = rule("total_before").ends(tokens, mark.first)
    is_total = is_total or rule("total_after").starts(tokens, mark.end)
    if not is_total or "/day" in mark.value[0].unit:
        return mark
    levels = [
        level.model_copy(update={"unit": f"{level.unit}/day"}) for level in mark.value
    ]
    return replace(mark, value=tuple(levels), confidence=0.8, also=(mark.value,))


def _find_auc(tokens: Tokens) -> Iterator[Mark]:
    for found in rule("auc").find(tokens):
        low = read_number(found.read("low") or "")
        high = read_number(found.read("high") or "")
        if low is None:
            continue
        levels = [(low, low)]
        if high is not None and found.has("range"):
            levels = [(low, high)]
        elif high is not None:
            levels = [(low, low), (high, high)]
        value = tuple(
            Amount(low=least, high=most, unit="AUC") for least, most in levels
        )
        yield Mark("amounts", value, found.first, found.end, 0.95)


def _drop_explaining(tokens: Tokens, marks: list[Mark]) -> list[Mark]:
    """Return the amounts without the volumes and pieces beside an amount of substance, and the
    strengths of pieces after a dose.
    """
    kept = marks[:1]
    for mark in marks[1:]:
        before = kept[-1]
        gap = tokens.codes[before.end : mark.first]
        if len(gap) > _EXPLAINING_REACH or not set(gap).isdisjoint("\n;"):
            kept.append(mark)
        elif is_portion(mark) != is_portion(before):
            substance = before if is_portion(mark) else mark
            kept[-1] = replace(substance, confidence=_BESIDE_PIECES)
        elif rule("in_fractions").covers(tokens, before.end, mark.first):
            kept[-1] = mark
        elif gap != "(" and not rule("as_pieces").ends(tokens, mark.first, before.end):
            kept.append(mark)
    return kept
