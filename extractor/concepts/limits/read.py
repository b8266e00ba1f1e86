"""Find numeric and graded limits of a criterion, and the names of the limited quantities."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from extractor.concepts.limits.bounds import (
    COUNTS,
    Limit,
    join_bounds,
    join_sums,
    mirror_comparator,
    share_units,
)
from extractor.concepts.limits.chains import find_chain
from extractor.concepts.limits.further_values import read_alternative, read_other_case
from extractor.concepts.limits.graded import read_acuity, read_acuity_range, read_grades
from extractor.concepts.limits.measures import SIGN_REACH, Measure, read_measure
from extractor.concepts.limits.normal_bounds import list_bounds
from extractor.concepts.limits.quantity_names import choose_reading
from extractor.concepts.limits.stated import read_stated
from extractor.concepts.limits.two_in_one import split_limit
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import ROMAN, is_two_ways
from extractor.language.patterns import Found
from extractor.schemas import Comparator, CriterionKind

_ACUITY_SIGN = 6
"""The most tokens of the words in front of "20/40": "better than or equal to"."""
_VALUE_WORDS = COUNTS.keys() | set(map(str.lower, ROMAN))


def find_limits(tokens: Tokens, kind: CriterionKind | None) -> list[Limit]:
    """Return all limits in the tokens of one criterion, including ages and lengths of time, from
    left to right.

    ``kind`` is that of the list, and decides the comparator of a bare age: "aged 18 years" is a
    lower bound, and among exclusions an upper one. None if it is not known.

    >>> limits = find_limits(read_text("ECOG 0-2, ANC >= 1.5 x 10^9/L"), None)
    >>> [(limit.comparator.value, limit.value, limit.value_high) for limit in limits]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    has_words = not _VALUE_WORDS.isdisjoint(map(str.lower, tokens.words))
    has_number = NUMBER in tokens.codes or has_words
    bounds = list_bounds(tokens)
    if not has_number and not bounds:
        return []
    graded = []
    for match in rule("graded_limit").find(tokens):
        limit = read_grades(tokens, match)
        if limit:
            graded.append(limit)
    limits = [*graded, *_find_measured(tokens, graded, bounds, kind)]
    limits.sort(key=lambda limit: limit.first)
    limits = [_turn_below_mean(tokens, _settle(tokens, limit)) for limit in limits]
    limits = join_sums(tokens, limits)
    limits = share_units(tokens, limits)
    return join_bounds(tokens, limits)


