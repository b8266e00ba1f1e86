"""Your own fields: declared once, as a pydantic model or in TOML, and extracted like built-in ones.

See ``docs/how-to/your-own-fields.md``.
"""

from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.own.files import list_catalogue, read_fields
from extractor.concepts.own.models import (
    CriterionField,
    OutcomeField,
    RecordField,
    RegimenField,
    declare,
)
from extractor.schemas import Age, Amount, Constraint, Instrument, Quantity, TimePoint
from extractor.schemas import Period as Duration

__all__ = [
    "Age",
    "Amount",
    "Constraint",
    "CriterionField",
    "CustomField",
    "Duration",
    "Instrument",
    "Of",
    "OutcomeField",
    "Quantity",
    "RecordField",
    "RegimenField",
    "TimePoint",
    "declare",
    "list_catalogue",
    "read_fields",
]
