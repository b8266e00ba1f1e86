"""Decide which criteria can be rules of a cohort definition.

A criterion is a rule only if every word of it belongs to a limit, a time window, a name, or a list of words without
meaning (``rulebook/cohorts.toml``). Otherwise ``Undecided`` has the reason: nothing is left out to make it fit.
"""

from collections.abc import Collection, Iterator, Sequence

from extractor.schemas import Category, CriterionKind, Sex, TimeUnit, TimeWindow
from extractor.schemas.extraction import CriterionAnnotation
from extractor.text.book import rule
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.numbers import DAYS, read_number
from extractor.text.passage import read_passage

from .omop_circe import (
    AgeLimit,
    ConceptSet,
    CriteriaGroup,
    Domain,
    Names,
    Node,
    Occurred,
    Operator,
    Reason,
    SexLimit,
    Undecided,
    words_of,
)
from .omop_limits import Limited, find_limited, read_limited

# fmt: off
_DECIDABLE = frozenset({
    None, Category.AGE, Category.SEX, Category.DIAGNOSIS, Category.PRIOR_THERAPY, Category.CONCOMITANT_THERAPY,
    Category.ORGAN_FUNCTION, Category.PERFORMANCE_STATUS, Category.COMORBIDITY, Category.INFECTION, Category.OTHER,
})
# fmt: on
_SIGNS = frozenset(".,;:()[]-–/&*•'\"")
_JOINTS = frozenset({",", ";", "/", "&", "and", "or"})
_MOST_WORDS = 8
"""The most words of one name."""


def read_criterion(criterion: CriterionAnnotation, names: Names) -> CriteriaGroup:
    """Express a criterion as limits and occurrences. A group without members sets no limit.

    Raises ``Undecided`` if any part of it cannot be expressed.

    >>> from extractor.export.omop_vocabulary import WordLists
    >>> quote = "History of myocardial infarction within 6 months before screening"
    >>> window = {"quote": "within 6 months before screening", "comparator": "<=", "value": 6, "unit": "month"}
    >>> shape = {"kind": "exclusion", "section": "eligibility", "quote": quote, "time_window": window}
    >>> group = read_criterion(CriterionAnnotation.model_validate(shape), WordLists())
    >>> group.operator.value, [(one.concepts.name, one.days) for one in group.members]
    ('none', [('myocardial infarction', 183)])
    """
    excluded = criterion.kind is CriterionKind.EXCLUSION
    tokens = read_passage(criterion.quote).tokens
    _check_place(criterion, tokens)
    if excluded and demands(criterion):
        raise Undecided(Reason.NEGATION)
    window = _find_window(tokens, criterion.time_window)
    if criterion.constraints:
        found = _read_limits(criterion, tokens, window, names)
    else:
        found = _read_sex(tokens) or _read_names(criterion, tokens, window, names)
    return _negate(found) if excluded else found


def demands(criterion: CriterionAnnotation) -> bool:
    """Whether a criterion says what participants must do or be, in whatever list it stands.

    >>> quotes = ("Participants must be off steroids", "Patients who must take steroids")
    >>> shape = {"kind": "exclusion", "section": "eligibility"}
    >>> [demands(CriterionAnnotation.model_validate(shape | {"quote": quote})) for quote in quotes]
    [True, False]
    """
    return rule("demanded").starts(read_passage(criterion.quote).tokens, 0) is not None


def read_line(criterion: CriterionAnnotation, after: CriterionAnnotation | None, names: Names) -> CriteriaGroup:
    """Express a criterion that follows the line ``after``, as ``read_criterion`` does."""
    lines = [[word.lower() for word in read_passage(one.quote).tokens.words] for one in (criterion, after) if one]
    ends = [[word for word in line if word.isalnum()][-1:] for line in lines]
    if ["or"] in (lines[0][:1], *ends):  # it joins the criterion to the line before it, or to the next one
        raise Undecided(Reason.ALTERNATIVE)
    return read_criterion(criterion, names)


