"""Classify the role of a number in its clause: a stated value, a change, a target, an end of a
scale, or part of a name.
"""

from enum import StrEnum

from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens

_ROLES = 16
"""Number of preceding tokens that may indicate a number's role."""


class NumberRole(StrEnum):
    """The role of a number in its clause.

    - ``stated``: it is a current or permitted value.
    - ``change``: it is the size of a change. ``aim``: it is a treatment target.
    - ``scale``: it is an end of a scale. ``part``: it is part of a name, a sum, a date or a
      tolerance.
    """

    STATED = "stated"
    CHANGE = "change"
    AIM = "aim"
    SCALE = "scale"
    PART = "part"


def find_role(tokens: Tokens, place: Range, quantity: Range | None) -> NumberRole:
    """Return the role of a number in its clause, determined by the words before its comparator and
    after the number.

    ``place`` contains the tokens of the number or range; ``quantity`` contains the tokens of the
    name of the quantity that the number or range limits. The first matching role is returned, or
    "stated" if no role matches. Words such as "dropped to" take precedence over words for a
    change, since they state the value that was reached.
    """
    first, end = place
    if rule("steps_of_scale").starts(tokens, end):
        return NumberRole.SCALE
    # the range in "graded 0-6, of no more than 2"
    is_rated = rule("rated").ends(tokens, first, first - 2)
    if is_rated and rule("comparison").search(tokens, end, end + _ROLES):
        return NumberRole.SCALE
    # as in "MADRS (0 to 60) of at least 12"
    is_bracketed = tokens.codes[max(0, first - 1) : first] == "("
    if is_bracketed and rule("scale_closed").starts(tokens, end):
        return NumberRole.SCALE
    low = max(0, first - _ROLES)
    # "gestational age 26+0 - 29+5 weeks": the 0 and the 5 are days of a week
    if rule("part_before").ends(tokens, first, low):
        return NumberRole.PART
    # as in "Itch of 7 or more (scale of 0 to 10)"
    if rule("scale_before").ends(tokens, first, low):
        return NumberRole.SCALE
    # as in "Urate above 6 mg/dL (goal: < 5 mg/dL)"
    if rule("aim_before").ends(tokens, first, low):
        return NumberRole.AIM
    # "eGFR that has not dropped below 30"
    if first and rule("reaches_value").starts(tokens, first - 1):
        return NumberRole.STATED
    if rule("value_reached").ends(tokens, first, low):
        return NumberRole.STATED
    if _is_change(tokens, place, quantity):
        return NumberRole.CHANGE
    return NumberRole.STATED


def _is_change(tokens: Tokens, place: Range, quantity: Range | None) -> bool:
    """Return whether a number is the size of a change: it follows words like "a drop of", the name
    of its quantity follows words like "fall in", or it is a weight that was gained or lost. The
    words before the number are ignored if the name of the quantity follows it.
    """
    first = place[0]
    low = max(0, first - _ROLES)
    if quantity is None or quantity[0] < first:
        # "no change of weight of more than 5 kg"
        if rule("change_before").ends(tokens, first, low):
            return True
        # "Creatinine that went up by 0.3 mg/dL or more"
        if rule("changed_by").ends(tokens, first, low):
            return True
    if quantity:
        name_start = quantity[0]
        # "a fall in haemoglobin of 2 g/dL"
        if rule("named_change_before").ends(tokens, name_start, name_start - _ROLES):
            return True
    return _is_gained(tokens, place)


def _is_gained(tokens: Tokens, place: Range) -> bool:
    """Return whether a number is a weight, or a fraction of a weight, that was gained or lost:
    "lost more than 5 kg".
    """
    if not rule("weighed").search(tokens, *place):
        return False
    low = max(0, place[0] - _ROLES)
    return rule("gained_or_lost").ends(tokens, place[0], low) is not None


def name_change(tokens: Tokens, name: Range, limit: int) -> Range:
    """Return the tokens of a quantity's name, extended by words that describe a change before the
    name ("fall in haemoglobin") or after it ("weight has gone down by"). ``limit`` is the token at
    which the limit begins.
    """
    first, end = name
    before = rule("named_change_before").ends(tokens, first, first - _ROLES)
    # "A fall in haemoglobin of at least 2 g/dL"
    if before:
        return before.first, end
    change = rule("change_word").search(tokens, end, limit)
    return first, change.end if change else end
