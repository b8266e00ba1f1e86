"""Age limits: decide which limits are ages, whose age they limit, and which side they bound.

A bare duration refers to the subject of the line above it: "at least 2 years" alone on its line is
treated as an age below "Participants:" and as the duration of a disease below "Duration of
asthma:"; below "Epilepsy:", it may be either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Protocol

from extractor.concepts.limits.read import is_denied
from extractor.concepts.people.registered_ages import OLDEST, count_days
from extractor.language.book import read_words, rule
from extractor.language.lexer import Tokens, TokenSpan, keep
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.measures import Limit
from extractor.schemas import Age, Category, CriterionKind, TimeUnit
from extractor.schemas.vocabulary import LOWER, UPPER

# Chosen by hand; half of it changes no case, and none of 120 registry records.
_FEW_BEFORE = 14
"""Number of tokens at the start of a line within which a duration may be the line's subject."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_WHOSE_REACH = 26
"""Number of tokens before an age that are searched for the people to whom the age belongs."""
# Half of it reads "Cyclists, at least 20 years, with knee pain" otherwise.
_LONG_TIME = 40
"""Number of years at or above which a duration is more likely to be an age."""
_WEIGHTS = frozenset({"kg", "[lb_av]"})
"""Units of body weight."""
_SIGNS = ",;:-()"
_AGES = range(12, 100)
"""Bare numbers that, if they limit people, can only be ages in years; smaller numbers may be
months.
"""
# Half of it reads "Pacemaker that is not more than 8 years old" otherwise.
_ADOLESCENCE = 12
"""The least number of years that is more often an age than a length in the criteria of a trial."""
_MAJORITY = 18
"""The age of majority, which is the usual minimum age in trials."""


@dataclass(frozen=True, slots=True)
class StatedCriterion:
    """A criterion with the details that the readers of a whole record need. Its passage contains
    only the criterion. ``donor`` is true if it is about donors. ``heading`` is the line above it.
    """

    passage: Passage
    kind: CriterionKind
    category: Category
    limits: Sequence[Limit] = ()
    donor: bool = False
    heading: str = ""


class Subject(Enum):
    """The possible subjects of a line that introduces other lines."""

    PEOPLE = auto()
    """The participants, their ages, or the trial and its lists."""
    COURSE = auto()
    """The duration of something, or the time since it happened."""
    OTHERS = auto()
    """Other people, or an age at a time other than entry."""


@lru_cache(maxsize=1024)
def read_subject(line: str) -> Subject | None:
    """Return the subject of a line; None if the subject is not one of the ``Subject`` values. An
    empty line represents the list of criteria, whose subject is people.

    >>> for line in (
    ...     "Patients must be:",
    ...     "Duration of asthma:",
    ...     "Parents:",
    ...     "Epilepsy:",
    ... ):
    ...     print(read_subject(line))
    Subject.PEOPLE
    Subject.COURSE
    Subject.OTHERS
    None
    """
    if not line:
        return Subject.PEOPLE
    tokens = read_words(line)
    names_age = rule("said_age").occurs(tokens)
    if rule("names_course").search(tokens):
        # below "Age and duration of asthma:", durations can be either
        if names_age:
            return None
        return Subject.COURSE
    if _is_of_others(tokens):
        return Subject.OTHERS
    if names_age or speaks_of_people(tokens):
        return Subject.PEOPLE
    return None


def _is_of_others(tokens: Tokens) -> bool:
    """Return whether a line names only relatives, or an age at a time other than entry."""
    if rule("age_of_others_named").search(tokens):
        return True
    if not rule("relative").occurs(tokens):
        return False
    # as in "Participants and their partners:"
    return not rule("trial_person").occurs(tokens)


@lru_cache(maxsize=64)
def speaks_of_people(tokens: Tokens) -> bool:
    """Return whether words name only the participants, the trial or its lists. "Patients on
    dialysis:", by contrast, names a treatment that the participants receive.
    """
    if rule("says_who").search(tokens):
        return True
    # "Patients on dialysis:" is about the dialysis
    if rule("people_with").search(tokens):
        return False
    return rule("names_people_or_list").occurs(tokens)


def names_division(heading: str) -> bool:
    """Return whether a heading names a part of the trial or a group of its participants: "Part A:",
    "Healthy volunteers:".
    """
    tokens = read_words(heading)
    names = ("trial_division", "healthy_people")
    return any(rule(name).search(tokens) for name in names)


