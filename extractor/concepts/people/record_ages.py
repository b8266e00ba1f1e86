"""Read the lowest and the highest age of a trial's participants."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.ages import (
    StatedCriterion,
    Subject,
    ends_age_range,
    follows_people,
    is_age,
    is_age_at_event,
    is_age_of_clause,
    is_doubtful_age,
    is_lifetime,
    is_of_people,
    is_other_age,
    list_age_bounds,
    may_be_of_people,
    may_be_unnamed_age,
    names_division,
    read_subject,
    stands_beside_consent,
)
from extractor.concepts.people.registered_ages import (
    AGES,
    DESCRIPTIONS,
    UNLIKE,
    agrees,
    count_days,
    read_registered_age,
    read_registered_ages,
)
from extractor.evidence.drafts import Reading, span_of
from extractor.evidence.items import Read
from extractor.language.book import read_words, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import (
    Age,
    Category,
    CriterionKind,
    RegistryFields,
    Support,
    TimeUnit,
)

_UNKNOWN = RegistryFields()
_CLAUSE = frozenset(",;:.()-/")
# Half of it reads "Patients able to give consent and over 21 years" otherwise.
_OPENING = 12
"""Number of tokens at the start of a criterion that are searched for the participants' age if its
category is not age.
"""
_LIKELY = (Category.DIAGNOSIS, Category.SEX, Category.OTHER)
"""Other categories in which an age may occur anywhere in a criterion."""
_ADJOINING = 2 * DAYS[TimeUnit.YEAR]
"""Maximum number of days between two adjoining ages, as in "under 65, or 66 and older with
diabetes".
"""
# Without it reads "in the following age groups, each of which has its own ...: 5 to 10 years".
_TALK_REACH = 12
"""Number of tokens before and after words about age in a summary that are searched for an age."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_WORDS_BEFORE = 8
# Chosen by hand; one less changes no case, and none of 120 registry records.
_WORDS_AFTER = 3
"""Number of tokens before and after a limit that are searched for words about age."""
_DOUBTFUL = "doubtful age"
_POSSIBLE = "possible age"
_OF_SOME = "age of some"
_PREFERRED = "age preferred"
_IN_SUMMARY = "age in a summary"


class _Bound(NamedTuple):
    """A limit on age: the lowest age of participants if ``lower`` is true, otherwise the highest.
    ``place`` covers the words that state it. ``case`` is its feature, which
    determines the confidence of the limit.
    """

    age: Age
    lower: bool
    place: Passage
    case: str

    @property
    def days(self) -> float:
        return count_days(self.age)


def read_ages(
    stated: Iterable[StatedCriterion],
    summary: Iterable[Passage],
    registry: RegistryFields = _UNKNOWN,
) -> tuple[Read[Age], Read[Age]]:
    """Return the lowest and the highest age that any criterion admits. If the criteria do not state
    an age, it is read from the summary.

    If there are several ages, the one that matches the registered age is used or, failing that,
    the one that admits the most people. An age that differs from the registered age is uncertain.
    If it is also doubtful, a mere preference, or stated only in the summary, it is treated only as
    an alternative, and there is no value. The same holds for years that may be an age, although no
    word says so. An age in the summary is kept as a value, with a lower confidence, if the same
    words state the other end as registered.

    >>> passage = read_passage("Age 18-65 years")
    >>> limits = find_limits(passage.tokens, None)
    >>> criterion = StatedCriterion(
    ...     passage, CriterionKind.INCLUSION, Category.AGE, limits
    ... )
    >>> [age.value.value for age in read_ages([criterion], [])]
    [18, 65]
    """
    registered = read_registered_ages(registry)
    listed = _list_stated(stated)
    ages = {name: _choose(listed, name, registered[name]) for name in AGES}
    low, high = ages.values()
    if low.value is not None and high.value is not None:
        return low, high
    described = [
        bound
        for passage in summary
        for bound in (*_read_fields(passage), *_read_summary(passage))
    ]
    # "aged 18 to 65 years" where only 18 is registered as such: the other end has a lower
    # confidence; the end that agrees is restored by the choice below
    # (``AGES`` has the field of the lowest age, then that of the highest)
    partly_registered = [
        bound.place
        for bound in described
        if agrees(bound.age, registered[AGES[not bound.lower]])
    ]
    described = [
        bound._replace(case=UNLIKE) if bound.place in partly_registered else bound
        for bound in described
    ]
    for name, age in ages.items():
        if not age.value and not age.alternatives:
            ages[name] = _choose(described, name, registered[name])
    low, high = ages.values()
    return low, high


