"""Read a further value after a limit: for other people, or in another unit."""

from dataclasses import replace

from extractor.concepts.limits.bounds import Limit
from extractor.concepts.limits.measures import Measure
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.units import convert, read_unit

_MOST_JOINTS = 2
"""The most tokens between two numbers of one row."""


def read_other_case(
    measure: Measure, last: Limit, stated: Limit | None
) -> Limit | None:
    """Return a further limit on the quantity of ``last``, the limit before it, for other people or
    another case: "80 % in men and 75 % in women", "13 (men) or > 12 (women)".

    Without a comparator it has that of ``last``, and its unit if it has none. With one it is the
    limit that was ``stated`` for the measure, on the quantity of ``last``; then words for people
    must join the two. None if no words between and behind join them, or if their units differ.
    """
    of_people = _is_of_people(measure, last)
    if of_people is None:
        return None
    unit = measure.unit
    tokens = measure.match.tokens
    if not _may_share_unit(tokens, unit, last.unit, of_people=of_people):
        return None
    if measure.compared:
        return _take_quantity(stated, last, unit) if stated and of_people else None
    if unit is None and not of_people:
        return None
    # behind a joint alone, as in "94 cm (men) / 80 cm", the limit begins at the joint
    stands_apart = measure.first > last.end + _MOST_JOINTS
    first = measure.first if stands_apart else last.end
    shared = unit or last.unit
    return replace(
        last,
        value=measure.low,
        value_high=measure.high,
        first=first,
        end=_find_value_end(measure),
        unit=shared,
        time_unit=measure.time_unit or last.time_unit,
        sure=last.sure and shared is not None,
    )


def _is_of_people(measure: Measure, last: Limit) -> bool | None:
    """Return whether words for people, between a further value and the last one and also behind it,
    join the two: "80 % in men and 75 % in women". False if other words join them; None if none do,
    or if only one of the two is a range.
    """
    if (measure.high is None) is not (last.value_high is None):
        return None
    before = last.end
    if last.unit and last.first < last.unit[0]:
        before = last.unit[1]
    tokens = measure.match.tokens
    between = rule("other_case").covers(tokens, before, measure.first)
    if between is None:
        return None
    behind = rule("case_behind").starts(tokens, _find_value_end(measure))
    if behind is None:
        return None
    return between.has("words") and behind.has("person")


def _find_value_end(measure: Measure) -> int:
    """Return the token behind the unit of a measure, else behind its last number."""
    if measure.unit:
        return measure.unit[1]
    name = "low" if measure.high is None else "high"
    return measure.match.place(name)[1]


def _may_share_unit(
    tokens: Tokens, unit: Range | None, last: Range | None, *, of_people: bool
) -> bool:
    """Return whether a further value may share a limit with the last one, by their units: they are
    alike. For other people, the unit may also be left out, or convert into that of the last one.
    "40 inches (102 cm) in men and 35 inches" are not in centimetres.
    """
    mine = _name_unit(tokens, unit)
    theirs = _name_unit(tokens, last)
    if mine == theirs:
        return True
    if not of_people:
        return False
    return not mine or convert(1, mine, theirs) is not None


def _name_unit(tokens: Tokens, unit: Range | None) -> str:
    """Return the UCUM code of a unit, its own words if it is not known, "" without a unit."""
    if unit is None:
        return ""
    words = tokens.read(*unit)
    return read_unit(words) or words.lower()


def _take_quantity(stated: Limit, last: Limit, unit: Range | None) -> Limit | None:
    """Return a stated limit with the quantity of the last one, and its unit if it has none itself;
    None if the stated limit has a name behind it.
    """
    if stated.quantity is not None and stated.quantity[0] >= stated.first:
        return None
    return replace(stated, quantity=last.quantity, unit=unit or last.unit)


def read_alternative(measure: Measure, last: Limit) -> Limit | None:
    """Return the limit of a second value in another unit, with the comparator and the quantity of
    ``last``, the limit before it: "> 12% or 200 mL".

    In brackets it is sure, for it is the same value in another unit: "7.0 mmol/L (126 mg/dL)". None
    if either is a length of time, if the units or the numbers are the same, or if other words than
    a joint stand between.
    """
    unit = measure.unit
    tokens = measure.match.tokens
    if not unit or not last.unit:
        return None
    if measure.time_unit or last.time_unit:
        return None
    if (measure.high is None) is not (last.value_high is None):
        return None
    joint = rule("second_value").covers(tokens, last.end, measure.match.first)
    if joint is None:
        return None
    is_bracketed = joint.text.rstrip("= ") in ("(", "[")
    closing = tokens.codes[measure.match.end : measure.match.end + 1]
    if is_bracketed and closing not in (")", "]"):
        return None
    # the number in "thirty percent (30%)" is the same one
    if (measure.low, measure.high) == (last.value, last.value_high):
        return None
    if tokens.read(*unit) == tokens.read(*last.unit):
        return None
    return Limit(
        last.comparator,
        measure.low,
        measure.high,
        measure.first,
        max(unit[1], measure.match.end),
        last.quantity,
        unit,
        sure=is_bracketed,
    )
