"""Read limits on scales: grades and classes, in digits or Roman numerals, and fractions of
visual acuity.
"""

import re

from extractor.concepts.limits.bounds import (
    LOWER,
    UPPER,
    Limit,
    find_quantity,
    mirror_comparator,
    read_comparator,
    turn_comparator,
)
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import ROMAN, has_minus
from extractor.language.patterns import Found
from extractor.language.units import find_unit
from extractor.schemas import Comparator

_LETTERED = re.compile(r"[IVX]+[A-Da-d]\d?")
"""A stage with a letter, which is no number."""
_ANY_SCALE = frozenset({"score", "scores", "scale", "index"})
_SCALE_REACH = 4
_NOT_RECOVERED = 14
"""The most tokens of "not yet resolved to baseline or" before a grade."""


def read_grades(tokens: Tokens, found: Found) -> Limit | None:
    """The limit in a match of the rule ``graded_limit``; None if its numbers are no grades, or
    have no direction.
    """
    scale, end = found.place("scale")
    grades = (
        []
        if _is_no_grade(tokens, found)
        else _list_grades(tokens, *found.place("values"))
    )
    signed = found.part("before")
    first = signed[0] if signed else scale  # "failure to recover to" ("<= grade 1")
    stays = rule("not_recovered").ends(tokens, first, first - _NOT_RECOVERED)
    recovers = stays or rule("recovers_to").ends(tokens, first, first - 4)
    quantity = (
        None if recovers else find_quantity(tokens, max(0, scale - 6), end)
    ) or (scale, end)
    # "minimum Karnofsky score of 70"
    before = found.part("before")
    if before and quantity[0] < before[1] < quantity[1]:
        quantity = before[1], quantity[1]
    comparator, stated = _compare(tokens, found, quantity)
    far = (
        comparator is None
        and end - scale > _SCALE_REACH
        and tokens.words[scale].lower() in _ANY_SCALE
    )
    whole = (
        comparator is None
        and tokens.words[scale].lower() == "scale"
        and len(grades) > 1
        and min(grades) < 2
    )
    if not grades or not stated or far or whole:  # "(scale of 1 to 4)" limits nothing
        return None
    if recovers and comparator is None:  # "resolved to grade 0 or 1"
        comparator = Comparator.AT_MOST
        grades = [max(grades)]
    if stays and comparator:
        comparator = comparator.opposite or comparator
    low = min(grades)
    high = max(grades)
    unit = found.part("unit")
    if low != high and comparator not in (*LOWER, *UPPER):
        return Limit(
            Comparator.BETWEEN, low, high, found.first, found.end, quantity, unit
        )
    bound = low if comparator in LOWER else grades[0]
    return Limit(
        comparator or Comparator.EQUAL,
        bound,
        None,
        found.first,
        found.end,
        quantity,
        unit,
    )


def _is_no_grade(tokens: Tokens, found: Found) -> bool:
    """Whether the numbers are a size, a value below zero, a stage with letters, or the number of an
    item or a visit.

    So is the lower end of a range whose upper end has a sign: "index of 18 to < 40 kg/m2".
    """
    first, last = found.place("values")
    item = (
        last == first + 1
        and tokens.codes[last : last + 1] == ")"
        and tokens.codes[first - 1] == "("
    )
    measured = rule("rate_unit").starts(tokens, last) or find_unit(tokens, last)
    named = rule("numbered_place").ends(tokens, first, first - 1) or rule(
        "of_trial_after"
    ).starts(tokens, last)
    ranged = tokens.words[last : last + 1] in (["to"], ["-"]) and tokens.codes[
        last + 1 : last + 2
    ] in ("<", "≤")
    if first and tokens.words[first - 1].lower() in ("-", "to", "/", "or", "and", ","):
        joined = first - 1
    else:
        joined = first
    joint = rule("stage_joint").starts(tokens, last)
    around = [joined - 1] * (joined > 0) + ([joint.end] if joint else [])
    # "stage IIIC-IV"
    lettered = any(
        _LETTERED.fullmatch(tokens.words[at]) for at in around if at < len(tokens)
    )
    return bool(
        item or measured or named or ranged or has_minus(tokens, first) or lettered
    )


def _compare(
    tokens: Tokens, found: Found, quantity: Range
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a grade, and whether it is known: "or better" needs a scale with
    a known direction.
    """
    scale, end = found.place("scale")
    turned = found.read("turn")
    if turned:
        names = (tokens.read(scale, end), tokens.read(*quantity))
        comparator = next(
            filter(None, (turn_comparator(turned, name) for name in names)), None
        )
        return comparator, comparator is not None
    stated = read_comparator("comparators", found, "comparator") or read_comparator(
        "comparators", found, "before"
    )
    suffix = read_comparator("comparator_suffixes", found, "suffix")
    comparator = stated if stated in (*LOWER, *UPPER) else suffix or stated
    return comparator, True


def _list_grades(tokens: Tokens, first: int, last: int) -> list[int]:
    """Return the grades of a list; none if one of its parts is no grade."""
    grades = []
    for at in (
        at for at in range(first, last) if rule("grade_value").starts(tokens, at)
    ):
        word = tokens.words[at]
        behind = tokens.joined(at + 1) and tokens.words[at + 1].isalpha()
        # of a name: "F2", "2D", "v5"
        is_part = behind or (tokens.joined(at) and tokens.words[at - 1].isalpha())
        grade = ROMAN.get(word) or (
            int(word) if word.isdecimal() and len(word) <= 3 else None
        )
        if is_part or grade is None:
            return []
        grades.append(grade)
    return grades


def read_acuity(tokens: Tokens, found: Found, floor: int) -> Limit | None:
    """Return a limit written as a fraction: "20/40 or better" is at most 40 in the unit "20/"."""
    turned = found.read("turn") or found.read("front")
    unit = _find_distance(tokens, found)
    quantity = find_quantity(tokens, floor, found.first)
    name = tokens.read(*quantity) if quantity else ""
    if turned:
        comparator = turn_comparator(turned, name, tokens.read(*unit))
    else:
        # "< 20/70": who sees less has a greater number below the line
        sign = read_comparator("comparators", found, "sign")
        comparator = mirror_comparator(sign) if sign else None
    if comparator is None or comparator is Comparator.BETWEEN:
        return None
    return Limit(
        comparator,
        int(found.read("low") or 0),
        None,
        found.first,
        found.end,
        quantity,
        unit,
        sure=turned is not None,
    )


def read_acuity_range(tokens: Tokens, found: Found, floor: int) -> Limit:
    """Return a range of fractions: "20/40 to 20/200" is 40 to 200 in the unit "20/"."""
    ends = sorted(int(found.read(name) or 0) for name in ("low", "high"))
    return Limit(
        Comparator.BETWEEN,
        ends[0],
        ends[1],
        found.first,
        found.end,
        find_quantity(tokens, floor, found.first),
        _find_distance(tokens, found),
    )


def _find_distance(tokens: Tokens, found: Found) -> Range:
    """Return the part of a fraction of visual acuity that is the unit: "20/"."""
    first = found.first
    end = found.place("low")[0]
    while tokens.codes[first] not in NUMBER:
        first += 1
    return first, end
