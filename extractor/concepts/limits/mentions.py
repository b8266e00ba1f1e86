"""Find the mentions of a line: each number with all readings that its characters allow, a clause
and a role.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from extractor.concepts.limits.bounds import Limit
from extractor.concepts.limits.denials import is_turned
from extractor.concepts.limits.quantity_names import spell_words
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.rows import Bounds, Number, find_numbers, find_rows
from extractor.concepts.people.ages import is_age, is_lifetime, is_of_people
from extractor.language.book import find_terms, rule, word_list
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import is_two_ways
from extractor.schemas import Comparator

_ROLES = 16
"""How many tokens before a number may say what it does in its clause."""
_CLAUSE = 80
"""How far before and behind a number its clause may go, in tokens, so that no text takes the
square of its length.
"""
_MOST_INHERITED = 6
_SINGLE = 2
"""The most tokens of a single number with its sign."""
_UNNAMED = (Comparator.AT_LEAST, Comparator.EQUAL, Comparator.BETWEEN)
"""What a number without any comparator can mean."""
_NUMBERS = 12
"""The most numbers, with their other readings, of one limit."""


class Measured(StrEnum):
    """What a number measures: an age, a lifetime such as a life expectancy, another length of
    time, anything else.
    """

    LIMIT = "limit"
    AGE = "age"
    LIFETIME = "lifetime"
    LENGTH = "length"


class NumberRole(StrEnum):
    """What a number does in its clause.

    - ``stated``: it says how much there is, or may be.
    - ``change``: it says how much something changes. ``aim``: a treatment shall reach it.
    - ``scale``: it is an end of a scale. ``part``: it is a part of a name, a sum, a date or a
      tolerance.
    """

    STATED = "stated"
    CHANGE = "change"
    AIM = "aim"
    SCALE = "scale"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Mention:
    """A number of a line with all that it may say: ``tokens.words[first:end]`` says ``bounds``, the
    likeliest reading first. All places are in tokens.

    ``number`` are its digits or number words. ``comparators`` are those that the words allow, the
    likeliest first. ``stated``: the words beside it leave one comparator, and none was guessed.
    ``clause`` are the words around it that speak of no other limit, ``inherited`` the clauses
    before it that may name its quantity. ``subject`` is the name of what is limited, None if only
    the limits before it name that. ``is_denied``: words may turn it into its opposite. ``borrowed``
    is a unit before its number.
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
    borrowed: Range | None = None


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
    stated = _list_stated(tokens, limits, numbers)
    others = _list_others(tokens, limits, numbers, stated)
    mentions = [*stated, *others]
    return tuple(sorted(mentions, key=lambda mention: (mention.first, -mention.end)))


def _list_stated(
    tokens: Tokens, limits: Sequence[Limit], numbers: Sequence[Number]
) -> list[Mention]:
    """Return the mention of each limit of a line. ``numbers`` are all of the line, in order."""
    subjects = [
        _find_subject(tokens, limit, is_first=at == 0)
        for at, limit in enumerate(limits)
    ]
    clauses = _find_clauses(tokens, limits, subjects)
    mentions = []
    next_number = 0
    for at, limit in enumerate(limits):
        while next_number < len(numbers) and numbers[next_number].first < limit.first:
            next_number += 1
        near = numbers[next_number : next_number + _NUMBERS]
        inherited = _inherit(subjects[:at], clauses[:at])
        place = _Place(subjects[at], clauses[at], inherited)
        mentions.append(_mention_limit(tokens, limit, place, near))
    return mentions


def _list_others(
    tokens: Tokens,
    limits: Sequence[Limit],
    numbers: Sequence[Number],
    stated: Sequence[Mention],
) -> list[Mention]:
    """Return the mentions of the numbers that are part of no limit, and of the rows that go on
    behind a limit: the "8, or 9" of "Hb > 8, or 9 for men". ``stated`` are the mentions of the
    limits.
    """
    covered = {at for limit in limits for at in range(limit.first, limit.end)}
    ends = [mention.end for mention in stated]
    mentions = []
    for first, end, bounds in find_rows(tokens, numbers):
        if covered.issuperset(range(first, end)):
            continue
        is_row = bounds[0][1] is not None
        if first in covered and not is_row:
            continue
        at = bisect_right(ends, first)
        before = stated[max(0, at - _MOST_INHERITED) : at]
        behind = stated[at : at + 1]
        mentions.append(_mention_number(tokens, (first, end), bounds, before, behind))
    return mentions


