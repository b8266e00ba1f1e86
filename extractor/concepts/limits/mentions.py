"""Find the mentions of a line: each number with all readings that its characters allow, a clause
and a role.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

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
    """``tokens.words[first:end]`` says ``bounds``, the likeliest reading first. All places are in
    tokens.

    ``number`` are its digits or number words. ``comparators`` are those that the words allow;
    ``stated``: it has one of its own. ``subject`` is the name of what is limited, None if only the
    limits before it name that. ``clause`` are the words that speak of no other limit, ``inherited``
    the clauses before it in the line. ``is_denied``: the words around it may turn it into its
    opposite. ``borrowed`` is a unit before it that is its own too.
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
    """Return the mentions of a line from left to right.

    >>> from extractor.language.book import read_text
    >>> found = find_mentions(read_text("ECOG 0-2 on a scale of 0 to 5"))
    >>> [(one.bounds[0], one.role.value) for one in found]
    [((0, 2), 'stated'), ((0, 5), 'scale'), ((0, None), 'scale'), ((5, None), 'scale')]
    """
    limits = find_limits(tokens, None)
    numbers = find_numbers(tokens)
    subjects = [
        _find_subject(tokens, limit, is_first=not at) for at, limit in enumerate(limits)
    ]
    clauses = _find_clauses(tokens, limits, subjects)
    found = list[Mention]()
    done = 0
    for at, limit in enumerate(limits):
        while done < len(numbers) and numbers[done].first < limit.first:
            done += 1
        inherited = _inherit(subjects[:at], clauses[:at])
        found.append(
            _of_limit(
                tokens,
                limit,
                (subjects[at], clauses[at], inherited),
                numbers[done : done + _NUMBERS],
            )
        )
    covered = {at for limit in limits for at in range(limit.first, limit.end)}
    ends = [one.end for one in found]
    decided = tuple(found)
    for first, end, bounds in find_rows(tokens, numbers):
        if not covered.issuperset(range(first, end)) and (
            bounds[0][1] is not None or first not in covered
        ):
            before = bisect_right(ends, first)
            near = (
                decided[max(0, before - _MOST_INHERITED) : before],
                decided[before : before + 1],
            )
            found.append(_of_number(tokens, (first, end), bounds, *near))
    return tuple(sorted(found, key=lambda one: (one.first, -one.end)))


def _of_limit(
    tokens: Tokens,
    limit: Limit,
    place: tuple[Range | None, Range, tuple[Range, ...]],
    numbers: Sequence[Number],
) -> Mention:
    subject, clause, inherited = place
    within = [
        one for one in numbers if limit.first <= one.first and one.end <= limit.end
    ]
    said = [one for one in within if one.value in (limit.value, limit.value_high)]
    # "2.5 SD below the mean"
    said = said or [
        one for one in within if -one.value in (limit.value, limit.value_high)
    ]
    weeks = [
        one
        for one in numbers
        if said and one.first == said[0].first and limit.value_high is None
    ]
    # "32+6 weeks"
    weeks = [
        one for one in weeks if tokens.words[one.first + 1 : one.first + 2] == ["+"]
    ]
    within = [*within, *(one for one in weeks if one not in within)]
    said = [*said, *weeks]
    number = (
        (said[0].first, max(one.end for one in said))
        if said
        else (limit.first, limit.end)
    )
    kind = Measured.LIMIT
    if is_age(tokens, limit) or is_of_people(tokens, limit):
        kind = Measured.AGE
    elif limit.time_unit is not None:
        kind = Measured.LIFETIME if is_lifetime(tokens, limit) else Measured.LENGTH
    first = limit.first
    opposite = limit.comparator.opposite
    denied = _is_denied(tokens, limit, clause)
    allowed: tuple[Comparator, ...] = (
        (limit.comparator, opposite) if denied and opposite else (limit.comparator,)
    )
    if tokens.words[number[1] : number[1] + 1] == ["+"] and not rule(
        "limit_plus"
    ).starts(tokens, number[1]):
        allowed += (Comparator.EQUAL,)  # a score of 2+, or 2 and more
    if limit.comparator is Comparator.EQUAL and (
        level := rule("level_explained").ends(tokens, first, first - _ROLES)
    ):
        compared = find_terms(tokens, "comparators", level.first, first)[0]
        # Such as "at least a moderate level (i.e. a score of 2)"
        allowed += (Comparator(compared.value),)
    guessed = not limit.sure and (
        limit.time_unit is not None or limit.comparator is Comparator.EQUAL
    )
    if guessed:
        allowed = _list_allowed(tokens, clause, (limit.first, limit.end))
    role = find_role(tokens, (limit.first, limit.end), limit.quantity)
    bounds = _list_bounds(tokens, limit, within)
    stated = not guessed and len(allowed) == 1
    unit = limit.unit if limit.unit and limit.unit[1] <= number[0] else None
    return Mention(
        kind,
        limit.first,
        limit.end,
        number,
        bounds,
        allowed,
        stated,
        clause,
        subject,
        inherited,
        role,
        denied,
        unit,
    )