def list_bounds(node: Node) -> Iterator[tuple[str, bool, float]]:
    """List the bounds that a group sets: what is limited, whether the bound is an upper one, and its value.

    Limits that differ by group of participants show as several values of one bound.
    """
    if isinstance(node, CriteriaGroup):
        for member in node.members if node.operator is not Operator.NONE else ():
            yield from list_bounds(member)
    elif isinstance(node, SexLimit):
        yield "sex", False, float(node.sex is Sex.MALE)
    elif not isinstance(node, Occurred):
        unit = "age" if isinstance(node, AgeLimit) else f"{node.concepts.name} {node.unit and node.unit[0].code}"
        bound = node.bound
        if bound.high is not None or bound.comparator[0] == ">":
            yield unit, False, bound.value
        if bound.high is not None or bound.comparator[0] == "<":
            yield unit, True, bound.value if bound.high is None else bound.high


def _check_place(criterion: CriterionAnnotation, tokens: Tokens) -> None:
    if criterion.category not in _DECIDABLE:
        raise Undecided(Reason.CATEGORY, str(criterion.category))
    if not tokens.words:
        raise Undecided(Reason.CLAUSE)
    known = words_of("heading") | words_of(f"heading_{criterion.kind}") | _SIGNS
    if criterion.kind is CriterionKind.EXCLUSION and not criterion.constraints:
        known |= words_of("intro")
    elif criterion.kind is CriterionKind.INCLUSION and criterion.constraints:
        known |= words_of("heading_limits")
    if strange := [word for word in read_passage(criterion.lead_in or "").tokens.words if word.lower() not in known]:
        raise Undecided(Reason.INTRODUCTION, " ".join(strange))


def _negate(group: CriteriaGroup) -> CriteriaGroup:
    if not group.members:
        raise Undecided(Reason.CLAUSE)
    if group.operator is Operator.ANY or len(group.members) == 1:
        inner = group.members[0]
        if group.operator is Operator.NONE:
            return CriteriaGroup(Operator.ALL, (inner,))
        return CriteriaGroup(Operator.NONE, group.members)
    return CriteriaGroup(Operator.NONE, (group,))


# Time windows


def _find_window(tokens: Tokens, window: TimeWindow | None) -> tuple[range, int] | None:
    """The tokens of a time window, and its length in days."""
    if window is None:
        return None
    words = read_passage(window.quote).tokens.words
    first = next((at for at in range(len(tokens)) if tokens.words[at : at + len(words)] == words), None)
    if first is None or window.comparator not in ("<", "<="):
        raise Undecided(Reason.WINDOW, window.quote)
    place = range(first, first + len(words))
    strange = (tokens.words[at].lower() for at in place if tokens.codes[at] != NUMBER)
    if {word for word in strange if word not in _SIGNS and read_number(word) is None} - words_of("window"):
        raise Undecided(Reason.WINDOW, window.quote)
    days = window.value * DAYS.get(window.unit, 0)
    if days < 1 or (window.unit in (TimeUnit.MINUTE, TimeUnit.HOUR) and days % 1):
        raise Undecided(Reason.WINDOW, window.quote)
    return place, round(days)


# Limits


def _read_limits(
    criterion: CriterionAnnotation, tokens: Tokens, window: tuple[range, int] | None, names: Names
) -> CriteriaGroup:
    if criterion.negated:
        raise Undecided(Reason.NEGATION)
    limited = find_limited(criterion, tokens, window[0] if window else range(0))
    if window and any(one.is_age for one in limited):
        raise Undecided(Reason.WINDOW, tokens.read(window[0].start, window[0].stop))
    covered = {at for one in limited for at in one.place}.union(window[0] if window else ())
    left = [(at, tokens.words[at].lower()) for at in range(len(tokens)) if at not in covered]
    sexes = _check_left(tokens, left, limited)
    excluded = criterion.kind is CriterionKind.EXCLUSION
    found = [read_limited(one, window[1] if window else None, names, excluded=excluded) for one in limited]
    between = [word for at, word in left if limited[0].place[-1] < at < limited[-1].place[0]]
    operator = _choose_operator(limited, between, excluded=excluded)
    group = CriteriaGroup(operator, tuple(found))
    if len(sexes) != 1:
        return group
    inner = found if operator is Operator.ALL or len(found) == 1 else [group]
    return CriteriaGroup(Operator.ALL, (SexLimit(sexes.pop()), *inner))


