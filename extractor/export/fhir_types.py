"""The parts of FHIR R5 that all resources share: codes, quantities, ranges, and what is collected for one trial."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

from extractor.schemas import Citation, Evidence, TrialExtraction, TrialRecord
from extractor.text.units import read_unit

Json = dict[str, Any]
Proof = tuple[str, Evidence | Citation]
"""The path of a field, such as ``dosing[0].route``, and the characters that support it."""

BASE = "urn:trial-extractor"
"""Names our own codes, extensions and definitions. The closed sets of words are those of `extractor schema`."""
HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_LONGEST_ID = 40
"""Of the 64 characters of an id; suffixes such as ``-endpoint-123`` and a digest take the others."""

# fmt: off
Reason = Literal[
    "no_element", "compound", "no_direction", "no_restriction", "no_ucum", "no_time_unit", "no_range", "no_offsets",
    "text_decides", "registry_decides", "age_bound", "other_age", "target_condition", "not_kept", "input_missing",
]
# fmt: on
"""Why a value has no place in the resources (docs/how-to/fhir.md)."""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A value without a place in the resources. ``field`` is its path; ``reason`` says why."""

    record_id: str
    field: str
    value: Any
    reason: Reason


@dataclass
class TrialResources:
    """Collects a trial's resources, and the values that have no place in them."""

    extraction: TrialExtraction
    record: TrialRecord | None = None
    resources: list[Json] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)

    @cached_property
    def id(self) -> str:
        """The id of the trial's ResearchStudy, with which all ids of its resources begin.

        The record's own id, if it is one in FHIR; else its letters, digits, dots and hyphens, and a digest of the id.
        """
        record_id = self.extraction.record_id
        kept = re.sub(r"[^A-Za-z0-9.-]", "-", record_id)[:_LONGEST_ID]
        return kept if kept == record_id else f"{kept}-{sha256(record_id.encode()).hexdigest()[:8]}"

    def add(self, kind: str, suffix: str, content: Json, proofs: Iterable[Proof] = ()) -> Json:
        """Add a resource and its Provenance, and return a reference to it."""
        name = f"{self.id}{suffix}"
        self.resources.append({"resourceType": kind, "id": name} | content)
        reference = {"reference": f"{kind}/{name}"}
        source = self.extraction.source
        place = ", ".join(filter(None, (source.path, source.place, source.format))) if source else None
        extensions = [_cite(*proof) for proof in proofs]
        if extensions or (place and kind == "ResearchStudy"):
            self.resources.append(
                {
                    "resourceType": "Provenance",
                    "id": f"{name}-{kind}",
                    "extension": extensions,
                    "target": [reference],
                    "agent": [
                        {
                            "type": code(f"{HL7}/provenance-participant-type", "assembler"),
                            "who": {"display": "Trial Extractor"},
                        }
                    ],
                    "entity": [{"role": "source", "what": {"display": place}}] if place else None,
                }
            )
        return reference

    def leave_out(self, path: str, value: Any, reason: Reason) -> None:
        """List a value without a place; nothing if there is no value."""
        if value not in (None, (), ""):
            self.unmapped.append(Unmapped(self.extraction.record_id, path, value, reason))


def code(system: str, word: str | None, text: str | None = None) -> Json:
    """A CodeableConcept with one coding and the words of the text; without a coding if ``word`` is None.

    >>> code(LOINC, "30525-0", "age")
    {'coding': [{'system': 'http://loinc.org', 'code': '30525-0'}], 'text': 'age'}
    """
    return {"coding": [{"system": system, "code": word}] if word else None, "text": text}


def own_code(vocabulary: str, word: str | None, text: str | None = None) -> Json:
    """A CodeableConcept with a word of one of our closed sets, such as ``concept`` or ``role``.

    >>> own_code("role", "placebo")["coding"]
    [{'system': 'urn:trial-extractor:role', 'code': 'placebo'}]
    """
    return code(f"{BASE}:{vocabulary}", word, text)


def extension(url: str, **value: Any) -> Json:
    """An extension with one value, such as ``valueString="..."``; without the value it is dropped later."""
    return {"url": url, **value}


def quantity(value: float, unit: str | None, comparator: str | None = None, ucum: str | None = None) -> Json:
    """A Quantity with the unit as written, and its UCUM code if there is one. "=" is no comparator in FHIR.

    >>> quantity(18, "year", ">=")
    {'value': 18, 'comparator': '>=', 'unit': 'year', 'system': 'http://unitsofmeasure.org', 'code': 'a'}
    """
    ucum = ucum or (read_unit(unit) if unit else None)
    made = {"value": value, "comparator": None if comparator == "=" else comparator, "unit": unit or ucum}
    return {name: part for name, part in made.items() if part is not None} | (
        {"system": UCUM, "code": ucum} if ucum else {}
    )


def value_range(low: Json | None, high: Json | None) -> Json | None:
    """A Range that may be open at one end; None if the units differ or the upper bound is below the lower one."""
    if low and high and (low.get("code") != high.get("code") or low["value"] > high["value"]):
        return None
    return {"low": low, "high": high}


def _cite(path: str, proof: Evidence | Citation) -> Json:
    """The extension ``evidence``: whose characters support which field."""
    known = proof.model_dump(mode="json")
    parts = [
        extension("field", valueString=path),
        extension("section", valueString=proof.section),
        extension("start", valueUnsignedInt=proof.start),
        extension("end", valueUnsignedInt=proof.end),
        extension("quote", valueString=proof.quote),
        *(extension(name, valueCode=known.get(name)) for name in ("origin", "support")),
        extension("confidence", valueDecimal=known.get("confidence")),
    ]
    return {"url": f"{BASE}:evidence", "extension": parts}