def _is_denied(tokens: Tokens, limit: Limit, clause: Range) -> bool:
    """Return whether words may turn a limit into its opposite: "no change of more than 5 kg", "> 2
    lines are not permitted". Those of "must not weigh over" have turned it already.
    """
    first = limit.first
    if is_turned(tokens, first):
        return False
    if rule("must_not").ends(tokens, first, max(0, first - _CLAUSE)):
        return False
    if rule("not_before").ends(tokens, first, max(clause[0], first - 20)):
        return True
    return rule("not_permitted_behind").starts(tokens, limit.end) is not None


def _of_number(
    tokens: Tokens,
    place: Range,
    bounds: tuple[Bounds, ...],
    before: Sequence[Mention],
    behind: Sequence[Mention],
) -> Mention:
    """Return a number that limits nothing by itself, in the clause between the limits around it."""
    first, end = place
    start = max((one.end for one in before), default=0)
    stop = max(end, min((one.clause[0] for one in behind), default=len(tokens)))
    clause = _cut_sentence(tokens, (start, stop), place)
    role = find_role(tokens, place, None)
    role = (
        NumberRole.PART
        if role is NumberRole.STATED and _is_label(tokens, place)
        else role
    )
    inherited = _inherit(
        [one.subject for one in before], [one.clause for one in before]
    )
    is_row = bounds[0][1] is not None
    allowed = (Comparator.BETWEEN,) if is_row else _list_allowed(tokens, clause, place)
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
    """The bounds of a limit, then those of other readings of its numbers: "28+6", "100.000" of
    an unknown quantity.
    """
    likeliest: Bounds = (limit.value, limit.value_high)

    def list_readings(value: float) -> list[float]:
        places = {one.first for one in within if one.value == value}
        is_settled = limit.settled and any(
            is_two_ways(tokens.words[at]) for at in places
        )
        if is_settled:
            return [value]
        return [value, *(one.value for one in within if one.first in places)]

    if limit.value_high is None:
        return tuple(
            dict.fromkeys(
                [likeliest, *((low, None) for low in list_readings(limit.value))]
            )
        )
    pairs = [
        (low, high)
        for low in list_readings(limit.value)
        for high in list_readings(limit.value_high)
    ]
    return tuple(
        dict.fromkeys([likeliest, *(pair for pair in pairs if pair[0] < pair[1])])
    )


def _list_allowed(
    tokens: Tokens, clause: Range, place: Range
) -> tuple[Comparator, ...]:
    """Return the comparators that the clause of a number allows which has none beside it."""
    first, end = place
    if rule("within_before").ends(tokens, first, first - 2):
        return (Comparator.AT_MOST,)
    named = [term.value for term in find_terms(tokens, "comparators", clause[0], end)]
    named += [
        term.value for term in find_terms(tokens, "comparator_suffixes", end, clause[1])
    ]
    named += (
        [Comparator.AT_MOST]
        if rule("within_before").search(tokens, clause[0], first)
        else []
    )
    named += (
        [Comparator.LESS] if rule("earlier_than").ends(tokens, first, first - 4) else []
    )
    if not named:
        named = [
            term.value
            for term in find_terms(
                tokens, "comparators", max(0, first - _CLAUSE), first
            )
        ][-1:]
    named += [Comparator.AT_MOST] if Comparator.BETWEEN in named else []
    return tuple(dict.fromkeys([*map(Comparator, named), *_UNNAMED]))


def _find_subject(tokens: Tokens, limit: Limit, *, is_first: bool) -> Range | None:
    """Return the words that name what is limited; None if they only say to whom a further limit
    applies.
    """
    if limit.quantity is None:
        return None
    first, end = limit.quantity
    if rule("names_nobody").covers(tokens, first, end):
        return None
    if rule("either_sex_alone").covers(tokens, first, end):
        return None
    qualifies = not is_first and rule("qualifier").ends(
        tokens, first, max(0, first - 3)
    )
    of_people = not word_list("people").isdisjoint(spell_words(tokens.words[end - 1]))
    return None if qualifies or of_people else limit.quantity


def _find_clauses(
    tokens: Tokens, limits: Sequence[Limit], subjects: Sequence[Range | None]
) -> list[Range]:
    """Return the clause of each limit, which begins where the words about the limit before it
    end.
    """
    starts: list[int] = []
    done = 0
    for limit, subject in zip(limits, subjects, strict=True):
        own = (
            subject[0] if subject and done <= subject[0] < limit.first else limit.first
        )
        joint = rule("clause_joint").search(tokens, done, own)
        if not starts:
            starts.append(0)
        else:
            starts.append(joint.first if joint else own)
        done = max(done, limit.end, *(limit.quantity or ())[1:])
    ends = [*starts, len(tokens)][1:]
    return [
        _cut_sentence(tokens, (first, max(end, limit.end)), (limit.first, limit.end))
        for limit, first, end in zip(limits, starts, ends, strict=True)
    ]


