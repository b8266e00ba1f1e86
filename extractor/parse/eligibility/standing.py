"""Whether an entry of the outline stands as a criterion, in which list, and under which lead-in."""

from extractor.parse.parsed import Reading, Span
from extractor.schemas import CriterionKind, Support

from .measured import share
from .outline import Entry, Role
from .prose import refuses

__all__ = ["MEASURED", "read_kind", "read_lead_in", "read_standing"]

MEASURED = {
    "kind of the list": (11643, 11716),
    "kind without a list": (133, 136),
    "listed": (11677, 11728),
    "listed, ends with a colon": (38, 42),
    "prose": (70, 82),
    "lead-in": (78, 107),
    "under an item": (109, 109),
    "under a heading": (47, 49),
    "no lead-in": (1675, 1681),
}
"""How often an entry was right, of how many.

The first six: labelled lines that are entries. Calibration turns the shares into those on whole records.
The last three: no labels tell of lead-ins; 122 records drawn at random were read by eye.
"""


def read_kind(entry: Entry, text: str, whole: Span) -> Reading[CriterionKind | None]:
    """The list in which an entry stands; without a list, the sense of its words."""
    if entry.kind:
        return Reading(entry.kind, share(MEASURED["kind of the list"]), (whole,), Support.INFERRED)
    kind = CriterionKind.EXCLUSION if refuses(text) else CriterionKind.INCLUSION
    return Reading(kind, share(MEASURED["kind without a list"]), (whole,), Support.INFERRED)


def read_standing(entry: Entry, text: str, whole: Span) -> Reading[bool]:
    """Whether an entry decides who may take part; a line that only introduces others does not."""
    if entry.role is Role.LEAD_IN:
        return Reading(value=False, confidence=share(MEASURED["lead-in"]))
    shape = "prose" if not entry.listed else "listed, ends with a colon" if text.endswith(":") else "listed"
    return Reading(value=True, confidence=share(MEASURED[shape]), spans=(whole,), support=Support.INFERRED)


def read_lead_in(raw: str, entry: Entry) -> Reading[str | None]:
    """The line that introduces an entry, as it stands in the raw text of the section."""
    if entry.lead_in is None:
        return Reading(None, share(MEASURED["no lead-in"]))
    shape = "under a heading" if entry.lead_in == entry.heading else "under an item"
    return Reading(raw[slice(*entry.lead_in)], share(MEASURED[shape]), (Span("eligibility", *entry.lead_in),))