class _Place(NamedTuple):
    """What a limit is said of, in tokens: the name of what is limited, its clause, and the clauses
    before it.
    """

    subject: Range | None
    clause: Range
    inherited: tuple[Range, ...]


def _mention_limit(
    tokens: Tokens, limit: Limit, place: _Place, numbers: Sequence[Number]
) -> Mention:
    """Return the mention of a limit. ``numbers`` are those from its first token on, also a few
    behind it.
    """
    within = [
        number
        for number in numbers
        if limit.first <= number.first and number.end <= limit.end
    ]
    own_numbers = _list_own_numbers(limit, within)
    # "32+6 weeks": the days stand behind the limit
    for weeks in _list_weeks(tokens, limit, numbers, own_numbers):
        own_numbers.append(weeks)
        if weeks not in within:
            within.append(weeks)
    number = (limit.first, limit.end)
    if own_numbers:
        number = (own_numbers[0].first, max(part.end for part in own_numbers))
    # "ALT <= ULN": the comparator stands where the number would be
    elif limit.at_bound and limit.unit:
        number = (limit.first, limit.unit[0])
    is_denied = _is_denied(tokens, limit, place.clause)
    allowed = _list_comparators(tokens, limit, number, is_denied=is_denied)
    is_guessed = _is_guessed(limit)
    if is_guessed:
        allowed = _list_allowed(tokens, place.clause, (limit.first, limit.end))
    # the unit in front, as in "creatinine (mg/dL) > 1.5"
    borrowed = None
    if limit.unit and limit.unit[1] <= number[0]:
        borrowed = limit.unit
    return Mention(
        _measure(tokens, limit),
        limit.first,
        limit.end,
        number,
        _list_bounds(tokens, limit, within),
        allowed,
        not is_guessed and len(allowed) == 1,
        place.clause,
        place.subject,
        place.inherited,
        find_role(tokens, (limit.first, limit.end), limit.quantity),
        is_denied,
        borrowed,
    )


def _list_own_numbers(limit: Limit, within: Sequence[Number]) -> list[Number]:
    """Return the numbers inside a limit that have its values; if none has, those with the opposite
    sign: "2.5 SD below the mean" is -2.5.
    """
    values = (limit.value, limit.value_high)
    own_numbers = [number for number in within if number.value in values]
    if own_numbers:
        return own_numbers
    return [number for number in within if -number.value in values]


def _list_weeks(
    tokens: Tokens, limit: Limit, numbers: Sequence[Number], own: Sequence[Number]
) -> list[Number]:
    """Return all readings of the number of a limit if a plus and days stand behind it: "32+6
    weeks". There are none for a range. ``own`` are the numbers of the limit, ``numbers`` also those
    behind it.
    """
    if not own or limit.value_high is not None:
        return []
    first = own[0].first
    if tokens.words[first + 1 : first + 2] != ["+"]:
        return []
    return [number for number in numbers if number.first == first]


def _measure(tokens: Tokens, limit: Limit) -> Measured:
    """Return what a limit measures: an age, a lifetime, another length of time, or something
    else.
    """
    if is_age(tokens, limit) or is_of_people(tokens, limit):
        return Measured.AGE
    if limit.time_unit is None:
        return Measured.LIMIT
    return Measured.LIFETIME if is_lifetime(tokens, limit) else Measured.LENGTH


def _is_guessed(limit: Limit) -> bool:
    """Return whether the comparator of a limit is only the likeliest one: it is not sure, and that
    of a time, or an equality.
    """
    if limit.sure:
        return False
    return limit.time_unit is not None or limit.comparator is Comparator.EQUAL


def _list_comparators(
    tokens: Tokens, limit: Limit, number: Range, *, is_denied: bool
) -> tuple[Comparator, ...]:
    """Return the comparators that the words beside a limit allow, its own first.

    The opposite one is allowed if words deny the limit, "=" if a plus may be the unit of a score,
    and that of an explained level for the number that explains it. ``number`` are the tokens of the
    limit's number.
    """
    allowed = [limit.comparator]
    opposite = limit.comparator.opposite
    # "No PSA doubling time of < 3 months" may be answered as ">= 3 months"
    if is_denied and opposite:
        allowed.append(opposite)
    # "IHC 2+": a score of 2+, or 2 and more
    has_plus = tokens.words[number[1] : number[1] + 1] == ["+"]
    # as in "proteinuria >= 2+"
    if has_plus and not rule("limit_plus").starts(tokens, number[1]):
        allowed.append(Comparator.EQUAL)
    # a bare number that explains a level, behind a comparator of the level
    if limit.comparator is Comparator.EQUAL:
        first = limit.first
        level = rule("level_explained").ends(tokens, first, first - _ROLES)
        # the 2 of "at least a moderate level (i.e. a score of 2)" is at least 2
        if level:
            compared = find_terms(tokens, "comparators", level.first, first)[0]
            allowed.append(Comparator(compared.value))
    return tuple(allowed)