def _choose(bounds: Sequence[_Bound], name: str, registered: float | None) -> Read[Age]:
    """Return the loosest bound on one side among the bounds that agree with the registry or,
    failing that, among those that are not doubtful. It is less certain if the bounds differ, or if
    the registry disagrees. If bounds on the other side contradict this bound, it is treated only
    as an alternative, and there is no value: "aged 65 or older, or 50 to 64 with diabetes" does
    not state a highest age.
    """
    of_side = [bound for bound in bounds if bound.lower is (name == AGES[0])]
    if not of_side:
        return Reading(None, features=("no age",))
    agreeing = [bound for bound in of_side if agrees(bound.age, registered)]
    chosen = _find_widest(agreeing or of_side)
    spans = (span_of(chosen.place),)
    # a weak statement that contradicts the registry is not believed
    is_unlike = registered is not None and not agreeing
    is_weak = chosen.case in (_DOUBTFUL, _PREFERRED, _IN_SUMMARY)
    is_refuted = (is_unlike and is_weak) or _lacks_support(chosen, bounds)
    if not agreeing and is_refuted:
        return Reading(
            None, 1.0, spans, alternatives=(chosen.age,), features=(_DOUBTFUL,)
        )
    others = [bound.age for bound in of_side if bound.age != chosen.age]
    case = chosen.case
    if agreeing:
        case = "age like the registry's"
    elif is_unlike:
        case = UNLIKE
    elif others and not is_weak:
        case = "several ages in criteria"
    return Reading(
        chosen.age,
        1.0,
        spans,
        Support.PARSED,
        alternatives=tuple(dict.fromkeys(others)),
        features=(case,),
    )


def _find_widest(bounds: Sequence[_Bound]) -> _Bound:
    """Return the loosest bound on one side. Doubtful bounds are used only if all bounds are
    doubtful.
    """
    # the criteria may state an age for all and a narrower one for some
    widest = max
    if bounds[0].lower:
        widest = min
    likely = [bound for bound in bounds if bound.case != _POSSIBLE]
    certain = [bound for bound in likely if bound.case != _DOUBTFUL]
    return widest(certain or likely or bounds, key=attrgetter("days"))


def _lacks_support(chosen: _Bound, bounds: Iterable[_Bound]) -> bool:
    """Return whether no words say that a bound is an age, or whether a bound on the other side
    excludes all ages that this bound admits, so that this bound can apply only to some people: a
    highest age of 64 next to a lowest age of 65. If all bounds on the other side do so by more
    than two years, the text contradicts itself ("over 65" and "under 18"), and both ages are kept.
    """
    if chosen.case in (_POSSIBLE, _OF_SOME):
        return True
    # how many days the bounds on the other side lie above this one
    distances = [
        other.days - chosen.days
        for other in bounds
        if other.lower is not chosen.lower
        and (other.case != _DOUBTFUL or chosen.case == _DOUBTFUL)
    ]
    # a highest age at or below a lowest age leaves nobody
    beyond = [days for days in distances if days == 0 or (days < 0) is chosen.lower]
    if len(beyond) < len(distances):
        return bool(beyond)
    return any(abs(days) <= _ADJOINING for days in beyond)


