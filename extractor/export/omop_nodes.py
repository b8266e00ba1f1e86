"""The parts of a cohort's rules: limits and occurrences in groups, and the concepts that they name."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol

from extractor.schemas import Comparator, Sex
from extractor.text.book import read_table, word_set

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
