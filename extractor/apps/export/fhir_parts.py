"""Parts that the FHIR resources of a trial share: ids, codes, quantities, and the list of values
that FHIR cannot represent.
"""

import re
from collections import defaultdict
from collections.abc import Collection
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.apps.values import ValueRow, list_values
from extractor.face import read_unit
from extractor.schemas import Amount, Period, Task, TrialExtraction, TrialRecord
from extractor.schemas.base import JsonObject

BASE = "urn:trial-extractor"
HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
_LEAST = 0.8
"""The minimum confidence for a value to be included in a resource."""
_LONGEST_ID = 40
"""Maximum length of the part of an id that is derived from the record's id. FHIR allows 64
characters, and the rest are needed for a digest and suffixes such as ``-endpoints-123``.
"""
_WORDS = frozenset(
    {"kind", "quote", "lead_in", "group", "negated", "agent"}
    | {"measure", "description", "time_frame", "start_event"}
)
"""Fields that are exported regardless of their confidence, because most of them are the item's
text.
"""


class RawText(str):
    """Text that cites raw characters of the record with their offsets, and is therefore not
    normalised for display.
    """


class TrialResources:
    """The resources of a trial, as JSON, and the values that FHIR cannot represent.

    Each resource takes the values that it represents, and ``leave_out_rest`` then lists the
    remaining values. Uncertain values are listed from the start.
    """

    def __init__(
        self,
        extraction: TrialExtraction,
        record: TrialRecord | None,
        tasks: Collection[Task],
    ) -> None:
        self.extraction = extraction
        self.record = record
        self.resources: list[JsonObject] = []
        self.unmapped: list[JsonObject] = []
        self.references: list[JsonObject] = []
        self._untaken = defaultdict[str, dict[str, list[ValueRow]]](dict)
        # The paths of the exported items begin with one of these names.
        self.parts = (*tasks, "custom")
        for row in list_values(extraction):
            name = row.label
            if name in _WORDS:
                continue
            if not row.item.startswith(self.parts):
                continue
            if is_reliable(row.confidence):
                self._untaken[row.item].setdefault(name, []).append(row)
            else:
                self.leave_out(row.path, row.value, "unsure")

    @cached_property
    def id(self) -> str:
        """The prefix of all the trial's ids: the record's id if FHIR allows it, or else its allowed
        characters and a digest.
        """
        record_id = self.extraction.record_id
        # FHIR allows letters, digits, dots and hyphens.
        allowed = re.sub(r"[^A-Za-z0-9.-]", "-", record_id)[:_LONGEST_ID]
        if allowed == record_id:
            return allowed
        return f"{allowed}-{sha256(record_id.encode()).hexdigest()[:8]}"

    def add(self, kind: str, suffix: str, content: JsonObject) -> JsonObject:
        """Add a resource, and return a reference to it."""
        resource_id = f"{self.id}{suffix}"
        self.resources.append({"resourceType": kind, "id": resource_id, **content})
        reference = {"reference": f"{kind}/{resource_id}"}
        self.references.append(reference)
        return reference

    def take(self, item: str, name: str) -> list[ValueRow]:
        """Return the reliable values of a field, and mark them as represented."""
        return self._untaken[item].pop(name, [])

    def list_reliable(self, item: str, name: str) -> list[ValueRow]:
        """Return the reliable values of a field that no resource has taken."""
        return self._untaken[item].get(name, [])

    def take_first(self, item: str, name: str) -> Any:
        """Return the reliable value of a field with a single value, or None if the field has no
        reliable value.
        """
        return next((row.value for row in self.take(item, name)), None)

    def take_rest(self, item: str) -> dict[str, list[ValueRow]]:
        """Return, keyed by field, all reliable values of an item that have not yet been taken by a
        resource.
        """
        return self._untaken.pop(item, {})

    def leave_out(
        self, path: str, value: object, reason: str, detail: str = ""
    ) -> None:
        """Add to the list a value that FHIR cannot represent, with a reason from ``fhir.toml``."""
        self.unmapped.append(
            {
                "record_id": self.extraction.record_id,
                "field": path,
                "value": to_jsonable_python(value),
                "reason": reason,
                "detail": detail,
            }
        )

    def leave_out_rest(self) -> None:
        """Add to the list all values that no resource has taken."""
        for fields in self._untaken.values():
            for row in chain.from_iterable(fields.values()):
                self.leave_out(row.path, row.value, "no_element")


def is_reliable(confidence: float | None) -> bool:
    """Return whether a value is reliable enough to be included. Gold has no confidence."""
    return confidence is None or confidence >= _LEAST


def code(system: str, word: str | None, text: str | None = None) -> JsonObject:
    """Return a CodeableConcept with a text and, if there is a code, the code and its system.

    >>> code(LOINC, "30525-0", "age")
    {'coding': [{'system': 'http://loinc.org', 'code': '30525-0'}], 'text': 'age'}
    """
    coding: list[JsonObject] = []
    if word:
        coding.append({"system": system, "code": word})
    return {"coding": coding, "text": text}


def enum_code(word: StrEnum | None, text: str | None = None) -> JsonObject:
    """Return a CodeableConcept for a member of one of this package's enumerations or, if there is
    no member, a CodeableConcept that contains only the ``text``.

    >>> from extractor.schemas import Role
    >>> enum_code(Role.PLACEBO)["coding"][0]["system"]
    'urn:trial-extractor:Role'
    """
    if word is None:
        return {"text": text}
    return code(f"{BASE}:{type(word).__name__}", word, text or word)


def quantity(
    value: float | None,
    unit: str | None,
    comparator: str | None = None,
    ucum: str | None = None,
) -> JsonObject | None:
    """Return a Quantity with the unit as written and, if known, the unit's UCUM code. Return None
    if there is no value.

    >>> quantity(18, "year", ">=")  # doctest: +NORMALIZE_WHITESPACE
    {'value': 18, 'comparator': '>=', 'unit': 'year', 'system': 'http://unitsofmeasure.org',
     'code': 'a'}
    """
    if value is None:
        return None
    if unit and not ucum:
        ucum = read_unit(unit)
    number: JsonObject = {"value": value}
    # "=" is not a comparator in FHIR.
    if comparator in ("<", "<=", ">", ">="):
        number["comparator"] = comparator
    number["unit"] = unit or ucum
    if ucum:
        number |= {"system": "http://unitsofmeasure.org", "code": ucum}
    return number


def write_range(low: JsonObject | None, high: JsonObject | None) -> JsonObject | None:
    """Return a Range, which is open at each end that is None. Return None if FHIR does not allow
    the range, that is, if the units differ or the ends are in the wrong order.
    """
    span = {"low": low, "high": high}
    if not low or not high:
        return span
    if low["unit"] != high["unit"]:
        return None
    if low["value"] > high["value"]:
        return None
    return span


def describe_value(row: ValueRow) -> JsonObject:
    """Return a value keyed by its FHIR type, such as ``valueQuantity``. A value without a FHIR type
    is returned as text.
    """
    value = row.value
    if isinstance(value, StrEnum):
        return {"valueCodeableConcept": enum_code(value)}
    if isinstance(value, Period):
        return {"valueQuantity": quantity(value.value, value.unit)}
    if isinstance(value, Amount):
        low = quantity(value.low, value.unit)
        high = quantity(value.high, value.unit)
        has_number = bool(low or high)
        if has_number and low == high:
            return {"valueQuantity": low}
        span = write_range(low, high)
        if has_number and span:
            return {"valueRange": span}
    return {"valueCodeableConcept": {"text": row.text}}
