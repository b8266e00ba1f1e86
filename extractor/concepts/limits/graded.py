"""Read limits on scales: grades and classes, in digits or Roman numerals, and fractions of
visual acuity.
"""

import re
from collections.abc import Sequence

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
"""The most tokens of a scale's words that its grades still belong to without a comparator."""
_SECOND_GRADE = 2
"""A whole scale begins below it, with 0 or 1."""
_JOINTS = frozenset({"-", "to", "/", "or", "and", ","})
_NOT_RECOVERED = 14
"""The most tokens of "not yet resolved to baseline or" before a grade."""


def read_grades(tokens: Tokens, match: Found) -> Limit | None:
    """Return the limit in a match of the rule ``graded_limit``: "ECOG 0-2", "stage III or IV".

    None if its numbers are no grades, if the direction of its scale is not known ("or better"), or
    if it is the scale itself ("scale of 1 to 4"). Grades to which something recovers are an upper
    bound; after "failure to recover to", the comparator is turned.
    """
    if _is_no_grade(tokens, match):
        return None
    grades = _list_grades(tokens, *match.place("values"))
    if not grades:
        return None
    scale, end = match.place("scale")
    before = match.part("before")
    first = before[0] if before else scale
    # the words before "<= grade 1" in "failure to recover to <= grade 1"
    stays = rule("not_recovered").ends(tokens, first, first - _NOT_RECOVERED)
    recovers = stays or rule("recovers_to").ends(tokens, first, first - 4)
    quantity = (scale, end)
    if not recovers:
        quantity = _find_name(tokens, match)
    # "minimum Karnofsky score of 70": the minimum is the comparator, and not a part of the name
    if before and quantity[0] < before[1] < quantity[1]:
        quantity = before[1], quantity[1]
    comparator, is_known = _compare(tokens, match, quantity)
    if not is_known:
        return None
    # as in "Itch of 7 or more (scale of 0 to 10)"
    if comparator is None and _limits_nothing(tokens, match, grades):
        return None
    # "resolved to grade 0 or 1"
    if recovers and comparator is None:
        comparator = Comparator.AT_MOST
        grades = [max(grades)]
    # "Adverse events not improved to grade ≤1" are those that stay above it
    if stays and comparator:
        comparator = comparator.opposite or comparator
    return _make_limit(match, comparator, grades, quantity)


def _find_name(tokens: Tokens, match: Found) -> Range:
    """Return the tokens of a graded quantity's name, which ends with the word for its scale:
    "Karnofsky score"; that word alone if no name is found.
    """
    scale, end = match.place("scale")
    named = find_quantity(tokens, max(0, scale - 6), end)
    return named or (scale, end)


def _limits_nothing(tokens: Tokens, match: Found, grades: Sequence[int]) -> bool:
    """Return whether grades without a comparator are a whole scale ("scale of 1 to 4"), or follow
    a word for any scale with many words between.
    """
    scale, end = match.place("scale")
    name = tokens.words[scale].lower()
    if name in _ANY_SCALE and end - scale > _SCALE_REACH:
        return True
    return name == "scale" and len(grades) > 1 and min(grades) < _SECOND_GRADE


def _make_limit(
    match: Found, comparator: Comparator | None, grades: Sequence[int], quantity: Range
) -> Limit:
    """Return the limit of grades. Without a bound, several grades are the range from the least to
    the greatest, and a single one is an equality. A lower bound has the least grade as its value,
    an upper bound the first.
    """
    low = min(grades)
    high: int | None = None
    value = grades[0]
    if comparator in LOWER:
        value = low
    if comparator not in (*LOWER, *UPPER) and low != max(grades):
        comparator = Comparator.BETWEEN
        value = low
        high = max(grades)
    return Limit(
        comparator or Comparator.EQUAL,
        value,
        high,
        match.first,
        match.end,
        quantity,
        match.part("unit"),
    )


def _is_no_grade(tokens: Tokens, match: Found) -> bool:
    """Return whether the numbers of a match are no grades: they have a unit or a minus, stand alone
    in brackets, are those of an item or a visit, or stand beside a stage with a letter ("stage
    IIIC-IV"). Nor is the lower end of a range a grade if its upper end has a sign: "index of 18 to
    < 40 kg/m2".
    """
    first, last = match.place("values")
    opening = tokens.codes[first - 1]
    closing = tokens.codes[last : last + 1]
    is_single = last == first + 1
    if is_single and opening == "(" and closing == ")":
        return True
    # as in "Apnea index of less than 5 h-1", "Karnofsky of 70% or more"
    if rule("rate_unit").starts(tokens, last) or find_unit(tokens, last):
        return True
    # "Score at Visit 1 of at least 3"
    if rule("numbered_place").ends(tokens, first, first - 1):
        return True
    if rule("of_trial_after").starts(tokens, last):
        return True
    goes_on = tokens.words[last : last + 1] in (["to"], ["-"])
    if goes_on and tokens.codes[last + 1 : last + 2] in ("<", "≤"):
        return True
    # "T-score from -1 to -2.5": grades do not go below zero
    if has_minus(tokens, first):
        return True
    return _is_lettered(tokens, first, last)


