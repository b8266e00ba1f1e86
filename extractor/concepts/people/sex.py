"""Read which sex a record admits, and whether it admits healthy volunteers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from extractor.concepts.people.ages import StatedCriterion, names_division
from extractor.concepts.people.registered_ages import DESCRIPTIONS
from extractor.concepts.people.whose import find_people, find_sex_words
from extractor.evidence.drafts import Reading, span_of
from extractor.evidence.items import Read
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.schemas import Category, CriterionKind, Sex, Support
from extractor.schemas.registered_words import unify_word

_Value = TypeVar("_Value", Sex, bool)
_SexAndWords = tuple[Sex, Passage]


def read_sex(
    stated: Sequence[StatedCriterion],
    titles: Sequence[Passage] = (),
    summary: Sequence[Passage] = (),
    registered: str | None = None,
) -> Read[Sex]:
    """Return the sex stated in the criteria or, failing that, in the titles, the conditions or the
    summary. The value is None if the sex is not stated, or is stated only in a description that
    contradicts the registered sex.

    Both sexes are admitted if one line names both, or if two lines each name a different sex.
    Exclusions, lines about donors, and lines that are only about pregnancy or contraception are
    ignored. ``titles`` includes the conditions. ``registered`` is the registry's field as written.
    """
    relevant = [criterion for criterion in stated if _may_limit_sex(criterion)]
    for criterion in relevant:
        both = _find("all_sexes", criterion.passage)
        if both:
            return _infer(Sex.ALL, "both sexes", both)
    sexes: list[_SexAndWords] = []
    is_of_some = False
    for criterion in relevant:
        # as in "Japanese women between 30 and 60"
        begins_with_sex = rule("one_sex").starts(criterion.passage.tokens, 0)
        if criterion.category is not Category.SEX and not begins_with_sex:
            continue
        # "Patients are not women" does not say who they are
        if rule("denied_sex").occurs(criterion.passage.tokens):
            continue
        # "Hb >= 13 g/dL (women >= 12 g/dL)" admits both
        if _singles_out_one_sex(criterion):
            continue
        line_sexes = _list_sexes([criterion.passage])
        sexes += line_sexes
        if line_sexes and _is_of_some(criterion):
            is_of_some = True
    if not sexes:
        return _read_elsewhere(titles, summary, registered)
    sex, words = sexes[0]
    if len({named_sex for named_sex, _ in sexes}) == 2:
        return _infer(Sex.ALL, "both sexes in two lines", words)
    if is_of_some and not _is_registered(sex, registered):
        return replace(
            _infer(sex, "one sex of some participants", words), alternatives=(Sex.ALL,)
        )
    return _infer(sex, "one sex", words)


def _singles_out_one_sex(criterion: StatedCriterion) -> bool:
    """Return whether a line names a sex only where it changes a limit for it, in a bracket or
    behind a comma, so that the others may take part, too.

    >>> from extractor.language.passage import read_passage
    >>> from extractor.measures import read_line
    >>> words = read_passage("Aged 40 or older (women 50 or older)")
    >>> statement = StatedCriterion(
    ...     words, CriterionKind.INCLUSION, Category.SEX, read_line(words.tokens)
    ... )
    >>> _singles_out_one_sex(statement)
    True
    """
    tokens = criterion.passage.tokens
    places = find_sex_words(tokens)
    of_all = [limit for limit in criterion.limits if limit.condition is None]
    if not of_all:
        return False
    singled_out = set[int]()
    for limit in criterion.limits:
        if limit.condition is None:
            continue
        first, end = limit.condition
        if first < of_all[0].end:
            continue
        is_in_bracket = tokens.codes.rfind("(", of_all[0].end, limit.first) >= 0
        # "Hb >= 13 g/dL, women >= 12 g/dL", but not "age >= 40 years, women with BMI > 30"
        is_of_same = limit.inherits and limit.unit == of_all[0].unit
        if is_in_bracket or is_of_same:
            singled_out.update(range(first, end))
    return bool(places) and singled_out.issuperset(places)


def _is_of_some(criterion: StatedCriterion) -> bool:
    """Return whether the sex that a line names may be that of some participants only.

    >>> from extractor.language.passage import read_passage
    >>> from extractor.measures import read_line
    >>> words = read_passage("Women over 60 years must have a T-score < -2")
    >>> statement = StatedCriterion(
    ...     words, CriterionKind.INCLUSION, Category.SEX, read_line(words.tokens)
    ... )
    >>> _is_of_some(statement)
    True
    """
    # as in "Men" for part A, while part B does not state a sex
    if names_division(criterion.heading):
        return True
    # an age may be that of all participants: "Men must be at least 40 years old"
    limits = [limit for limit in criterion.limits if not limit.time_unit]
    if not limits:
        return False
    tokens = criterion.passage.tokens
    for limit in limits:
        people = find_people(tokens, (limit.first, limit.end), limit.condition)
        if people.is_subject:
            return True
    # as in "Men must have a PSA < 4 ng/mL"
    return any(
        rule("subject_verb").starts(tokens, at + 1) for at in find_sex_words(tokens)
    )


def _is_registered(sex: Sex, registered: str | None) -> bool:
    """Return whether a registry states this sex for the whole trial."""
    return unify_word("sex", registered or "").casefold() == sex


def _may_limit_sex(criterion: StatedCriterion) -> bool:
    """Return whether a criterion may state which sex can take part: it is an inclusion that is
    neither about donors nor only about pregnancy or contraception.
    """
    if criterion.kind is CriterionKind.EXCLUSION or criterion.donor:
        return False
    if criterion.category is not Category.REPRODUCTIVE:
        return True
    # as in "Male or non-pregnant female"
    tokens = criterion.passage.tokens
    return rule("sex_alone").covers(tokens) is not None


def _read_elsewhere(
    titles: Sequence[Passage],
    summary: Sequence[Passage],
    registered: str | None,
) -> Read[Sex]:
    """Return the sex stated outside the criteria: both if a title or the summary states both, or
    otherwise the only sex named in the titles and conditions or, failing that, in the summary.
    """
    for passages, name in ((titles, "all_sexes"), (summary, "sexes_stated")):
        for passage in passages:
            both = _find(name, passage)
            if both:
                return _infer(Sex.ALL, "both sexes", both)
    sexes = _list_sexes(titles)
    if not sexes:
        sexes = _list_sexes(
            [sentence for sentence in summary if _find("one_sex_stated", sentence)]
        )
    if len({sex for sex, _ in sexes}) != 1:
        return Reading(None, features=("no sex",))
    sex, words = sexes[0]
    is_described = words.section.name in DESCRIPTIONS
    registered_sex = unify_word("sex", registered or "").casefold()
    # descriptions also mention the illness, other trials and comparison groups
    if is_described and registered_sex in set(Sex) - {sex}:
        places = (span_of(words),)
        features = ("sex unlike the registry's",)
        return Reading(None, 1.0, places, alternatives=(sex,), features=features)
    return _infer(sex, "one sex", words)


def _list_sexes(passages: Iterable[Passage]) -> list[_SexAndWords]:
    """List the sex named in each passage that names only one sex, as (sex, words) pairs."""
    sexes: list[_SexAndWords] = []
    for passage in passages:
        named = find_sex_words(passage.tokens, passage.first, passage.end)
        if len(set(named.values())) == 1:
            at, sex = next(iter(named.items()))
            sexes.append((sex, passage.part(at, at + 1)))
    return sexes


def read_healthy(
    stated: Sequence[StatedCriterion], summary: Iterable[Passage]
) -> Read[bool]:
    """Return whether healthy people may take part. The value is None if the text does not state
    this.

    The value is taken from the first inclusion that accepts or excludes healthy people or, failing
    that, from the first passage that does so in the summary. Lines about donors, and mentions of
    healthy people who serve only as a comparison group, are ignored.
    """
    inclusions = [
        criterion.passage
        for criterion in stated
        if criterion.kind is CriterionKind.INCLUSION and not criterion.donor
    ]
    for passage in [*inclusions, *summary]:
        # as in "Healthy volunteers are not accepted"
        excluded = _find("not_healthy", passage)
        if excluded:
            return _infer(value=False, case="healthy people refused", words=excluded)
        healthy = _find("healthy_people", passage)
        if healthy is None:
            continue
        # "compared with healthy subjects", "otherwise healthy subjects"
        if rule("from_healthy").ends(passage.tokens, healthy.first, passage.first):
            continue
        case = "healthy people"
        # a description may mention another trial
        if passage.section.name in DESCRIPTIONS:
            case = "healthy people in a summary"
        return _infer(value=True, case=case, words=healthy)
    return Reading(None, features=("no healthy people",))


def _find(name: str, passage: Passage) -> Passage | None:
    """Return the words of the first match of a rule in a passage."""
    match = passage.search(name)
    if match:
        return passage.part_at(match)
    return None


def _infer(value: _Value, case: str, words: Passage) -> Reading[_Value]:
    """Return a value that is inferred from words in a ``case`` (``confidence/table.toml``)."""
    places = (span_of(words),)
    return Reading(value, 1.0, places, Support.INFERRED, features=(case,))
