"""The lowest and highest age of those who may take part."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.parse.parsed import Reading, Span
from extractor.parse.passage import Passage
from extractor.parse.requirements import Guarded
from extractor.parse.values import value
from extractor.schemas import Age, Category, CriterionKind, Support, TimeUnit

from .alternatives import any_of
from .lifetimes import AGE_WORD, is_age, is_lifetime, names_persons
from .limit import LOWER, UPPER, Limit
from .limit_grammar import has_number
from .limits import find_limits
from .measured import share
from .people import Stated

__all__ = ["read_ages"]

_DAYS = {TimeUnit.YEAR: 365.25, TimeUnit.MONTH: 30.44, TimeUnit.WEEK: 7.0, TimeUnit.DAY: 1.0}
_AGE_TALK = Guarded(r"\b(?:ages?|aged|years?\s+old|of\s+age|years?\s+or\s+older|months?\s+old)\b")
_OTHERS = any_of(
    """
    consent assent guardian parents? mothers? diagnos\\w+ onset gestation\\w* smok\\w+_(?:at|since|from|before|for)
    sibling relatives? menopaus\\w+
    death caregivers? donors? for_(?:participants|patients|subjects|children) if in_case
    """
)
_OTHER_AGE = re.compile(rf"\b{_OTHERS}\b[^,.;]{{0,60}}$", re.IGNORECASE)
_ADMITTED_IF = re.compile(
    r"\b(?:eligible|include[ds]?|enroll?(?:ed|s)?|recruited|participate|take\s+part)\b[^,.;]{0,40}?\bif\b",
    re.IGNORECASE,
)
"""What makes "if" tell of all who may take part, not of some of them."""


_ABOUT_AGE = (Category.AGE, Category.DIAGNOSIS, Category.SEX, Category.OTHER)
_AGE_HEADING = re.compile(r"\W*ages?\b", re.IGNORECASE)
_AGED = re.compile(r"\b(?:ages?|aged)\W+(?:\w+\W+)?$", re.IGNORECASE)
_OLDER = re.compile(r"\b(?:older|younger)\b", re.IGNORECASE)
_FRONT = re.compile(
    r"\W*(?:(?:who|that|must|should|to|be|are|is|being|patients?|subjects?|participants?)\W+)*", re.IGNORECASE
)
_OF_SOME = (Category.PERFORMANCE_STATUS, Category.ORGAN_FUNCTION, Category.REPRODUCTIVE)
"""What often holds for those of some ages alone ("Lansky score for those under 16")."""

_GRADED = re.compile(r"\b(?:stage|grade|class|score)\b", re.IGNORECASE)
_OPENING = 60
"""How far into a criterion on something else an age is still that of those who take part."""

_OLD = re.compile(r"\b(?:old|of\s+age)\b", re.IGNORECASE)


@value(frozen=True, slots=True)
class _Bound:
    """One limit of age. ``lower`` says on which side it bounds the people who may take part."""

    age: Age
    lower: bool
    span: Span

    @property
    def days(self) -> float:
        return float(self.age.value) * _DAYS[self.age.unit]


def read_ages(stated: Sequence[Stated], summary: Iterable[Passage]) -> tuple[Reading[Age | None], Reading[Age | None]]:
    """The lowest and the highest age that any criterion admits; the summary fills what the criteria leave open.

    >>> from extractor.parse.passage import passage_of
    >>> criterion = Stated(passage_of("Age 18-65 years"), CriterionKind.INCLUSION, Category.AGE)
    >>> [age.value.value for age in read_ages([criterion], [])]
    [18, 65]
    """
    listed = [bound for criterion in stated if not criterion.donor for bound in _read_criterion(criterion)]
    low, high = _choose(listed, lower=True), _choose(listed, lower=False)
    if low.value is None or high.value is None:
        told = [bound for passage in summary for part in _around_ages(passage) for bound in _read_told(part)]
        low = low if low.value is not None else _choose(told, lower=True, told=True)
        high = high if high.value is not None else _choose(told, lower=False, told=True)
    return low, high


def _read_criterion(criterion: Stated) -> Iterator[_Bound]:
    """The ages that one criterion admits, or, in an exclusion, those that it leaves."""
    passage, text = criterion.passage, criterion.passage.text
    under_age = bool(_AGE_HEADING.match(criterion.heading))
    certain = criterion.category is Category.AGE or under_age
    if not certain and not has_number(text):
        return
    limits = find_limits(text, criterion.kind)
    ages = [limit for limit in limits if is_age(text, limit) and not _is_other_age(text, limit)]
    ages = [limit for limit in ages if not is_lifetime(text, limit)]
    if certain and not ages and len(text) < 60 and not _GRADED.search(text):
        ages = [limit for limit in limits if (not limit.unit and criterion.heading) or _stands_alone(text, limit)]
    for limit in ages:
        far = _OPENING if criterion.category not in _OF_SOME else 3
        near = criterion.category in _ABOUT_AGE or limit.start < far
        if certain or (near and (limit.time_unit or _AGED.search(text, 0, limit.start)) and _names_age(text, limit)):
            yield from _bounds(passage, limit, criterion.kind)


def _stands_alone(text: str, limit: Limit) -> bool:
    """A length of time that begins a line on age ("Are at least 6 years")."""
    return limit.time_unit in ("year", "month") and bool(_FRONT.fullmatch(text, 0, limit.start))


def _names_age(text: str, limit: Limit) -> bool:
    front, behind = max(0, limit.start - 40), min(len(text), limit.end + 12)
    if AGE_WORD.search(text, front, behind) or _OLD.search(text, limit.start, behind):
        return True
    return names_persons(text, limit) or (limit.start < 3 and bool(_OLDER.search(text, limit.start, limit.end)))


def _is_other_age(text: str, limit: Limit) -> bool:
    """An age of somebody else, or at some other time: of parents, at onset, of those who sign for themselves."""
    start = max(0, limit.start - 90)
    admitted = _ADMITTED_IF.search(text, start, limit.start)
    return bool(_OTHER_AGE.search(text, admitted.end() if admitted else start, limit.start))


def _around_ages(passage: Passage) -> Iterator[Passage]:
    """The stretches of a long text that can state an age: those around the words for it."""
    done = 0
    for found in _AGE_TALK.finditer(passage.text):
        if found.start() >= done:
            start, done = max(done, found.start() - 60), min(len(passage.text), found.end() + 60)
            yield replace(passage, start=passage.start + start, end=passage.start + done)


def _read_told(passage: Passage) -> Iterator[_Bound]:
    """Age limits in a title or summary: only where the text says that they are ages of those who take part."""
    text = passage.text
    for limit in find_limits(text, CriterionKind.INCLUSION):
        if limit.time_unit and limit.sure and _names_age(text, limit) and not _is_other_age(text, limit):
            yield from _bounds(passage, limit, CriterionKind.INCLUSION)


def _bounds(passage: Passage, limit: Limit, kind: CriterionKind) -> Iterator[_Bound]:
    unit = TimeUnit(limit.time_unit or "year")
    if unit not in _DAYS:
        return
    admits = kind is CriterionKind.INCLUSION
    span = passage.span(limit.start, limit.end)
    if limit.value_high is None:
        if limit.comparator in (*LOWER, *UPPER):
            yield _Bound(Age(value=limit.value, unit=unit), (limit.comparator in LOWER) is admits, span)
    elif admits:  # an excluded range leaves ages on both sides
        yield _Bound(Age(value=limit.value, unit=unit), lower=True, span=span)
        yield _Bound(Age(value=limit.value_high, unit=unit), lower=False, span=span)


def _choose(bounds: list[_Bound], *, lower: bool, told: bool = False) -> Reading[Age | None]:
    """The widest bound of one side. Where several differ, it is less sure."""
    mine = [bound for bound in bounds if bound.lower is lower]
    if not mine:
        return Reading(None, share(_MEASURED["no age"]))
    bound = (min if lower else max)(mine, key=lambda found: found.days)
    agree = all(abs(found.days - bound.days) < 1 for found in mine)
    confidence = share(_MEASURED["in a summary" if told else "in criteria" if agree else "several in criteria"])
    others = () if agree else tuple(found.age for found in mine if found.age != bound.age)
    return Reading(bound.age, confidence, (bound.span,), Support.PARSED, others)


_MEASURED = {
    "in criteria": (1205, 1230),
    "several in criteria": (52, 58),
    "in a summary": (76, 89),
    "no age": (1178, 1203),
}
"""How often both ages were right, of how many: ``python -m benchmarks.registry_agreement --data DIR``.

Held against the registry's fields; what these round by a year, or leave open, counts as right. Of the records where
only the registry names an age, those count as wrong whose text was seen to state it.
"""
