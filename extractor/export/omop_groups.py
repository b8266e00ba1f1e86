"""The criteria of a trial that an export may state as rules, and why it may not state the others.

Beside what a criterion itself says (``omop_rules``), the others decide: lists of names, limits of several groups, ages
that are not the trial's, and exclusions that would keep the trial's own patients out. "Diabetes" among the exclusions
of a trial in type 2 diabetes is a misread heading, or needs words that a rule of names does not have.
"""

from collections.abc import Mapping, Sequence

from extractor.schemas import Criterion, CriterionKind, ExtractedItem, TrialRecord
from extractor.text.book import read_text
from extractor.text.quantity_names import spell_words

from .omop_circe import AgeLimit, CriteriaGroup, Names, Occurred, Reason, Undecided, words_of
from .omop_rules import list_bounds, read_line
from .people import People

Groups = Mapping[int, CriteriaGroup]
"""What criteria say, by their positions."""
Words = tuple[str, ...]
Targets = frozenset[Words]
"""The names of the registered conditions, each as its words."""

_LEAST = 0.8
"""The least confidence of a value that a rule or a resource states."""
_DECISIVE = ("kind", "quote", "constraints", "time_window")
"""The fields of a criterion that decide a rule."""
_JOINTS = frozenset({",", ";", "/", "or", "and", "&"})
_IDLE = frozenset({"mellitus", "of", "the", "a", "an"})


def is_sure(item: ExtractedItem, *names: str) -> bool:
    """Whether the values of some fields, such as ``constraints`` or ``amounts[0]``, are sure enough to be stated.

    A corrected item has no evidence, and is sure.

    >>> shape = {"kind": "inclusion", "section": "eligibility", "quote": "Age > 18 years"}
    >>> is_sure(Criterion.model_validate(shape), "quote")
    True
    """
    stated = (one for one in item.evidence if one.field in names or one.field.partition("[")[0] in names)
    return all(one.confidence is None or one.confidence >= _LEAST for one in stated)


def read_groups(
    criteria: Sequence[Criterion], names: Names, people: People, targets: Targets
) -> tuple[dict[int, CriteriaGroup], dict[int | str, Undecided]]:
    """Express criteria as groups of limits and occurrences, by position, and tell why others cannot be expressed."""
    groups: dict[int, CriteriaGroup] = {}
    undecided: dict[int | str, Undecided] = {}
    for index, criterion in enumerate(criteria):
        after = criteria[index - 1] if index else None
        try:
            groups[index] = _read_alone(criterion, after, names, people, targets)
        except Undecided as error:
            undecided[index] = error
    for reason, find in ((Reason.ALTERNATIVE, _find_bare_names), (Reason.SEX_OR_GROUP, _find_group_limits)):
        for index in find(groups, criteria):
            del groups[index]
            undecided[index] = Undecided(reason)
    return groups, undecided


def _read_alone(
    criterion: Criterion, after: Criterion | None, names: Names, people: People, targets: Targets
) -> CriteriaGroup:
    """Express a criterion that follows the line ``after``. Raises ``Undecided`` if it alone is no rule."""
    if excludes_target(criterion, targets):
        raise Undecided(Reason.TARGET_CONDITION)
    group = read_line(criterion, after, names)
    if not is_sure(criterion, *_DECISIVE):
        raise Undecided(Reason.UNSURE)
    if limits_age(group) and people.compare(criterion) is False:  # it is not for the trial as a whole
        raise Undecided(Reason.OTHER_AGE)
    return group


def limits_age(group: CriteriaGroup) -> bool:
    """Whether a rule limits the age and nothing else."""
    return bool(group.members) and all(
        limits_age(one) if isinstance(one, CriteriaGroup) else isinstance(one, AgeLimit) for one in group.members
    )


def _find_group_limits(groups: Groups, criteria: Sequence[Criterion]) -> list[int]:
    """Inclusion criteria that bound one quantity differently: they are for different groups of participants."""
    bounds: dict[tuple[str, bool], dict[float, set[int]]] = {}
    for index, group in groups.items():
        if criteria[index].kind is CriterionKind.INCLUSION:
            for name, upper, value in list_bounds(group):
                bounds.setdefault((name, upper), {}).setdefault(value, set()).add(index)
    several = [values for values in bounds.values() if len(values) > 1]
    return sorted({index for values in several for indices in values.values() for index in indices})


def _find_bare_names(groups: Groups, criteria: Sequence[Criterion]) -> list[int]:
    """Inclusion criteria that are names alone, if there are several: such lists mostly hold alternatives."""
    bare = [
        index
        for index, group in groups.items()
        if criteria[index].kind is CriterionKind.INCLUSION
        for one in group.members[:1]
        if isinstance(one, Occurred) and criteria[index].quote.lower().startswith(one.concepts.name.lower())
    ]
    return bare if len(bare) > 1 else []


def read_targets(record: TrialRecord | None) -> Targets:
    """Return the conditions that a record is registered for; none without a record."""
    listed = ((record.raw_text("conditions") if record else None) or "").split("\n")
    return frozenset(name for line in listed if (name := _fold(_turn(line))))


def excludes_target(criterion: Criterion, targets: Targets) -> bool:
    """Whether an exclusion is a name, or a list of names, of which one is a registered condition or a wider one.

    A wider name lacks qualifiers of the condition: "lung cancer" is wider than "non-small cell lung cancer". A name
    with more words ("severe asthma"), and one with a limit or a time window, excludes only some patients.

    >>> criterion = Criterion(kind="exclusion", section="eligibility", quote="History of asthma or gout")
    >>> excludes_target(criterion, frozenset({("allergic", "asthma")}))
    True
    """
    limited = criterion.constraints or criterion.time_window or criterion.negated
    introduced = map(str.lower, read_text(criterion.lead_in or "").words)
    if (
        criterion.kind is not CriterionKind.EXCLUSION
        or limited
        or not words_of("heading").issuperset(word for word in introduced if word.isalpha())
    ):
        return False
    return any(_holds(target, name) for name in _split(criterion.quote) for target in targets)


def _split(quote: str) -> list[Words]:
    """The names in a criterion, without the words before them ("history of"); none if it is a sentence."""
    names: list[list[str]] = [[]]
    for word in map(str.lower, _without_brackets(quote)):
        if word in _JOINTS:
            names.append([])
        elif names[-1] or word not in words_of("intro"):
            names[-1].append(word)
    if any(not words_of("clause").isdisjoint(name) for name in names):
        return []
    return [name for one in names if (name := _fold(" ".join(one)))]


def _without_brackets(text: str) -> list[str]:
    depth, kept = 0, []
    for word in read_text(text).words:
        depth += word == "("
        if not depth and word not in ".:*":
            kept.append(word)
        depth -= word == ")" and depth > 0
    return kept


def _turn(name: str) -> str:
    """A name in its usual order: "Diabetes Mellitus, Type 2" is type 2 diabetes mellitus."""
    first, comma, rest = name.partition(",")
    return f"{rest} {first}" if comma and "," not in rest else name


def _fold(name: str) -> Words:
    return tuple(word for word in spell_words(" ".join(_without_brackets(name))) if word not in _IDLE)


def _holds(target: Words, name: Words) -> bool:
    """Whether a name is a part of the other one's words, side by side. "Non-small cell" does not hold "small cell"."""
    places = (at for at in range(len(target) - len(name) + 1) if target[at : at + len(name)] == name)
    return any(target[at - 1 : at] != ("non",) for at in places)
