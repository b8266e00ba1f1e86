"""What reasons of absences, kinds of findings and ways of support mean, as the schema's own documentation says it."""

import re
from enum import StrEnum

from extractor.schemas import AbsenceReason, FindingKind, Support

__all__ = ["MEANINGS", "read_meanings"]

_ENTRY = re.compile(r"- ``(\w+)``: (.+?)(?=\n\s*- ``|\n\s*\n|\Z)", re.DOTALL)


def read_meanings(kind: type[StrEnum]) -> dict[str, str]:
    """Each member's line in the documentation of its set.

    >>> read_meanings(AbsenceReason)["section_absent"]
    'the record has no section that could state it'
    """
    found = _ENTRY.findall(kind.__doc__ or "")
    return {name: " ".join(words.split()).rstrip(".") for name, words in found}


MEANINGS: dict[str, str] = read_meanings(AbsenceReason) | read_meanings(FindingKind) | read_meanings(Support)
