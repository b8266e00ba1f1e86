"""Your own fields: plain pydantic models, extracted like built-in fields.

See ``docs/how-to/your-own-fields.md``.
"""

from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.models import find_values, read_fields

__all__ = ["CustomField", "find_values", "read_fields"]
