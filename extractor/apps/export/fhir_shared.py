"""Who may take part and which criteria are alternatives, as the FHIR export states it."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.apps.export.people import read_comparator, read_registered
from extractor.concepts.people.registered_ages import AGES, DESCRIPTIONS, count_days
from extractor.language.numbers import read_time_unit
from extractor.schemas import (
    Age,
    Category,
    Citation,
    Comparator,
    Constraint,
    Criterion,
    CriterionGroup,
    CriterionKind,
    Eligibility,
    GroupRule,
    TimeUnit,
    TrialExtraction,
    TrialRecord,
)

UNMAPPED_FILE = "unmapped.jsonl"
"""Lists what a standard has no place for."""


@contextmanager
def open_json_lines(path: Path) -> Iterator[Callable[[Any], None]]:
    """Open a file, and return a function that appends a value as a line of JSON."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda value: print(json.dumps(value, ensure_ascii=False), file=file)


_INCLUSIVE = dict(zip(AGES, (Comparator.AT_LEAST, Comparator.AT_MOST), strict=True))


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A value that an export states. ``comparator`` is that of an age: "over 18 years" is > 18
    years.
    """

    value: Any
    citation: Citation | None = None
    comparator: Comparator | None = None

    @property
    def registered(self) -> bool:
        """Whether it is the registry's value, not the text's."""
        return self.citation is not None and self.citation.section.startswith(
            "registry."
        )


@dataclass(frozen=True, slots=True)
class People:
    """Who may take part. ``ages`` are by field; an end without a limit is missing."""

    ages: Mapping[str, StatedValue]
    sex: StatedValue | None = None
    healthy: StatedValue | None = None

    def compare(self, criterion: Criterion) -> bool | None:
        """Return whether a criterion of age states no other limits than ``ages``.

        False if it does: then it holds for some participants, or its age was not believed. None
        for another criterion, and for a limit that has no ends or no unit of time.
        """
        if criterion.category is not Category.AGE:
            return None
        is_same = True
        is_excluded = criterion.kind is CriterionKind.EXCLUSION
        for limit in criterion.constraints:
            # An age without a unit is in years.
            unit = read_time_unit(limit.unit) if limit.unit else TimeUnit.YEAR
            ends = _list_ends(limit, excluded=is_excluded)
            if not ends or unit is None:
                return None
            for name, number in ends.items():
                if not self._states(name, Age(value=number, unit=unit)):
                    is_same = False
        return is_same

    def _states(self, name: str, age: Age) -> bool:
        """Return whether one of ``ages`` is this one, to the day."""
        stated = self.ages.get(name)
        if stated is None:
            return False
        return abs(count_days(stated.value) - count_days(age)) < 1


def _list_ends(limit: Constraint, *, excluded: bool) -> dict[str, float]:
    """Return the lowest and the highest age that a limit admits, as far as it has them, by field.
    ``excluded`` means that it stands among the exclusions and admits the opposite.
    """
    if limit.comparator is Comparator.BETWEEN:
        # What is admitted beside an excluded range has no single end.
        if excluded or limit.value_high is None:
            return {}
        return dict(zip(AGES, (limit.value, limit.value_high), strict=True))
    admits: Comparator | None = limit.comparator
    if excluded:
        admits = limit.comparator.opposite
    ends: dict[str, float] = {}
    if admits is None:
        return ends
    for name, side in _INCLUSIVE.items():
        # ">" and ">=" are one side.
        if admits[0] == side[0]:
            ends[name] = limit.value
    return ends


def read_people(
    extraction: TrialExtraction, record: TrialRecord | None = None
) -> People:
    """Return who may take part in a trial: by the text, else as registered. Without its record,
    there are no registered values. A registered age is left out where nobody would be old enough
    for one bound and young enough for the other.

    >>> from extractor.schemas import RegistryFields, Source
    >>> source, registry = (
    ...     Source(path="a.json", format="ctgov_json"),
    ...     RegistryFields(minimum_age="18 Years"),
    ... )
    >>> record = TrialRecord(
    ...     record_id="A", source=source, sections=(), registry=registry
    ... )
    >>> people = read_people(
    ...     TrialExtraction(record_id="A", eligibility=Eligibility(sex="female")),
    ...     record,
    ... )
    >>> age = people.ages["minimum_age"]
    >>> age.comparator.value, age.value.value, age.registered, people.sex.value.value
    ('>=', 18, True, 'female')
    """
    eligibility = extraction.eligibility
    ages: dict[str, StatedValue] = {}
    for name in AGES:
        age = _state(name, eligibility, record)
        if age is not None:
            ages[name] = age
    if len(ages) == len(AGES):
        low, high = (count_days(ages[name].value) for name in AGES)
        if low >= high:
            # A registered age that leaves nobody beside the text's fits another one of the text.
            ages = {name: age for name, age in ages.items() if not age.registered}
    sex = _state("sex", eligibility, record)
    healthy = _state("healthy_volunteers", eligibility, record)
    return People(ages, sex, healthy)


def _state(
    name: str, eligibility: Eligibility, record: TrialRecord | None
) -> StatedValue | None:
    """Return the text's value of a field with its evidence, else the registered one; None without
    either. Healthy people of a description alone, which may tell of other trials, yield to what
    is registered.
    """
    value = getattr(eligibility, name)
    registered = _state_registered(name, record) if record else None
    if value is None:
        return registered
    citation = None
    for piece in eligibility.evidence:
        if piece.field == name:
            citation = piece.cite()
            break
    is_described = citation is not None and citation.section in DESCRIPTIONS
    if registered and is_described and name == "healthy_volunteers":
        return registered
    comparator = None
    if name in AGES:
        comparator = read_comparator(name, eligibility)
    return StatedValue(value, citation, comparator)


def _state_registered(name: str, record: TrialRecord) -> StatedValue | None:
    """Return the registered value of a field; None if it restricts nobody."""
    written = record.registry.text(name) or ""
    value = read_registered(name, written)
    if value is None:
        return None
    whole = Citation(
        section=f"registry.{name}", start=0, end=len(written), quote=written
    )
    return StatedValue(value, whole, _INCLUSIVE.get(name))


_RULES = {
    CriterionKind.INCLUSION: GroupRule.ALL,
    CriterionKind.EXCLUSION: GroupRule.ANY,
}
"""How the criteria of a list belong together: inclusions hold all, and one exclusion is enough."""


def find_alternatives(
    eligibility: Eligibility, unsure: Collection[str] = ()
) -> list[tuple[CriterionGroup, ...]]:
    """Return for each criterion the groups in which it is one of several, innermost first; none if
    it decides alone.

    A group whose id is ``unsure`` counts, whatever its rule.

    >>> one = {
    ...     "kind": "inclusion",
    ...     "section": "eligibility",
    ...     "quote": "asthma",
    ...     "group": "g2",
    ... }
    >>> groups = [
    ...     {"id": "g1", "rule": "any"},
    ...     {"id": "g2", "rule": "all", "parent": "g1"},
    ... ]
    >>> said = Eligibility.model_validate(
    ...     {"groups": groups, "criteria": [one, one | {"group": None}]}
    ... )
    >>> [[group.id for group in around] for around in find_alternatives(said)]
    [['g2', 'g1'], []]
    """
    alternatives: list[tuple[CriterionGroup, ...]] = []
    for criterion in eligibility.criteria:
        groups = list(eligibility.list_around(criterion.group))
        # An outermost group whose rule is that of the list says nothing of its own.
        while groups:
            outermost = groups[-1]
            if outermost.id in unsure or outermost.rule is not _RULES[criterion.kind]:
                break
            groups.pop()
        alternatives.append(tuple(groups))
    return alternatives
