"""Find the limits in a line using the measures grammar, and adjust them to the kind of list."""

from collections.abc import Sequence

from extractor.concepts.limits.quantity_names import (
    choose_reading,
    find_worse_side,
    name_quantity,
)
from extractor.language.book import read_words, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import is_two_ways
from extractor.language.units import read_unit
from extractor.language.values import replace
from extractor.measures import Limit, mirror, read_line
from extractor.schemas import Comparator, CriterionKind

# Half of it reads "Patients must not have a creatinine > 2 mg/dL" otherwise.
_DENIAL_REACH = 14
"""Number of tokens before a limit that are searched for words that negate it."""
# Half of it reads "Age 25 years" among exclusions otherwise.
_MIDDLE_AGE = 40
"""The number of years from which an excluded age is more often the least that is excluded."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_MEAN_REACH = 6
"""Number of tokens after a limit in standard deviations that may say "below the mean"."""
_OF_SCALE = {
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
    topic_tokens = None
    if topic:
        topic_tokens = read_words(topic)
    read = read_line(tokens, topic_tokens)
    limits: list[Limit] = []
    for limit in _share_units(tokens, read):
        scaled = _apply_scale(tokens, _choose_readings(tokens, limit))
        # "3 or better" on an unknown scale has no direction
        if scaled:
            listed = _apply_list(tokens, scaled, kind)
            limits += _split_outside(tokens, _negate_below_mean(tokens, listed))
    return limits


def _share_units(tokens: Tokens, read: Sequence[Limit]) -> list[Limit]:
    """Return the limits with the unit that only the last of them has: those of one quantity for
    different people ("in men >= 13, in women >= 12 g/dL") and, if it is a unit of their known
    quantities and the values are usual in it, those of a list: "AST <= 40, ALT <= 40 U/L".
    """
    limits = list(read)
    for at in reversed(range(len(limits) - 1)):
        limit, following = limits[at : at + 2]
        unit = read_unit(following.unit)
        if limit.unit or unit is None:
            continue
        if not limit.quantity or not following.quantity:
            continue
        # the second is for other people
        is_case = following.inherits and not following.qualifies
        if is_case and limit.condition and not following.time_unit:
            limits[at] = replace(limit, unit=following.unit)
            continue
        # only a comma or a conjunction may separate the members: "AST <= 40, ALT <= 40 U/L"
        if rule("case_link").covers(tokens, limit.end, following.quantity[0]) is None:
            continue
        known = name_quantity(tokens.read(*limit.quantity))
        if known and known.is_usual(limit.value, unit):
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
    # "no worse than 2" allows better values, as "2 or better" does
    allows_worse = ("worse" in words) is not is_denied
    allows_higher = (worse_side == "higher") is allows_worse
    # only a plain "than" excludes the number: "no worse than 2" and "better than or equal to 2"
    # include it
    includes_number = is_denied or "or" in words or "than" not in words
    side = "lower"
    if allows_higher:
        side = "higher"
    return replace(limit, comparator=_OF_SCALE[side, includes_number])


def _negate_below_mean(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit with a negative value if it is stated in standard deviations below a mean:
    "at least 2.5 SD below the mean" means at most -2.5 SD. Other limits are returned unchanged.
    """
    reach = limit.end + _MEAN_REACH
    if limit.value <= 0 or not rule("below_mean").search(tokens, limit.first, reach):
        return limit
    comparator = mirror(limit.comparator)
    # the further below the mean, the smaller: the ends of a range change places
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
    """Return a limit with the comparator that follows from the kind of its list or from words that
    deny it; other limits are returned unchanged.

    - A bare age is a minimum in inclusions and a maximum in exclusions.
    - A level that was not reached is exceeded: "not resolved to grade 0-1" is above grade 1.
    - Words before the limit reverse it: "has not dropped below 8". In an exclusion, "must not"
      only restates that the limit is excluded, so it settles whether the limit is reversed.
    """
    is_exclusion = kind is CriterionKind.EXCLUSION
    if not limit.sure:
        # "Age 16 years" is too young, but "Age 80 years" has lost another sign
        is_young = limit.rule.startswith("bare_age") and limit.value < _MIDDLE_AGE
        if is_exclusion and is_young:
            return replace(limit, comparator=Comparator.AT_MOST)
        return limit
    reach = max(0, limit.first - _DENIAL_REACH)
    failed = rule("not_recovered").search(tokens, reach, limit.number[0])
    # at most one word is between the two
    if failed and limit.first - failed.end <= 1:
        worst = limit.value_high or limit.value
        return replace(limit, comparator=Comparator.MORE, value=worst, value_high=None)
    opposite = limit.comparator.opposite
    if opposite is None:
        return limit
    is_reversed = is_denied(tokens, limit.first)
    if not is_exclusion:
        is_reversed = is_reversed or is_refused(tokens, limit)
    else:
        near = max(0, limit.first - _DENIAL_REACH // 2)
        forbidden = rule("not_allowed").search(tokens, near, limit.number[1])
        if forbidden:
            # the grammar has already reversed a comparator that includes the "not"
            is_reversed = forbidden.end > limit.first
            limit = replace(limit, sure=False)
    if is_reversed:
        return replace(limit, comparator=opposite)
    return limit


def is_refused(tokens: Tokens, limit: Limit) -> bool:
    """Return whether words before a limit forbid it ("must not weigh") or deny a clause that
    contains it ("asthma, no FEV1").
    """
    if rule("must_not").ends(tokens, limit.first, limit.first - _DENIAL_REACH):
        return True
    return is_in_denied_clause(tokens, limit)


def is_in_denied_clause(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a clause that contains a limit is denied: "asthma, no FEV1 < 50 %"."""
    first = limit.first
    clause = rule("denied_clause").ends(tokens, first, first - _DENIAL_REACH)
    if clause is None:
        return False
    # "walks without a stick at least 200 m": only a part of the name is denied
    if limit.quantity and not limit.inherits and limit.quantity[0] < clause.first:
        return False
    codes = tokens.codes[clause.first : first]
    # "(without anaesthesia)" before a limit does not deny it
    if codes.count(")") > codes.count("("):
        return False
    # at the start of a line, a denial such as "no" needs words that open a clause
    return clause.first > 0 or clause.has("opening")


def is_denied(tokens: Tokens, first: int) -> bool:
    """Return whether a negated verb before a limit reverses its comparator: "has not dropped below
    8" means at least 8. The limit begins at token ``first``.
    """
    return (
        rule("reversed_before").ends(tokens, first, first - _DENIAL_REACH) is not None
    )


def _choose_readings(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit whose numbers have the readings that are usual for its quantity: "1.500" may
    be 1500 or 1.5. The limit is ambiguous if two readings are equally likely.
    """
    name = ""
    if limit.quantity:
        name = tokens.read(*limit.quantity)
    for written in tokens.words[limit.first : limit.end]:
        if not is_two_ways(written):
            continue
        usual, is_certain = choose_reading(written, name, limit.unit)
        # the grammar ignores the quantity, so the bound that this number states (the lower or the
        # upper one of a range) has the value that is the likeliest for an unknown quantity
        read, _ = choose_reading(written, "", None)
        if limit.value == read:
            limit = replace(limit, value=usual)
        if limit.value_high == read:
            limit = replace(limit, value_high=usual)
        if not is_certain:
            limit = replace(limit, is_unambiguous=False)
    return limit
