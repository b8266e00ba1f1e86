"""List the values of an extraction, which may be that of another version of the package."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
CRITERIA = "eligibility.criteria"
_FIELDS = {
    "eligibility": ("minimum_age", "maximum_age", "sex"),
    CRITERIA: ("kind", "lead_in", "category", "negated", "constraints", "time_windows"),
    "dosing": ("agent", "amounts", "route", "frequency", "cycle", "duration"),
    "endpoints": ("measure", "concept", "instrument", "time_points", "time_kind"),
}
"""The fields of each kind of item for which there are rows."""
_PARTS = ("of", "anchor")
"""The parts of a value that have rows of their own."""


@dataclass(frozen=True)
class Value:
    """A value that was read: its ``field``, such as ``eligibility.criteria.constraints``, the value,
    and the evidence for it, which is None for a value that has none.

    ``at`` is its position in a list, or 0. ``whole`` is the value that a part belongs to. ``item`` is
    the criterion, regimen or endpoint with its number.
    """

    field: str
    value: Any
    evidence: Row | None
    item: Row
    number: int
    at: int = 0
    whole: "Value | None" = None

    @property
    def confidence(self) -> float:
        """The confidence of the value; 0 without evidence."""
        return (self.evidence or {}).get("confidence") or 0.0

    @property
    def place(self) -> tuple[str, int, int] | None:
        """The section and the place of the characters that support the value."""
        found = self.evidence
        if found is None:
            return None
        return found["section"], found["start"], found["end"]


def list_values(extraction: Row) -> Iterator[Value]:
    """Yield the values of an extraction, item by item. An empty value is None, and has no evidence."""
    people = extraction["eligibility"]
    items = {
        "eligibility": [people],
        CRITERIA: people["criteria"],
        "dosing": extraction["dosing"],
        "endpoints": extraction["endpoints"],
    }
    for group, names in _FIELDS.items():
        for number, item in enumerate(items[group]):
            if group == CRITERIA:
                quote = _find_evidence(item, "quote")
                yield Value(CRITERIA, item["quote"], quote, item, number)
            for name in names:
                yield from _list_field(f"{group}.{name}", item, number)
            if group == CRITERIA and "time_windows" not in item:
                window = item.get("time_window")  # all that old versions read
                evidence = _find_evidence(item, "time_window")
                yield Value(f"{group}.time_windows", window, evidence, item, number)


def _list_field(field: str, item: Row, number: int) -> Iterator[Value]:
    name = field.rpartition(".")[2]
    if name not in item:
        return
    value = item[name]
    if not isinstance(value, list):
        yield Value(field, value, _find_evidence(item, name), item, number)
        return
    for at, member in enumerate(value):
        evidence = _find_evidence(item, f"{name}[{at}]")
        whole = Value(field, member, evidence, item, number, at)
        yield whole
        if name == "time_windows":
            for part in _PARTS:
                evidence = _find_evidence(item, f"{name}[{at}].{part}")
                words = member.get(part)
                yield Value(f"{field}.{part}", words, evidence, item, number, at, whole)


def _find_evidence(item: Row, field: str) -> Row | None:
    return next((piece for piece in item["evidence"] if piece["field"] == field), None)
