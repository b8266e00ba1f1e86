"""The lowest and highest age of those who may take part."""

from collections.abc import Iterable, Iterator, Sequence

from extractor.parse.parsed import Reading, Span
from extractor.parse.values import value
from extractor.schemas import Age, Category, CriterionKind, Support, TimeUnit
from extractor.text.book import rule
from extractor.text.passage import Passage
from extractor.text.times import DAYS

from .lifetimes import is_age, is_lifetime, names_persons
from .limits import LOWER, UPPER, Limit, find_limits
from .measured import share
from .people import Stated

__all__ = ["read_ages"]

_ABOUT_AGE = (Category.AGE, Category.DIAGNOSIS, Category.SEX, Category.OTHER)
_OF_SOME = (Category.PERFORMANCE_STATUS, Category.ORGAN_FUNCTION, Category.REPRODUCTIVE)
"""What often holds for those of some ages alone ("Lansky score for those under 16")."""

_OF_AGES = (TimeUnit.YEAR, TimeUnit.MONTH, TimeUnit.WEEK, TimeUnit.DAY)
_GRADED = frozenset({"stage", "grade", "class", "score"})
_OPENING = 12
"""How many tokens into a criterion on something else an age is still that of those who take part."""
_NEAR = 18
"""How many tokens in front of an age tell whose it is."""


@value(frozen=True, slots=True)
class _Bound:
    """One limit of age. ``lower`` says on which side it bounds the people who may take part."""

    age: Age
    lower: bool
    span: Span

    @property
    def days(self) -> float:
        return float(self.age.value) * DAYS[self.age.unit]


def read_ages(stated: Sequence[Stated], summary: Iterable[Passage]) -> tuple[Reading[Age | None], Reading[Age | None]]:
    """The lowest and the highest age that any criterion admits; the summary fills what the criteria leave open.

    >>> from extractor.text.passage import read_passage
    >>> passage = read_passage("Age 18-65 years")
    >>> limits = find_limits(passage.tokens, None)
    >>> criterion = Stated(passage, CriterionKind.INCLUSION, Category.AGE, limits)
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
    passage, limits = criterion.passage, criterion.limits
    if not limits:
        return
    tokens = passage.tokens
    under_age = criterion.heading.lstrip(" *_-").lower().startswith(("age ", "ages ", "age:", "ages:"))
    certain = criterion.category is Category.AGE or under_age
    ages = [limit for limit in limits if is_age(tokens, limit) and not _is_other_age(passage, limit)]
    ages = [limit for limit in ages if not is_lifetime(tokens, limit)]
    if certain and not ages and len(tokens) < 15 and _GRADED.isdisjoint(map(str.lower, tokens.words)):
        ages = [limit for limit in limits if (not limit.unit and criterion.heading) or _stands_alone(passage, limit)]
    for limit in ages:
        far = _OPENING if criterion.category not in _OF_SOME else 1
        near = criterion.category in _ABOUT_AGE or limit.first < far
        named = limit.time_unit or rule("age_named").ends(tokens, limit.first, limit.first - 4)
        if certain or (near and named and _names_age(passage, limit)):
            yield from _bounds(passage, limit, criterion.kind)


def _stands_alone(passage: Passage, limit: Limit) -> bool:
    """A length of time that begins a line on age ("Are at least 6 years")."""
    begins = not limit.first or rule("age_front").covers(passage.tokens, 0, limit.first)
    return limit.time_unit in ("year", "month") and bool(begins)


def _names_age(passage: Passage, limit: Limit) -> bool:
    tokens = passage.tokens
    behind = min(len(tokens), limit.end + 3)
    words = {word.lower() for word in tokens.words[limit.first : behind]}
    if rule("age_talk").search(tokens, max(0, limit.first - 8), behind) or not words.isdisjoint(("old", "yo")):
        return True
    return names_persons(tokens, limit) or (limit.first < 2 and not words.isdisjoint(("older", "younger")))


def _is_other_age(passage: Passage, limit: Limit) -> bool:
    """An age of somebody else, or at some other time: of parents, at onset, of those who sign for themselves."""
    tokens, first = passage.tokens, max(0, limit.first - _NEAR)
    if tokens.words[limit.first].lower() == "before":
        return True
    admitted = rule("admitted_if").search(tokens, first, limit.first)
    return rule("other_age").ends(tokens, limit.first, admitted.end if admitted else first) is not None


def _around_ages(passage: Passage) -> Iterator[Passage]:
    """The parts of a long text that can state an age: those around the words for it."""
    done = passage.first
    for found in rule("age_talk").find(passage.tokens, passage.first, passage.end):
        if found.first >= done:
            first, done = max(done, found.first - 12), min(passage.end, found.end + 12)
            yield passage.part(first, done).alone()


def _read_told(passage: Passage) -> Iterator[_Bound]:
    """Age limits in a title or summary: only where the text says that they are ages of those who take part."""
    for limit in find_limits(passage.tokens, CriterionKind.INCLUSION):
        if not limit.time_unit or not limit.sure or is_lifetime(passage.tokens, limit):
            continue
        if _names_age(passage, limit) and not _is_other_age(passage, limit):
            yield from _bounds(passage, limit, CriterionKind.INCLUSION)


def _bounds(passage: Passage, limit: Limit, kind: CriterionKind) -> Iterator[_Bound]:
    unit = TimeUnit(limit.time_unit or "year")
    if unit not in _OF_AGES:
        return
    admits = kind is CriterionKind.INCLUSION
    span = Span(passage.section.name, *passage.part(limit.first, limit.end).raw_span)
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
