"""Find the limits in a line using the measures grammar, and adjust them to the kind of list."""

from collections.abc import Sequence
from dataclasses import replace

from extractor.concepts.limits.quantity_names import (
    choose_reading,
    find_worse_side,
    name_quantity,
)
from extractor.language.book import read_words, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import is_two_ways
from extractor.language.units import read_unit
from extractor.measures import Limit, mirror, read_line
from extractor.schemas import Comparator, CriterionKind

_DENIAL_REACH = 14
"""Number of tokens before a limit that are searched for words that negate it."""
_OTHER_SIDE = {"higher": "lower", "lower": "higher"}
_ON_SIDE = {
    ("higher", True): Comparator.AT_LEAST,
    ("higher", False): Comparator.MORE,
    ("lower", True): Comparator.AT_MOST,
    ("lower", False): Comparator.LESS,
}
"""The comparator of a limit by the side that it allows, and whether it includes the number."""


def find_limits(
    tokens: Tokens, kind: CriterionKind | None, topic: str = ""
) -> list[Limit]:
    """Return all limits in the tokens of a criterion, including ages and durations, from left to
    right.

    ``kind`` is the kind of list, which determines the comparator of a bare age: "aged 18 years" is
    a lower bound in inclusions, but an upper bound in exclusions. ``kind`` is None if it is
    unknown. ``topic`` is the line above, which may name the quantity.

    >>> limits = find_limits(read_text("ECOG 0-2, ANC >= 1.5 x 10^9/L"), None)
    >>> [(limit.comparator.value, limit.value, limit.value_high) for limit in limits]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    read = read_line(tokens, read_words(topic) if topic else None)
    limits: list[Limit] = []
    for limit in _share_last_unit(tokens, read):
        scaled = _apply_scale(tokens, _choose_readings(tokens, limit))
        if scaled:
            listed = _apply_list(tokens, scaled, kind)
            limits += _split_outside(tokens, _negate_below_mean(tokens, listed))
    return limits


def _share_last_unit(tokens: Tokens, read: Sequence[Limit]) -> list[Limit]:
    """Return the limits of a list with the unit that only its last member has, if it is a unit of
    their known quantities and the values are usual in it: "AST <= 40, ALT <= 40, GGT <= 60 U/L".
    """
    limits = list(read)
    for at in reversed(range(len(limits) - 1)):
        limit, following = limits[at : at + 2]
        if limit.unit:
            continue
        if limit.quantity is None:
            continue
        if limit.qualifies:
            continue
        unit = read_unit(following.unit or "")
        if unit is None:
            continue
        if following.quantity is None:
            continue
        if following.time_unit:
            continue
        between = limit.end, following.quantity[0]
        if rule("case_link").covers(tokens, *between) is None:
            continue
        known = name_quantity(tokens.read(*limit.quantity))
        if not known:
            continue
        if not known.fits(unit):
            continue
        if not known.is_usual(limit.value, unit):
            continue
        limits[at] = replace(limit, unit=following.unit)
    return limits


def _apply_scale(tokens: Tokens, limit: Limit) -> Limit | None:
    """Return a limit stated with "or better" or "worse than", with the comparator that follows
    from the scale of its quantity. Return None if it is unknown which end of the scale is worse.
    Other limits are returned unchanged.
    """
    if limit.scale_words is None:
        return limit
    name = ""
    if limit.quantity:
        name = tokens.read(*limit.quantity)
    worse_side = find_worse_side(name, limit.unit, tokens.text)
    if worse_side is None:
        return None
    words = limit.scale_words.lower().split()
    is_denied = words[0] in ("no", "not")
    side = worse_side
    if "worse" not in words:
        side = _OTHER_SIDE[side]
    if is_denied:
        side = _OTHER_SIDE[side]
    # only a plain "than" excludes the number: "no worse than 2" and "better than or equal to 2"
    # include it
    includes_number = is_denied or "or" in words or "than" not in words
    return replace(limit, comparator=_ON_SIDE[side, includes_number])


def _negate_below_mean(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit with a negative value if it is stated in standard deviations below a mean:
    "at least 2.5 SD below the mean" means at most -2.5 SD.
    """
    is_below = rule("below_mean").search(tokens, limit.first, limit.end + 6)
    if limit.value <= 0:
        return limit
    if is_below is None:
        return limit
    comparator = mirror(limit.comparator)
    if limit.value_high is None:
        return replace(limit, value=-limit.value, comparator=comparator)
    return replace(
        limit, value=-limit.value_high, value_high=-limit.value, comparator=comparator
    )


