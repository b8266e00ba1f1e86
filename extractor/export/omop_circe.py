"""Cohort definitions: what their rules are made of, and how they are written as Circe JSON and SQL.

ATLAS, WebAPI and the libraries of OHDSI read Circe JSON. To check it and to write SQL needs the extra ``omop``.
"""

import json
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, Protocol

from extractor.errors import MissingExtra
from extractor.schemas import Comparator, Sex
from extractor.text.book import read_table, word_set

Json = dict[str, Any]
MALE, FEMALE = 8507, 8532
"""Concepts of the OMOP vocabulary ``Gender``, the same in every database."""
Units = tuple["OmopConcept", ...]
"""Concepts of one unit: databases write "/uL" as cells per microliter, too."""


class Domain(StrEnum):
    """The OMOP domain of a concept, which decides the table of its events."""

    CONDITION = "Condition"
    DRUG = "Drug"
    PROCEDURE = "Procedure"
    MEASUREMENT = "Measurement"
    UNIT = "Unit"
    GENDER = "Gender"


@dataclass(frozen=True, slots=True)
class OmopConcept:
    """A concept of an OMOP vocabulary. ``standard`` is S, C for a class, or None where nothing was resolved."""

    id: int
    name: str
    code: str
    vocabulary: str
    domain: Domain
    standard: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class ConceptSet:
    """Concepts under one name, with their descendants. Empty without a vocabulary."""

    name: str
    domain: Domain
    concepts: tuple[OmopConcept, ...] = ()


class Names(Protocol):
    """Finds concepts by what criteria call them. A method returns None for what is unknown."""

    def find_set(self, name: str) -> ConceptSet | None:
        """Return the concepts of a condition, drug or procedure."""

    def find_quantity(self, name: str, loinc: Collection[str]) -> ConceptSet | None:
        """Return the concepts of a measurement by its name and LOINC codes."""

    def find_units(self, codes: Collection[str]) -> dict[str, Units]:
        """Return the known units by UCUM code. Their ids are the same in every database."""
        known = read_table("cohorts")["units"]
        return {code: tuple(OmopConcept(id_, code, code, "UCUM", Domain.UNIT) for id_ in known[code]) for code in codes}


@cache
def words_of(name: str) -> frozenset[str]:
    """A list of ``rulebook/cohorts.toml``."""
    return word_set(read_table("cohorts")[name])


@dataclass(frozen=True, slots=True)
class NumericRange:
    """A range of numbers. ``high`` is the upper bound of ``between``."""

    comparator: Comparator
    value: float
    high: float | None = None


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """The age at entry, in whole years."""

    bound: NumericRange


@dataclass(frozen=True, slots=True)
class SexLimit:
    """The sex of a person: female or male."""

    sex: Sex


@dataclass(frozen=True, slots=True)
class MeasurementLimit:
    """At least one measurement in a range and a unit, in the ``days`` before entry or on its day.

    ``reference`` compares with the upper or lower limit of normal of the same row: ``{ULN}`` or ``{LLN}``.
    """

    concepts: ConceptSet
    bound: NumericRange
    days: int
    unit: Units | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Occurred:
    """At least one event in the ``days`` before entry or on its day; on any earlier day if None."""

    concepts: ConceptSet
    days: int | None = None


@dataclass(frozen=True, slots=True)
class CriteriaGroup:
    """Members, and whether all, any or none of them must be true."""

    operator: "Operator"
    members: tuple["Node", ...]


Operator = StrEnum("Operator", "ALL ANY NONE")
Operator.__doc__ = """How many members of a group must be true."""

Node = AgeLimit | SexLimit | MeasurementLimit | Occurred | CriteriaGroup


class Undecided(Exception):
    """A criterion that cannot be expressed. ``reason`` is a word of ``Reason``, ``detail`` the words at fault."""

    def __init__(self, reason: "Reason", detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason.value)
        self.reason, self.detail = reason, detail


Reason = StrEnum(
    "Reason",
    """
    CATEGORY INTRODUCTION ALTERNATIVE LIMITS_NOT_LOCATED WORDS_LEFT CONJUNCTION QUANTITY UNIT AGE_UNIT VALUE WINDOW
    NEGATION SEX_OR_GROUP PRESENT_STATE QUALIFIER CLAUSE NAME TREATMENT_TIME TARGET_CONDITION OTHER_AGE REGISTRY_DECIDES
    UNSURE
    """,
)
Reason.__doc__ = """Why a criterion is no rule of a cohort definition (docs/how-to/cohorts.md)."""


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
    written: list[Json] = [
        {
            "name": rule.name[:_LONGEST_NAME],
            "description": rule.text,
            "expression": _write_node(rule.group, sets),
        }
        for rule in rules
    ]
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


def _write_node(group: CriteriaGroup, sets: dict[ConceptSet, int]) -> Json:
    people: list[Json] = [
        {"Age": _write_range(one.bound)} if isinstance(one, AgeLimit) else {"Gender": [_write_concept(_SEXES[one.sex])]}
        for one in group.members
        if isinstance(one, AgeLimit | SexLimit)
    ]
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


def check_installed() -> None:
    """Raise ``MissingExtra`` if the extra is not installed."""
    if find_spec("circe") is None or find_spec("ohdsi_cohort_schemas") is None:
        raise MissingExtra("cohort definitions need circe and ohdsi_cohort_schemas", "omop")


def check_cohort(cohort: dict[str, Any]) -> list[str]:
    """Return what is wrong with a definition: violations of the schema, missing concept sets, empty ranges.

    >>> check_cohort({"ConceptSets": []})[0]
    'PrimaryCriteria: Field required'
    """
    from pydantic import ValidationError  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its models use an older style of pydantic
        from ohdsi_cohort_schemas import validate_with_warnings  # noqa: PLC0415 - belongs to an extra

        try:
            return [str(one.message) for one in validate_with_warnings(cohort)[1]]
        except ValidationError as error:
            return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]


def list_dialects() -> list[str]:
    """List the databases for which SQL can be written."""
    from circe.sqlrender import get_supported_dialects  # noqa: PLC0415 - belongs to an extra

    return sorted(get_supported_dialects())


def write_sql(cohort: dict[str, Any], dialect: str, schema: str = "main") -> str:
    """Return the SQL that fills the table ``cohort`` with a definition's people, under id 1.

    ``schema`` holds the tables of the OMOP Common Data Model, the vocabulary and ``cohort``.
    """
    from circe.api import build_cohort_query, cohort_expression_from_json  # noqa: PLC0415 - belongs to an extra
    from circe.sqlrender import render, split_sql  # noqa: PLC0415

    expression = cohort_expression_from_json(json.dumps(cohort))
    statements = split_sql(render(build_cohort_query(expression, _options(schema))))
    return "".join(_translate(f"{one.strip()};\n", dialect) for one in statements)


@lru_cache(maxsize=256)
def _translate(statement: str, dialect: str) -> str:
    """Translate one statement. Most are the same for all trials, and the library is slow for long texts."""
    from circe.sqlrender import translate  # noqa: PLC0415 - belongs to an extra

    return str(translate(statement, target_dialect=dialect))


@cache
def _options(schema: str) -> Any:
    from circe.cohortdefinition import BuildExpressionQueryOptions  # noqa: PLC0415 - belongs to an extra

    options: Any = BuildExpressionQueryOptions()  # type: ignore[no-untyped-call]
    options.cdm_schema = options.vocabulary_schema = options.result_schema = schema
    options.target_table, options.cohort_id, options.generate_stats = f"{schema}.cohort", 1, False
    return options