def _settle(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit with the readings of its numbers that are usual for its quantity: "1.500" may
    be 1500 or 1.5. It is not settled if another reading is as likely. Most limits have no such
    number and stay as they are.
    """
    for at in range(limit.first, limit.end):
        written = tokens.words[at]
        if not is_two_ways(written):
            continue
        name = tokens.read(*limit.quantity) if limit.quantity else ""
        unit = tokens.read(*limit.unit) if limit.unit else None
        value, is_sure = choose_reading(written, name, unit, tokens.text)
        # the reading without a quantity is the one that the limit has so far
        likeliest, _ = choose_reading(written, "", None)
        low = value if limit.value == likeliest else limit.value
        high = value if limit.value_high == likeliest else limit.value_high
        settled = limit.settled and is_sure
        limit = replace(limit, value=low or 0, value_high=high, settled=settled)
    return limit


def _turn_below_mean(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit on deviations below a mean with its sign: "at least 2.5 SD below the mean" is
    at most -2.5 SD. Other limits, and those below zero already, stay as they are.
    """
    behind = limit.unit[0] if limit.unit else limit.end
    if limit.value <= 0 or not rule("below_mean").starts(tokens, behind):
        return limit
    comparator = mirror_comparator(limit.comparator)
    # "Height more than 2 SD below the mean"
    if limit.value_high is None:
        return replace(limit, value=-limit.value, comparator=comparator)
    return replace(
        limit, value=-limit.value_high, value_high=-limit.value, comparator=comparator
    )


def _find_measured(
    tokens: Tokens,
    graded: list[Limit],
    bounds: list[Measure],
    kind: CriterionKind | None,
) -> Iterator[Limit]:
    """Yield the limits other than the ``graded`` ones, left to right. ``bounds`` are those of
    normal without a number in front.

    At each number a chain ("18 ≤ age < 65") goes first, then a visual acuity ("20/40 or better"),
    then the plain measure. Numbers of a graded limit are skipped. If a match with two numbers gives
    no range, the search goes on behind the first number.
    """
    at = 0
    # where the last limit ends: no name and no comparator reaches back before it
    floor = 0
    last: Limit | None = None
    while match := rule("measure").search(tokens, at):
        between = (at, match.first)
        for at_bound in _read_at_bounds(bounds, between, last, floor, kind):
            yield at_bound
            floor = at_bound.end
            last = at_bound
        # "ALT <= ULN x 2.5": the number is the factor of the bound
        if _is_factor(match, last):
            at = match.end
            continue
        at = match.end
        chain = find_chain(tokens, match.first)
        if chain:
            yield from chain
            at = max(limit.end for limit in chain)
            floor = at
            continue
        fraction = _find_acuity(tokens, match, floor)
        if fraction:
            yield from _read_acuity(fraction, floor)
            at = fraction.end
            floor = at
            continue
        graded_end = _find_graded_end(graded, match)
        if graded_end is not None:
            at = max(floor, graded_end)
            floor = at
            continue
        measure = read_measure(match, floor)
        limit = _read_limit(measure, last, floor, kind) if measure else None
        if measure and limit:
            for part in split_limit(measure, limit):
                yield part
                floor = part.end
                last = part
        is_range = limit is not None and limit.value_high is not None
        if match.has("high") and not is_range:
            # the second number may begin a limit of its own
            at = _find_low_end(match)
    behind = (at, len(tokens))
    yield from _read_at_bounds(bounds, behind, last, floor, kind)


def _is_factor(match: Found, last: Limit | None) -> bool:
    """Return whether a number is the factor of the bound of normal that is the ``last`` limit."""
    return last is not None and last.at_bound and match.first < last.end


def _read_at_bounds(
    bounds: list[Measure],
    place: Range,
    last: Limit | None,
    floor: int,
    kind: CriterionKind | None,
) -> Iterator[Limit]:
    """Yield the limits at those of the ``bounds`` that stand at the tokens ``place``, behind one
    number and before the next. ``last`` is the limit before them, which ends at token ``floor``.
    """
    next_at = bisect_left(bounds, place[0], key=lambda bound: bound.first)
    for bound in islice(bounds, next_at, None):
        if bound.unit and bound.unit[1] > place[1]:
            return
        # "> 5 mg/dL above the ULN": the number is a difference from the bound
        if bound.first == place[0] > 0:
            continue
        limit = _read_limit(bound, last, floor, kind)
        if limit:
            last = replace(limit, at_bound=True)
            floor = limit.end
            yield last


def _read_limit(
    measure: Measure, last: Limit | None, floor: int, kind: CriterionKind | None
) -> Limit | None:
    """Return the limit of a measure; None if it has none. ``last`` is the limit before it, which
    ends at token ``floor``.

    The measure may go on with ``last``. As a value for other people ("80 % in men and 75 % in
    women"), this goes before what the measure states by itself. As a value in another unit, it
    does so only behind "=", which says the same value twice; without "=", it is the last resort.
    """
    stated = read_stated(measure, floor, kind)
    if last is None:
        return stated
    other_case = read_other_case(measure, last, stated)
    if other_case:
        return other_case
    alternative = read_alternative(measure, last)
    # the second value of "177 umol/L (= 2 mg/dL)"
    if alternative and measure.comparator is Comparator.EQUAL:
        return alternative
    return stated or alternative


def _find_graded_end(graded: list[Limit], match: Found) -> int | None:
    """Return the token at which the last of the graded limits ends that share tokens with a match;
    None if none does.
    """
    ends = [
        limit.end
        for limit in graded
        if limit.first < match.end and match.first < limit.end
    ]
    return max(ends, default=None)


def _find_low_end(match: Found) -> int:
    """Return the token behind the lower number of a match and behind that number's own unit."""
    end = match.place("low")[1]
    unit = match.part("low_unit")
    return max(end, unit[1]) if unit else end


def _find_acuity(tokens: Tokens, match: Found, floor: int) -> Found | None:
    """Return the range of two fractions of visual acuity that begins at a number ("20/40 to
    20/200"), else the fraction that the number is part of ("20/40 or better"). None if no word for
    vision stands in the twelve tokens before it, or if there is no fraction.
    """
    first = max(0, match.first - SIGN_REACH)
    if not rule("vision_word").search(tokens, first, match.first):
        return None
    ranged = rule("acuity_range").starts(tokens, match.first)
    # "Visual acuity 20/30 to 20/160"
    if ranged:
        return ranged
    # "Visual acuity of at least 6/12", "BCVA better than or equal to 20/40"
    for first in range(max(floor, match.first - _ACUITY_SIGN), match.first + 1):
        fraction = rule("acuity_fraction").starts(tokens, first, match.end + 4)
        if fraction and fraction.end > match.first:
            return fraction
    return None


def _read_acuity(fraction: Found, floor: int) -> list[Limit]:
    """Return the limit of a fraction of visual acuity or of a range of two; none for a single one
    without a comparator.
    """
    if fraction.has("high"):
        return [read_acuity_range(fraction.tokens, fraction, floor)]
    limit = read_acuity(fraction.tokens, fraction, floor)
    return [limit] if limit else []
