"""Read ages, sex and healthy volunteers from the free text of a whole record."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple, TypeVar

from extractor.concepts.limits.bounds import Limit
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.ages import (
    ends_age_range,
    is_age,
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
from extractor.evidence.drafts import Reading, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.passage import LexedSection, Passage
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
    return Reading(
        value, measured("participants", case), (span_of(quote),), Support.INFERRED
    )


def read_sex(
    stated: Sequence[StatedCriterion],
    titles: Sequence[Passage] = (),
    summary: Sequence[Passage] = (),
) -> Reading[Sex | None]:
    """Return the sex in the criteria, else in the titles, the conditions or the summary.

    Lines only about pregnancy and contraception do not count. ``titles`` includes the conditions.
    """
    found: list[tuple[Sex, Passage]] = []
    for criterion in stated:
        passage = criterion.passage
        tokens = criterion.passage.tokens
        if criterion.kind is CriterionKind.EXCLUSION or criterion.donor:
            continue
        if criterion.category is Category.REPRODUCTIVE and not rule("sex_alone").covers(
            tokens, 0, len(tokens)
        ):
            continue
        both = _find("all_sexes", passage)
        if both:
            return _infer(Sex.ALL, "both sexes", both)
        named = criterion.category is Category.SEX or rule("one_sex").starts(tokens, 0)
        if named and (one := _find_one_sex(passage)):
            found.append(one)
    if not found:
        criteria = [criterion.passage for criterion in stated]
        both_named = all(
            any(_find(name, passage) for passage in criteria)
            for name in ("women", "men")
        )
        return _read_sex_elsewhere(titles, summary, of_one=not both_named)
    sexes = {sex for sex, _ in found}
    if len(sexes) == 2:
        return replace(
            _infer(Sex.ALL, "both sexes in two lines", found[0][1]),
            alternatives=tuple(sorted(sexes)),
        )
    return _infer(found[0][0], "one sex", found[0][1])


def _read_sex_elsewhere(
    titles: Sequence[Passage], summary: Sequence[Passage], *, of_one: bool
) -> Reading[Sex | None]:
    """Return the sex outside the criteria. A condition of one sex counts if ``of_one`` and no title
    names a sex.

    Tumours do not count, since trials of tumours list several organs.
    """
    for passages, name in ((titles, "all_sexes"), (summary, "sexes_stated")):
        both = next(filter(None, (_find(name, passage) for passage in passages)), None)
        if both:
            return _infer(Sex.ALL, "both sexes", both)
    one = [sex for passage in titles if (sex := _find_one_sex(passage))]
    if (
        not one
        and of_one
        and not any(rule("tumour").search(passage.tokens) for passage in titles)
    ):
        one = [
            sex
            for passage in titles
            if (sex := _find_one_sex(passage, "of_women", "of_men"))
        ]
    named = (passage for passage in summary if _find("one_sex_stated", passage))
    one = one or [sex for passage in named if (sex := _find_one_sex(passage))]
    if len({sex for sex, _ in one}) != 1:
        return Reading(None, measured("participants", "no sex"))
    return _infer(one[0][0], "one sex", one[0][1])


def _find_one_sex(
    passage: Passage, of_women: str = "women", of_men: str = "men"
) -> tuple[Sex, Passage] | None:
    """Return the only sex that a text names, and where; None if it names none, or both."""
    female = _find(of_women, passage)
    male = _find(of_men, passage)
    quote = female or male
    if (
        not quote
        or (female and male)
        or rule("not_sex").starts(passage.tokens, quote.first)
    ):
        return None
    return Sex.FEMALE if female else Sex.MALE, quote


def read_healthy(
    stated: Sequence[StatedCriterion], summary: Iterable[Passage]
) -> Reading[bool | None]:
    """Return whether healthy people may take part, if the text states it."""
    admitted = [
        one.passage
        for one in stated
        if one.kind is CriterionKind.INCLUSION and not one.donor
    ]
    for passage in [*admitted, *summary]:
        refused = _find("not_healthy", passage)
        if refused:
            return _infer(False, "healthy people refused", refused)  # noqa: FBT003
        found = _find("healthy_people", passage)
        if found and not rule("from_healthy").ends(
            passage.tokens, found.first, max(passage.first, found.first - 4)
        ):
            # perhaps of another trial
            described = passage.section.name in DESCRIPTIONS
            case = "healthy people in a summary" if described else "healthy people"
            return _infer(True, case, found)  # noqa: FBT003
    return Reading(None, measured("participants", "no healthy people"))


def yield_to_registry(
    reading: Reading[Sex | None], registered: str | None
) -> Reading[Sex | None]:
    """Return the sex as read; without its value, if only a description has it and the registered
    field says otherwise.

    Descriptions also tell of the illness, of other trials and of people who only compare.
    """
    known = unify_word("sex", registered or "").casefold()
    named = {str(reading.value).casefold(), known}
    is_against = known in set(Sex) and len(named) > 1
    places = {span.section for span in reading.spans}
    if reading.value is None or not is_against or not places <= DESCRIPTIONS:
        return reading
    doubtful = measured("participants", _DOUBTFUL)
    return Reading(None, doubtful, reading.spans, alternatives=(reading.value,))


class _Bound(NamedTuple):
    """One limit of age. ``lower``: it is the lowest age of participants, else the highest.
    ``case``: how sure it is.
    """

    age: Age
    lower: bool
    place: Passage
    case: str

    @property
    def days(self) -> float:
        return count_days(self.age)


class _Side(NamedTuple):
    """An end of the range of ages: its field, the registered ages in days at this and at the other
    end, if known.

    ``section`` has the criteria.
    """

    field: str
    registered: float | None
    other: float | None
    section: LexedSection | None

    def admits(self, bound: _Bound, bounds: Sequence[_Bound]) -> bool:
        """Return whether a bound may be that of participants although it is not the registered one.

        A summary's range may, if the registry has its other end and no limit at this one.
        """
        if self.registered is None:
            return True
        if self.section and self.section.name == bound.place.section.name:
            return is_plain(
                self.section, bound.place.raw_span, bound.age, self.registered
            )
        ranged = [
            one
            for one in bounds
            if one.place == bound.place and one.lower is not bound.lower
        ]
        return self.registered in (0, inf) and any(
            agrees(one.age, self.other) for one in ranged
        )

    def states_plainly(self, bound: _Bound) -> bool:
        """Return whether a bound is plainly that of all participants, so that no registered one
        need bear it out.
        """
        if bound.case == _IN_SUMMARY:
            return False
        if bound.case == _ALONE:
            return True
        return is_plain(
            bound.place.section, bound.place.raw_span, bound.age, self.registered
        )


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
    sides = (
        _Side(AGES[0], lowest, highest, section),
        _Side(AGES[1], highest, lowest, section),
    )
    listed = [
        bound
        for criterion in stated
        if not criterion.donor
        for bound in _read_criterion(criterion)
    ]
    low, high = (_choose(listed, side) for side in sides)
    if low.value is None or high.value is None:
        found = [bound for passage in summary for bound in _read_summary(passage)]
        low, high = (
            age if age.value or (age.alternatives and not other.value) else other
            for age, other in zip(
                (low, high),
                (_choose(found, side, in_summary=True) for side in sides),
                strict=True,
            )
        )
    return low, high


def _read_criterion(criterion: StatedCriterion) -> Iterator[_Bound]:
    """Yield the ages that one criterion admits, or that an exclusion leaves."""
    passage = criterion.passage
    tokens = criterion.passage.tokens
    limits = criterion.limits
    admits = criterion.kind is CriterionKind.INCLUSION
    heading = read_text(criterion.heading)
    if rule("listed_sign").ends(heading, len(heading)) and (
        admits or not rule("all_excluded").search(heading)
    ):
        return
    under_age = (
        criterion.heading.lstrip(" *_-")
        .lower()
        .startswith(("age ", "ages ", "age:", "ages:"))
    )
    certain = criterion.category is Category.AGE or under_age
    ages = [
        one for one in limits if is_age(tokens, one) and not is_lifetime(tokens, one)
    ]
    ages += [
        one for one in limits if not criterion.heading and is_of_people(tokens, one)
    ]
    if (
        certain
        and not ages
        and len(tokens) < 15
        and _GRADED.isdisjoint(map(str.lower, tokens.words))
    ):
        ages = [
            one
            # "Are at least 6": the line begins with a length of time, and counts nothing else
            for one in limits
            if _covers("anybody", tokens, 0, one.first)
            if one.time_unit in ("year", "month") or (not one.unit and under_age)
            if rule("age_end").starts(tokens, one.end)
            and not rule("relation_after").search(tokens, one.end)
        ]
    last = 0
    for limit in ages:
        if is_other_age(tokens, limit, admits=admits):
            continue
        far = _OPENING if criterion.category not in _OF_SOME else 1
        # Another age may follow shortly: "aged 18 to 60 years in part A and 12 to 60 years in part
        # B".
        near = criterion.category in _ABOUT_AGE or limit.first < last + far
        named = rule("age_named").ends(
            tokens, limit.first, limit.first - 4
        ) or is_of_people(tokens, limit)
        if certain or (
            near and (limit.time_unit or named) and _names_age(tokens, limit)
        ):
            last = limit.end
            yield from _read_bounds(passage, limit, admits=admits)
            for other in limits if admits else ():
                if _is_besides(tokens, limit, other):
                    yield from _read_bounds(passage, other, case=_WIDENED)


def _is_besides(tokens: Tokens, age: Limit, other: Limit) -> bool:
    """Return whether a bare number behind an age is that of others: "50 years or over (45 or
    over if smokers)".
    """
    if other.unit or other.first < age.end:
        return False
    widens = other.comparator is age.comparator or (
        age.value_high is not None and other.value_high is None
    )
    if not widens:
        return False
    is_same = other.quantity is None or other.quantity == age.quantity
    return (
        is_same and rule("age_besides").covers(tokens, age.end, other.first) is not None
    )


def _names_age(tokens: Tokens, limit: Limit) -> bool:
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
    """Yield age limits in a title or summary, only near words for the age of participants."""
    done = passage.first
    for found in rule("age_talk").find(passage.tokens, passage.first, passage.end):
        if found.first >= done:
            first = max(done, found.first - 12)
            done = min(passage.end, found.end + 12)
            part = passage.part(first, done).alone()
            tokens = part.tokens
            for limit in find_limits(tokens, CriterionKind.INCLUSION):
                timed = (
                    limit.time_unit and limit.sure and not is_lifetime(tokens, limit)
                )
                if (
                    timed
                    and _names_age(tokens, limit)
                    and not is_other_age(tokens, limit)
                ):
                    yield from _read_bounds(part, limit, case=_IN_SUMMARY)


def _read_bounds(
    passage: Passage, limit: Limit, *, admits: bool = True, case: str = ""
) -> Iterator[_Bound]:
    bounds = list_age_bounds(passage.tokens, limit, admits=admits)
    case = case or (_name_case(passage.tokens, limit, admits=admits) if bounds else "")
    case = _DOUBTFUL if ends_age_range(passage.tokens, limit) else case
    return (
        _Bound(age, lower, passage.part(limit.first, limit.end), case)
        for age, lower in bounds
    )


def _name_case(tokens: Tokens, limit: Limit, *, admits: bool) -> str:
    """Return the case of an age by the words around it."""
    if rule("age_of_some_after").starts(tokens, limit.end):
        return _DOUBTFUL
    signs = [
        at for at, code in enumerate(tokens.codes[: limit.first], 1) if code in _CLAUSE
    ]
    anybody = any(_covers("anybody", tokens, at, limit.first) for at in (0, *signs))
    if not anybody and not admits:
        return _DOUBTFUL
    if not limit.sure or not limit.time_unit:
        return "age without unit or comparator"
    if not admits:
        return "age excluded"
    alone = anybody and _covers("only_age", tokens, limit.end, len(tokens))
    return _ALONE if alone else "age among other words"


def _covers(name: str, tokens: Tokens, first: int, end: int) -> bool:
    return first >= end or rule(name).covers(tokens, first, end) is not None


def _choose(
    bounds: list[_Bound], side: _Side, *, in_summary: bool = False
) -> Reading[Age | None]:
    """The widest bound of one side. It is less sure if several differ, and open if alternatives
    leave the side open.
    """
    lower = side.field == AGES[0]
    mine = [bound for bound in bounds if bound.lower is lower]
    if not mine:
        return Reading(None, measured("participants", "no age"))
    alike = [bound for bound in mine if agrees(bound.age, side.registered)]
    plain = alike or [bound for bound in mine if side.admits(bound, bounds)]
    likely = plain or mine
    surer = [bound for bound in likely if bound.case != _DOUBTFUL] or likely
    bound = (min if lower else max)(surer, key=lambda found: found.days)
    # "aged 65 or older, or 50 to 64 with diabetes" has no highest age; "at least 65" and "at most
    # 18" contradict
    rivals = [
        rival.days
        for rival in bounds
        if rival.lower is not lower and rival.case != _DOUBTFUL
    ]
    beyond = [
        abs(days - bound.days)
        for days in rivals
        if (days <= bound.days if lower else days >= bound.days)
    ]
    open_side = (
        not alike
        and beyond
        and (len(beyond) < len(rivals) or min(beyond) <= _ADJOINING)
    )
    if open_side or not plain:
        place = () if open_side else (span_of(bound.place),)
        return Reading(
            None, measured("participants", _DOUBTFUL), place, alternatives=(bound.age,)
        )
    agree = all(abs(found.days - bound.days) < 1 for found in mine)
    if in_summary or agree or bound.case == _DOUBTFUL:
        case = bound.case
    else:
        case = "several ages in criteria"
    sure = measured("participants", case)
    if differs(bound.age, side.registered):
        sure = min(sure, measured("participants", UNLIKE))
    elif alike:
        sure = max(sure, measured("participants", "age like the registry's"))
    elif not side.states_plainly(bound):
        sure = min(sure, measured("participants", "age not plainly of all"))
    others = (
        () if agree else tuple(found.age for found in mine if found.age != bound.age)
    )
    return Reading(bound.age, sure, (span_of(bound.place),), Support.PARSED, others)
