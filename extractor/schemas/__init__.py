"""The public vocabulary of Extractor: records in, extractions out, and how each value is known."""

from extractor.schemas.base import Comparison, EvidenceKind, FieldMetadata
from extractor.schemas.evidence import (
    Absence,
    Citation,
    Coverage,
    Evidence,
    ExtractedItem,
    Finding,
    SectionCoverage,
    Usage,
)
from extractor.schemas.extraction import (
    Age,
    Amount,
    Constraint,
    Criterion,
    CriterionGroup,
    CustomItem,
    Eligibility,
    Endpoint,
    Instrument,
    Period,
    Quantity,
    Regimen,
    TimePoint,
    TimeWindow,
    TrialExtraction,
)
from extractor.schemas.fields import FieldInfo, ItemGroup, ValueKind, list_fields, list_groups
from extractor.schemas.paths import FieldRef
from extractor.schemas.record import (
    DocumentText,
    OtherLanguage,
    Part,
    Piece,
    RegisteredTerm,
    RegistryFields,
    Section,
    Source,
    TrialRecord,
)
from extractor.schemas.vocabulary import (
    AbsenceReason,
    Category,
    Comparator,
    Concept,
    CriterionKind,
    EndpointCategory,
    FindingKind,
    Frequency,
    GroupRule,
    Origin,
    Rank,
    Role,
    Route,
    Severity,
    Sex,
    Support,
    Task,
    TermKind,
    TimeKind,
    TimeUnit,
)

__all__ = [
    "Absence", "AbsenceReason", "Age", "Amount", "Category", "Citation", "Comparator", "Comparison", "Concept",
    "Constraint", "Coverage", "Criterion", "CriterionGroup", "CriterionKind", "CustomItem", "DocumentText",
    "Eligibility", "Endpoint",
    "EndpointCategory", "Evidence", "EvidenceKind", "ExtractedItem", "FieldInfo", "FieldMetadata", "FieldRef",
    "Finding", "FindingKind", "Frequency", "GroupRule", "Instrument", "ItemGroup", "Origin", "OtherLanguage", "Part",
    "Period", "Piece", "Quantity", "Rank", "Regimen", "RegisteredTerm", "RegistryFields", "Role", "Route", "Section",
    "SectionCoverage", "Severity", "Sex", "Source", "Support", "Task", "TermKind", "TimeKind", "TimePoint", "TimeUnit",
    "TimeWindow", "TrialExtraction", "TrialRecord", "Usage", "ValueKind", "list_fields", "list_groups",
]  # fmt: skip
