"""Read ages, sex and healthy volunteers from the free text of a whole record."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple, TypeVar

from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.ages import (
    ends_age_range,
    is_age,
    is_doubtful_age,
    is_lifetime,
    is_of_people,
    is_other_age,
    list_age_bounds,
    stands_beside_consent,
)
from extractor.concepts.people.registered_ages import (
    AGES,
    DESCRIPTIONS,
    UNLIKE,
    agrees,
    count_days,
    differs,
    is_plain,
    read_registered_ages,
)
from extractor.concepts.people.subjects import Subject, read_subject
from extractor.evidence.drafts import Reading, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.passage import LexedSection, Passage
from extractor.measures import Limit
from extractor.schemas import (
    Age,
    Category,
    CriterionKind,
    RegistryFields,
    Sex,
    Support,
    TimeUnit,
)
from extractor.schemas.registered_words import unify_word

_UNKNOWN = RegistryFields()
_Value = TypeVar("_Value", Sex, bool)
_ABOUT_AGE = (Category.AGE, Category.DIAGNOSIS, Category.SEX, Category.OTHER)
_OF_SOME = (Category.PERFORMANCE_STATUS, Category.ORGAN_FUNCTION, Category.REPRODUCTIVE)
"""Categories that often apply only to some ages ("Lansky score for those under 16")."""
_GRADED = frozenset({"stage", "grade", "class", "score"})
_CLAUSE = frozenset(",;:.()-/")
_OPENING = 12
"""How many tokens into a criterion of another category an age may be that of the participants."""
_DOUBTFUL = "doubtful age"
_ALONE = "age in a line of its own"
_IN_SUMMARY = "age in a summary"
_WIDENED = "several ages in criteria"
_ADJOINING = 2 * DAYS[TimeUnit.YEAR]
"""Ages of two groups that are at most this many days apart adjoin."""


@dataclass(frozen=True, slots=True)
class StatedCriterion:
    """A criterion for the readers of a whole record. Its passage stands alone. ``donor``: it is
    about donors.
    """

    passage: Passage
    kind: CriterionKind
    category: Category
    limits: Sequence[Limit] = ()
    donor: bool = False
    heading: str = ""


def _find(name: str, passage: Passage) -> Passage | None:
    """Return the first match of a rule in a passage."""
    found = passage.search(name)
    return passage.part(found.first, found.end) if found else None


def _infer(value: _Value, case: str, quote: Passage) -> Reading[_Value]:
    """Return a value that the words of ``quote`` imply, as sure as the ``case`` was measured to
    be.
    """
    return Reading(
        value, measured("participants", case), (span_of(quote),), Support.INFERRED
    )


def read_sex(
    stated: Sequence[StatedCriterion],
    titles: Sequence[Passage] = (),
    summary: Sequence[Passage] = (),
) -> Reading[Sex | None]:
    """Return the sex in the criteria, else in the titles, the conditions or the summary; no value
    if none of them tells it.

    One line that names both sexes, or two lines that name one each, admit both. Lines only about
    pregnancy and contraception do not count, nor do exclusions and lines about donors. Such lines
    decide one thing: if all criteria together name women and men, a condition of one sex
    ("Endometriosis") does not tell the sex, while a title in words ("in women") still does.
    ``titles`` includes the conditions.
    """
    named: list[tuple[Sex, Passage]] = []
    telling: list[StatedCriterion] = []
    for criterion in stated:
        if not _may_limit_sex(criterion):
            continue
        passage = criterion.passage
        both = _find("all_sexes", passage)
        if both:
            return _infer(Sex.ALL, "both sexes", both)
        # as in "Japanese women between 30 and 60"
        begins_with_sex = rule("one_sex").starts(passage.tokens, 0) is not None
        if criterion.category is Category.SEX or begins_with_sex:
            sex_and_quote = _find_one_sex(passage)
            if sex_and_quote:
                named.append(sex_and_quote)
                telling.append(criterion)
    if not named:
        criteria = [criterion.passage for criterion in stated]
        names_women = any(_find("women", passage) for passage in criteria)
        names_men = any(_find("men", passage) for passage in criteria)
        names_both = names_women and names_men
        return _read_sex_elsewhere(titles, summary, by_condition=not names_both)
    sex, quote = named[0]
    sexes = {each_sex for each_sex, _ in named}
    if len(sexes) == 2:
        both_sexes = _infer(Sex.ALL, "both sexes in two lines", quote)
        return replace(both_sexes, alternatives=tuple(sorted(sexes)))
    # men in part A; part B does not say
    if _is_of_some_groups(stated, telling):
        return replace(_infer(sex, _DOUBTFUL, quote), alternatives=(Sex.ALL,))
    return _infer(sex, "one sex", quote)


def _is_of_some_groups(
    stated: Sequence[StatedCriterion], telling: Sequence[StatedCriterion]
) -> bool:
    """Return whether the criteria that tell something are of some groups of people alone: each
    stands below the name of a group, and another group has only criteria that do not tell it.
    """
    told = {criterion.heading for criterion in telling}
    if not told or not all(map(_names_group, told)):
        return False
    for criterion in stated:
        if criterion.kind is CriterionKind.EXCLUSION or criterion.donor:
            continue
        if criterion.heading not in told and _names_group(criterion.heading):
            return True
    return False


def _names_group(heading: str) -> bool:
    """Return whether a heading names some of the people of the trial: "Part A:", "Patients:"."""
    if not heading:
        return False
    tokens = read_text(heading)
    if rule("trial_division").search(tokens):
        return True
    end = len(tokens) - tokens.codes.endswith(":")
    if rule("only_persons").covers(tokens, 0, end):
        return True
    return rule("population").search(tokens) is not None


def _may_limit_sex(criterion: StatedCriterion) -> bool:
    """Return whether a criterion may say which sex takes part: it includes, is not about donors,
    and says more than who may be pregnant or must use contraception.
    """
    if criterion.kind is CriterionKind.EXCLUSION or criterion.donor:
        return False
    if criterion.category is not Category.REPRODUCTIVE:
        return True
    # as in "Male or non-pregnant female"
    tokens = criterion.passage.tokens
    return rule("sex_alone").covers(tokens, 0, len(tokens)) is not None


def _read_sex_elsewhere(
    titles: Sequence[Passage], summary: Sequence[Passage], *, by_condition: bool
) -> Reading[Sex | None]:
    """Return the sex outside the criteria: both if a title or the summary states both, else the
    one that all of these name: titles, else conditions of one sex, else the summary. No value if
    they name none, or different ones.

    A condition that only one sex has, such as endometriosis, counts if ``by_condition``, no title
    names a sex and no condition is a tumour: trials of tumours list several organs.
    """
    for passages, name in ((titles, "all_sexes"), (summary, "sexes_stated")):
        for passage in passages:
            both = _find(name, passage)
            if both:
                return _infer(Sex.ALL, "both sexes", both)
    named = _list_sexes(titles)
    if not named and by_condition:
        is_of_tumour = any(rule("tumour").search(title.tokens) for title in titles)
        if not is_of_tumour:
            named = _list_sexes(titles, "of_women", "of_men")
    if not named:
        stating = [passage for passage in summary if _find("one_sex_stated", passage)]
        named = _list_sexes(stating)
    sexes = {sex for sex, _ in named}
    if len(sexes) != 1:
        return Reading(None, measured("participants", "no sex"))
    sex, quote = named[0]
    return _infer(sex, "one sex", quote)


def _list_sexes(
    passages: Sequence[Passage], of_women: str = "women", of_men: str = "men"
) -> list[tuple[Sex, Passage]]:
    """List the sexes of the passages that name one alone, each with its words."""
    sexes: list[tuple[Sex, Passage]] = []
    for passage in passages:
        sex_and_quote = _find_one_sex(passage, of_women, of_men)
        if sex_and_quote:
            sexes.append(sex_and_quote)
    return sexes


def _find_one_sex(
    passage: Passage, of_women: str = "women", of_men: str = "men"
) -> tuple[Sex, Passage] | None:
    """Return the only sex that a text names, and where; None if it names none, or both, or if the
    word means no sex there. ``of_women`` and ``of_men`` are the rules that find them.
    """
    female = _find(of_women, passage)
    male = _find(of_men, passage)
    if female and male:
        return None
    quote = female or male
    if quote is None:
        return None
    # "MEN syndrome", "male condoms"
    if rule("not_sex").starts(passage.tokens, quote.first):
        return None
    return Sex.FEMALE if female else Sex.MALE, quote


def read_healthy(
    stated: Sequence[StatedCriterion], summary: Iterable[Passage]
) -> Reading[bool | None]:
    """Return whether healthy people may take part; no value if the text does not tell.

    The first inclusion, else the first passage of the summary, that refuses or names healthy people
    decides. Lines about donors do not count, nor do people with whom others are compared.
    """
    admitted = [
        criterion.passage
        for criterion in stated
        if criterion.kind is CriterionKind.INCLUSION and not criterion.donor
    ]
    for passage in [*admitted, *summary]:
        # as in "Healthy volunteers are not accepted"
        refused = _find("not_healthy", passage)
        if refused:
            return _infer(value=False, case="healthy people refused", quote=refused)
        healthy = _find("healthy_people", passage)
        if healthy is None:
            continue
        # "compared with healthy subjects", "otherwise healthy subjects"
        reach = max(passage.first, healthy.first - 4)
        if rule("from_healthy").ends(passage.tokens, healthy.first, reach):
            continue
        case = "healthy people"
        if passage.section.name in DESCRIPTIONS:
            case = "healthy people in a summary"  # perhaps of another trial
        return _infer(value=True, case=case, quote=healthy)
    return Reading(None, measured("participants", "no healthy people"))


def yield_to_registry(
    reading: Reading[Sex | None], registered: str | None
) -> Reading[Sex | None]:
    """Return the sex as read; without its value, if only a description has it and the registered
    field says otherwise. ``registered`` is that field as it is written, None if it is empty.

    Descriptions also tell of the illness, of other trials and of people who only compare.
    """
    if reading.value is None:
        return reading
    registered_sex = unify_word("sex", registered or "").casefold()
    if registered_sex not in set(Sex):
        return reading
    if str(reading.value).casefold() == registered_sex:
        return reading
    sections = {span.section for span in reading.spans}
    if not sections <= DESCRIPTIONS:
        return reading
    doubtful = measured("participants", _DOUBTFUL)
    return Reading(None, doubtful, reading.spans, alternatives=(reading.value,))


class _Bound(NamedTuple):
    """A limit of age: the lowest age of participants if ``lower``, else the highest.

    ``place`` has the words that state it. ``case`` is the case of ``measured`` that says how sure
    it is.
    """

    age: Age
    lower: bool
    place: Passage
    case: str

    @property
    def days(self) -> float:
        return count_days(self.age)


class _Side(NamedTuple):
    """An end of the range of ages: its field, and the registered ages in days at this and at the
    other end; None where none is registered.

    ``section`` has the criteria.
    """

    field: str
    registered: float | None
    other: float | None
    section: LexedSection | None

    def admits(self, bound: _Bound, bounds: Sequence[_Bound]) -> bool:
        """Return whether a bound may be that of participants although it is not the registered one.

        Without a registered age it may. One in the criteria may, if it is plainly that of all. One
        elsewhere, as in a summary, may if the registry has no limit at this end, and the other end
        of the same phrase is the registered one.
        """
        if self.registered is None:
            return True
        if self.section and self.section.name == bound.place.section.name:
            return is_plain(
                self.section, bound.place.raw_span, bound.age, self.registered
            )
        if self.registered not in (0, inf):
            return False
        for other in bounds:
            is_other_end = other.place == bound.place and other.lower is not bound.lower
            if is_other_end and agrees(other.age, self.other):
                return True
        return False

    def states_plainly(self, bound: _Bound) -> bool:
        """Return whether a bound is plainly that of all participants, so that no registered one
        need bear it out. One in a summary never is.
        """
        if bound.case == _IN_SUMMARY:
            return False
        if bound.case == _ALONE:
            return True
        return is_plain(
            bound.place.section, bound.place.raw_span, bound.age, self.registered
        )

    def measure(self, bound: _Bound, case: str, *, is_registered: bool) -> float:
        """Return how sure an age is in this ``case``: at least as sure as the registered ones if it
        is the registered one, and less sure if it differs from that or is not plainly of all.
        """
        sure = measured("participants", case)
        if differs(bound.age, self.registered):
            return min(sure, measured("participants", UNLIKE))
        if is_registered:
            return max(sure, measured("participants", "age like the registry's"))
        if not self.states_plainly(bound):
            return min(sure, measured("participants", "age not plainly of all"))
        return sure


def read_ages(
    stated: Sequence[StatedCriterion],
    summary: Iterable[Passage],
    registry: RegistryFields = _UNKNOWN,
    section: LexedSection | None = None,
) -> tuple[Reading[Age | None], Reading[Age | None]]:
    """Return the lowest and the highest age that any criterion admits. The summary fills gaps.

    Of several ages, one that is registered as well counts. Another age than the registered one
    counts only if it is plainly that of all participants in ``section``, and is unsure; else there
    is no age, and it is the alternative.

    >>> passage = read_passage("Age 18-65 years")
    >>> limits = find_limits(passage.tokens, None)
    >>> criterion = StatedCriterion(
    ...     passage, CriterionKind.INCLUSION, Category.AGE, limits
    ... )
    >>> [age.value.value for age in read_ages([criterion], [])]
    [18, 65]
    """
    lowest, highest = read_registered_ages(registry).values()
    low_side = _Side(AGES[0], lowest, highest, section)
    high_side = _Side(AGES[1], highest, lowest, section)
    listed: list[_Bound] = []
    telling: list[StatedCriterion] = []
    for criterion in stated:
        bounds = [] if criterion.donor else [*_read_criterion(criterion)]
        if bounds:
            telling.append(criterion)
        listed += bounds
    if _is_of_some_groups(stated, telling):
        listed = [bound._replace(case=_DOUBTFUL) for bound in listed]
    low = _choose(listed, low_side)
    high = _choose(listed, high_side)
    if low.value is not None and high.value is not None:
        return low, high
    described: list[_Bound] = []
    for passage in summary:
        described += _read_summary(passage)
    return (
        _fill(low, _choose(described, low_side, in_summary=True)),
        _fill(high, _choose(described, high_side, in_summary=True)),
    )


def _fill(
    age: Reading[Age | None], described: Reading[Age | None]
) -> Reading[Age | None]:
    """Return an age of the criteria; without one, that of the summary, ``described``. If neither
    has one, the alternatives of the criteria go before those of the summary.
    """
    if age.value:
        return age
    if age.alternatives and not described.value:
        return age
    return described


def _read_criterion(criterion: StatedCriterion) -> Iterator[_Bound]:
    """Yield the ages that one criterion admits, or that an exclusion leaves.

    Ages below a heading of signs, such as risk factors, are no limits of participants, unless each
    of the signs excludes. A criterion of another category must name the ages of participants.
    """
    passage = criterion.passage
    tokens = passage.tokens
    admits = criterion.kind is CriterionKind.INCLUSION
    heading = read_text(criterion.heading)
    # "at least two of the following:" makes signs of the lines below
    if rule("listed_sign").ends(heading, len(heading)):
        excludes_each = not admits and bool(rule("all_excluded").search(heading))
        if not excludes_each:
            return
    # as below "Parents:" or "Age at onset:"
    if read_subject(criterion.heading) is Subject.OTHERS:
        return
    is_about_age = criterion.category is Category.AGE or _is_below_age(criterion)
    last_end = 0
    for limit in _list_ages(criterion, is_about_age=is_about_age):
        if is_other_age(tokens, limit, admits=admits):
            continue
        if not is_about_age and not _is_of_participants(criterion, limit, last_end):
            continue
        last_end = limit.end
        case = ""
        if is_doubtful_age(tokens, limit, criterion.heading):
            case = _DOUBTFUL
        yield from _read_bounds(passage, limit, admits=admits, case=case)
        if not admits:
            continue
        for other in criterion.limits:
            if _is_besides(tokens, limit, other):
                yield from _read_bounds(passage, other, case=_WIDENED)


def _is_below_age(criterion: StatedCriterion) -> bool:
    """Return whether the heading of a criterion begins with the word age."""
    heading = criterion.heading.lstrip(" *_-").lower()
    return heading.startswith(("age ", "ages ", "age:", "ages:"))


def _list_ages(criterion: StatedCriterion, *, is_about_age: bool) -> list[Limit]:
    """List the limits of a criterion that are ages: by the words around them, or, without a
    heading, as bare numbers behind people.

    If no limit is, bare lengths of time are ages in a short criterion about age without a grade.
    """
    tokens = criterion.passage.tokens
    ages = [
        limit
        for limit in criterion.limits
        if is_age(tokens, limit, criterion.heading) and not is_lifetime(tokens, limit)
    ]
    if not criterion.heading:
        ages += [limit for limit in criterion.limits if is_of_people(tokens, limit)]
    is_of_course = read_subject(criterion.heading) is Subject.COURSE
    if ages or is_of_course or not is_about_age:
        return ages
    is_short = len(tokens) < 15
    names_grade = not _GRADED.isdisjoint(map(str.lower, tokens.words))
    if not is_short or names_grade:
        return []
    is_below_age = _is_below_age(criterion)
    return [
        limit
        for limit in criterion.limits
        if _is_bare_age(tokens, limit, is_below_age=is_below_age)
    ]


def _is_bare_age(tokens: Tokens, limit: Limit, *, is_below_age: bool) -> bool:
    """Return whether a limit without a word for age is one, in a line about age: "Are at least 6".

    The line begins with it, and counts nothing else. It is in years or months, or, below a heading
    of age, without a unit.
    """
    if not _covers("anybody", tokens, 0, limit.first):
        return False
    is_plain_number = is_below_age and not limit.unit
    if limit.time_unit not in ("year", "month") and not is_plain_number:
        return False
    if not rule("age_end").starts(tokens, limit.end):
        return False
    return not rule("relation_after").search(tokens, limit.end)


def _is_of_participants(
    criterion: StatedCriterion, limit: Limit, last_end: int
) -> bool:
    """Return whether an age in a criterion of another category is that of the participants: it
    stands near the beginning or the last age, which ends at ``last_end``; it has a unit of time or
    is named as an age; and words for people's ages are around it.
    """
    tokens = criterion.passage.tokens
    # Another age may follow shortly: "aged 18 to 60 years in part A and 12 to 60 years in part B".
    reach = 1 if criterion.category in _OF_SOME else _OPENING
    is_near = limit.first < last_end + reach
    if not is_near and criterion.category not in _ABOUT_AGE:
        return False
    is_named = rule("age_named").ends(tokens, limit.first, limit.first - 4)
    if not limit.time_unit and not is_named and not is_of_people(tokens, limit):
        return False
    return _names_age(tokens, limit)


def _is_besides(tokens: Tokens, age: Limit, other: Limit) -> bool:
    """Return whether a bare number behind an age is that of others: "50 years or over (45 or
    over if smokers)".

    It limits the same side, or widens a range, and is no other quantity.
    """
    if other.unit or other.first < age.end:
        return False
    is_same_side = other.comparator is age.comparator
    widens_range = age.value_high is not None and other.value_high is None
    if not is_same_side and not widens_range:
        return False
    if other.quantity is not None and other.quantity != age.quantity:
        return False
    return rule("age_besides").covers(tokens, age.end, other.first) is not None


def _names_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether words beside a limit show that it is an age of people: talk of age, "old",
    consent, people of that age, or, at the start of a line, "older" or "younger".
    """
    first = limit.first
    behind = min(len(tokens), limit.end + 3)
    words = {word.lower() for word in tokens.words[first:behind]}
    if rule("age_talk").search(tokens, max(0, first - 8), behind):
        return True
    if not words.isdisjoint(("old", "yo")):
        return True
    if stands_beside_consent(tokens, limit):
        return True
    # "infants between 6 and 36 months", but not "infants with 6 months of asthma"
    persons = rule("persons_before").ends(tokens, first, max(0, first - 8))
    if persons and "with" not in tokens.words[max(0, first - 3) : first]:
        return True
    return first < 2 and not words.isdisjoint(("older", "younger"))


