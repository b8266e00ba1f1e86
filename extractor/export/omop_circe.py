"""Cohort definitions as Circe JSON, which ATLAS, WebAPI and the libraries of OHDSI read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractor.schemas import Comparator, Sex

from .omop_nodes import (
    FEMALE,
    MALE,
    AgeLimit,
    ConceptSet,
    CriteriaGroup,
    Domain,
    MeasurementLimit,
    NumericRange,
    Occurred,
    OmopConcept,
    Operator,
    SexLimit,
)

Json = dict[str, Any]

_OPERATORS = {
    Comparator.LESS: "lt",
    Comparator.AT_MOST: "lte",
    Comparator.MORE: "gt",
    Comparator.AT_LEAST: "gte",
    Comparator.EQUAL: "eq",
    Comparator.BETWEEN: "bt",
}
_EVENTS = {
    Domain.CONDITION: "ConditionOccurrence",
    Domain.DRUG: "DrugExposure",
    Domain.PROCEDURE: "ProcedureOccurrence",
}
_SEXES = {
    Sex.FEMALE: OmopConcept(FEMALE, "FEMALE", "F", "Gender", Domain.GENDER, "S", "Gender"),
    Sex.MALE: OmopConcept(MALE, "MALE", "M", "Gender", Domain.GENDER, "S", "Gender"),
}
_LONGEST_NAME = 200
_MOST_RULES = 50
"""Circe's SQL counts the rules that hold in the bits of one number."""
_AT_LEAST = 2


@dataclass(frozen=True, slots=True)
class InclusionRule:
    """An inclusion rule: a name, the text that it expresses, and what must hold."""

    name: str
    text: str
    group: CriteriaGroup


def build_cohort(record_id: str, rules: Sequence[InclusionRule]) -> Json:
    """Return a cohort definition: people with a visit at which all rules hold; the first such visit is the entry.

    Without rules, these are all people with a visit, and the title says so.

    >>> from extractor.schemas import Comparator
    >>> adults = CriteriaGroup(Operator.ALL, (AgeLimit(NumericRange(Comparator.AT_LEAST, 18)),))
    >>> cohort = build_cohort("NCT01234567", [InclusionRule("1", "Adults", adults)])
    >>> cohort["InclusionRules"][0]["expression"]["DemographicCriteriaList"]
    [{'Age': {'Value': 18, 'Op': 'gte'}}]
    """
    sets: dict[ConceptSet, int] = {}
    written = [_write_rule(rule, sets) for rule in rules]
    if len(written) > _MOST_RULES:
        rest = [rule["expression"] for rule in written[_MOST_RULES - 1 :]]
        more = {"name": "all further criteria", "description": "", "expression": _write_group("ALL", groups=rest)}
        written = [*written[: _MOST_RULES - 1], more]
    return {
        "Title": record_id if rules else f"{record_id}: has no rule and takes everybody",
        "ConceptSets": [_write_set(each, number) for each, number in sets.items()],
        "PrimaryCriteria": {
            "CriteriaList": [{"VisitOccurrence": {}}],
            "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
            "PrimaryCriteriaLimit": {"Type": "All"},
        },
        "QualifiedLimit": {"Type": "All"},
        "ExpressionLimit": {"Type": "First"},
        "InclusionRules": written,
        "EndStrategy": {"DateOffset": {"DateField": "StartDate", "Offset": 0}},
        "CensoringCriteria": [],
        "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0},
        "CensorWindow": {},
        "cdmVersionRange": ">=5.0.0",
    }


def _write_rule(rule: InclusionRule, sets: dict[ConceptSet, int]) -> Json:
    return {
        "name": rule.name[:_LONGEST_NAME],
        "description": rule.text,
        "expression": _write_node(rule.group, sets),
    }


def _write_node(group: CriteriaGroup, sets: dict[ConceptSet, int]) -> Json:
    people = [_write_person(one) for one in group.members if isinstance(one, AgeLimit | SexLimit)]
    events = [_write_event(one, sets) for one in group.members if isinstance(one, MeasurementLimit | Occurred)]
    groups = [_write_node(one, sets) for one in group.members if isinstance(one, CriteriaGroup)]
    if group.operator is Operator.NONE:
        return _write_group("AT_MOST", events, people, groups) | {"Count": 0}
    return _write_group(group.operator.value.upper(), events, people, groups)


def _write_group(
    kind: str, events: Sequence[Json] = (), people: Sequence[Json] = (), groups: Sequence[Json] = ()
) -> Json:
    return {
        "Type": kind,
        "CriteriaList": list(events),
        "DemographicCriteriaList": list(people),
        "Groups": list(groups),
    }


def _write_person(node: AgeLimit | SexLimit) -> Json:
    if isinstance(node, AgeLimit):
        return {"Age": _write_range(node.bound)}
    return {"Gender": [_write_concept(_SEXES[node.sex])]}


def _write_event(node: MeasurementLimit | Occurred, sets: dict[ConceptSet, int]) -> Json:
    number = sets.setdefault(node.concepts, len(sets))
    if isinstance(node, Occurred):
        event: Json = {_EVENTS[node.concepts.domain]: {"CodesetId": number}}
    else:
        fields = {"{ULN}": "RangeHighRatio", "{LLN}": "RangeLowRatio", None: "ValueAsNumber"}
        unit = {"Unit": [_write_concept(one) for one in node.unit]} if node.unit else {}
        event = {"Measurement": {"CodesetId": number, fields[node.reference]: _write_range(node.bound), **unit}}
    return {
        "Criteria": event,
        "StartWindow": {
            "Start": {"Coeff": -1} if node.days is None else {"Days": node.days, "Coeff": -1},
            "End": {"Days": 0, "Coeff": 1},
            "UseIndexEnd": False,
            "UseEventEnd": False,
        },
        "Occurrence": {"Type": _AT_LEAST, "Count": 1},
    }


def _write_range(bound: NumericRange) -> Json:
    extent = {} if bound.high is None else {"Extent": bound.high}
    return {"Value": bound.value, **extent, "Op": _OPERATORS[bound.comparator]}


def _write_set(concepts: ConceptSet, number: int) -> Json:
    items = [
        {"concept": _write_concept(one), "isExcluded": False, "includeDescendants": True, "includeMapped": False}
        for one in concepts.concepts
    ]
    return {"id": number, "name": concepts.name[:_LONGEST_NAME], "expression": {"items": items}}


def _write_concept(concept: OmopConcept) -> Json:
    return {
        "CONCEPT_ID": concept.id,
        "CONCEPT_NAME": concept.name,
        "CONCEPT_CODE": concept.code,
        "CONCEPT_CLASS_ID": concept.kind,
        "STANDARD_CONCEPT": concept.standard,
        "VOCABULARY_ID": concept.vocabulary,
        "DOMAIN_ID": concept.domain.value,
    }