def _read_criterion(criterion: StatedCriterion) -> Iterator[_Bound]:
    """Yield the ages that a criterion admits, or that remain after an exclusion. Ages of donors and
    other people, and ages below headings such as "Risk factors", do not limit the participants. A
    criterion in another category must explicitly state the age of participants.
    """
    heading = read_words(criterion.heading)
    # "at least two of the following:" makes the lines below a list of signs
    lists_signs = rule("listed_sign").ends(heading) is not None
    if criterion.donor or lists_signs:
        return
    # as below "Parents:" or "Age at onset:"
    if read_subject(criterion.heading) is Subject.OTHERS:
        return
    tokens = criterion.passage.tokens
    admits = criterion.kind is CriterionKind.INCLUSION
    # a second age may follow the first one: "18 to 65 years (up to 70 years if fit)"
    last_end = 0
    beside_limits = _judge_by_neighbours(criterion)
    for limit in _list_ages(criterion):
        # the age in "creatinine < 1.5 mg/dL for age >= 16" is that of some participants
        near = max(0, limit.first - _OPENING)
        of_some = rule("condition_of_age").search(tokens, near, limit.end)
        if limit.qualifies and of_some:
            continue
        if is_other_age(tokens, limit, admits=admits):
            continue
        is_likely = criterion.category in _LIKELY or limit.first < last_end + _OPENING
        is_named = is_likely and _names_age(tokens, limit)
        if not is_named and not _is_about_age(criterion):
            continue
        last_end = limit.end
        case = beside_limits.get(limit.first) or _judge(criterion, limit)
        yield from _read_bounds(criterion.passage, limit, case, admits=admits)


def _judge(criterion: StatedCriterion, limit: Limit) -> str:
    """Return the feature of an age by the words around it and the heading above it."""
    tokens = criterion.passage.tokens
    if is_age_at_event(tokens, limit) or _stands_in_bracket(tokens, limit):
        return _OF_SOME
    if is_doubtful_age(tokens, limit, criterion.heading):
        return _DOUBTFUL
    is_sure_age = is_age(tokens, limit, criterion.heading)
    is_sure_age = is_sure_age or is_of_people(tokens, limit)
    if not is_sure_age and may_be_of_people(tokens, limit):
        return _DOUBTFUL
    if names_division(criterion.heading):
        return _DOUBTFUL
    # "Ideally aged 18 to 65": others may take part, too
    if rule("preferred_before").ends(tokens, limit.first):
        return _PREFERRED
    if criterion.passage.section.name in DESCRIPTIONS:
        return _IN_SUMMARY
    admits = criterion.kind is CriterionKind.INCLUSION
    return _name_case(tokens, limit, admits=admits)


def _judge_by_neighbours(criterion: StatedCriterion) -> dict[int, str]:
    """Return the features of the ages that belong to another limit of their line, or may do so, by
    the first token of each age.
    """
    tokens = criterion.passage.tokens
    cases: dict[int, str] = {}
    for limit, following in pairwise(criterion.limits):
        if _singles_out(limit, following):
            cases[limit.first] = _OF_SOME
        if _has_people_behind(tokens, limit, following):
            cases[following.first] = _OF_SOME
        elif _may_have_people_behind(tokens, limit, following):
            cases[following.first] = _DOUBTFUL
    return cases


def _singles_out(limit: Limit, following: Limit) -> bool:
    """Return whether a limit is part of the condition in front of the one that follows it: "in men
    >= 50 years PSA < 4 ng/mL".
    """
    if not limit.qualifies or following.condition is None:
        return False
    first, end = following.condition
    return first <= limit.first < end <= following.first


def _has_people_behind(tokens: Tokens, limit: Limit, age: Limit) -> bool:
    """Return whether the age behind a limit of something else is that of the people to whom this
    limit applies: "ferritin > 20 ug/L, men and women over 50 years", "eGFR >= 45 mL/min at age >=
    70 years".
    """
    if limit.time_unit or not age.time_unit:
        return False
    return rule("people_behind_limit").covers(tokens, limit.end, age.first) is not None