def _read_summary(passage: Passage) -> Iterator[_Bound]:
    """Yield age limits in a title or summary, only within twelve tokens of words for the age of
    participants. Ages without a unit of time, and those of others, are skipped.
    """
    passed = passage.first
    for talk in rule("age_talk").find(passage.tokens, passage.first, passage.end):
        if talk.first < passed:
            continue
        first = max(passed, talk.first - 12)
        passed = min(passage.end, talk.end + 12)
        part = passage.part(first, passed).alone()
        tokens = part.tokens
        for limit in find_limits(tokens, CriterionKind.INCLUSION):
            if not limit.time_unit or not limit.sure:
                continue
            if is_lifetime(tokens, limit):
                continue
            if _names_age(tokens, limit) and not is_other_age(tokens, limit):
                yield from _read_bounds(part, limit, case=_IN_SUMMARY)


def _read_bounds(
    passage: Passage, limit: Limit, *, admits: bool = True, case: str = ""
) -> Iterator[_Bound]:
    """Yield the bounds that a limit of age sets, with the ``case`` that says how sure they are; by
    default, that of the words around.
    """
    bounds = list_age_bounds(passage.tokens, limit, admits=admits)
    if not bounds:
        return
    if ends_age_range(passage.tokens, limit):
        case = _DOUBTFUL
    elif not case:
        case = _name_case(passage.tokens, limit, admits=admits)
    place = passage.part(limit.first, limit.end)
    for age, is_lowest in bounds:
        yield _Bound(age, is_lowest, place, case)