def _check_left(tokens: Tokens, left: Sequence[tuple[int, str]], limited: Sequence[Limited]) -> set[Sex]:
    """The sexes that the words beside limits name. Raises ``Undecided`` if a word means something else."""
    ages = all(one.is_age for one in limited)
    known = words_of("fillers") | _SIGNS | {"and", "or"} | (words_of("age_fillers") if ages else frozenset())
    sexed = [(at, word) for at, word in left if word in words_of("female") | words_of("male") | words_of("either_sex")]
    sexed = [(at, word) for at, word in sexed if word not in known]
    strange = [tokens.words[at] for at, word in left if word not in known and (at, word) not in sexed]
    if strange:
        raise Undecided(Reason.WORDS_LEFT, " ".join(strange))
    sexes = _name_sexes(word for _, word in sexed)
    if sexed and (not ages or (any(at > limited[0].place[0] for at, _ in sexed) and len(sexes) + len(limited) != 3)):
        raise Undecided(Reason.SEX_OR_GROUP)
    return sexes


def _name_sexes(words: Iterator[str]) -> set[Sex]:
    found = set(words)
    sexes = {sex for sex in (Sex.FEMALE, Sex.MALE) if found & words_of(sex.value)}
    return {Sex.FEMALE, Sex.MALE} if found & {"either"} else sexes


def _choose_operator(limited: Sequence[Limited], between: Collection[str], *, excluded: bool) -> Operator:
    """How several limits combine. Raises ``Undecided`` if "and" or "or" allows two readings."""
    if len(limited) == 1:
        return Operator.ALL
    joints = {"and", "or"}.intersection(between)
    if joints == {"and", "or"}:
        if excluded and "/" in between:
            return Operator.ANY
        raise Undecided(Reason.CONJUNCTION, "and, or")
    if joints == {"or"}:
        return Operator.ANY
    sides = [(one.quantity.name, one.bound.comparator[0]) for one in limited]
    if len(set(sides)) < len(sides):
        raise Undecided(Reason.CONJUNCTION, "two limits of one kind")
    if not excluded:
        return Operator.ALL
    one_quantity = len({one.constraint.quantity for one in limited}) == 1 and len(limited) == 2
    if one_quantity and {side[0] for _, side in sides} == {"<", ">"} and not limited[0].excludes(limited[1]):
        return Operator.ALL  # the two ends of one range, of which at least one does not count
    if joints == {"and"} and not one_quantity:
        raise Undecided(Reason.CONJUNCTION, "and")
    return Operator.ANY


# Sex, and names of conditions and treatments


def _read_sex(tokens: Tokens) -> CriteriaGroup | None:
    words = {word.lower() for word in tokens.words} - _SIGNS - {"and", "or", "all", "only", "eligible"}
    named = words - words_of("fillers")
    sexes = _name_sexes(iter(named))
    if not sexes or named - words_of("female") - words_of("male") - words_of("either_sex"):
        return None
    return CriteriaGroup(Operator.ALL, tuple(map(SexLimit, sexes)) if len(sexes) == 1 else ())


