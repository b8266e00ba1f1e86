"""Find the mentions in a line: each number with its possible readings, its clause and its role. A
line states a value only if the value is a reading of one of its mentions.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.written_numbers import (
    Bounds,
    Number,
    NumberRole,
    Row,
    find_number_rows,
    find_numbers,
    find_role,
)
from extractor.concepts.people.ages import is_age, is_of_people
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Range, Tokens, cover, keep
from extractor.language.values import value_class
from extractor.measures import Limit
from extractor.schemas import Comparator

# Chosen by hand; without it, every case is the same, but the time is not linear.
_CLAUSE = 80
"""Maximum number of tokens before and after a number that its clause can include. This limit keeps
the running time linear.
"""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_MOST_INHERITED = 6
"""Maximum number of preceding clauses that may name the quantity of a number."""
_UNNAMED = (Comparator.AT_LEAST, Comparator.EQUAL, Comparator.BETWEEN)
"""The comparators that can be implied for a number without a comparator."""


@value_class()
class NumberMention:
    """A number in a line with all its possible readings: the tokens ``first:end`` state ``bounds``,
    with the most likely reading first. All places are token ranges.

    ``is_age`` means that a limit is an age. ``number`` covers its digits or number words.
    ``comparators`` contains the comparators that the words allow, with the most likely first;
    ``stated`` means that the adjacent words allow only one. ``clause`` covers the surrounding words
    that do not belong to another limit; ``inherited`` contains the preceding clauses that may name
    the quantity. ``subject`` is the name of the quantity, or None for a number outside a limit.
    ``unit`` is the unit that the grammar read.
    """

    is_age: bool
    first: int
    end: int
    number: Range
    bounds: tuple[Bounds, ...]
    comparators: tuple[Comparator, ...]
    stated: bool
    clause: Range
    subject: Range | None = None
    inherited: tuple[Range, ...] = ()
    role: NumberRole = NumberRole.STATED
    unit: str | None = None

    @property
    def likeliest(self) -> Bounds:
        """The most likely reading of the number or row."""
        return self.bounds[0]


@keep
def find_mentions(tokens: Tokens) -> tuple[NumberMention, ...]:
    """Return the mentions in a line from left to right: one for each limit, for each number outside
    a limit, and for each row of numbers. The result is cached, because proofs, objections and
    the search for unread numbers use it.

    >>> from extractor.language.book import read_text
    >>> mentions = find_mentions(read_text("ECOG 0-2 on a scale of 0 to 5"))
    >>> [(mention.bounds[0], mention.role.value) for mention in mentions]
    [((0, 2), 'stated'), ((0, 5), 'scale')]
    """
    numbers = find_numbers(tokens)
    stated: list[NumberMention] = []
    limits = find_limits(tokens, None)
    for limit in limits:
        stated.append(_mention_limit(tokens, limit, stated, numbers))
    covered = cover(limits)
    ends = [mention.end for mention in stated]
    others = []
    for row in find_number_rows(tokens, numbers):
        first, end, _ = row
        # the "8, or 9" in "Hb > 8, or 9 for men" is a row, but its 8 belongs to the limit
        if covered.issuperset(range(first, end)):
            continue
        if first in covered and not row.is_range:
            continue
        at = bisect_right(ends, first)
        near = stated[max(0, at - _MOST_INHERITED) : at]
        others.append(_mention_row(tokens, row, near, stated[at : at + 1]))
    mentions = [*stated, *others]
    return tuple(sorted(mentions, key=lambda mention: (mention.first, -mention.end)))


def _mention_limit(
    tokens: Tokens,
    limit: Limit,
    before: Sequence[NumberMention],
    numbers: Sequence[Number],
) -> NumberMention:
    """Return the mention of a limit. ``before`` contains the mentions of the preceding limits, and
    ``numbers`` all numbers in the line, in order.
    """
    values = (limit.value, limit.value_high)
    # "2.5 SD below the mean" is a limit of -2.5
    signed = {*values, -limit.value}
    # the indexes of the numbers within the limit
    begin = bisect_left(numbers, limit.first, key=attrgetter("first"))
    stop = bisect_left(numbers, limit.end, key=attrgetter("first"))
    stated = [number for number in numbers[begin:stop] if number.value in signed]
    place = (limit.first, limit.end)
    if stated:
        place = (stated[0].first, max(number.end for number in stated))
    allowed = [limit.comparator]
    # "> 2 lines are not permitted"
    is_denied = rule("not_permitted_behind").starts(tokens, limit.end)
    if is_denied and limit.comparator.opposite:
        allowed.append(limit.comparator.opposite)
    # a score of 2+, or "2 and more"
    if tokens.words[place[1] : place[1] + 1] == ["+"] and not limit.time_unit:
        allowed.append(Comparator.EQUAL)
    if not limit.sure:
        allowed += _list_allowed(tokens, limit.clause, (limit.first, limit.end))
    return NumberMention(
        is_age(tokens, limit) or is_of_people(tokens, limit),
        limit.first,
        limit.end,
        place,
        (values,),
        tuple(dict.fromkeys(allowed)),
        stated=len(allowed) == 1,
        clause=limit.clause,
        subject=limit.quantity,
        inherited=_inherit(before),
        role=find_role(tokens, limit.number, limit.quantity),
        unit=limit.unit,
    )


def _mention_row(
    tokens: Tokens,
    row: Row,
    before: Sequence[NumberMention],
    following: Sequence[NumberMention],
) -> NumberMention:
    """Return the mention for a number, or for a row of numbers, that is not part of a limit. Its
    clause covers the words between the neighbouring limits, within one sentence. ``before``
    contains the mentions of the preceding limits, with the nearest last; ``following`` contains the
    mention of the next limit, if there is one.
    """
    first, end, bounds = row
    place = (first, end)
    start = max((mention.end for mention in before), default=0)
    stop = min((mention.first for mention in following), default=len(tokens))
    start = max(start, first - _CLAUSE)
    for sentence_break in rule("sentence_break").find(tokens, start, first):
        start = sentence_break.end
    clause = start, max(end, min(stop, end + _CLAUSE))
    role = find_role(tokens, place, None)
    # "RECIST 1.1"
    if role is NumberRole.STATED and _is_label(tokens, place):
        role = NumberRole.PART
    allowed: tuple[Comparator, ...] = (Comparator.BETWEEN,)
    # a number alone does not show which comparator is its own
    if not row.is_range:
        allowed = _list_allowed(tokens, clause, place)
    return NumberMention(
        is_age=False,
        first=first,
        end=end,
        number=place,
        bounds=bounds,
        comparators=allowed,
        stated=row.is_range,
        clause=clause,
        inherited=_inherit(before),
        role=role,
    )


def _list_allowed(
    tokens: Tokens, clause: Range, place: Range
) -> tuple[Comparator, ...]:
    """Return the comparators that the number at ``place`` may have if it is not clear which one
    belongs to it: those that precede or follow it in its clause, and those that a bare number can
    have. Directly after "within", the only possible comparator is "at most".
    """
    first, end = place
    if rule("within_before").ends(tokens, first, first - 2):
        return (Comparator.AT_MOST,)
    terms = [
        *find_terms(tokens, "comparators", clause[0], end),
        *find_terms(tokens, "comparator_suffixes", end, clause[1]),
    ]
    # the comparator may be in a preceding clause: "fewer than 5 seizures or 3 attacks"
    if not terms:
        before = max(0, first - _CLAUSE)
        terms = [*find_terms(tokens, "comparators", before, first)][-1:]
    allowed = [Comparator(term.value) for term in terms]
    return tuple(dict.fromkeys([*allowed, *_UNNAMED]))


def _inherit(before: Sequence[NumberMention]) -> tuple[Range, ...]:
    """Return the preceding clauses that may name the quantity of a limit: the last six."""
    return tuple(mention.clause for mention in before[-_MOST_INHERITED:])


def _is_label(tokens: Tokens, place: Range) -> bool:
    """Return whether a number is only a label: a year, or part of a name ("ADHD-RS-5"), a version
    ("RECIST 1.1") or a list marker with an unmatched bracket ("2)").
    """
    first, end = place
    if re.fullmatch(r"(?:19|20)\d\d", tokens.read(first, end)):
        return True
    if tokens.in_name(first) and tokens.gap(first) == "-":
        return True
    if rule("numbered_name").ends(tokens, first):
        return True
    # "2)" at the start of an item, unlike the 2 in "(grade 2)"
    if not tokens.codes.startswith(")", end):
        return False
    return not tokens.has_open_bracket(max(0, first - _CLAUSE), first)
