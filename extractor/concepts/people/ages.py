"""Limits of an age: which ones they are, whose age, and which side they bound."""

from extractor.concepts.limits.bounds import LOWER, UPPER
from extractor.concepts.limits.read import is_denied
from extractor.concepts.people.registered_ages import OLDEST, count_days
from extractor.concepts.people.subjects import Subject, read_subject, speaks_of_people
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.units import read_unit
from extractor.measures import Limit
from extractor.schemas import Age, TimeUnit

_LENGTH_REACH = 14
"""How many tokens before a length of time are examined."""
_NAME_REACH = 32
"""How many tokens before an age may name it."""
_WEIGHTS = frozenset({"kg", "[lb_av]"})
"""Units in which people are weighed."""
_ADDED = frozenset(",;:-()")
_OF_AGES = (TimeUnit.YEAR, TimeUnit.MONTH, TimeUnit.WEEK, TimeUnit.DAY)
_END_REACH = 12
"""How many tokens before an age may say at which moment, or name the other end of its range."""
_WHOSE_REACH = 26
"""How many tokens before an age decide whose age it is."""
_AGES = range(12, 100)
"""Bare numbers that can only be ages if they limit people; smaller ones may be months."""
_MAJORITY = 18
"""The age from which people are adults, at which most trials begin."""