def _read_names(
    criterion: CriterionAnnotation, tokens: Tokens, window: tuple[range, int] | None, names: Names
) -> CriteriaGroup:
    end = window[0].start if window else len(tokens)
    if window and any(tokens.words[at] not in _SIGNS for at in range(window[0].stop, len(tokens))):
        raise Undecided(Reason.CLAUSE, tokens.read(window[0].stop, len(tokens)))
    while end and tokens.words[end - 1] in _SIGNS - {")"}:
        end -= 1
    lowered = [word.lower() for word in tokens.words]
    first = next((at for at in range(end) if lowered[at] not in words_of("intro") | words_of("negations")), end)
    before = {*lowered[:first], *map(str.lower, read_passage(criterion.lead_in or "").tokens.words)}
    past = bool(window or before & words_of("past"))
    _check_words(lowered[:end], past=past, dated=window is not None)
    negated = bool(before & words_of("negations"))
    excluded = criterion.kind is CriterionKind.EXCLUSION
    if criterion.negated not in (None, negated) or (excluded and negated):
        raise Undecided(Reason.NEGATION)
    sets, joints = _split_names(tokens, first, end, names)
    diseases = [one.name for one in sets if one.domain is Domain.CONDITION]
    if diseases and before & words_of("treatment"):
        raise Undecided(Reason.CLAUSE, " ".join(before & words_of("treatment")))  # "exposed to measles"
    if not past and len(diseases) < len(sets):
        raise Undecided(Reason.TREATMENT_TIME)
    if not past and (passing := [name for name in diseases if _is_passing(name)]):
        raise Undecided(Reason.PRESENT_STATE, passing[0])
    members = tuple(Occurred(one, window[1] if window else None) for one in sets)
    group = CriteriaGroup(_join_names(joints, absent=excluded or negated), members)
    return _negate(group) if negated else group


def _is_passing(name: str) -> bool:
    """Whether a condition passes: who had it once need not have it now, so "pneumonia" asks for the state at entry."""
    words = [word.lower() for word in read_passage(name).tokens.words]
    last = words[-1].removesuffix("s") if words[-1] not in words_of("passing") else words[-1]
    passing = last in words_of("passing") or last.endswith(tuple(words_of("passing_endings")))
    return passing and words_of("lasting").isdisjoint(words)


def _check_words(words: Sequence[str], *, past: bool, dated: bool) -> None:
    """Raise ``Undecided`` for words that data do not decide. In the past, "acute" is a part of a disease's name."""
    states = (
        words_of("present_state")
        - ({"acute", "unstable"} if past else set())
        - ({"recent", "recently"} if dated else set())
    )
    if found := [word for word in words if word in states]:
        raise Undecided(Reason.PRESENT_STATE, " ".join(found))
    if found := [word for word in words if word in words_of("qualifiers")]:
        raise Undecided(Reason.QUALIFIER, " ".join(found))


def _split_names(tokens: Tokens, first: int, end: int, names: Names) -> tuple[list[ConceptSet], set[str]]:
    """The concepts of a name or a list of names, and the joints between them."""
    if first == end:
        raise Undecided(Reason.CLAUSE)
    whole = names.find_set(_read_name(tokens, first, end))
    if whole:
        return [whole], set()
    sets, joints, start = list[ConceptSet](), set[str](), first
    for at in range(first, end + 1):
        word = tokens.words[at].lower() if at < end else ","
        if word not in _JOINTS:
            continue
        if at < end:
            joints.add(word)
        if at > start:
            name = _read_name(tokens, start, at)
            found = names.find_set(name)
            if found is None:
                parts = {tokens.words[each].lower() for each in range(start, at)}
                is_clause = parts & words_of("clause") or len(parts) > _MOST_WORDS
                raise Undecided(Reason.CLAUSE if is_clause else Reason.NAME, name)
            sets.append(found)
        start = at + 1
    return sets, joints


def _read_name(tokens: Tokens, first: int, end: int) -> str:
    """The words of a name, without its abbreviation in parentheses."""
    opened = next((at for at in range(first + 1, end) if tokens.words[at] == "("), None)
    if opened and tokens.words[end - 1] == ")":
        inner = tokens.read(opened + 1, end - 1)
        if inner.isupper() and inner.isalnum() and inner[0].lower() == tokens.words[first][0].lower():
            end = opened
    return " ".join(tokens.read(first, end).split())


def _join_names(joints: set[str], *, absent: bool) -> Operator:
    if not joints:
        return Operator.ALL
    words = joints & {"and", "or"}
    if words == {"or"} and "/" not in joints:
        return Operator.ANY
    if absent and (not words - {"or"} or (words == {"and", "or"} and "/" in joints)):
        return Operator.ANY
    if words == {"and"} and not absent and "/" not in joints:
        return Operator.ALL
    raise Undecided(Reason.CONJUNCTION, " ".join(sorted(joints)))
