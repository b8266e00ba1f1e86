"""Ages, sex and healthy volunteers as the free text of a whole record states them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractor.parse.parsed import Reading, Span, span_of
from extractor.parse.scoring import measured
from extractor.schemas import Age, Category, CriterionKind, Sex, Support, TimeUnit
from extractor.text.book import rule
from extractor.text.numbers import DAYS
from extractor.text.passage import Passage
from extractor.text.patterns import Found

from .constraints import is_age, is_lifetime, names_persons
from .limits import LOWER, UPPER, Limit, find_limits


@dataclass(frozen=True, slots=True)
class Stated:
    """A criterion, which stands alone, as the readers of a whole record need it. ``donor``: it is one of donors."""

    passage: Passage
    kind: CriterionKind
    category: Category
    limits: Sequence[Limit] = ()
    donor: bool = False
    heading: str = ""


def read_sex(
    stated: Sequence[Stated], titles: Sequence[Passage] = (), summary: Sequence[Passage] = ()
) -> Reading[Sex | None]:
    """The sex that the criteria name, else that of the titles, the conditions or the summary.

    Lines on pregnancy and contraception alone say nothing of it. ``titles`` holds the conditions too.
    """
    only: list[tuple[Sex, Span]] = []
    for criterion in stated:
        tokens = criterion.passage.tokens
        if criterion.kind is CriterionKind.EXCLUSION or criterion.donor:
            continue
        if criterion.category is Category.REPRODUCTIVE and not rule("sex_alone").covers(tokens, 0, len(tokens)):
            continue
        if found := rule("all_sexes").search(tokens):
            return _read_both(criterion.passage, found)
        named = criterion.category is Category.SEX or rule("one_sex").starts(tokens, 0)
        if named and (sex := _find_one_sex(criterion.passage)):
            only.append(sex)
    sexes = {sex for sex, _ in only}
    if not sexes:
        criteria = [criterion.passage for criterion in stated]
        both = all(any(rule(sex).search(passage.tokens) for passage in criteria) for sex in ("women", "men"))
        return _read_sex_elsewhere(titles, summary, of_one=not both)
    if len(sexes) == 2:
        return Reading(Sex.ALL, 0.7, (only[0][1],), Support.INFERRED, tuple(sorted(sexes)))
    return Reading(only[0][0], measured("participants", "one sex"), (only[0][1],), Support.INFERRED)


def _read_sex_elsewhere(titles: Sequence[Passage], summary: Sequence[Passage], *, of_one: bool) -> Reading[Sex | None]:
    """The sex outside the criteria. A condition of one sex counts where no title names a sex, and if ``of_one``.

    Not that of a tumour: trials of tumours list several organs.
    """
    for passages, name in ((titles, "all_sexes"), (summary, "sexes_stated")):
        for passage in passages:
            if found := rule(name).search(passage.tokens, passage.first, passage.end):
                return _read_both(passage, found)
    one = [sex for passage in titles if (sex := _find_one_sex(passage))]
    if not one and of_one and not any(rule("tumour").search(passage.tokens) for passage in titles):
        one = [sex for passage in titles if (sex := _find_one_sex(passage, "of_women", "of_men"))]
    one = one or [
        sex
        for passage in summary
        if rule("one_sex_stated").search(passage.tokens, passage.first, passage.end) and (sex := _find_one_sex(passage))
    ]
    if len({sex for sex, _ in one}) != 1:
        return Reading(None, measured("participants", "no sex"))
    return Reading(one[0][0], measured("participants", "one sex"), (one[0][1],), Support.INFERRED)


def _read_both(passage: Passage, found: Found) -> Reading[Sex | None]:
    return Reading(
        Sex.ALL,
        measured("participants", "both sexes"),
        (span_of(passage.part(found.first, found.end)),),
        Support.INFERRED,
    )


def _find_one_sex(passage: Passage, of_women: str = "women", of_men: str = "men") -> tuple[Sex, Span] | None:
    """The one sex whose words a text holds, and where; None if it names none, or both."""
    tokens, first, end = passage.tokens, passage.first, passage.end
    female, male = rule(of_women).search(tokens, first, end), rule(of_men).search(tokens, first, end)
    word = female or male
    if not word or (female and male) or rule("not_sex").starts(tokens, word.first):
        return None
    return Sex.FEMALE if female else Sex.MALE, span_of(passage.part(word.first, word.end))


def read_healthy(stated: Sequence[Stated], summary: Iterable[Passage]) -> Reading[bool | None]:
    """Whether the text says that healthy people may, or may not, take part."""
    admitted = [
        criterion.passage for criterion in stated if criterion.kind is CriterionKind.INCLUSION and not criterion.donor
    ]
    for passage in [*admitted, *summary]:
        tokens, first, end = passage.tokens, passage.first, passage.end
        if refused := rule("not_healthy").search(tokens, first, end):
            return Reading(
                value=False,
                confidence=0.85,
                spans=(span_of(passage.part(refused.first, refused.end)),),
                support=Support.INFERRED,
            )
        found = rule("healthy_people").search(tokens, first, end)
        if found and not rule("from_healthy").ends(tokens, found.first, max(first, found.first - 4)):
            confidence = measured("participants", "healthy people")
            return Reading(
                value=True,
                confidence=confidence,
                spans=(span_of(passage.part(found.first, found.end)),),
                support=Support.INFERRED,
            )
    return Reading(None, measured("participants", "no healthy people"))


_ABOUT_AGE = (Category.AGE, Category.DIAGNOSIS, Category.SEX, Category.OTHER)
_OF_SOME = (Category.PERFORMANCE_STATUS, Category.ORGAN_FUNCTION, Category.REPRODUCTIVE)
"""What often holds for those of some ages alone ("Lansky score for those under 16")."""

_OF_AGES = (TimeUnit.YEAR, TimeUnit.MONTH, TimeUnit.WEEK, TimeUnit.DAY)
_GRADED = frozenset({"stage", "grade", "class", "score"})
_OPENING = 12
"""How many tokens into a criterion on something else an age is still that of those who take part."""
_IN_FRONT = 18
"""How many tokens in front of an age decide whose it is."""


@dataclass(frozen=True, slots=True)
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

    >>> passage = read_passage("Age 18-65 years")
    >>> limits = find_limits(passage.tokens, None)
    >>> criterion = Stated(passage, CriterionKind.INCLUSION, Category.AGE, limits)
    >>> [age.value.value for age in read_ages([criterion], [])]
    [18, 65]
    """
    listed = [bound for criterion in stated if not criterion.donor for bound in _read_criterion(criterion)]
    low, high = _choose(listed, lower=True), _choose(listed, lower=False)
    if low.value is None or high.value is None:
        found = [bound for passage in summary for part in _around_ages(passage) for bound in _read_summary(part)]
        low = low if low.value is not None else _choose(found, lower=True, in_summary=True)
        high = high if high.value is not None else _choose(found, lower=False, in_summary=True)
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
    tokens, first = passage.tokens, max(0, limit.first - _IN_FRONT)
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