def _inherit(
    subjects: Sequence[Range | None], clauses: Sequence[Range]
) -> tuple[Range, ...]:
    """Return the clauses before a limit, back to the nearest one that names a quantity, and that
    name.
    """
    near = range(max(0, len(subjects) - _MOST_INHERITED), len(subjects))
    nearest = max((at for at in near if subjects[at]), default=near.start)
    named = subjects[nearest] if near else None
    return (*clauses[nearest:], *([named] if named else []))


def _cut_sentence(tokens: Tokens, clause: Range, place: Range) -> Range:
    """Return the part of a clause in the sentence of its number."""
    first = max(clause[0], place[0] - _CLAUSE)
    end = min(clause[1], place[1] + _CLAUSE)
    breaks = [one.end for one in rule("sentence_break").find(tokens, first, place[0])]
    stop = rule("sentence_break").search(tokens, place[1], end)
    return max([first, *breaks]), stop.first if stop else end


def find_role(tokens: Tokens, place: Range, quantity: Range | None) -> NumberRole:
    """What a number does, by the words before its comparator and behind it."""
    first = place[0]
    low = max(0, place[0] - _ROLES)
    if rule("steps_of_scale").starts(tokens, place[1]):
        return NumberRole.SCALE
    is_range = place[1] - first > _SINGLE
    if (
        is_range
        and rule("on_before").ends(tokens, first, first - 2)
        and rule("scale_named_after").starts(tokens, place[1])
    ):
        return NumberRole.SCALE  # "pain > 3 on 0-10 a NPS"
    is_row = is_range and rule("comparison").search(tokens, place[1], place[1] + _ROLES)
    # "graded 0-6, of no more than 2"
    if is_row and rule("rated").ends(tokens, first, first - 2):
        return NumberRole.SCALE
    roles = (
        (NumberRole.PART, "part_before"),
        (NumberRole.SCALE, "scale_before"),
        (NumberRole.AIM, "aim_before"),
    )
    role = next(
        (role for role, name in roles if rule(name).ends(tokens, first, low)), None
    )
    if role:
        return role
    reached_by = rule("reaches_value").starts(tokens, first - 1) if first else None
    if reached_by or rule("value_reached").ends(tokens, first, low):
        return NumberRole.STATED
    is_change = _is_change(tokens, place, quantity)
    return NumberRole.CHANGE if is_change else NumberRole.STATED


def _is_change(tokens: Tokens, place: Range, quantity: Range | None) -> bool:
    """Return whether a number says how much something changes."""
    first = place[0]
    low = max(0, first - _ROLES)
    in_front = quantity is None or quantity[0] < first
    if in_front and any(
        rule(name).ends(tokens, first, low) for name in ("change_before", "changed_by")
    ):
        return True
    if quantity and rule("named_change_before").ends(
        tokens, quantity[0], quantity[0] - _ROLES
    ):
        return True
    return _is_gained(tokens, place)


def _is_gained(tokens: Tokens, place: Range) -> bool:
    """Return whether a weight or a share of it was gained or lost: "lost more than 5 kg"."""
    if not rule("weighed").search(tokens, *place):
        return False
    low = max(0, place[0] - _ROLES)
    return rule("gained_or_lost").ends(tokens, place[0], low) is not None


def name_change(tokens: Tokens, named: Range, limit: int) -> Range:
    """The name of a quantity with the words that make it a change: "fall in haemoglobin",
    "weight has gone down by".
    """
    before = rule("named_change_before").ends(tokens, named[0], named[0] - _ROLES)
    first = before.first if before else named[0]
    behind = rule("change_word").search(tokens, named[1], limit) if not before else None
    return first, behind.end if behind else named[1]


def _is_label(tokens: Tokens, place: Range) -> bool:
    """Whether a number is that of a name, a version, an item of a list, or a year: "RECIST 1.1",
    "ADHD-RS-5", "2)".
    """
    first, end = place
    is_year = re.fullmatch(r"(?:19|20)\d\d", tokens.read(first, end))
    hyphened = tokens.in_name(first) and tokens.gap(first) == "-"
    if (
        is_year
        or hyphened
        or rule("numbered_name").ends(tokens, first, max(0, first - 4))
    ):
        return True
    near = max(0, first - _CLAUSE)
    opened = tokens.codes.count("(", near, first) - tokens.codes.count(")", near, first)
    return opened <= 0 and tokens.codes[end : end + 1] == ")"
