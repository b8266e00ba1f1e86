"""Find the mentions of a line: each number with the readings that its characters allow, a clause
and a role. A value that is none of them is not stated.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from extractor.concepts.limits.read import find_limits, is_denied
from extractor.concepts.limits.roles import NumberRole, find_role
from extractor.concepts.limits.rows import Bounds, Number, find_numbers, find_rows
from extractor.concepts.people.ages import is_age, is_lifetime, is_of_people
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Range, Tokens
from extractor.measures import Limit
from extractor.schemas import Comparator

_CLAUSE = 80
"""How far before and behind a number its clause may go, in tokens, so that no text takes the
square of its length.
"""
_MOST_INHERITED = 6
_UNNAMED = (Comparator.AT_LEAST, Comparator.EQUAL, Comparator.BETWEEN)
"""What a number without any comparator can mean."""


class Measured(StrEnum):
    """What a number measures: an age, a lifetime such as a life expectancy, another length of
    time, anything else.
    """

    LIMIT = "limit"
    AGE = "age"
    LIFETIME = "lifetime"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Mention:
    """A number of a line with all that it may say: ``tokens.words[first:end]`` says ``bounds``, the
    likeliest reading first. All places are in tokens.

    ``number`` are its digits or number words. ``comparators`` are those that the words allow, the
    likeliest first. ``stated``: the words beside it leave one comparator, and none was guessed.
    ``clause`` are the words around it that speak of no other limit, ``inherited`` the clauses
    before it that may name its quantity. ``subject`` is the name of what is limited, None if only
    the limits before it name that. ``is_denied``: words may turn it into its opposite. ``unit`` is
    the unit that the grammar read.
    """

    kind: Measured
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
    is_denied: bool = False
    unit: str | None = None


@lru_cache(maxsize=64)
def find_mentions(tokens: Tokens) -> tuple[Mention, ...]:
    """Return the mentions of a line from left to right: one for each limit, for each number outside
    limits, and for each row of numbers. The result is remembered, as rules and proof ask for it.

    >>> from extractor.language.book import read_text
    >>> mentions = find_mentions(read_text("ECOG 0-2 on a scale of 0 to 5"))
    >>> [(mention.bounds[0], mention.role.value) for mention in mentions]
    [((0, 2), 'stated'), ((0, 5), 'scale'), ((0, None), 'scale'), ((5, None), 'scale')]
    """
    limits = find_limits(tokens, None)
    numbers = find_numbers(tokens)
    stated: list[Mention] = []
    for limit in limits:
        stated.append(_mention_limit(tokens, limit, stated, numbers))
    covered = {at for limit in limits for at in range(limit.first, limit.end)}
    ends = [mention.end for mention in stated]
    others = []
    for first, end, bounds in find_rows(tokens, numbers):
        if covered.issuperset(range(first, end)):
            continue
        # the "8, or 9" of "Hb > 8, or 9 for men"
        if first in covered and bounds[0][1] is None:
            continue
        at = bisect_right(ends, first)
        before = stated[max(0, at - _MOST_INHERITED) : at]
        behind = stated[at : at + 1]
        others.append(_mention_number(tokens, (first, end), bounds, before, behind))
    mentions = [*stated, *others]
    return tuple(sorted(mentions, key=lambda mention: (mention.first, -mention.end)))


def _mention_limit(
    tokens: Tokens, limit: Limit, before: Sequence[Mention], numbers: Sequence[Number]
) -> Mention:
    """Return the mention of a limit. ``before`` are those of the limits before it, ``numbers`` all
    numbers of the line.
    """
    values = (limit.value, limit.value_high)
    own = [
        number
        for number in numbers
        if limit.first <= number.first and number.end <= limit.end
        if number.value in values or -number.value in values
    ]
    place = (limit.first, limit.end)
    if own:
        place = (own[0].first, max(number.end for number in own))
    may_turn = _is_denied(tokens, limit)
    allowed = [limit.comparator]
    if may_turn and limit.comparator.opposite:
        allowed.append(limit.comparator.opposite)
    # a score of 2+, or 2 and more
    if tokens.words[place[1] : place[1] + 1] == ["+"] and not limit.time_unit:
        allowed.append(Comparator.EQUAL)
    if not limit.sure:
        allowed += _list_allowed(tokens, limit.clause, (limit.first, limit.end))
    subject = None if limit.inherits else limit.quantity
    if subject and rule("names_nobody").covers(tokens, *subject):
        subject = None
    return Mention(
        _measure(tokens, limit),
        limit.first,
        limit.end,
        place,
        _list_bounds(limit, numbers, own),
        tuple(dict.fromkeys(allowed)),
        len(allowed) == 1,
        limit.clause,
        subject,
        _inherit(before),
        find_role(tokens, limit.number, limit.quantity),
        may_turn,
        limit.unit,
    )


def _measure(tokens: Tokens, limit: Limit) -> Measured:
    """Return what a limit measures: an age, a lifetime, another length of time, or something
    else.
    """
    if is_age(tokens, limit) or is_of_people(tokens, limit):
        return Measured.AGE
    if limit.time_unit is None:
        return Measured.LIMIT
    return Measured.LIFETIME if is_lifetime(tokens, limit) else Measured.LENGTH


def _is_denied(tokens: Tokens, limit: Limit) -> bool:
    """Return whether words of its clause may turn a limit into its opposite: "no change of more
    than 5 kg", "> 2 lines are not permitted". Those that have turned it already do not.
    """
    first = limit.first
    if is_denied(tokens, first):
        return False
    if rule("must_not").ends(tokens, first, max(0, first - _CLAUSE)):
        return False
    if rule("not_before").ends(tokens, first, max(limit.clause[0], first - 20)):
        return True
    return rule("not_permitted_behind").starts(tokens, limit.end) is not None


def _list_bounds(
    limit: Limit, numbers: Sequence[Number], own: Sequence[Number]
) -> tuple[Bounds, ...]:
    """Return the bounds of a limit, then those with other readings of its number, as "100.000" of
    an unknown quantity has; none of a range.
    """
    bounds: list[Bounds] = [(limit.value, limit.value_high)]
    if limit.value_high is None and not limit.settled:
        firsts = {number.first for number in own}
        bounds += ((n.value, None) for n in numbers if n.first in firsts)
    return tuple(dict.fromkeys(bounds))


def _mention_number(
    tokens: Tokens,
    place: Range,
    bounds: tuple[Bounds, ...],
    before: Sequence[Mention],
    behind: Sequence[Mention],
) -> Mention:
    """Return the mention of a number, or of a row of numbers, that is no limit. Its clause are the
    words between the limits around it, in its sentence.

    ``place`` are its tokens. ``before`` are the mentions of the limits before it, the nearest last;
    ``behind`` is that of the next limit, if there is one.
    """
    first, end = place
    start = max((mention.end for mention in before), default=0)
    stop = min((mention.first for mention in behind), default=len(tokens))
    clause = _cut_sentence(tokens, (start, max(end, stop)), place)
    role = find_role(tokens, place, None)
    if role is NumberRole.STATED and _is_label(tokens, place):
        role = NumberRole.PART
    is_row = bounds[0][1] is not None
    allowed: tuple[Comparator, ...] = (Comparator.BETWEEN,)
    if not is_row:
        allowed = _list_allowed(tokens, clause, place)
    return Mention(
        Measured.LIMIT,
        first,
        end,
        place,
        bounds,
        allowed,
        is_row,
        clause,
        inherited=_inherit(before),
        role=role,
    )


def _list_allowed(
    tokens: Tokens, clause: Range, place: Range
) -> tuple[Comparator, ...]:
    """Return the comparators that a number at the tokens ``place`` may have if its own is not sure.

    Directly behind "within" it is at most. Else they are those of its clause, in front of the
    number or behind it, and those that a bare number can mean: at least, equal, between.
    """
    first, end = place
    if rule("within_before").ends(tokens, first, first - 2):
        return (Comparator.AT_MOST,)
    terms = [
        *find_terms(tokens, "comparators", clause[0], end),
        *find_terms(tokens, "comparator_suffixes", end, clause[1]),
    ]
    allowed = [Comparator(term.value) for term in terms]
    if rule("within_before").search(tokens, clause[0], first):
        allowed.append(Comparator.AT_MOST)
    if rule("earlier_than").ends(tokens, first, first - 4):
        allowed.append(Comparator.LESS)
    if not allowed:
        low = max(0, first - _CLAUSE)
        before = find_terms(tokens, "comparators", low, first)
        allowed += (Comparator(term.value) for term in before[-1:])
    if Comparator.BETWEEN in allowed:
        allowed.append(Comparator.AT_MOST)
    return tuple(dict.fromkeys([*allowed, *_UNNAMED]))


def _inherit(before: Sequence[Mention]) -> tuple[Range, ...]:
    """Return the clauses before a limit that may name its quantity: back to the nearest with a
    subject, and that subject; without any, the last six.
    """
    places: list[Range] = []
    for mention in reversed(before[-_MOST_INHERITED:]):
        places.insert(0, mention.clause)
        if mention.subject:
            return (*places, mention.subject)
    return tuple(places)


def _cut_sentence(tokens: Tokens, clause: Range, place: Range) -> Range:
    """Return the part of a clause in the sentence of its number, whose tokens are ``place``, at
    most 80 tokens before and behind the number.
    """
    first = max(clause[0], place[0] - _CLAUSE)
    end = min(clause[1], place[1] + _CLAUSE)
    for before in rule("sentence_break").find(tokens, first, place[0]):
        first = max(first, before.end)
    behind = rule("sentence_break").search(tokens, place[1], end)
    return first, behind.first if behind else end


def _is_label(tokens: Tokens, place: Range) -> bool:
    """Return whether a number only labels: it is a year, or that of a name ("ADHD-RS-5"), of a
    version ("RECIST 1.1"), or of an item of a list, before a bracket that nothing opened ("2)").
    """
    first, end = place
    if re.fullmatch(r"(?:19|20)\d\d", tokens.read(first, end)):
        return True
    # "ADHD-RS-5"
    if tokens.in_name(first) and tokens.gap(first) == "-":
        return True
    # "RECIST 1.1"
    if rule("numbered_name").ends(tokens, first, max(0, first - 4)):
        return True
    # the number of an item, "2)"
    if tokens.codes[end : end + 1] != ")":
        return False
    near = tokens.codes[max(0, first - _CLAUSE) : first]
    return near.count("(") <= near.count(")")