def _read_summary(passage: Passage) -> Iterator[_Bound]:
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
    span = span_of(passage.part(limit.first, limit.end))
    if limit.value_high is None:
        if limit.comparator in (*LOWER, *UPPER):
            yield _Bound(Age(value=limit.value, unit=unit), (limit.comparator in LOWER) is admits, span)
    elif admits:  # an excluded range leaves ages on both sides
        yield _Bound(Age(value=limit.value, unit=unit), lower=True, span=span)
        yield _Bound(Age(value=limit.value_high, unit=unit), lower=False, span=span)


def _choose(bounds: list[_Bound], *, lower: bool, in_summary: bool = False) -> Reading[Age | None]:
    """The widest bound of one side. Where several differ, it is less sure."""
    mine = [bound for bound in bounds if bound.lower is lower]
    if not mine:
        return Reading(None, measured("participants", "no age"))
    bound = (min if lower else max)(mine, key=lambda found: found.days)
    agree = all(abs(found.days - bound.days) < 1 for found in mine)
    case = "age in a summary" if in_summary else "age in criteria" if agree else "several ages in criteria"
    confidence = measured("participants", case)
    others = () if agree else tuple(found.age for found in mine if found.age != bound.age)
    return Reading(bound.age, confidence, (bound.span,), Support.PARSED, others)