def _is_denied(tokens: Tokens, limit: Limit, clause: Range) -> bool:
    """Return whether words of its clause may turn a limit into its opposite: "no change of more
    than 5 kg", "> 2 lines are not permitted".

    "Must not weigh over" and denied verbs have turned the comparator already, so it stays.
    """
    first = limit.first
    # "Hb has not dropped below 8 g/dL"
    if is_turned(tokens, first):
        return False
    # "Patients must not weigh over 100 kg"
    if rule("must_not").ends(tokens, first, max(0, first - _CLAUSE)):
        return False
    # "no change of more than 5 kg"
    if rule("not_before").ends(tokens, first, max(clause[0], first - 20)):
        return True
    # "> 2 lines are not permitted"
    return rule("not_permitted_behind").starts(tokens, limit.end) is not None


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
    stop = min((mention.clause[0] for mention in behind), default=len(tokens))
    clause = _cut_sentence(tokens, (start, max(end, stop)), place)
    role = find_role(tokens, place, None)
    if role is NumberRole.STATED and _is_label(tokens, place):
        role = NumberRole.PART
    inherited = _inherit(
        [mention.subject for mention in before], [mention.clause for mention in before]
    )
    is_row = bounds[0][1] is not None
    if is_row:
        allowed: tuple[Comparator, ...] = (Comparator.BETWEEN,)
    else:
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
        None,
        inherited,
        role,
    )


def _list_bounds(
    tokens: Tokens, limit: Limit, within: Sequence[Number]
) -> tuple[Bounds, ...]:
    """Return the bounds of a limit, then those with other readings of its numbers ("28+6",
    "100.000" of an unknown quantity), each once. ``within`` are the numbers inside the limit, with
    all their readings. The ends of a range must rise.
    """
    lows = _list_readings(tokens, limit, within, limit.value)
    bounds: list[Bounds] = [(limit.value, limit.value_high)]
    if limit.value_high is None:
        bounds += ((low, None) for low in lows)
        return tuple(dict.fromkeys(bounds))
    highs = _list_readings(tokens, limit, within, limit.value_high)
    for low in lows:
        bounds += ((low, high) for high in highs if low < high)
    return tuple(dict.fromkeys(bounds))


def _list_readings(
    tokens: Tokens, limit: Limit, within: Sequence[Number], value: float
) -> list[float]:
    """Return ``value``, which a limit has, then all readings of the number that says it. If the
    number can be read in two ways ("1.500") and it is settled which is meant, there are no others.
    """
    firsts = {number.first for number in within if number.value == value}
    if limit.settled and any(is_two_ways(tokens.words[at]) for at in firsts):
        return [value]
    return [value, *(number.value for number in within if number.first in firsts)]