def _name_case(tokens: Tokens, limit: Limit, *, admits: bool) -> str:
    """Return the case of an age by the words around it: doubtful if it is of some people, or if an
    exclusion says more before it; unsure without unit or comparator; excluded; alone in its line;
    or among other words.
    """
    if rule("age_of_some_after").starts(tokens, limit.end):
        return _DOUBTFUL
    clauses = [0]
    for at, code in enumerate(tokens.codes[: limit.first], 1):
        if code in _CLAUSE:
            clauses.append(at)
    # between the start of a clause and the age stand only words such as "patients aged"
    is_of_anybody = any(
        _covers("anybody", tokens, start, limit.first) for start in clauses
    )
    if not is_of_anybody and not admits:
        return _DOUBTFUL
    if not limit.sure or not limit.time_unit:
        return "age without unit or comparator"
    if not admits:
        return "age excluded"
    if is_of_anybody and _covers("only_age", tokens, limit.end, len(tokens)):
        return _ALONE
    return "age among other words"


def _covers(name: str, tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a rule matches all tokens from ``first`` to ``end``, or there are none."""
    return first >= end or rule(name).covers(tokens, first, end) is not None


def _choose(
    bounds: list[_Bound], side: _Side, *, in_summary: bool = False
) -> Reading[Age | None]:
    """Return the widest bound of one side: of those that agree with the registry, else of those
    that may be of all participants.

    There is no value, but an alternative, if none of them may be, or if bounds of the other side
    leave this one open. It is less sure if several differ, or if the registry does not agree.
    """
    is_lower = side.field == AGES[0]
    of_side = [bound for bound in bounds if bound.lower is is_lower]
    if not of_side:
        return Reading(None, measured("participants", "no age"))
    candidates = [bound for bound in of_side if agrees(bound.age, side.registered)]
    is_registered = bool(candidates)
    if not is_registered:
        candidates = [bound for bound in of_side if side.admits(bound, bounds)]
    chosen = _find_widest(candidates or of_side, lower=is_lower)
    doubtful = measured("participants", _DOUBTFUL)
    if not is_registered and _is_left_open(chosen, bounds):
        return Reading(None, doubtful, alternatives=(chosen.age,))
    spans = (span_of(chosen.place),)
    if not candidates:
        return Reading(None, doubtful, spans, alternatives=(chosen.age,))
    others = _list_other_ages(chosen, of_side)
    case = chosen.case
    if others and not in_summary and case != _DOUBTFUL:
        case = _WIDENED
    sure = side.measure(chosen, case, is_registered=is_registered)
    return Reading(chosen.age, sure, spans, Support.PARSED, others)


def _list_other_ages(chosen: _Bound, bounds: Sequence[_Bound]) -> tuple[Age, ...]:
    """Return the ages of bounds other than the chosen one; an empty tuple if none differs from it
    by a day or more.
    """
    if not any(abs(bound.days - chosen.days) >= 1 for bound in bounds):
        return ()
    return tuple(bound.age for bound in bounds if bound.age != chosen.age)


def _find_widest(bounds: Sequence[_Bound], *, lower: bool) -> _Bound:
    """Return the lowest of lower bounds, or the highest of upper ones; doubtful ones count only
    if all are.
    """
    surer = [bound for bound in bounds if bound.case != _DOUBTFUL]
    candidates = surer or bounds
    if lower:
        return min(candidates, key=lambda bound: bound.days)
    return max(candidates, key=lambda bound: bound.days)


def _is_left_open(bound: _Bound, bounds: Sequence[_Bound]) -> bool:
    """Return whether bounds of the other side contradict one, so that it limits some people only.

    "aged 65 or older, or 50 to 64 with diabetes" has no highest age. "at least 65" and "at most 18"
    alone contradict, unless they are at most two years apart.
    """
    opposite = [rival for rival in bounds if rival.lower is not bound.lower]
    rivals = [rival.days for rival in opposite if rival.case != _DOUBTFUL]
    if bound.lower:
        beyond = [bound.days - days for days in rivals if days <= bound.days]
    else:
        beyond = [days - bound.days for days in rivals if days >= bound.days]
    if not beyond:
        return False
    return len(beyond) < len(rivals) or min(beyond) <= _ADJOINING