def _is_lettered(tokens: Tokens, first: int, last: int) -> bool:
    """Return whether a stage with a letter stands directly before or behind the grades
    ``first:last``, or with one joint between: "stage IIIC-IV".
    """
    before = first - 1
    if first and tokens.words[first - 1].lower() in _JOINTS:
        before = first - 2
    beside = [before] if before >= 0 else []
    joint = rule("stage_joint").starts(tokens, last)
    if joint and joint.end < len(tokens):
        beside.append(joint.end)
    return any(_LETTERED.fullmatch(tokens.words[at]) for at in beside)


def _compare(
    tokens: Tokens, match: Found, quantity: Range
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a grade, None if it has none, and whether its sense is known.

    "Or better" has a sense only on a scale whose direction is known, by the word for the scale or
    by the ``quantity``. A bound in front of the grade goes before a comparator behind it, any other
    comparator in front gives way to it.
    """
    # "grade 1 or better", "no worse than class II"
    turned = match.read("turn") or match.read("front")
    if turned:
        for name in (match.place("scale"), quantity):
            comparator = turn_comparator(turned, tokens.read(*name))
            # "Toxicities that have not recovered to grade 1 or better"
            if comparator:
                return comparator, True
        return None, False
    stated = read_comparator("comparators", match, "comparator")
    stated = stated or read_comparator("comparators", match, "before")
    if stated in (*LOWER, *UPPER):
        return stated, True
    suffix = read_comparator("comparator_suffixes", match, "suffix")
    return suffix or stated, True


def _list_grades(tokens: Tokens, first: int, last: int) -> list[int]:
    """Return the grades in the tokens ``first:last``; none if one of them is part of a name."""
    grades = []
    for at in range(first, last):
        if not rule("grade_value").starts(tokens, at):
            continue
        grade = _read_grade(tokens, at)
        # "NCI-CTCAE v4.0" has a version, and no grade
        if grade is None:
            return []
        grades.append(grade)
    return grades


def _read_grade(tokens: Tokens, at: int) -> int | None:
    """Return the grade that the word at a token says, in digits or Roman numerals; None for a part
    of a name ("F2", "2D", "v5") and for more than three digits.
    """
    if tokens.joined(at + 1) and tokens.words[at + 1].isalpha():
        return None
    if tokens.joined(at) and tokens.words[at - 1].isalpha():
        return None
    word = tokens.words[at]
    if word in ROMAN:
        return ROMAN[word]
    return int(word) if word.isdecimal() and len(word) <= 3 else None


def read_acuity(tokens: Tokens, match: Found, floor: int) -> Limit | None:
    """Return a limit on visual acuity that is written as a fraction: "20/40 or better" is at most
    40 in the unit "20/". None if it has no comparator of its own.

    The number below the line is greater the less a person sees, so a sign in front is turned: "<
    20/70" is more than 70, and not sure. ``floor`` is the token at which the limit before it ends.
    """
    turned = match.read("turn") or match.read("front")
    unit = _find_distance(tokens, match)
    quantity = find_quantity(tokens, floor, match.first)
    if turned:
        name = tokens.read(*quantity) if quantity else ""
        comparator = turn_comparator(turned, name, tokens.read(*unit))
    else:
        sign = read_comparator("comparators", match, "sign")
        comparator = mirror_comparator(sign) if sign else None
    if comparator is None or comparator is Comparator.BETWEEN:
        return None
    return Limit(
        comparator,
        int(match.read("low") or 0),
        None,
        match.first,
        match.end,
        quantity,
        unit,
        sure=turned is not None,
    )


def read_acuity_range(tokens: Tokens, match: Found, floor: int) -> Limit:
    """Return the limit of a range of visual acuities that are written as fractions: "20/40 to
    20/200" is 40 to 200 in the unit "20/", the lower number first. ``floor`` is the token at which
    the limit before it ends.
    """
    low = int(match.read("low") or 0)
    high = int(match.read("high") or 0)
    return Limit(
        Comparator.BETWEEN,
        min(low, high),
        max(low, high),
        match.first,
        match.end,
        find_quantity(tokens, floor, match.first),
        _find_distance(tokens, match),
    )


def _find_distance(tokens: Tokens, match: Found) -> Range:
    """Return the tokens of the part of a fraction of visual acuity that is the unit: "20/"."""
    first = match.first
    end = match.place("low")[0]
    while tokens.codes[first] not in NUMBER:
        first += 1
    return first, end