def _may_have_people_behind(tokens: Tokens, limit: Limit, age: Limit) -> bool:
    """Return whether the age behind a limit of something else may be that of the people to whom
    this limit applies, or that of all participants: "vitamin D < 50 nmol/L, all adults over 60
    years", "> 450 pg/mL below 50 years".
    """
    if limit.time_unit or not age.time_unit:
        return False
    # "FEV1 < 80 % in patients aged 18 to 65 years" says it of everybody
    if rule("said_age").starts(tokens, age.first):
        return False
    if limit.end == age.first:
        return True
    return (
        rule("everybody_behind_limit").covers(tokens, limit.end, age.first) is not None
    )


def _stands_in_bracket(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age is part of a bracket that is the condition of the limit before it:
    "HbA1c > 7 % (in patients under 65 years)".
    """
    if not limit.qualifies:
        return False
    opening = tokens.codes.rfind("(", 0, limit.first)
    return opening > tokens.codes.rfind(")", 0, limit.first)


def _list_stated(stated: Iterable[StatedCriterion]) -> list[_Bound]:
    """Return the ages of all criteria. Beside an age of all people, one of some is left out."""
    listed = [bound for criterion in stated for bound in _list_bounds(criterion)]
    return [bound for bound in listed if bound.case != _OF_SOME] or listed


def _list_bounds(criterion: StatedCriterion) -> list[_Bound]:
    """Return the ages that a criterion admits or, if it states none, its years that may be ages."""
    bounds = list(_read_criterion(criterion))
    if bounds or criterion.donor or criterion.kind is not CriterionKind.INCLUSION:
        return bounds
    # below "Duration of diabetes:", years are lengths
    if rule("lasting_word").occurs(read_words(criterion.heading)):
        return bounds
    for limit in criterion.limits:
        if _is_possible_age(criterion, limit):
            bounds += _read_bounds(criterion.passage, limit, _POSSIBLE)
    return bounds


def _is_possible_age(criterion: StatedCriterion, limit: Limit) -> bool:
    """Return whether years may be an age, although no word says so."""
    tokens = criterion.passage.tokens
    if limit.time_unit != "year" or not limit.sure:
        return False
    if is_lifetime(tokens, limit) or is_age(tokens, limit, criterion.heading):
        return False
    return may_be_unnamed_age(tokens, limit)


def _is_below_age(criterion: StatedCriterion) -> bool:
    """Return whether the heading of a criterion is or begins with the word "age"."""
    heading = criterion.heading.strip(" *_-").lower()
    if heading in ("age", "ages"):
        return True
    return heading.startswith(("age ", "ages ", "age:", "ages:"))


def _is_about_age(criterion: StatedCriterion) -> bool:
    return criterion.category is Category.AGE or _is_below_age(criterion)


def _list_ages(criterion: StatedCriterion) -> list[Limit]:
    """List the limits in a criterion that are ages: limits that the surrounding words call ages,
    bare numbers after words for people if there is no heading, and durations preceded only by
    words for people in a line about age.
    """
    tokens = criterion.passage.tokens
    ages = [
        limit
        for limit in criterion.limits
        if is_age(tokens, limit, criterion.heading) and not is_lifetime(tokens, limit)
    ]
    # below "MMSE score:", a bare number is a score
    if not criterion.heading:
        ages += [limit for limit in criterion.limits if is_of_people(tokens, limit)]
        if not ages:
            ages = [
                limit for limit in criterion.limits if may_be_of_people(tokens, limit)
            ]
    is_of_course = read_subject(criterion.heading) is Subject.COURSE
    if ages or is_of_course or not _is_about_age(criterion):
        return ages
    return [limit for limit in criterion.limits if _is_bare_age(criterion, limit)]


def _is_bare_age(criterion: StatedCriterion, limit: Limit) -> bool:
    """Return whether a limit that is preceded only by words for people is an age. It must be in
    years or months; below a heading about age, it may lack a unit. "20 to 26" below "MMSE score:"
    is not an age.
    """
    tokens = criterion.passage.tokens
    has_unit = limit.time_unit in ("year", "month")
    is_number = limit.time_unit is None and limit.unit is None
    if not has_unit and not (is_number and _is_below_age(criterion)):
        return False
    if not _names_anybody(tokens, 0, limit.first):
        return False
    return rule("age_end").starts(tokens, limit.end) is not None


def _names_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the words next to a limit show that it is a person's age: words about age,
    "old", consent, or people of that age.
    """
    # "under 16s"
    if rule("plural_age").starts(tokens, limit.first):
        return True
    before = max(0, limit.first - _WORDS_BEFORE)
    after = limit.end + _WORDS_AFTER
    if rule("age_talk").search(tokens, before, after):
        return True
    if rule("old").search(tokens, limit.first, after):
        return True
    if stands_beside_consent(tokens, limit) or follows_people(tokens, limit):
        return True
    return is_age_of_clause(tokens, limit)


def _read_fields(passage: Passage) -> Iterator[_Bound]:
    """Yield the ages in the fields of a registry's page: "Minimum age: 18 Year(s)"."""
    for field in rule("age_field").find(passage.tokens, passage.first, passage.end):
        age = read_registered_age(field.read("value"))
        if age:
            place = passage.part(*field.place("value"))
            yield _Bound(age, field.has("lowest"), place, "age among other words")


def _read_summary(passage: Passage) -> Iterator[_Bound]:
    """Yield the age limits in a title or summary that are within twelve tokens of words about the
    age of participants. Ages without a time unit, and ages of other people, are skipped.
    """
    passed = passage.first
    for talk in rule("age_talk").find(passage.tokens, passage.first, passage.end):
        # these words were read with the ones before
        if talk.first < passed:
            continue
        first = max(passed, talk.first - _TALK_REACH)
        passed = min(passage.end, talk.end + _TALK_REACH)
        part = passage.part(first, passed).alone()
        tokens = part.tokens
        for limit in find_limits(tokens, CriterionKind.INCLUSION):
            if not limit.time_unit or not limit.sure:
                continue
            is_of_others = is_lifetime(tokens, limit) or is_other_age(tokens, limit)
            if not is_of_others and _names_age(tokens, limit):
                yield from _read_bounds(part, limit, _IN_SUMMARY)


def _read_bounds(
    passage: Passage, limit: Limit, case: str, *, admits: bool = True
) -> Iterator[_Bound]:
    """Yield the bounds that an age limit sets, with the place of the limit."""
    place = passage.part_at(limit)
    for age, is_lowest in list_age_bounds(passage.tokens, limit, admits=admits):
        yield _Bound(age, is_lowest, place, case)


def _name_case(tokens: Tokens, limit: Limit, *, admits: bool) -> str:
    """Return the feature of an age. It depends on whether the age applies only to some people or
    follows other conditions in an exclusion, whether the age is excluded, and whether its unit or
    comparator is missing.
    """
    # as in "patients over 75 years must have ECOG 0"
    behind = limit.end, limit.end + _OPENING
    if limit.qualifies and rule("subject_verb").search(tokens, *behind):
        return _OF_SOME
    is_of_some = rule("age_of_some_after").starts(tokens, limit.end)
    if is_of_some or ends_age_range(tokens, limit):
        return _DOUBTFUL
    if admits:
        if limit.sure and limit.time_unit:
            return "age among other words"
        return "age without unit or comparator"
    # an excluded "age 80 years" has lost its sign
    if not limit.sure or rule("joined_condition").starts(tokens, limit.end):
        return _DOUBTFUL
    # only words such as "patients aged" separate the start of a clause and the age
    first = limit.first
    clauses = [0, *(at + 1 for at in range(first) if tokens.codes[at] in _CLAUSE)]
    if any(_names_anybody(tokens, at, first) for at in clauses):
        return "age excluded"
    return _DOUBTFUL


def _names_anybody(tokens: Tokens, first: int, end: int) -> bool:
    """Return True if the tokens ``first:end`` name only people in general, or if there are no such
    tokens.
    """
    return first >= end or rule("anybody").covers(tokens, first, end) is not None