def _split_outside(tokens: Tokens, limit: Limit) -> list[Limit]:
    """If a range is negated, as in "outside the range 0.4 - 4.0", return two limits: one below the
    range and one above it. Return any other range unchanged.
    """
    if limit.value_high is None or limit.time_unit or not is_outside(tokens, limit):
        return [limit]
    below = replace(limit, comparator=Comparator.LESS, value_high=None)
    above = replace(below, comparator=Comparator.MORE, value=limit.value_high)
    return [below, above]


def is_outside(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the words before a range deny it: "outside the range 0.4 - 4.0"."""
    return any(
        rule("outside_before").ends(tokens, first, first - _DENIAL_REACH)
        for first in (limit.number[0], limit.first)
    )


def _apply_list(tokens: Tokens, limit: Limit, kind: CriterionKind | None) -> Limit:
    """Return a limit with the comparator that follows from the kind of its list or from a preceding
    negated verb.
    """
    is_exclusion = kind is CriterionKind.EXCLUSION
    if not limit.sure:
        is_upper = is_exclusion and limit.comparator is Comparator.AT_LEAST
        if is_upper:
            return replace(limit, comparator=Comparator.AT_MOST)
        return limit
    # "not resolved to grade 0-1" is above grade 1
    if _has_failed(tokens, limit):
        worst = limit.value_high or limit.value
        return replace(limit, comparator=Comparator.MORE, value=worst, value_high=None)
    opposite = limit.comparator.opposite
    if opposite is None:
        return limit
    is_reversed = is_denied(tokens, limit.first)
    if is_exclusion:
        near = max(0, limit.first - _DENIAL_REACH // 2)
        if forbidden := rule("not_allowed").search(tokens, near, limit.number[1]):
            # "must not" in an exclusion restates it, and the grammar may have reversed it already
            is_reversed = forbidden.end > limit.first
            limit = replace(limit, sure=False)
    else:
        is_reversed = is_reversed or is_refused(tokens, limit.first)
    if is_reversed:
        return replace(limit, comparator=opposite)
    return limit


def _has_failed(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is a level to which something has not recovered: "not resolved to
    grade 1".
    """
    start = max(0, limit.first - _DENIAL_REACH)
    failed = rule("not_recovered").search(tokens, start, limit.number[0])
    if failed is None:
        return False
    return limit.first - failed.end <= 1


def is_refused(tokens: Tokens, first: int) -> bool:
    """Return whether the words before a limit negate it: "must not weigh", "asthma, no FEV1"."""
    reach = first - _DENIAL_REACH
    if rule("must_not").ends(tokens, first, reach):
        return True
    clause = rule("denied_clause").ends(tokens, first, reach)
    if clause is None:
        return False
    codes = tokens.codes[clause.first : first]
    # as in "without anaesthesia)"
    if codes.count(")") > codes.count("("):
        return False
    return bool(clause.first or clause.has("opening"))


def is_denied(tokens: Tokens, first: int) -> bool:
    """Return whether a negated verb before a limit reverses its comparator: "has not dropped below
    8" means at least 8.

    ``first`` is the token at which the limit begins.
    """
    return any(
        rule(name).ends(tokens, first, first - _DENIAL_REACH)
        for name in ("fails_to", "denied_verb")
    )


def _choose_readings(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit whose numbers have the readings that are usual for its quantity: "1.500" may
    be 1500 or 1.5. The limit is ambiguous if two readings are equally likely.
    """
    for at in range(limit.first, limit.end):
        written = tokens.words[at]
        if not is_two_ways(written):
            continue
        name = ""
        if limit.quantity:
            name = tokens.read(*limit.quantity)
        usual, is_certain = choose_reading(written, name, limit.unit)
        # the grammar ignores the quantity, so the bound that this number states (the lower or the
        # upper one of a range) has the value that is the likeliest for an unknown quantity
        read, _ = choose_reading(written, "", None)
        limit = replace(
            limit,
            value=usual if limit.value == read else limit.value,
            value_high=usual if limit.value_high == read else limit.value_high,
            is_unambiguous=limit.is_unambiguous and is_certain,
        )
    return limit
