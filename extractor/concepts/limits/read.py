"""Find numeric and graded limits of a criterion, and the names of the limited quantities."""

from collections.abc import Iterator
from dataclasses import replace

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
from extractor.concepts.limits.quantity_names import choose_reading
from extractor.concepts.limits.stated import read_stated
from extractor.concepts.limits.two_in_one import split_limit
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.numbers import ROMAN, is_two_ways
from extractor.language.patterns import Found
from extractor.schemas import Comparator, CriterionKind

_VALUE_WORDS = COUNTS.keys() | set(map(str.lower, ROMAN))


def find_limits(tokens: Tokens, kind: CriterionKind | None) -> list[Limit]:
    """Return all limits in the tokens of one criterion, including lengths of time, in order.

    The kind of the list decides the comparator of a bare age.

    >>> limits = find_limits(read_text("ECOG 0-2, ANC >= 1.5 x 10^9/L"), None)
    >>> [(limit.comparator.value, limit.value, limit.value_high) for limit in limits]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    has_words = not _VALUE_WORDS.isdisjoint(map(str.lower, tokens.words))
    if NUMBER not in tokens.codes and not has_words:
        return []
    graded = []
    for match in rule("graded_limit").find(tokens):
        limit = read_grades(tokens, match)
        if limit:
            graded.append(limit)
    limits = [*graded, *_find_measured(tokens, graded, kind)]
    limits.sort(key=lambda limit: limit.first)
    limits = [_sign(tokens, _settle(tokens, limit)) for limit in limits]
    limits = join_sums(tokens, limits)
    limits = share_units(tokens, limits)
    return join_bounds(tokens, limits)


def _settle(tokens: Tokens, limit: Limit) -> Limit:
    """Choose between the readings of a number such as "1.500" by what is usual for the limited
    quantity.
    """
    for at in range(limit.first, limit.end):
        written = tokens.words[at]
        if not is_two_ways(written):
            continue
        name = tokens.read(*limit.quantity) if limit.quantity else ""
        unit = tokens.read(*limit.unit) if limit.unit else None
        value, is_sure = choose_reading(written, name, unit, tokens.text)
        likeliest, _ = choose_reading(written, "", None)
        low = value if limit.value == likeliest else limit.value
        high = value if limit.value_high == likeliest else limit.value_high
        settled = limit.settled and is_sure
        limit = replace(limit, value=low or 0, value_high=high, settled=settled)
    return limit


def _sign(tokens: Tokens, limit: Limit) -> Limit:
    """Give deviations below a mean their sign: "at least 2.5 SD below the mean" is at most -2.5."""
    behind = limit.unit[0] if limit.unit else limit.end
    if limit.value <= 0 or not rule("below_mean").starts(tokens, behind):
        return limit
    comparator = mirror_comparator(limit.comparator)
    if limit.value_high is None:
        return replace(limit, value=-limit.value, comparator=comparator)
    return replace(
        limit, value=-limit.value_high, value_high=-limit.value, comparator=comparator
    )


def _find_measured(
    tokens: Tokens, graded: list[Limit], kind: CriterionKind | None
) -> Iterator[Limit]:
    """Yield the limits other than the graded ones, left to right.

    At each number a chain ("18 ≤ age < 65") goes first, then a visual acuity. Numbers of a graded
    limit are skipped. If a match with two numbers gives no range, the search goes on behind the
    first number.
    """
    at = 0
    floor = 0  # where the last limit ends: a name or a comparator does not go back behind it
    last: Limit | None = None
    while match := rule("measure").search(tokens, at):
        at = match.end
        chain = find_chain(tokens, match.first)
        if chain:
            yield from chain
            at = max(limit.end for limit in chain)
            floor = at
            continue
        sight = _find_sight(tokens, match, floor)
        if sight:
            yield from _read_sight(sight, floor)
            at = sight.end
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


def _read_limit(
    measure: Measure, last: Limit | None, floor: int, kind: CriterionKind | None
) -> Limit | None:
    """Return the limit of a measure; None if it has none.

    A value for other people goes before what the measure states by itself. A value in another unit
    does so only behind "=", which says the same value twice; else it is the last resort. ``last``
    is the limit before it.
    """
    stated = read_stated(measure, floor, kind)
    if last is None:
        return stated
    other_case = read_other_case(measure, last, stated)
    if other_case:
        return other_case
    alternative = read_alternative(measure, last)
    # Such as "177 umol/L (= 2 mg/dL)"
    if alternative and measure.comparator is Comparator.EQUAL:
        return alternative
    return stated or alternative


def _find_graded_end(graded: list[Limit], match: Found) -> int | None:
    """Return where the graded limits end that share tokens with a match; None if none does."""
    ends = [
        limit.end
        for limit in graded
        if limit.first < match.end and match.first < limit.end
    ]
    return max(ends, default=None)


def _find_low_end(match: Found) -> int:
    """Return the token behind the lower number of a match, and behind its unit."""
    end = match.place("low")[1]
    unit = match.part("low_unit")
    return max(end, unit[1]) if unit else end


def _find_sight(tokens: Tokens, match: Found, floor: int) -> Found | None:
    """Return the range of two fractions of visual acuity that begins at a number, else the fraction
    around it; None if no word for vision stands before it, or there is no fraction.
    """
    first = max(0, match.first - SIGN_REACH)
    if not rule("vision_word").search(tokens, first, match.first):
        return None
    ranged = rule("acuity_range").starts(tokens, match.first)
    if ranged:
        return ranged
    first = max(floor, match.first - 2)
    fraction = rule("acuity_fraction").search(tokens, first, match.end + 4)
    if fraction and fraction.first <= match.first:
        return fraction
    return None


def _read_sight(sight: Found, floor: int) -> list[Limit]:
    if sight.has("high"):
        return [read_acuity_range(sight.tokens, sight, floor)]
    acuity = read_acuity(sight.tokens, sight, floor)
    return [acuity] if acuity else []