@keep
def is_age(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Return whether a limit bounds an age: it is described as an age, or it is in a position
    where it can only be an age. ``topic`` is the line that introduces the limit. A bare duration
    below "Duration of asthma:" is never an age.

    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text(
    ...     "Smokers aged 18 to 65 years who smoked for at least 10 years"
    ... )
    >>> [is_age(tokens, limit) for limit in find_limits(tokens, None)]
    [True, False]
    """
    first = limit.first
    end = limit.end
    if rule("plural_age").starts(tokens, first) and limit.time_unit == "year":
        return True
    if _is_other_length(tokens, limit):
        return False
    name = limit.quantity
    if not limit.time_unit and name and first <= name[0] < end:
        # "18 < age < 65", but not "ECOG 0-1"
        return rule("said_age").occurs(tokens, *name)
    says_old = rule("old").search(tokens, first, end)
    if says_old or _is_followed_by("old_after", tokens, limit):
        # people's ages are also in years: "ulcers less than 5 days old" are no people
        thing = "old_thing_apart"
        if limit.time_unit in (None, "year"):
            thing = "old_thing"
        return not _is_preceded_by(thing, tokens, limit)
    if _is_called_age(tokens, limit):
        # a single duration must not be followed by words such as "prior to entry"
        is_range = limit.value_high is not None
        return is_range or not _is_followed_by("relation_after", tokens, limit)
    if not _is_age_unnamed(tokens, limit):
        return False
    is_below_course = bool(topic) and read_subject(topic) is Subject.COURSE
    return not (is_below_course and _has_only_ages(tokens))


def _is_other_length(tokens: Tokens, limit: Limit) -> bool:
    """Return True if a limit cannot be an age because of its unit, or because of surrounding
    words: "within the last 2 years", "pregnant > 14 weeks", "5 years older than the partner", or
    the score after "Karnofsky (16 years and older) or Lansky (under 16 years)".
    """
    if limit.time_unit in ("hour", "minute"):
        return True
    if limit.unit and not limit.time_unit:
        return True
    if _is_preceded_by("no_age_front", tokens, limit):
        return True
    near = max(0, limit.first - _WHOSE_REACH)
    if rule("weeks_of_pregnancy").search(tokens, near, limit.end + 1):
        return True
    return _is_followed_by("age_difference", tokens, limit)


def _is_preceded_by(name: str, tokens: Tokens, limit: Limit, first: int = 0) -> bool:
    """Return whether a rule matches directly before a limit, beginning at or after token
    ``first``.
    """
    return rule(name).ends(tokens, limit.first, first) is not None


def _is_followed_by(name: str, tokens: Tokens, limit: Limit) -> bool:
    """Return whether a rule matches directly after a limit."""
    return rule(name).starts(tokens, limit.end) is not None


def is_doubtful_age(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Return whether a duration looks like an age but might not be one, because neither its line
    nor the line above it (``topic``) is about people. The duration is not doubtful if its first
    number is the age of majority. A range without an upper end is doubtful, since its first number
    may be a list marker: "1 - 18 years or older".

    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text("5 to 10 years")
    >>> (limit,) = find_limits(tokens, None)
    >>> [is_doubtful_age(tokens, limit, topic) for topic in ("Children:", "Epilepsy:")]
    [False, True]
    """
    # at most three tokens after the range: "years or older"
    is_open = rule("open_end").search(tokens, limit.first, limit.end + 3)
    if limit.value_high is not None and is_open:
        return True
    if not limit.time_unit or limit.value == _MAJORITY or _says_age(tokens):
        return False
    if _has_only_ages(tokens):
        return read_subject(topic) is not Subject.PEOPLE
    return limit.first <= _FEW_BEFORE and not speaks_of_people(tokens)


# each limit of a line asks the same of the line
@lru_cache(maxsize=64)
def _says_age(tokens: Tokens) -> bool:
    return rule("says_age").occurs(tokens)


@lru_cache(maxsize=64)
def _has_only_ages(tokens: Tokens) -> bool:
    """Return whether a line states nothing but ages or durations, so that only the line above can
    state what they describe.
    """
    return rule("only_ages").starts(tokens, 0) is not None


def _is_called_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the words before or in a limit call it an age. A bare number before a counted
    noun is not an age, unless a word for age directly precedes it.
    """
    if limit.time_unit and _is_followed_by("age_joined", tokens, limit):
        return True
    # as in "50 years or over (45 or over if smokers)"
    is_number = limit.time_unit in (None, "year") and limit.value in _AGES
    if is_number and _is_preceded_by("further_age", tokens, limit):
        return True
    name = "bare_aged_before"
    if limit.time_unit:
        name = "aged_before"
    is_named = _is_preceded_by(name, tokens, limit)
    if not is_named and not rule("said_age").search(tokens, limit.first, limit.end):
        return False
    if limit.time_unit or _is_preceded_by("said_age", tokens, limit):
        return True
    return not _is_followed_by("counted", tokens, limit)


def is_of_people(tokens: Tokens, limit: Limit) -> bool:
    """Return whether only words for people precede a bare number from 12 to 99 at the start of a
    line: "adults >= 18", "men or women, 65+".
    """
    has_unit = limit.unit or limit.time_unit
    if has_unit or not limit.sure or limit.value not in _AGES:
        return False
    front = len(tokens.codes[: limit.first].rstrip(_SIGNS))
    return rule("only_persons").covers(tokens, 0, front) is not None


def may_be_of_people(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a bare number from 12 to 99 may be the age of the people who open the line:
    "women between 40 and 65", "nursing home residents over 65 with dementia".

    >>> from extractor.concepts.limits.read import find_limits
    >>> lines = [
    ...     read_text(text)
    ...     for text in ("Healthy adults over 70", "Karnofsky of adults over 70")
    ... ]
    >>> [may_be_of_people(line, *find_limits(line, None)) for line in lines]
    [True, False]
    """
    has_unit = limit.unit or limit.time_unit
    if has_unit or not limit.sure or limit.value not in _AGES:
        return False
    if not rule("other_clause").starts(tokens, limit.end):
        return False
    return rule("people_of_bare_age").covers(tokens, 0, limit.first) is not None


class Years(TokenSpan, Protocol):
    """A number of years, stated by the tokens ``first:end``."""

    @property
    def value(self) -> float: ...


def may_be_age(tokens: Tokens, years: Years) -> bool:
    """Return whether a number of years that was not read as an age may still be one: it is longer
    than most durations, or it is at least the age of majority and only one unfamiliar word
    separates it from words for people, as in "patients quietly more than 18 years".
    """
    # few durations are so long
    if years.value >= _LONG_TIME:
        return True
    if years.value < _MAJORITY or not rule("age_end").starts(tokens, years.end):
        return False
    return rule("person_and_word").ends(tokens, years.first) is not None


def may_be_unnamed_age(tokens: Tokens, years: Years) -> bool:
    """Return whether years with a comparator, but without a moment or a word for a length, may be
    the age of people who have an unknown name.

    >>> from extractor.concepts.limits.read import find_limits
    >>> lines = [
    ...     read_text(text)
    ...     for text in ("Cyclists, at least 20 years", "Asthma for at least 20 years")
    ... ]
    >>> [may_be_unnamed_age(line, *find_limits(line, None)) for line in lines]
    [True, False]
    """
    near = max(0, years.first - _WHOSE_REACH)
    # "smoker for at least 12 years"
    if rule("lasting_word").search(tokens, near, years.end + 1):
        return False
    # "6 years or over" is said of ages, "6 years or more" also of lengths
    if rule("end_of_ages").search(tokens, years.first, years.end):
        return True
    return years.value >= _ADOLESCENCE


def is_unnamed_weight(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is an unnamed body weight: "participants below 40 kg". Only
    punctuation and words for people may precede it.

    >>> from extractor.concepts.limits.read import find_limits
    >>> lines = [read_text(text) for text in ("Men over 90 kg", "Tumour over 2 kg")]
    >>> [is_unnamed_weight(line, *find_limits(line, None)) for line in lines]
    [True, False]
    """
    if limit.unit is None:
        return False
    # no body weight is stated in other units
    if read_unit(limit.unit) not in _WEIGHTS:
        return False
    only_people = rule("names_only_people")
    if limit.quantity is not None and not only_people.covers(tokens, *limit.quantity):
        return False
    front = len(tokens.codes[: limit.first].rstrip(_SIGNS))
    return not front or only_people.covers(tokens, 0, front) is not None


def _is_age_unnamed(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit with a time unit bounds an age even though there is no word for age
    nearby. In years (or months that represent years), it is an age if it is a range, is alone on
    its line, or is next to a mention of consent. Otherwise, it must follow words for people:
    "patients with more than 18 years". It is not an age if the words before or after it refer to a
    course, an event, or other people.
    """
    # "≥ 18 and < 65 years", but not the 1 of "1 - ≥ 18 years"
    if _has_only_ages(tokens) and rule("year_words").occurs(tokens):
        return rule("mark_of_line").starts(tokens, 0) is None
    # a number without a unit may count anything
    if limit.time_unit is None:
        return False
    # "12 years of education"
    if _is_followed_by("of_something", tokens, limit):
        return False
    # "smoked for 10 years"
    names_length = _is_preceded_by("no_age_before", tokens, limit)
    if names_length and not _is_preceded_by("people_in_before", tokens, limit):
        return False
    in_years = limit.time_unit == "year"
    if in_years or rule("months_of_years").search(tokens, limit.first, limit.end):
        if stands_beside_consent(tokens, limit) or limit.value_high is not None:
            return True
        if is_age_of_clause(tokens, limit):
            return True
    return follows_people(tokens, limit)


def is_age_of_clause(tokens: Tokens, limit: Limit) -> bool:
    """Return whether years without a word for age or people can only be an age: the ends of a range
    ("12 to < 18 years"), the age of a part of the trial ("Group B: over 65 years"), the age of
    majority as a clause of its own ("Psoriasis, >= 18 years"), or an adult age that opens its line
    or joins one that does: "Over 65 years, or over 50 years with diabetes".
    """
    if limit.time_unit != "year":
        return False
    if limit.rule.startswith("range"):
        return True
    # the part of the trial in "Group B: over 65 years"
    if _is_preceded_by("division_before", tokens, limit):
        return True
    if limit.value < _MAJORITY:
        return False
    if not _is_followed_by("other_clause", tokens, limit):
        return False
    first = limit.first
    if first == 0:
        return True
    # "Over 65 years, or over 50 years with diabetes"
    if _is_preceded_by("opens_with_age", tokens, limit):
        return True
    is_apart = tokens.codes[first - 1] in _SIGNS
    return is_apart and limit.value == _MAJORITY and limit.sure


def follows_people(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit directly follows words for people: "infants between 6 and 36 months".
    "Patients with more than 18 years" counts, but "patients with 2 years of asthma" does not.
    """
    if not _is_preceded_by("persons_before", tokens, limit):
        return False
    # "patients with 2 years of asthma"
    is_with = tokens.words[limit.first - 1] == "with"
    return not is_with or _is_followed_by("age_end", tokens, limit)


def is_lifetime(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Return whether a limit applies to a duration itself, such as life expectancy, gestational age
    or a QT interval. A limit after "within" is a time window, never a lifetime. ``topic`` is the
    heading of a line that begins with the limit.
    """
    first = limit.first
    if limit.quantity:
        # as in "minimum life expectancy of 3 months"
        first = max(first, limit.quantity[1])
    if _is_preceded_by("within_front", tokens, limit):
        return False
    if _is_followed_by("lifetime_after", tokens, limit):
        return True
    if rule("lifetime_before").ends(tokens, first):
        return True
    # "Life expectancy > 6 months; > 12 months for surgical patients"
    if limit.inherits and limit.quantity:
        return rule("lifetime_before").ends(tokens, limit.quantity[1]) is not None
    if first > 0:
        return False
    heading = read_words(topic)
    return rule("lifetime_before").ends(heading) is not None


def is_other_age(tokens: Tokens, limit: Limit, *, admits: bool = True) -> bool:
    """Return True if an age does not limit the age of participants at entry. It may apply to other
    people, to another time or to only some participants; it may repeat an earlier age; or it may
    be one of several listed risk factors, part of a scale, an exclusion with a further condition
    ("apnoea, for infants under 6 months"), or the months after a number of years.

    An age that is stated for entry, or next to a mention of consent, is never treated as the age
    of other people. ``admits`` is false for an age in an exclusion.
    """
    first = max(0, limit.first - _WHOSE_REACH)
    for admitted in rule("admitted_if").find(tokens, first, limit.first):
        # "may take part if they are over 18": this "if" applies to everybody
        first = admitted.end
    leading = ["scale_of_age", "age_restated"]
    if admits:
        leading.append("listed_sign")
    else:
        leading.append("for_some")
    at_entry = _is_preceded_by("age_at_entry", tokens, limit, first)
    if not at_entry and not stands_beside_consent(tokens, limit):
        leading.append("other_age")
    if any(_is_preceded_by(name, tokens, limit, first) for name in leading):
        return True
    if _is_followed_by("age_at_event", tokens, limit):
        return True
    if not admits and _is_followed_by("who_else", tokens, limit):
        return True
    # "6 months" after "17 years of age and" is the rest of an age
    is_rest = limit.time_unit not in (None, "year")
    if is_rest and _is_preceded_by("age_in_years", tokens, limit):
        return True
    # "child of a 30-year-old mother"
    if rule("age_of_relative").search(tokens, max(0, limit.first - 2), limit.end + 2):
        return True
    return _is_at_moment(tokens, limit)


def is_age_at_event(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the words beside an age name an event before the entry, at which it was: "age
    18 to 65 years at the time of diagnosis", "first seizure at 1 to 16 years of age".
    """
    if _is_followed_by("event_of_age_after", tokens, limit):
        return True
    return _is_preceded_by("event_of_age_before", tokens, limit)


def _is_at_moment(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the words before an age name a time other than entry. Words within the limit
    that call it an age take precedence, except for "of age" at its end.
    """
    # "before 6 months"
    if tokens.words[limit.first].lower() == "before":
        return True
    # "asthma since the age of 5 years"
    is_called_age = rule("said_age").starts(tokens, limit.first) is not None
    if is_called_age and _is_preceded_by("since_an_age", tokens, limit):
        return True
    age_words = rule("age_behind").ends(tokens, limit.end, limit.end - 3)
    end = age_words.first if age_words else limit.end
    if rule("said_age").search(tokens, limit.first, end):
        return False
    return _is_preceded_by("moment_before", tokens, limit)


def stands_beside_consent(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age is a separate requirement in addition to consent: "able to consent and
    at least 18 years".
    """
    return _is_preceded_by("beside_consent", tokens, limit)


def list_age_bounds(
    tokens: Tokens, limit: Limit, *, admits: bool
) -> list[tuple[Age, bool]]:
    """Return the ages that a limit admits, or that remain after an exclusion, as (age, is_lowest)
    pairs. The list is empty for an age above 120 years, a limit without a comparator, or an
    excluded range. ``admits`` is false for a limit in an exclusion.

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
    if limit.time_unit not in (None, "year", "month", "week", "day"):
        return []
    unit = TimeUnit(limit.time_unit or "year")
    low = Age(value=limit.value, unit=unit)
    high = Age(value=limit.value_high or limit.value, unit=unit)
    if count_days(high) > OLDEST:
        return []
    if ends_age_range(tokens, limit):
        return [(low, False)]
    is_admitted = _admits_ages(tokens, limit, admits=admits)
    # a single number is in ``low``, even if it is an upper limit
    if limit.value_high is None:
        if limit.comparator in LOWER:
            return [(low, is_admitted)]
        if limit.comparator in UPPER:
            return [(low, not is_admitted)]
        return []
    # An excluded range leaves ages on both sides; ages "outside" a range are the opposite.
    if is_admitted is _is_preceded_by("outside_ages", tokens, limit):
        return []
    return [(low, True), (high, False)]


def _admits_ages(tokens: Tokens, limit: Limit, *, admits: bool) -> bool:
    """Return whether people whose age is within a limit may take part, given the list and the
    surrounding words. ``admits`` is false for an exclusion. A negation directly before the limit
    ("not over 65") reverses the result, and so do words of exclusion in an inclusion ("... are
    excluded"). Together, they cancel each other out.
    """
    is_negated = False
    # the comparator may already include the negation
    if not is_denied(tokens, limit.first):
        is_negated = _is_preceded_by("negated_front", tokens, limit)
    if not admits:
        return is_negated
    is_refused = _is_followed_by("refused_after", tokens, limit)
    is_refused = is_refused or _is_preceded_by("refused_before", tokens, limit)
    return is_negated is is_refused


def ends_age_range(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age without a comparator is the upper end of a range that was not read:
    "18 75 years".
    """
    return not limit.sure and _is_preceded_by("age_before_it", tokens, limit)