def is_age(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Return whether a limit bounds an age: it is called so, or stands where only ages do.

    ``topic`` is the line that introduces this one. Nothing is an age that stands alone below
    "Duration of asthma:".

    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text(
    ...     "Smokers aged 18 to 65 years who smoked for at least 10 years"
    ... )
    >>> [is_age(tokens, limit) for limit in find_limits(tokens, None)]
    [True, False]
    """
    first = limit.first
    end = limit.end
    floor = max(0, first - _LENGTH_REACH)
    if limit.unit and not limit.time_unit:
        return False
    if limit.time_unit in ("hour", "minute"):
        return False
    if _is_beside_ages(tokens, first, end, floor):
        return False
    name = limit.quantity
    if not limit.time_unit and name and first <= name[0] < end:
        # "18 < age < 65", but not "ECOG 0-1"
        return rule("said_age").search(tokens, *name) is not None
    if rule("old").search(tokens, first, end) or rule("old_after").starts(tokens, end):
        return not _is_of_thing(tokens, limit, floor)
    if _is_called_age(tokens, limit):
        # not "prior to entry" or the like behind a single length of time
        is_range = limit.value_high is not None
        return is_range or not rule("relation_after").starts(tokens, end)
    if _is_further_age(tokens, limit):
        return True
    if not _is_age_unnamed(tokens, limit, floor):
        return False
    if topic and _has_no_subject(tokens, limit):
        return read_subject(topic) is not Subject.COURSE
    return True


def is_doubtful_age(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Return whether only its shape makes a length of time an age, in a line on something else than
    people, or alone below such a line, the ``topic``.

    It is not doubtful if it begins or ends at the age from which people are adults. So is a range
    without an end, whose first number may be that of the item: "1 - 18 years or older".

    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text("5 to 10 years")
    >>> (limit,) = find_limits(tokens, None)
    >>> [is_doubtful_age(tokens, limit, topic) for topic in ("Children:", "Epilepsy:")]
    [False, True]
    """
    if limit.value_high is not None and rule("open_end").search(
        tokens, limit.first, limit.end + 3
    ):
        return True
    if not limit.time_unit or limit.value == _MAJORITY:
        return False
    if rule("said_age").search(tokens) or rule("old").search(tokens):
        return False
    if _is_further_age(tokens, limit) or stands_beside_consent(tokens, limit):
        return False
    if _has_no_subject(tokens, limit):
        return read_subject(topic) is not Subject.PEOPLE
    return limit.first <= _LENGTH_REACH and not speaks_of_people(tokens)


def _has_no_subject(tokens: Tokens, limit: Limit) -> bool:
    """Return whether no words before or behind a length of time say of what it is, so that only the
    line above does.
    """
    return bool(rule("only_ages").search(tokens)) or _stands_alone(tokens, limit)


def _is_called_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether words before or in a limit call it an age. A bare number before counted things
    is none, unless the word for age stands right before it.
    """
    first = limit.first
    end = limit.end
    if limit.time_unit and rule("age_joined").starts(tokens, end):
        return True
    name = "aged_before" if limit.time_unit else "bare_aged_before"
    is_named = rule(name).ends(tokens, first, first - _NAME_REACH)
    if not is_named and not rule("said_age").search(tokens, first, end):
        return False
    if limit.time_unit or rule("said_age").ends(tokens, first, first - 1):
        return True
    return not rule("counted").starts(tokens, end)


def _is_beside_ages(tokens: Tokens, first: int, end: int, floor: int) -> bool:
    """Return whether the words around a limit make it no age: "within", a difference of ages, and
    scales: "Karnofsky (> 16 years of age) or Lansky (< 16 years of age) > 60".
    """
    if rule("within_front").ends(tokens, first, floor):
        return True
    if rule("age_difference").starts(tokens, end):
        return True
    reach = first - 2 * _WHOSE_REACH
    return rule("scales_by_age").ends(tokens, first, reach) is not None


def _is_of_thing(tokens: Tokens, limit: Limit, floor: int) -> bool:
    """Return whether a length of time is how old a thing is: "ulcers less than 5 days old"."""
    if rule("thing_after").starts(tokens, limit.end):
        return True
    if rule("old_thing").ends(tokens, limit.first, floor):
        return True
    # people are old in years, too
    in_years = limit.time_unit in (None, "year")
    return not in_years and bool(
        rule("old_thing_apart").ends(tokens, limit.first, floor)
    )


def _is_further_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit goes on with an age: "aged 50 years or over (45 or over if
    smokers)".

    It is from 12 to 99, in years or without a unit, has a comparator, and limits nothing that has
    another name.
    """
    if limit.quantity is not None and not _names_age_or_nothing(tokens, limit.quantity):
        return False
    if not limit.sure or limit.value not in _AGES:
        return False
    if limit.time_unit not in (None, "year"):
        return False
    goes_on = limit.end < len(tokens)
    if goes_on and not rule("further_age_end").starts(tokens, limit.end):
        return False
    floor = limit.first - _LENGTH_REACH
    return rule("further_age").ends(tokens, limit.first, floor) is not None


def _names_age_or_nothing(tokens: Tokens, name: Range) -> bool:
    """Return whether the name of a quantity, a range of tokens, names an age, or nothing that could
    be counted.
    """
    if rule("age_or_nothing").covers(tokens, *name):
        return True
    return rule("said_age").search(tokens, *name) is not None


def is_of_people(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a bare number from 12 to 99 at the start of a line limits nothing but people:
    "adults >= 18", "men or women, 65+".
    """
    if not limit.sure or limit.unit or limit.time_unit:
        return False
    if limit.value not in _AGES:
        return False
    if limit.quantity is not None and limit.quantity[1] <= limit.first:
        return False
    front = _skip_signs(tokens, limit.first)
    return rule("only_persons").covers(tokens, 0, front) is not None


def _skip_signs(tokens: Tokens, end: int) -> int:
    """Return the end of the words before ``end``, without the signs behind them."""
    while end and tokens.codes[end - 1] in _ADDED:
        end -= 1
    return end


def is_unnamed_weight(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is that of the weight of people, which no word names: "participants
    below 40 kg".

    Nothing but words for people, and signs, may stand before it.

    >>> from extractor.concepts.limits.read import find_limits
    >>> lines = [read_text(text) for text in ("Men over 90 kg", "Tumour over 2 kg")]
    >>> [is_unnamed_weight(line, *find_limits(line, None)) for line in lines]
    [True, False]
    """
    if limit.unit is None or read_unit(limit.unit) not in _WEIGHTS:
        return False
    only_people = rule("names_only_people")
    if limit.quantity is not None and not only_people.covers(tokens, *limit.quantity):
        return False
    front = _skip_signs(tokens, limit.first)
    return not front or only_people.covers(tokens, 0, front) is not None


def _is_age_unnamed(tokens: Tokens, limit: Limit, floor: int) -> bool:
    """Return whether a limit with a unit of time bounds an age although no word for age is near.

    It does in years (or months that stand for years) if it is a range, stands alone in its line, or
    stands beside consent; else behind people: "patients with more than 18 years". It does not if
    words before or behind say of what it is: a course, an event, other people.

    ``floor`` is the first token that is examined.
    """
    first = limit.first
    end = limit.end
    if _is_end_of_lone_range(tokens):
        return True
    if limit.time_unit is None:
        return False
    # as in "3 months prior to entry"
    if rule("of_something").starts(tokens, end):
        return False
    names_length = rule("no_age_before").ends(tokens, first, floor)
    if names_length and not rule("people_in_before").ends(tokens, first, floor):
        return False
    in_years = limit.time_unit == "year"
    if in_years or rule("months_of_years").search(tokens, first, end):
        if limit.value_high is not None or _stands_alone(tokens, limit):
            return True
        if stands_beside_consent(tokens, limit):
            return True
    if rule("persons_before").ends(tokens, first, floor) is None:
        return False
    # "patients with more than 18 years", but not "patients with 2 years of asthma"
    if tokens.words[first - 1] != "with":
        return True
    return rule("age_end").starts(tokens, end) is not None


def _stands_alone(tokens: Tokens, limit: Limit) -> bool:
    """Return whether nothing but signs stands beside a limit in its line, or "Are", "Is" or "Be"
    before it, as below "patients are eligible if they".
    """
    start = 1 if tokens.words[0] in ("Are", "Is", "Be") else 0
    before = tokens.codes[start : limit.first]
    behind = tokens.codes[limit.end :].strip(".")
    return _ADDED.issuperset(before) and _ADDED.issuperset(behind)


def _is_end_of_lone_range(tokens: Tokens) -> bool:
    """Return whether a line has nothing but the two ends of a range in years: "≥ 18 and < 65
    years".
    """
    if rule("year_words").search(tokens) is None:
        return False
    # the 1 of "1 - ≥ 18 years" is no age
    if rule("mark_of_line").search(tokens):
        return False
    return rule("only_ages").search(tokens) is not None


def is_lifetime(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Return whether a length of time is itself limited: life expectancy, gestational age, a QT
    interval. A limit behind "within" is a time window, and never one.

    ``topic`` is the heading of a line that begins with the limit.
    """
    first = limit.first
    floor = max(0, first - _LENGTH_REACH)
    # as in "minimum life expectancy of 3 months"
    if limit.quantity and first < limit.quantity[1] <= limit.end:
        first = limit.quantity[1]
    if rule("within_front").ends(tokens, first, floor):
        return False
    if rule("lifetime_after").starts(tokens, limit.end):
        return True
    if rule("lifetime_before").ends(tokens, first, floor):
        return True
    if not topic or first > 0:
        return False
    heading = read_text(topic)
    return rule("lifetime_before").ends(heading, len(heading)) is not None


def is_other_age(tokens: Tokens, limit: Limit, *, admits: bool = True) -> bool:
    """Return whether it is the age of other people, at another time, or of some participants only:
    of those whose performance a scale measures, at another moment than the entry, the same age in
    other words, one of several listed signs, an excluded age with a further condition, or months
    behind years.

    An age at entry, or beside consent, is never that of other people. ``admits`` is false for the
    age of an exclusion.
    """
    if tokens.words[limit.first].lower() == "before":
        return True
    floor = max(0, limit.first - _WHOSE_REACH)
    for admitted in rule("admitted_if").find(tokens, floor, limit.first):
        floor = admitted.end  # "if" behind these words applies to all participants
    if rule("scale_of_age").ends(tokens, limit.first, floor):
        return True
    if rule("age_at_event").starts(tokens, limit.end):
        return True
    if rule("age_restated").ends(tokens, limit.first, floor):
        return True
    if admits and rule("listed_sign").ends(tokens, limit.first, floor):
        return True
    if not admits and rule("who_else").starts(tokens, limit.end):
        return True
    # "6 months" behind "17 years"
    is_rest = limit.time_unit not in (None, "year")
    if is_rest and rule("age_in_years").ends(tokens, limit.first, limit.first - 5):
        return True
    is_at_entry = rule("age_at_entry").ends(tokens, limit.first, floor)
    is_demand = is_at_entry or stands_beside_consent(tokens, limit)
    if not is_demand and rule("other_age").ends(tokens, limit.first, floor):
        return True
    return _is_behind_moment(tokens, limit)


def _is_behind_moment(tokens: Tokens, limit: Limit) -> bool:
    """Return whether words before an age name another moment than the entry. Words in it that call
    it an age, or name a birthday, go before them.
    """
    behind = rule("age_behind").ends(tokens, limit.end, limit.end - 3)
    end = behind.first if behind else limit.end
    if rule("said_age").search(tokens, limit.first, end):
        return False
    if rule("birthday").search(tokens, limit.first, limit.end):
        return False
    floor = limit.first - _END_REACH
    return rule("moment_before").ends(tokens, limit.first, floor) is not None


def stands_beside_consent(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age is a demand of its own beside consent: "able to consent and at least
    18 years".
    """
    floor = limit.first - _WHOSE_REACH
    return rule("beside_consent").ends(tokens, limit.first, floor) is not None


def list_age_bounds(
    tokens: Tokens, limit: Limit, *, admits: bool
) -> list[tuple[Age, bool]]:
    """Return the ages that a limit admits, or that an exclusion leaves, each with whether it is the
    lowest (true) or the highest age.

    The list is empty for ages above 120 years, a limit without a comparator, and an excluded range.
    ``admits`` is false for the limit of an exclusion.

    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text("Younger than 18 years")
    >>> (limit,) = find_limits(tokens, None)
    >>> [
    ...     lower
    ...     for admits in (True, False)
    ...     for _, lower in list_age_bounds(tokens, limit, admits=admits)
    ... ]
    [False, True]
    """
    unit = TimeUnit(limit.time_unit or "year")
    if unit not in _OF_AGES:
        return []
    highest = Age(value=limit.value_high or limit.value, unit=unit)
    if count_days(highest) > OLDEST:
        return []
    low = Age(value=limit.value, unit=unit)
    if ends_age_range(tokens, limit):
        return [(low, False)]
    is_admitted = _admits_ages(tokens, limit, admits=admits)
    if limit.value_high is None:
        if limit.comparator in LOWER:
            return [(low, is_admitted)]
        if limit.comparator in UPPER:
            return [(low, not is_admitted)]
        return []
    # An excluded range leaves ages on both sides; what lies outside of it is the opposite.
    floor = limit.first - _END_REACH
    if is_admitted is bool(rule("outside_ages").ends(tokens, limit.first, floor)):
        return []
    return [(low, True), (Age(value=limit.value_high, unit=unit), False)]


def _admits_ages(tokens: Tokens, limit: Limit, *, admits: bool) -> bool:
    """Return whether people of the ages within a limit take part, by the list and the words around.

    ``admits`` is false for an exclusion. A negation right before the limit ("not over 65") turns
    that round, and so do words among inclusions that refuse ("... are excluded").
    """
    is_negated = False
    if (limit.sure or admits) and not is_denied(tokens, limit.first):
        front = rule("negated_front").ends(tokens, limit.first, limit.first - 2)
        is_negated = front is not None
    if not admits:
        return is_negated
    refused = rule("refused_after").starts(tokens, limit.end)
    refused = refused or rule("refused_before").ends(tokens, limit.first, 0)
    return is_negated is (refused is not None)


def ends_age_range(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age without a comparator is the upper end of a range that was not read:
    "18 75 years".
    """
    if limit.sure:
        return False
    floor = limit.first - _END_REACH
    return rule("age_before_it").ends(tokens, limit.first, floor) is not None