def _list_allowed(
    tokens: Tokens, clause: Range, place: Range
) -> tuple[Comparator, ...]:
    """Return the comparators that a number at the tokens ``place`` may have if its own is not sure.

    Directly behind "within" it is at most. Else they are those of its clause, in front of the
    number or behind it. If the clause has none, it is the last one in the 80 tokens before the
    number. "Between" also allows at most. Behind them come those that a bare number can mean: at
    least, equal, between.
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


def _find_subject(tokens: Tokens, limit: Limit, *, is_first: bool) -> Range | None:
    """Return the tokens that name what is limited; None if a limit has no name, or if its words
    name people or a sex, or, not at the first limit, only say to whom it applies ("with liver
    metastases <= 5 x ULN").
    """
    if limit.quantity is None:
        return None
    first, end = limit.quantity
    if rule("names_nobody").covers(tokens, first, end):
        return None
    if rule("either_sex_alone").covers(tokens, first, end):
        return None
    if not is_first and rule("qualifier").ends(tokens, first, max(0, first - 3)):
        return None
    last = spell_words(tokens.words[end - 1])
    is_of_people = not word_list("people").isdisjoint(last)
    return None if is_of_people else limit.quantity


def _find_clauses(
    tokens: Tokens, limits: Sequence[Limit], subjects: Sequence[Range | None]
) -> list[Range]:
    """Return the tokens of the clause of each limit.

    A clause begins at the first joint ("and", a comma) behind the limit before it, or else at the
    name of what is limited, or at the limit itself; the first one begins with the line. It ends
    where the next one begins, the last with the line. Of this, only the part in the sentence of the
    limit counts, at most 80 tokens before and behind it.

    ``subjects`` are the tokens that name what each limit is about; None for a limit without a name.
    """
    starts: list[int] = []
    last_end = 0
    for limit, subject in zip(limits, subjects, strict=True):
        own_first = limit.first
        # the name before the sign: the "ECOG" of "ECOG <= 2"
        if subject and last_end <= subject[0] < own_first:
            own_first = subject[0]
        joint = rule("clause_joint").search(tokens, last_end, own_first)
        if not starts:
            starts.append(0)
        else:
            starts.append(joint.first if joint else own_first)
        last_end = max(last_end, limit.end)
        if limit.quantity:
            last_end = max(last_end, limit.quantity[1])
    ends = [*starts, len(tokens)][1:]
    return [
        _cut_sentence(tokens, (first, max(end, limit.end)), (limit.first, limit.end))
        for limit, first, end in zip(limits, starts, ends, strict=True)
    ]


def _inherit(
    subjects: Sequence[Range | None], clauses: Sequence[Range]
) -> tuple[Range, ...]:
    """Return the clauses before a limit that may name its quantity: back to the nearest with a
    subject, and that subject; without any, the last six. ``subjects`` and ``clauses`` are those of
    all limits before it.
    """
    low = max(0, len(subjects) - _MOST_INHERITED)
    for at in range(len(subjects) - 1, low - 1, -1):
        subject = subjects[at]
        if subject:
            return (*clauses[at:], subject)
    return tuple(clauses[low:])


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


def find_role(tokens: Tokens, place: Range, quantity: Range | None) -> NumberRole:
    """Return what a number does in its clause, by the words before its comparator and behind it.

    ``place`` are the tokens of the number or range, ``quantity`` those of the name that it limits.
    The first role whose words stand there is returned, and "stated" if none do. Words such as
    "dropped to" go before those of a change: they state the value that was reached.
    """
    first, end = place
    if rule("steps_of_scale").starts(tokens, end):
        return NumberRole.SCALE
    if end - first > _SINGLE and _is_range_of_scale(tokens, place):
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


def _is_range_of_scale(tokens: Tokens, place: Range) -> bool:
    """Return whether a range is that of a scale: "on" stands before it and the name of a scale
    behind it, or "graded" before it and a comparator behind it.
    """
    first, end = place
    # the range of "pain > 3 on 0-10 a NPS"
    is_on = rule("on_before").ends(tokens, first, first - 2)
    # "Average joint pain > 3 on 0-10 a NPS"
    if is_on and rule("scale_named_after").starts(tokens, end):
        return True
    # the range of "graded 0-6, of no more than 2"
    limit_behind = rule("comparison").search(tokens, end, end + _ROLES)
    if limit_behind is None:
        return False
    return rule("rated").ends(tokens, first, first - 2) is not None


def _is_change(tokens: Tokens, place: Range, quantity: Range | None) -> bool:
    """Return whether a number says how much something changes, by the words before it ("a drop
    of"), those before the name of its quantity ("fall in haemoglobin"), or as a weight that was
    gained or lost. The words before the number do not count if the quantity stands behind it.
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
        named = quantity[0]
        if rule("named_change_before").ends(tokens, named, named - _ROLES):
            return True
    return _is_gained(tokens, place)


def _is_gained(tokens: Tokens, place: Range) -> bool:
    """Return whether a number is a weight, or a share of a weight, that was gained or lost: "lost
    more than 5 kg".
    """
    if not rule("weighed").search(tokens, *place):
        return False
    low = max(0, place[0] - _ROLES)
    return rule("gained_or_lost").ends(tokens, place[0], low) is not None


def name_change(tokens: Tokens, named: Range, limit: int) -> Range:
    """Return the tokens of a quantity's name with the words that make it a change, those before it
    ("fall in haemoglobin") or else those behind it ("weight has gone down by"); the name itself if
    there are none. ``limit`` is the token at which the limit begins.
    """
    first, end = named
    before = rule("named_change_before").ends(tokens, first, first - _ROLES)
    # "A fall in haemoglobin of at least 2 g/dL"
    if before:
        return before.first, end
    behind = rule("change_word").search(tokens, end, limit)
    return first, behind.end if behind else end


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
